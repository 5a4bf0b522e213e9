// evaluate: the trained network of a record on the record's own images, on others, and on what it
// cannot take.
#include <csignal>
#include <filesystem>
#include <sstream>

#include "reprise/data/dataset.hpp"
#include "reprise/record_file/record_file.hpp"
#include "reprise/run/evaluation.hpp"
#include "reprise/run/trained_model.hpp"
#include "support/catch.hpp"
#include "support/command.hpp"
#include "support/comparison_record.hpp"
#include "support/errors.hpp"
#include "support/small_data.hpp"
#include "support/temporary_folder.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

/// The record of a short run on the fixture, made once.
const std::string& record_path() {
  static const TemporaryFolder folder;
  static const std::string path = folder / "run.h5";
  static const int status = run_command(kPrograms + "train_lenet5 --data " + kFixture +
                                        " --epochs 1 --train-images 512 --output " + path)
                                .status;
  REQUIRE(status == 0);
  return path;
}

const Record& the_record() {
  static const Record record = load_record(record_path(), "training");
  return record;
}

CommandResult evaluate_record(const std::string& options) {
  return run_command(kPrograms + "evaluate " + options);
}

std::vector<std::vector<std::string>> csv_rows(const std::string& path) {
  std::vector<std::vector<std::string>> rows;
  std::istringstream lines(test::read_file(path));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    rows.emplace_back();
    for (std::string field; std::getline(fields, field, ',');) rows.back().push_back(field);
  }
  return rows;
}

/// The error of a record that was changed.
template <class Change>
std::string error_after(const Change& change) {
  Record record = the_record();
  change(record);
  return error_of([&] { trained_model(record, "a.h5"); });
}

/// The error of data that is like the fixture but for a change.
template <class Change>
std::string error_of_data(const Change& change, bool by_number = false) {
  ImageDataset data = {"other", fixture().class_names, {}, {1, 28, 28, 1, {}, {}}, {}};
  change(data);
  return error_of([&] { check_same_kind(the_record(), data, "a.h5", by_number); });
}

}  // namespace

TEST_CASE("on its own test images a network answers as the record has it, to the bit") {
  const Sequential model = trained_model(the_record(), "a.h5");
  const Group& kept = the_record().group("evaluation");
  for (const std::size_t threads : {1, 3}) {
    const Evaluation now = evaluate(model, fixture().test, threads);
    CHECK(now.logits == kept.values<float>("logits"));
    CHECK(now.loss == kept.attribute<double>("test_loss"));
    CHECK(1.0 - now.error == kept.attribute<double>("test_accuracy"));
    CHECK(confusion_matrix(fixture().test.labels, now.logits, 10).values ==
          kept.values<std::int64_t>("confusion"));
  }
}

TEST_CASE("evaluate writes a row per image with the record's most probable labels") {
  const TemporaryFolder folder;
  const std::string csv = folder / "answers.csv";
  const std::string command = record_path() + " --data " + kFixture + " --csv " + csv;
  const CommandResult result = evaluate_record(command);
  INFO(result.out << result.err);
  REQUIRE(result.status == 0);
  const double accuracy = the_record().group("evaluation").attribute<double>("test_accuracy");
  std::ostringstream error;
  error.precision(2);
  error << std::fixed << "error " << 100 * (1 - accuracy) << "%\n";
  CHECK_THAT(result.out, Catch::Contains(error.str()) && Catch::Contains("500 test images") &&
                             Catch::Contains("  Ankle boot\n"));

  const auto rows = csv_rows(csv);
  REQUIRE(rows.size() == 501);
  REQUIRE(rows[0].size() >=
          18);  // image, label, correct, then three columns for each of five labels
  CHECK(rows[0][3] == "label_1");
  const auto& labels = the_record().values<std::uint8_t>("evaluation/top5_labels");
  const auto& shares = the_record().values<float>("evaluation/top5_probabilities");
  std::size_t different = 0;
  for (std::size_t n = 0; n < 500; ++n) {
    const auto& row = rows[n + 1];
    if (row.size() != rows[0].size() || row[0] != std::to_string(n) ||
        row[1] != std::to_string(fixture().test.labels[n])) {
      ++different;
      continue;
    }
    for (std::size_t rank = 0; rank < 5; ++rank) {
      const std::size_t at = 5 * n + rank;
      const bool same = row[3 + 3 * rank] == std::to_string(labels[at]) &&
                        row[4 + 3 * rank] == fixture().class_names[labels[at]] &&
                        std::strtof(row[5 + 3 * rank].c_str(), nullptr) == shares[at];
      if (!same) ++different;
    }
  }
  CHECK(different == 0);

  const CommandResult again = evaluate_record(command);
  CHECK(again.status == 1);
  CHECK_THAT(again.err, Catch::Contains("exists already"));
  CHECK(evaluate_record(command + " --force --images train --threads 1").status == 0);
  CHECK(csv_rows(csv).size() == 2001);
  CHECK(folder.names() == std::vector<std::string>{"answers.csv"});
}

