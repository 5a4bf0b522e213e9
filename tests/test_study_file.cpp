// Studies as files: what a file means, where it is found, and what is refused.
#include <filesystem>

#include "reprise/conv/conv_algorithm.hpp"
#include "reprise/run/training.hpp"
#include "support/catch.hpp"
#include "support/command.hpp"
#include "support/errors.hpp"
#include "support/study.hpp"
#include "support/study_status.hpp"
#include "support/temporary_folder.hpp"
#include "support/text.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

const std::string kStudies = REPRISE_SOURCE_DIR "/experiments/studies";

const std::string kGood = R"(question = "Is it so?"
claim = "It is so."
measure = "test_error"

[settings]
model = "lenet5"
epochs = 10
train_images = 500
lr_milestones = "4,8"

[[variants]]
name = "plain"
description = "as it is"

[[variants]]
name = "other"
description = "with dropout"
expectation = "lower"
settings = { dropout = 0.5, activation = "tanh" }
)";

/// kGood with `what` in place of `part`.
std::string with(const std::string& part, const std::string& what) {
  return replaced(kGood, part, what);
}

Study read(const TemporaryFolder& folder, const std::string& text,
           const std::string& name = "mine.toml") {
  write_file(folder / name, text);
  return read_study(folder / name);
}

}  // namespace

TEST_CASE("a study's file may have settings under their earlier names, once each") {
  const TemporaryFolder folder;
  const auto earlier = [](std::string text) {
    const std::string name = "lr_milestones";
    REQUIRE(text.find(name) != std::string::npos);
    return text.replace(text.find(name), name.size(), "drop_epochs");
  };
  const Study study = read(folder, earlier(kGood));
  CHECK(study.settings.lr_milestones == "4,8");
  REQUIRE(study.notes.size() == 1);
  CHECK(is_line_with(study.notes[0], "mine.toml:", "drop_epochs is called lr_milestones now"));
}

TEST_CASE("a study's file gives the configuration and the label of each run") {
  const TemporaryFolder folder;
  const Study study = read(folder, kGood);
  CHECK(study.name == "mine");
  CHECK(study.question == "Is it so?");
  REQUIRE(study.variants.size() == 2);

  TrainingConfiguration expected;
  expected.epochs = 10;
  expected.train_images = 500;
  expected.lr_milestones = "4,8";
  expected.seed = 7;
  CHECK(to_toml(study_configuration(study, 0, 7, scale_of(study))) == to_toml(expected));
  expected.model_options.dropout = 0.5;
  expected.model_options.activation = "tanh";
  CHECK(to_toml(study_configuration(study, 1, 7, scale_of(study))) == to_toml(expected));
  expected.epochs = 5;  // the schedule goes with the epochs
  expected.lr_milestones = "2,4";
  expected.train_images = 0;
  CHECK(to_toml(study_configuration(study, 1, 7, {5, 0})) == to_toml(expected));

  const Group label = to_group(study_label(study, 1, "measured"));
  CHECK(label.attribute<std::string>("name") == "mine");
  CHECK(label.attribute<std::string>("baseline") == "plain");
  CHECK(label.attribute<std::string>("variant") == "other");
  CHECK(label.attribute<std::string>("expectation") == "lower");
  CHECK(label.attribute<std::int64_t>("variant_order") == 1);
}

TEST_CASE("a study without a claim expects nothing of its variants") {
  const TemporaryFolder folder;
  std::string text = with("claim = \"It is so.\"\n", "");
  CHECK(is_line_with(error_of([&] { read(folder, text); }), "mine.toml:", "expectation",
                     "in a study without a claim"));
  const std::string expectation = "expectation = \"lower\"\n";
  text.erase(text.find(expectation), expectation.size());
  const Study study = read(folder, text);
  CHECK(study.claim.empty());
  CHECK(study.variants.at(1).expectation.empty());
}

TEST_CASE("settings stand over what the model has by itself") {
  const TemporaryFolder folder;
  const std::string text =
      with("[settings]\nmodel = \"lenet5\"", "[settings]\nmodel = \"alexnet\"");
  const Study study =
      read(folder, text.substr(0, text.find("settings = {")) + "settings = { momentum = 0.5 }\n");
  CHECK(study.settings.model_options == default_model_options("alexnet"));
}

