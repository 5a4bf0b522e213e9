// The summary of a run's record, as text: what it keeps, and what is refused of strangers' ones.
#include <functional>

#include "reprise/record/plan.hpp"
#include "reprise/record/schema.hpp"
#include "reprise/record/summary.hpp"
#include "reprise/run/evaluation.hpp"
#include "reprise/run/training.hpp"
#include "reprise/run/training_record.hpp"
#include "support/catch.hpp"
#include "support/command.hpp"
#include "support/errors.hpp"
#include "support/study_record.hpp"
#include "support/text.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

TrainingConfiguration small_configuration() {
  TrainingConfiguration configuration;
  configuration.train_images = 40;  // the last of three batches has eight
  configuration.batch_size = 16;
  configuration.epochs = 2;
  return configuration;
}

const Record& run_record() {
  static const Record record = [] {
    const ImageDataset data = load_dataset(REPRISE_FIXTURES "/fashion-mnist");
    TrainingRun run(small_configuration(), data, 1);
    run.train({[](std::size_t, std::size_t) { return true; }, [](const EpochResult&) {}});
    RunEnvironment environment;
    environment.command_line = "/home/me/study a/b/mine.toml --data=/data/x --seeds 1,2 --store s";
    environment.data_folder = "/data/x";
    return to_tree(training_record(run, evaluation_of(run), environment, {"study", {}}));
  }();
  return record;
}

const std::string& whole_text() {
  static const std::string text = summary_text(summary_of(run_record()));
  return text;
}

/// The text with `what` in place of the first `part`.
std::string with(const std::string& part, const std::string& what) {
  return replaced(whole_text(), part, what);
}

/// The line that begins so, without its newline.
std::string line_of(const std::string& start) {
  const std::size_t at = whole_text().find("\n" + start);
  INFO(start);
  REQUIRE(at != std::string::npos);
  return whole_text().substr(at + 1, whole_text().find('\n', at + 1) - at - 1);
}

}  // namespace

