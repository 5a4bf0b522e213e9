// Settings: their ranges, the schedule of the learning rate, and the ways to text and back.
#include "reprise/run/configuration.hpp"

#include "support/catch.hpp"
#include "support/command.hpp"
#include "support/errors.hpp"
#include "support/temporary_folder.hpp"

using namespace reprise;
using namespace reprise::test;

TEST_CASE("the learning rate drops after the epochs that are named") {
  TrainingConfiguration c;
  c.learning_rate = 0.5;
  CHECK(learning_rate_of(c, 1000) == 0.5);
  c.drop_epochs = "2,5";
  c.drop_factor = 0.25;
  CHECK(learning_rate_of(c, 0) == 0.5);
  CHECK(learning_rate_of(c, 1) == 0.5);
  CHECK(learning_rate_of(c, 2) == 0.125);
  CHECK(learning_rate_of(c, 4) == 0.125);
  CHECK(learning_rate_of(c, 5) == 0.03125);
}

TEST_CASE("epochs of drops are rising whole numbers") {
  TrainingConfiguration c;
  for (const char* wrong : {"0", "2,2", "5,3", "two", "2;3", "-1", "2,,3", " 2"}) {
    c.drop_epochs = wrong;
    CHECK_THROWS_WITH(check(c), Catch::Contains("drop_epochs") && Catch::Contains(wrong));
  }
}

TEST_CASE("settings that mean nothing are refused by name") {
  const auto refused = [](const char* name, auto change) {
    TrainingConfiguration c;
    change(c);
    CHECK_THROWS_WITH(check(c), Catch::Contains(name));
  };
  refused("reflect", [](TrainingConfiguration& c) { c.reflect = 2; });
  refused("shift", [](TrainingConfiguration& c) { c.shift = -1; });
  refused("distortion", [](TrainingConfiguration& c) { c.distortion = 1.0; });
  refused("colour", [](TrainingConfiguration& c) { c.colour = -0.1; });
  refused("train_images", [](TrainingConfiguration& c) { c.train_images = -1; });
  refused("model", [](TrainingConfiguration& c) { c.model = "lenet6"; });
  refused("dropout", [](TrainingConfiguration& c) { c.model_options.dropout = 1.0; });
}

TEST_CASE("TOML and a record's group give back every setting") {
  TrainingConfiguration c;
  c.model = "four_layer_cnn";
  c.model_options.activation = "tanh";
  c.model_options.width = 7;
  c.drop_epochs = "3,4";
  c.distortion = 0.15;
  c.learning_rate = 1e-4;
  const TemporaryFolder folder;
  write_file(folder / "c.toml", to_toml(c));
  TrainingConfiguration read;
  read_toml(folder / "c.toml", read);
  CHECK(to_toml(read) == to_toml(c));
  CHECK(to_toml(configuration_from(to_group(c))) == to_toml(c));
}
