// holdout: the last training images are judged in place of a test set that is not even there.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <sstream>

#include "reprise/data/dataset.hpp"
#include "reprise/record_file/record_file.hpp"
#include "reprise/run/evaluation.hpp"
#include "reprise/run/trained_model.hpp"
#include "support/catch.hpp"
#include "support/command.hpp"
#include "support/errors.hpp"
#include "support/refused.hpp"
#include "support/skip.hpp"
#include "support/temporary_folder.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

namespace fs = std::filesystem;

/// The fixture's training set alone, and the record of a run on it that held out 500 images.
struct HeldOut {
  HeldOut() {
    fs::create_directory(data);
    for (const char* name :
         {"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "class_names.txt"}) {
      fs::copy(fs::path(kFixture) / name, data);
    }
    result = run_command(kPrograms + "train_lenet5 --data " + data + options + record);
  }
  TemporaryFolder folder;
  std::string data = folder / "data";
  std::string record = folder / "run.h5";
  std::string options = " --seed 3 --epochs 2 --holdout 500 --output ";
  CommandResult result;
};

const HeldOut& held_out() {
  static const HeldOut run;
  return run;
}

std::vector<std::uint8_t> last(const std::vector<std::uint8_t>& values, std::size_t count) {
  return {values.end() - static_cast<std::ptrdiff_t>(count), values.end()};
}

}  // namespace

TEST_CASE("held-out images are the last ones of the training set, and no test file is opened") {
  const ImageDataset whole = load_dataset(kFixture);
  const ImageDataset split = load_dataset(held_out().data, 500);
  CHECK(split.holdout == 500);
  CHECK(split.name == whole.name);
  CHECK(split.train.count == 1500);
  CHECK(split.test.count == 500);
  CHECK(split.test.height == 28);
  CHECK(split.test.pixels == last(whole.train.pixels, 500 * 784));
  CHECK(split.test.labels == last(whole.train.labels, 500));
  CHECK(split.train.labels.size() == 1500);
  CHECK(
      std::equal(split.train.pixels.begin(), split.train.pixels.end(), whole.train.pixels.begin()));
  CHECK(split.train.pixels.size() == std::size_t{1500} * 784);
  REQUIRE(split.files.size() == 2);
  CHECK(split.files[1].sha256 == whole.files[1].sha256);
  CHECK(whole.holdout == 0);
  CHECK_FALSE(error_of([&] { load_dataset(held_out().data); }).empty());
  CHECK(load_dataset(kFixture, 1999).train.count == 1);
  for (const std::size_t wrong : {std::size_t{2000}, std::size_t{2001}, ~std::size_t{0}}) {
    CHECK(is_line_with(error_of([&] { load_dataset(kFixture, wrong); }), "setting holdout",
                       std::to_string(wrong), "less than the 2000 training images"));
  }
}

TEST_CASE("a data set is known by all its files or by those for training alone") {
  if (!fs::exists(default_data_folder())) REPRISE_SKIP("dataset-fashion-mnist is not installed");
  ImageDataset data = load_dataset(default_data_folder(), 10000);
  CHECK(data.train.count == 50000);
  CHECK(data.name == "Fashion-MNIST");
  CHECK(known_dataset(data.files) == "Fashion-MNIST");
  data.files.pop_back();
  CHECK(known_dataset(data.files).empty());
}

TEST_CASE(
    "a run with images held out trains as on the others alone, and judges by those held out") {
  INFO(held_out().result.err);
  REQUIRE(held_out().result.status == 0);
  CHECK_THAT(held_out().result.out, Catch::Contains("1500 training and 500 held-out images") &&
                                        Catch::Contains("held-out loss") &&
                                        !Catch::Contains("test loss"));
  const Record record = load_record(held_out().record, "training");
  CHECK(record.group("configuration").attribute<std::int64_t>("holdout") == 500);
  CHECK(record.group("data").attribute<std::int64_t>("train_images") == 1500);
  CHECK(record.group("data").attribute<std::int64_t>("test_images") == 500);
  CHECK(record.values<std::string>("data/file_names").size() == 2);

  const std::string plain = held_out().folder / "plain.h5";
  if (!fs::exists(plain)) {
    REQUIRE(run_command(kPrograms + "train_lenet5 --data " + kFixture +
                        " --seed 3 --epochs 2 --train-images 1500 --output " + plain)
                .status == 0);
  }
  const Record alone = load_record(plain, "training");
  for (const char* path : {"history/step_loss", "history/train_error"}) {
    CHECK(record.values<double>(path) == alone.values<double>(path));
  }
  CHECK(record.values<std::string>("history/parameters_sha256") ==
        alone.values<std::string>("history/parameters_sha256"));

  const ImageDataset whole = load_dataset(kFixture);
  CHECK(record.values<std::uint8_t>("evaluation/test_labels") == last(whole.train.labels, 500));
  CHECK(record.values<std::uint8_t>("evaluation/sample_images") ==
        std::vector<std::uint8_t>(whole.train.pixels.begin() + 1500 * 784,
                                  whole.train.pixels.begin() + 1512 * 784));
  const ImageDataset split = load_dataset(kFixture, 500);
  const Evaluation now = evaluate(trained_model(record, "run.h5"), split.test, 1);
  CHECK(record.values<float>("evaluation/logits") == now.logits);
  CHECK(record.values<std::int64_t>("evaluation/confusion") ==
        confusion_matrix(split.test.labels, now.logits, 10).values);
  CHECK(record.values<double>("history/test_loss").back() == now.loss);
}