TEST_CASE("a summary has the numbers of its record to the bit, and gives them back from text") {
  const Record& record = run_record();
  const Record summary = summary_of(record);
  const Record again = summary_from_text("run.toml", whole_text());
  CHECK(differences(summary, again).empty());
  CHECK(summary_text(again) == whole_text());
  CHECK(run_record_digest(again) == digest_of(record));
  CHECK(run_digest(again) == run_digest(record));
  const TrainingRecord whole = training_from(record, "record");
  const TrainingRecord told = training_from_summary(again, "run.toml");
  REQUIRE(told.history.size() == 2);
  for (std::size_t epoch = 0; epoch < 2; ++epoch) {
    CHECK(told.history[epoch].step_errors == whole.history[epoch].step_errors);
    CHECK(told.history[epoch].train_loss == whole.history[epoch].train_loss);
    CHECK(told.history[epoch].parameters_sha256 == whole.history[epoch].parameters_sha256);
    CHECK(told.history[epoch].train_seconds == whole.history[epoch].train_seconds);
  }
  CHECK(told.evaluation.test_loss == whole.evaluation.test_loss);
  CHECK(told.evaluation.confusion.values == whole.evaluation.confusion.values);
  CHECK(told.configuration.settings == whole.configuration.settings);
  CHECK(told.data.file_sha256 == whole.data.file_sha256);
  CHECK(told.model.layers.size() == whole.model.layers.size());
  CHECK(whole_text().size() < 10'000);
}

TEST_CASE("a summary that was written earlier is read") {
  const std::string text = test::read_file(REPRISE_FIXTURES "/fuzz/plan/seed_summary");
  const Record summary = summary_from_text("seed_summary", text);
  const TrainingRecord told = training_from_summary(summary, "seed_summary");
  REQUIRE(told.history.size() == 2);
  CHECK(told.history[0].step_errors == std::vector<double>{1.0, 1.0});
  CHECK(told.history[1].step_errors == std::vector<double>{0.5, 0.5});  // of four images, of two
}

TEST_CASE("a summary names no host and no folder") {
  CHECK(line_of("command_line") ==
        "command_line = \"study mine.toml --data=x --seeds 1,2 --store s\"");
  for (const char* left_out : {"/home", "/data/x", "host =", "data_folder", "git_diff", "logits"}) {
    CHECK(whole_text().find(left_out) == std::string::npos);
  }
}

TEST_CASE("records that cannot be summarized say why") {
  CHECK(is_line_with(error_of([] { summary_of(study_record()); }), "has /study"));
  Record record = run_record();
  std::get<std::vector<double>>(record.groups["history"].datasets["step_error"].values)[4] = 0.3;
  CHECK(is_line_with(error_of([&] { summary_of(record); }), "/history/step_error[1,1]", "is 0.3",
                     "a whole number of the batch's 16 images"));
}

TEST_CASE("a summary that is damaged, or whose numbers contradict each other, is refused") {
  struct Case {
    std::string text;
    std::string expected;
  };
  const auto changed_line = [](const std::string& start, const std::string& what) {
    return with(line_of(start), what);
  };
  const std::string digest(64, 'a');
  const std::string first_steps = line_of("  \"0");  // of step_wrong
  const std::vector<Case> cases = {
      {"", "no format"},
      {"nothing", "a readable TOML file"},
      {std::string("a = \"\xff\""), "not UTF-8"},
      {whole_text() + std::string(kMaxSummaryBytes, '#'), "bytes; expected at most"},
      {whole_text().substr(0, whole_text().size() / 2), "run.toml"},
      {with("reprise summary 1", "reprise summary 9"), "reprise summary 9"},
      {with("[history]", "[histories]"), "unknown key \"histories\""},
      {with("train_loss", "train_lost"), "a known one, such as train_loss"},
      {with("[data]", "data = 3\n[date]"), "unknown key \"date\""},
      {changed_line("seed = ", "seed = \"one\""), "seed is of another type"},
      {changed_line("seed = ", "seed = 1.0"), "seed is of another type"},
      {changed_line("seed = ", "seed = -1"), "/configuration@seed is -1"},
      {changed_line("record_sha256 = ", "record_sha256 = \"../../etc/passwd\""),
       "64 hexadecimal digits"},
      {changed_line("record_sha256 = ", ""), "no record_sha256"},
      {changed_line("parameters_sha256 = \"", "parameters_sha256 = \"" + digest + "\""),
       "/model@parameters_sha256"},
      {changed_line("train_error = [", "train_error = [0.5, nan]"),
       "/history/train_error[1] is nan"},
      {changed_line("train_error = [", "train_error = [0.5, 0.5]"), "as the steps of"},
      {changed_line("train_error = [", "train_error = [0.5]"), "has 1 along epoch"},
      {changed_line("train_error = [", "train_error = [0.5, 1e999]"), "run.toml"},
      {changed_line("test_error = [", "test_error = [0.1234567, 0.5]"), "a whole number of"},
      {changed_line("test_error = [", "test_error = [0.5, 0.002]"), "/evaluation@test_accuracy"},
      {changed_line("test_accuracy = ", "test_accuracy = 0.998"), "by /evaluation/confusion"},
      {changed_line("epoch = [", "epoch = [1, 3]"), "/history/epoch[1] is 3"},
      {with(first_steps, "  \"0\","), "digits; expected"},
      {with(first_steps, "  \"zz" + first_steps.substr(5)), "hexadecimal digits for 0 to 16"},
      {with(first_steps, "  \"ff" + first_steps.substr(5)), "hexadecimal digits for 0 to 16"},
      {with("\n[data]", "\n# what a digest does not cover\n[data]"), "not as a summary is written"},
      {changed_line("test_loss = ", "test_loss = 1e-999"), "not as a summary is written"},
      {with("[evaluation]", "[configuration.more]\na = 1\n[evaluation]"), "unknown key \"more\""},
      {with("[evaluation]", std::string(2000, '[') + "evaluation]"), "run.toml"},
  };
  for (const Case& c : cases) {
    const std::string said = error_of([&] { summary_from_text("run.toml", c.text); });
    INFO(c.expected << "\n" << said);
    CHECK(is_line_with(said, "run.toml", c.expected));
    CHECK(said.size() < 1000);
  }
}
