// Training that ends before its last epoch: at a training error, or where it has become flat.
#include "reprise/record/schema.hpp"
#include "reprise/record_file/record_file.hpp"
#include "reprise/run/checkpoint.hpp"
#include "reprise/run/evaluation.hpp"
#include "reprise/run/training_record.hpp"
#include "reprise/run/verification.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/small_data.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

/// Epochs with these training errors.
std::vector<EpochResult> epochs_of(const std::vector<double>& errors) {
  std::vector<EpochResult> epochs;
  for (const double error : errors) {
    epochs.emplace_back();
    epochs.back().train_error = error;
  }
  return epochs;
}

/// Of a run of these errors, the number of epochs that it would have had.
std::size_t length_of(const TrainingConfiguration& c, const std::vector<double>& errors) {
  const std::vector<EpochResult> epochs = epochs_of(errors);
  std::size_t n = 1;
  while (n < epochs.size() && !ends_training(c, std::span(epochs).first(n))) ++n;
  return n;
}

TrainingConfiguration small() {
  TrainingConfiguration c;
  c.train_images = 512;
  c.epochs = 30;
  c.stop_train_error = 0.4;
  return c;
}

}  // namespace

TEST_CASE(
    "training ends with the epoch that reaches the training error, and by default with none") {
  TrainingConfiguration c;
  c.epochs = 6;
  const std::vector<double> errors = {0.5, 0.3, 0.25, 0.2, 0.1, 0.1};
  CHECK(length_of(c, errors) == 6);
  c.stop_train_error = 0.25;
  CHECK(length_of(c, errors) == 3);
  c.stop_train_error = 0.01;
  CHECK(length_of(c, errors) == 6);
}

TEST_CASE("training ends where its error has become flat, and not before the rate's last drop") {
  TrainingConfiguration c;
  c.epochs = 9;
  c.stop_flat_epochs = 2;
  // After six epochs the last two bring 0.199, more than 0.98 times the 0.2 before them.
  const std::vector<double> errors = {0.5, 0.4, 0.3, 0.2, 0.2, 0.199, 0.1, 0.1, 0.1};
  CHECK(length_of(c, errors) == 6);
  c.lr_milestones = "5";  // the first of the last two must come after it
  CHECK(length_of(c, errors) == 9);
  c.lr_milestones = "4";
  CHECK(length_of(c, errors) == 6);
  c.lr_milestones = "4,100";  // one that never comes
  CHECK(length_of(c, errors) == 6);
  c.stop_flat_epochs = 20;
  CHECK(length_of(c, errors) == 9);
}

TEST_CASE("a run that ended before its last epoch is a whole record, and verify repeats its end") {
  const ImageDataset& data = fixture();
  TrainingRun run(small(), data, 1);
  REQUIRE(run.train({}));
  const std::size_t epochs = run.epochs_done();
  CHECK(epochs > 1);
  CHECK(epochs < 30);
  CHECK(run.history().back().train_error <= 0.4);
  CHECK(run.history()[epochs - 2].train_error > 0.4);
  const Record record = to_tree(training_record(run, evaluation_of(run), {}));
  check_schema(record, "stopped.h5");
  const auto go_on = [](const TrainingRun&, std::size_t) { return true; };
  CHECK(verify_training(record, data, {}, go_on).verdict == Verification::Verdict::identical);
  CHECK(!error_of([&] { verify_training(record, data, {epochs + 1, 1}, go_on); }).empty());

  // The same epochs without the setting are a record that lacks some.
  Record longer = record;
  longer.groups["configuration"].attributes["stop_train_error"] = 0.0;
  CHECK(is_line_with(error_of([&] { check_schema(longer, "x.h5"); }), "/history/epoch", "30"));
}

TEST_CASE("a checkpoint beyond the epoch that ends training is refused") {
  const ImageDataset& data = fixture();
  TrainingConfiguration whole = small();
  whole.stop_train_error = 0.0;
  TrainingRun run(whole, data, 1);
  REQUIRE(!run.train(
      {[&](std::size_t step, std::size_t) { return run.epochs_done() < 20 || step < 2; }, {}}));
  TrainingState state = run.state();
  TrainingRun stopping(small(), data, 1);
  CHECK(is_line_with(error_of([&] { stopping.restore(state); }), "epochs and steps",
                     "ends training"));
}