TEST_CASE("a record with images held out is verified, applied and reported without a test set") {
  REQUIRE(held_out().result.status == 0);
  const std::string& path = held_out().record;
  const CommandResult verified =
      run_command(kPrograms + "verify --data " + held_out().data + " " + path);
  INFO(verified.out << verified.err);
  CHECK(verified.status == 0);
  CHECK_THAT(verified.out,
             Catch::Contains("judged by the last 500 of the training images, which were held out"));

  const TemporaryFolder folder;
  const CommandResult applied =
      run_command(kPrograms + "evaluate --images holdout --data " + held_out().data + " --csv " +
                  (folder / "answers.csv") + " " + path);
  const Record record = load_record(path, "training");
  const double error = record.values<double>("history/test_error").back();
  CHECK(applied.status == 0);
  CHECK_THAT(applied.out, Catch::Contains("500 holdout images") &&
                              Catch::Contains(fmt::format("error {:.2f}%", 100 * error)));

  // Image by image and class by class it is those images that count.
  const ImageDataset split = load_dataset(kFixture, 500);
  std::istringstream answers(test::read_file(folder / "answers.csv"));
  std::string row;
  std::getline(answers, row);
  for (std::size_t n = 0; n < split.test.count; ++n) {
    REQUIRE(std::getline(answers, row));
    CHECK(row.starts_with(fmt::format("{},{},", n, split.test.labels[n])));
  }
  CHECK_FALSE(std::getline(answers, row));
  const auto& confusion = record.values<std::int64_t>("evaluation/confusion");
  std::int64_t right = 0;
  for (std::size_t label = 0; label < 10; ++label) right += confusion[11 * label];
  CHECK(right == std::llround(500 * (1 - error)));

  const CommandResult report = run_command(REPRISE_BINARY_DIR "/reports/write_report --output " +
                                           (held_out().folder / "report") + " " + path);
  INFO(report.err);
  CHECK(report.status == 0);
  const std::string text = test::read_file(held_out().folder / "report/report.md");
  CHECK_THAT(text, Catch::Contains("1,500 training images and 500 others held out of the training "
                                   "set, which take the place of the test images") &&
                       Catch::Contains("the data set's own test images are not read"));
}

TEST_CASE("a holdout that cannot be is refused in one line and leaves nothing") {
  const auto refused = [](const std::string& options, int status, const std::string& message) {
    check_refused("train_lenet5", "--data " + kFixture + " " + options, status, message);
  };
  refused("--holdout 2000", 1, "holdout: 2000; expected less than the 2000 training images");
  refused("--holdout 3000", 1, "holdout: 3000; expected less than the 2000 training images");
  refused("--holdout -1", 2, "setting holdout");
  refused("--holdout 500 --train-images 1501", 1,
          "train_images: 1501; expected at most the 1500 training images that are not held out");
  refused("--holdout 1950", 1, "batch_size: 128; expected at most the 50 training images");

  const TemporaryFolder folder;
  REQUIRE(run_command(kPrograms + "train_lenet5 --data " + kFixture +
                      " --epochs 1 --train-images 128 --output " + (folder / "a.h5"))
              .status == 0);
  const CommandResult none = run_command(kPrograms + "evaluate --images holdout --data " +
                                         kFixture + " " + (folder / "a.h5"));
  CHECK(none.status == 1);
  CHECK_THAT(none.err, Catch::Contains("a.h5 has held out no images; expected test or train"));
  const CommandResult resumed = run_command(
      kPrograms + "train_lenet5 --data " + kFixture +
      " --epochs 2 --train-images 128 --holdout 10 --resume --output " + (folder / "a.h5"));
  CHECK(resumed.status == 1);
  CHECK_THAT(resumed.err, Catch::Contains("the record of another run"));
}

TEST_CASE("a run on data that was loaded with another holdout is refused") {
  TrainingConfiguration c;
  c.train_images = 128;
  const ImageDataset split = load_dataset(kFixture, 500);
  CHECK(is_line_with(error_of([&] { TrainingRun(c, split, 1); }), "setting holdout", "500"));
  c.holdout = 400;
  CHECK(is_line_with(error_of([&] { TrainingRun(c, split, 1); }), "setting holdout", "400", "500"));
}

TEST_CASE("a study holds out the same images in every variant") {
  const TemporaryFolder folder;
  const std::string head =
      "question = \"Q?\"\nclaim = \"C.\"\n"
      "[settings]\nepochs = 1\nholdout = 1800\nbatch_size = 100\n"
      "[[variants]]\nname = \"a\"\ndescription = \"d\"\n"
      "[[variants]]\nname = \"b\"\ndescription = \"d\"\nexpectation = \"lower\"\n"
      "settings = { ";
  write_file(folder / "s.toml", head + "activation = \"tanh\" }\n");
  const std::string program = kPrograms + "study --data " + held_out().data + " ";
  const CommandResult done = run_command(program + (folder / "s.toml") + " --seeds 1 --threads 1 " +
                                         "--store " + (folder / "out"));
  INFO(done.out << done.err);
  REQUIRE(done.status == 0);
  std::size_t records = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "out/runs")) {
    if (entry.path().extension() != ".h5") continue;
    ++records;
    const Record record = load_record(entry.path().string(), "training");
    CHECK(record.group("data").attribute<std::int64_t>("test_images") == 1800);
    const CommandResult verified =
        run_command(kPrograms + "verify --data " + held_out().data + " --study " +
                    (folder / "s.toml") + " " + entry.path().string());
    INFO(verified.out << verified.err);
    CHECK(verified.status == 0);
  }
  CHECK(records == 2);

  write_file(folder / "t.toml", head + "holdout = 5 }\n");
  const CommandResult refused = run_command(program + (folder / "t.toml") + " --describe");
  CHECK(refused.status == 2);
  CHECK_THAT(refused.err, Catch::Contains("a variant sets holdout"));
}