TEST_CASE("a study may have a variant for each algorithm that supports a shape") {
  const TemporaryFolder folder;
  const std::string head = kGood.substr(0, kGood.find("[[variants]]"));
  const std::string each = "[each_algorithm]\nexpectation = \"same\"\n";
  const Study study = read(folder, head + each + "shape = \"ic6ih14oc16oh10kh5ph0\"\n");
  CHECK(study.variants.front().name == default_conv_algorithm().name);
  CHECK(study.variants.front().expectation.empty());
  CHECK(study.variants.size() >= 4);
  for (std::size_t v = 0; v < study.variants.size(); ++v) {
    CHECK(study_configuration(study, v, 1, scale_of(study)).conv_algorithm ==
          study.variants[v].name);
    if (v > 0) CHECK(study.variants[v].expectation == "same");
  }
  CHECK(is_line_with(error_of([&] { read(folder, head + each + "shape = \"nonsense\"\n"); }),
                     "mine.toml:13", "nonsense"));
  CHECK(is_line_with(error_of([&] { read(folder, kGood + each + "shape = \"ic1ih5oc1kh3\"\n"); }),
                     "either [[variants]] or [each_algorithm]"));
}

TEST_CASE("what a study's file cannot mean is refused in one line") {
  const TemporaryFolder folder;
  const auto refused = [&](const std::string& text, const auto&... parts) {
    const std::string error = error_of([&] { read(folder, text); });
    INFO(error << "\n" << text);
    CHECK(is_line_with(error, "mine.toml", parts...));
  };
  refused(with("claim", "clam"), ":2", "unknown key \"clam\"", "such as claim");
  refused(with("claim = \"It is so.\"\n", ""), "in a study without a claim");
  refused(with("epochs = 10", "epohcs = 10"), ":7", "unknown setting \"epohcs\"", "epochs");
  refused(with("expectation", "expecation"), "unknown key \"expecation\"", "expectation");
  refused(with("dropout = 0.5", "droput = 0.5"), ":19", "such as dropout");
  refused(with("dropout = 0.5", "dropout = 1.5"), "variant other", "dropout");
  refused(with("dropout = 0.5", "dropout = \"much\""), ":19", "expected a number");
  refused(with("dropout = 0.5", "dropout = 1e-999"), ":19", "too small");
  refused(with("dropout = 0.5", "seed = 3"), "a variant sets seed");
  refused(with("dropout = 0.5", "epochs = 3"), "a variant sets epochs");
  refused(with("epochs = 10", "seed = 3"), "sets seed", "--seeds");
  refused(with("epochs = 10", "epochs = 0"), "epochs");
  refused(with("epochs = 10", "epochs = 9000000000"), "epochs = 9000000000");
  refused(with("\"4,8\"", "\"4,80\""), "lr_milestones", "from 1 to 10");
  refused(with("\"lower\"", "\"less\""), ":18", "\"less\"", "lower, higher, same");
  refused(with("expectation = \"lower\"\n", ""), "no expectation");
  refused(with("name = \"plain\"\n", "name = \"plain\"\nexpectation = \"lower\"\n"), "baseline");
  refused(with("name = \"other\"", "name = \"plain\""), "\"plain\" twice");
  for (const std::string path : {"../up", "a/b", "/root", ".hidden", "-f", "a b", "é", "pilot-x"}) {
    refused(with("\"other\"", "\"" + path + "\""), ":16", path);
  }
  refused(with("\"other\"", "\"" + std::string(65, 'x') + "\""), ":16");
  refused(with("test_error", "test_eror"), "test_error, train_error");
  refused(with("test_error", "epochs_to_train_error"), "threshold");
  refused("threshold = 0.5\n" + kGood, "threshold", "none otherwise");
  refused("margin = -1\n" + kGood, "margin -1");
  refused("margin = nan\n" + kGood, "margin", "finite");
  refused("learning_rates = [0.1, 0.1]\n" + kGood, "learning_rates");
  refused("learning_rates = [-0.1]\n" + kGood, "learning_rates");
  refused("learning_rates = [0.1]\n" + kGood, "learning_rates", "one rate", "[settings]");
  refused("learning_rates = [0.1, 0.2]\nextend_learning_rates = 99\n" + kGood, ":2", "0 to 16");
  refused("extend_learning_rates = 2\n" + kGood, ":1", "without learning_rates");
  refused("pilot_seeds = [1]\n" + kGood, ":1", "without learning_rates");
  refused("learning_rates = [0.1, 0.2]\npilot_seeds = [1, 1]\n" + kGood, "pilot_seeds",
          "different");
  refused("tested_insted = \"x\"\n" + kGood, "such as tested_instead");
  refused(with("dropout = 0.5", "conv_algorithm = \"auto\""), "variant other", "by its name");
  refused("learning_rates = []\n" + kGood, "learning_rates", "0 items");
  refused("data_sets = \"MNIST\"\n" + kGood, "data_sets", "list");
  refused("colour_only = 1\n" + kGood, "colour_only", "true or false");
  refused(kGood + "[quick]\nseeds = [0]\n", "seeds", "from 1");
  refused(kGood + "[quick]\nseeds = [1, 1]\n", "seeds", "different");
  refused(kGood + "[quick]\nepoch = 1\n", "unknown key \"epoch\"", "epochs");
  refused(with("Is it so?", "Is it\\u001b[2Jso?"), ":1", "question", "control characters");
  refused(with("Is it so?", std::string(501, 'x')), ":1", "question", "too long");
  refused(with("Is it so?", "\xff"), "UTF-8");
  refused(kGood.substr(0, kGood.rfind("[[variants]]")), "2 to 64");
  refused(kGood.substr(0, kGood.find("[[variants]]")), "no variants");
  refused("question = ", ":1");
  refused(std::string(2 << 20, '#'), "too long");
  CHECK(is_line_with(error_of([&] { read(folder, kGood, "a b.toml"); }), "cannot name a study"));
  CHECK(is_line_with(error_of([&] { read_study(folder.path() + "/none.toml"); }), "none.toml"));
  CHECK(is_line_with(error_of([] { find_study("droput"); }), "\"droput\""));
  CHECK(is_line_with(error_of([] { find_study("cifar10/droput"); }), "cifar10/dropout"));
  CHECK(find_study("./droput") == "./droput");
  CHECK(find_study("cifar10/droput.toml") == "cifar10/droput.toml");
}