TEST_CASE("images of another size or with other classes are refused in one line") {
  CHECK(error_of_data([](ImageDataset&) {}).empty());
  CHECK(is_line_with(error_of_data([](ImageDataset& data) { data.test.height = 32; }),
                     "other: images of 32x28x1; expected 28x28x1, as the network of a.h5 takes"));
  CHECK(is_line_with(error_of_data([](ImageDataset& data) { data.test.channels = 3; }),
                     "images of 28x28x3"));
  const auto nine = [](ImageDataset& data) { data.class_names.pop_back(); };
  CHECK(is_line_with(error_of_data(nine), "other: 9 classes; expected 10"));
  CHECK(is_line_with(error_of_data(nine, true), "other: 9 classes; expected 10"));
  const auto renamed = [](ImageDataset& data) { data.class_names[3] = "Gown"; };
  CHECK(is_line_with(error_of_data(renamed),
                     "other: class 3 is called \"Gown\"; expected \"Dress\", as in a.h5"));
  CHECK(error_of_data(renamed, true).empty());
}

TEST_CASE("a record whose network cannot be used is refused in one line") {
  CHECK(error_after([](Record&) {}).empty());
  const auto conv1 = [](Record& record) -> Group& {
    return record.groups["model"].groups["conv1"];
  };
  CHECK(is_line_with(error_after([&](Record& r) {
                       auto& datasets = conv1(r).datasets;
                       datasets.insert({"kernel", datasets["weight"]});
                       datasets.erase("weight");
                     }),
                     "a.h5: has no /model/conv1/weight", "the parameters of a trained network"));
  CHECK(is_line_with(error_after([](Record& r) { r.groups["model"].groups.clear(); }), "a.h5",
                     "/model/conv1", "has 0 parameters"));
  CHECK(is_line_with(error_after([&](Record& r) {
                       Dataset& weight = conv1(r).datasets["weight"];
                       std::swap(weight.shape.front(), weight.shape.back());
                     }),
                     "/model/conv1/weight has the shape (6,5,1,5)", "(5,5,1,6)"));
  CHECK(is_line_with(
      error_after([&](Record& r) { conv1(r).datasets["bias"].values = std::vector<double>(6); }),
      "/model/conv1/bias", "float32"));
  CHECK(is_line_with(error_after([&](Record& r) {
                       std::get<std::vector<float>>(conv1(r).datasets["bias"].values)[0] += 1.0F;
                     }),
                     "another SHA-256 than /model@parameters_sha256"));
  CHECK(is_line_with(error_after([](Record& r) {
                       r.groups["configuration"].attributes["model"] =
                           std::string("four_layer_cnn");
                     }),
                     "a.h5: "));
  // Sizes that no parameters of the record stand behind take no memory.
  CHECK(error_after([](Record& r) {
          Attributes& settings = r.groups["configuration"].attributes;
          settings["model"] = std::string("four_layer_cnn");
          settings["width"] = std::int64_t{4096};
        }) == "a.h5: /model: 61706 parameters; expected 1259147274, as the settings' network has");
  const TemporaryFolder folder;
  save_record(comparison_record(), folder / "comparison.h5");
  const CommandResult other = evaluate_record((folder / "comparison.h5") + " --data " + kFixture +
                                              " --csv " + (folder / "a"));
  CHECK(other.status == 1);
  CHECK(is_line_with(other.err.substr(0, other.err.size() - 1), "evaluate: ", "training"));
  CHECK(folder.names() == std::vector<std::string>{"comparison.h5"});
}

TEST_CASE("evaluate says what it lacks, and Ctrl-C leaves no file") {
  const TemporaryFolder folder;
  CHECK(evaluate_record(record_path()).status == 2);
  CHECK(evaluate_record(record_path() + " --data " + kFixture + " --images all").status == 2);
  CHECK(evaluate_record((folder / "none.h5") + " --data " + kFixture).status == 1);
  // The naive convolution makes it long enough to be interrupted.
  REQUIRE(run_command(kPrograms + "train_lenet5 --data " + kFixture +
                      " --epochs 1 --train-images 128 --conv-algorithm naive --output " +
                      (folder / "a.h5"))
              .status == 0);
  const CommandResult stopped = run_command_until(
      kPrograms + "evaluate " + (folder / "a.h5") + " --images train --threads 1 --data " +
          kFixture + " --csv " + (folder / "a.csv"),
      SIGINT, [](const std::string& out) { return out.find("digest") != std::string::npos; });
  INFO(stopped.out << stopped.err);
  CHECK(stopped.status == 130);
  CHECK_THAT(stopped.out, Catch::Contains("stopped"));
  CHECK(folder.names() == std::vector<std::string>{"a.h5"});
}
