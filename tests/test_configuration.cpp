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
  c.lr_milestones = "2,5";
  c.lr_gamma = 0.25;
  CHECK(learning_rate_of(c, 0) == 0.5);
  CHECK(learning_rate_of(c, 1) == 0.5);
  CHECK(learning_rate_of(c, 2) == 0.125);
  CHECK(learning_rate_of(c, 4) == 0.125);
  CHECK(learning_rate_of(c, 5) == 0.03125);
}

TEST_CASE("epochs of drops are rising whole numbers") {
  TrainingConfiguration c;
  for (const char* wrong :
       {"0", "2,2", "5,3", "two", "2;3", "-1", "2,,3", " 2", "2,", "0x2", "9223372036854775808"}) {
    c.lr_milestones = wrong;
    CHECK_THROWS_WITH(check(c), Catch::Contains("lr_milestones") && Catch::Contains(wrong));
  }
}

TEST_CASE("settings that mean nothing are refused by name") {
  const auto refused = [](const char* name, auto change) {
    TrainingConfiguration c;
    change(c);
    CHECK_THROWS_WITH(check(c), Catch::Contains(name));
  };
  refused("horizontal_flip", [](TrainingConfiguration& c) { c.horizontal_flip = 2; });
  refused("random_shift", [](TrainingConfiguration& c) { c.random_shift = -1; });
  refused("distortion", [](TrainingConfiguration& c) { c.distortion = 1.0; });
  refused("pca_color_noise", [](TrainingConfiguration& c) { c.pca_color_noise = -0.1; });
  refused("pca_color_noise", [](TrainingConfiguration& c) { c.pca_color_noise = 100.5; });
  refused("train_images", [](TrainingConfiguration& c) { c.train_images = -1; });
  refused("model", [](TrainingConfiguration& c) { c.model = "lenet6"; });
  refused("dropout", [](TrainingConfiguration& c) { c.model_options.dropout = 1.0; });
}

TEST_CASE("TOML and a record's group give back every setting") {
  TrainingConfiguration c;
  c.model = "four_layer_cnn";
  c.model_options.activation = "tanh";
  c.model_options.width = 7;
  c.lr_milestones = "3,4";
  c.distortion = 0.15;
  c.learning_rate = 1e-4;
  const TemporaryFolder folder;
  write_file(folder / "c.toml", to_toml(c));
  TrainingConfiguration read;
  read_toml(folder / "c.toml", read);
  CHECK(to_toml(read) == to_toml(c));
  CHECK(to_toml(configuration_from(to_group(c))) == to_toml(c));
}

TEST_CASE("TOML gives back texts that hold quotes, backslashes and control characters") {
  TrainingConfiguration c;
  for (const std::string text : {"a \"b\"", "\"\nseed = 7\n#", "\\", "tab\t\x7F\x1B[2J", "Größe"}) {
    c.model_options.initializer = text;
    const TemporaryFolder folder;
    write_file(folder / "c.toml", to_toml(c));
    TrainingConfiguration read;
    read_toml(folder / "c.toml", read);
    CHECK(read.model_options.initializer == text);
    CHECK(read.seed == c.seed);
  }
}

TEST_CASE("TOML and the command line take the same values for every setting") {
  TrainingConfiguration c;
  // As each is spelled in TOML; text has quotes there only.
  for (const std::string value :
       {"0", "1", "-1", "3", "0.5", "1.0", "1e-3", "-0.25", "9223372036854775807",
        "9223372036854775808", "1e400", "1e-400", "inf", "nan", "\"\"", "\"relu\"", "\"6,8\"",
        "\"6,,8\"", "\"nonsense\""}) {
    const bool is_text = value.front() == '"';
    const std::string bare = is_text ? value.substr(1, value.size() - 2) : value;
    for (std::size_t i = 0; i < settings_of(c).size(); ++i) {
      TrainingConfiguration by_toml, by_text;
      const Setting setting = settings_of(by_text)[i];
      const bool wants_text = std::holds_alternative<std::string*>(setting.value);
      // An integer of more than 64 bits is no TOML, though a number to the command line.
      if (value.size() == 19 && !std::holds_alternative<std::int64_t*>(setting.value)) continue;
      if (wants_text != is_text) continue;  // the shell has no quotes to tell them apart
      INFO(setting.name << " = " << value);
      const std::string toml_error = error_of([&] {
        read_toml_text("c.toml", setting.name + " = " + value, by_toml);
        check(by_toml);
      });
      const std::string text_error = error_of([&] {
        set_from_text("option", bare, setting);
        check(by_text);
      });
      INFO(toml_error << " | " << text_error);
      CHECK(toml_error.empty() == text_error.empty());
      if (toml_error.empty()) CHECK(to_toml(by_toml) == to_toml(by_text));
    }
  }
}

TEST_CASE("TOML takes a setting's earlier name with a note, and not beside today's") {
  TrainingConfiguration configuration;
  const std::vector<std::string> notes =
      read_toml_text("c.toml", "conv = \"naive\"\nseed = 3\ndrop_factor = 0.5\n", configuration);
  CHECK(configuration.conv_algorithm == "naive");
  CHECK(configuration.lr_gamma == 0.5);
  CHECK(notes ==
        std::vector<std::string>{"c.toml:1: the setting conv is called conv_algorithm now",
                                 "c.toml:3: the setting drop_factor is called lr_gamma now"});
  CHECK(read_toml_text("c.toml", to_toml(configuration), configuration).empty());
  CHECK(is_line_with(
      error_of([&] {
        read_toml_text("c.toml", "conv = \"naive\"\nconv_algorithm = \"fft\"\n", configuration);
      }),
      "c.toml:", "conv and conv_algorithm", "which are the same", "one of them, conv_algorithm"));
}