TEST_CASE("what a study's runs need follows from the sizes of their models") {
  ImageDataset data;
  data.train.count = data.test.count = 10'000;
  data.class_names.resize(10);
  std::size_t configurations = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(kStudies)) {
    if (!entry.is_regular_file()) continue;
    const Study study = read_study(entry.path());
    const bool colour = entry.path().parent_path().filename() == "cifar10";
    data.train.height = data.train.width = colour ? 32 : 28;
    data.train.channels = colour ? 3 : 1;
    for (std::size_t v = 0; v < study.variants.size(); ++v) {
      INFO(study.name << ", " << study.variants[v].name);
      const TrainingConfiguration c = study_configuration(study, v, 1, scale_of(study));
      const Sequential model =
          make_model(c, {data.train.height, data.train.width, data.train.channels}, 10);
      double activations = 0.0;
      for (const Sequential::Entry& layer : model.layers()) {
        activations += static_cast<double>(layer.output.size());
      }
      // One block at a time: parameters, gradients and one sum of them, and a block's activations.
      TrainingConfiguration one_block = c;
      one_block.block_size = one_block.batch_size = 16;
      const auto parameters = static_cast<double>(model.parameters().size());
      CHECK(needs_of(one_block, data, 1).memory == 4.0 * (3.0 * parameters + 16.0 * activations));
      const auto steps = static_cast<double>(steps_of(c, data));
      CHECK(needs_of(c, data, 1).checkpoint == 12.0 * parameters + 16.0 * steps);
      ++configurations;
    }
  }
  CHECK(configurations > 40);
}

TEST_CASE("every study that comes with the programs can be read, and the README has its question") {
  const std::string readme = test::read_file(REPRISE_SOURCE_DIR "/README.md");
  std::size_t studies = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kStudies)) {
    if (entry.is_directory()) continue;  // studies that are meant for one data set
    const Study study = read_study(entry.path());
    INFO(entry.path());
    CHECK_THAT(readme, Catch::Contains("| `" + study.name + "` | " + study.question + " |"));
    ++studies;
  }
  CHECK(studies > 0);
}
