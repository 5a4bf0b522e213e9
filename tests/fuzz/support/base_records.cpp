#include "support/base_records.hpp"

#include "reprise/core/random.hpp"
#include "reprise/run/evaluation.hpp"
#include "reprise/run/training_record.hpp"
#include "tests/support/comparison_record.hpp"
#include "tests/support/sample_record.hpp"
#include "tests/support/study_record.hpp"
#include "tests/support/training_record.hpp"

namespace reprise::fuzz {
namespace {

constexpr std::size_t kSide = 8, kClasses = 3;

ImageSet random_images(std::size_t count, const RandomStream& stream) {
  ImageSet set{count, kSide, kSide, 1, {}, {}};
  for (std::size_t i = 0; i < count * kSide * kSide; ++i) {
    set.pixels.push_back(static_cast<std::uint8_t>(stream.below(256, i)));
  }
  for (std::size_t i = 0; i < count; ++i)
    set.labels.push_back(static_cast<std::uint8_t>(i % kClasses));
  return set;
}

ImageDataset make_small_dataset() {
  const RandomStream stream = RandomStream(1).child("images for fuzzing");
  ImageDataset dataset;
  dataset.name = "Small";
  dataset.class_names = {"first", "second", "third"};
  dataset.train = random_images(24, stream.child("train"));
  dataset.test = random_images(12, stream.child("test"));
  dataset.files = {{"images", std::string(64, '1')}, {"labels", std::string(64, '2')}};
  return dataset;
}

Record record_of_small_run() {
  TrainingRun run(small_configuration("adam"), small_dataset(), 1);
  run.train({[](std::size_t, std::size_t) { return true; }, [](const EpochResult&) {}});
  return to_tree(training_record(run, evaluation_of(run), {}));
}

Record in_study(Record record) {
  record.groups["study"] = test::study_record().group("study");
  return record;
}

std::vector<Record> make_base_records() {
  const Record plain = record_of_small_run();
  Record sample = test::sample_record();
  sample.groups["evaluation"].datasets.erase("counts");  // 30,000 values
  return {plain, in_study(plain), test::comparison_record(), std::move(sample)};
}

std::vector<Record> make_report_records() {
  test::StudyRecordOptions baseline;
  baseline.variant = baseline.baseline;
  const Record plain = record_of_small_run();
  std::vector<Record> records = {plain,
                                 in_study(plain),
                                 test::training_record(),
                                 test::study_record(),
                                 test::study_record(baseline),
                                 test::comparison_record()};
  for (Record& record : records) record.attributes["digest"] = "sha256:" + digest_of(record);
  return records;
}

}  // namespace

const ImageDataset& small_dataset() {
  static const ImageDataset dataset = make_small_dataset();
  return dataset;
}

TrainingConfiguration small_configuration(const std::string& optimizer) {
  TrainingConfiguration configuration;
  configuration.model = "four_layer_cnn";
  configuration.model_options.width = 1;
  configuration.optimizer = optimizer;
  configuration.epochs = 2;
  configuration.batch_size = 8;
  configuration.block_size = 4;
  return configuration;
}

std::span<const Record> base_records() {
  static const std::vector<Record> records = make_base_records();
  return records;
}

std::span<const Record> report_records() {
  static const std::vector<Record> records = make_report_records();
  return records;
}

}  // namespace reprise::fuzz
