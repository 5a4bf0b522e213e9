// The formats of records: new settings and better names move no digest, and the records of earlier
// formats stay readable for ever.
#include "reprise/record/format.hpp"

#include <algorithm>
#include <set>

#include "reprise/core/digest.hpp"
#include "reprise/core/error.hpp"
#include "reprise/record/configuration_text.hpp"
#include "reprise/record/schema.hpp"
#include "reprise/record_file/record_file.hpp"
#include "reprise/run/checkpoint.hpp"
#include "reprise/run/configuration.hpp"
#include "reprise/run/evaluation.hpp"
#include "reprise/run/training_record.hpp"
#include "reprise/run/verification.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/temporary_folder.hpp"
#include "support/training_record.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

const std::string kFormat1 = REPRISE_FIXTURES "/records/format_1/";

/// Another value of the same type.
AttributeValue other(AttributeValue value) {
  if (auto* whole = std::get_if<std::int64_t>(&value)) *whole += 1;
  if (auto* real = std::get_if<double>(&value)) *real += 0.25;
  if (auto* text = std::get_if<std::string>(&value)) *text += "x";
  return value;
}

/// The rows with today's names, one for each setting.
std::vector<FormatSetting> rows_today() {
  std::vector<FormatSetting> rows;
  for (const FormatSetting& row : format_settings("training")) {
    if (name_today(row.setting, format_settings("training")) == row.setting) rows.push_back(row);
  }
  return rows;
}

/// The record as an earlier release wrote it: settings under the names that they had.
Record with_earlier_names(Record record) {
  Group& group = record.groups["configuration"];
  Attributes earlier;
  for (const auto& [setting, value] : group.attributes) {
    std::string name = setting;
    for (const FormatSetting& row : format_settings("training")) {
      if (row.setting == setting) name = row.name;
    }
    earlier[name] = value;
  }
  group.attributes = earlier;
  std::string text;
  for (const auto& [setting, value] : earlier) text += setting_line(setting, value);
  group.datasets["toml"] = scalar_text(text);
  return record;
}

/// A small record of a training run with every setting at the format's default.
Record small_record() {
  Record record;
  record.attributes["kind"] = "training";
  for (const FormatSetting& row : rows_today()) {
    record.groups["configuration"].attributes[std::string(row.setting)] = row.format_value;
  }
  record.groups["configuration"].datasets["toml"] = scalar_text("seed = 1\n");
  return record;
}

/// Writes a record's file with some of its bytes replaced, under a checksum that fits.
void replace_in_file(const std::string& from, const std::string& bytes, const std::string& by,
                     const std::string& to) {
  FileBytes file = bytes_of(from);
  file.erase(file.end() - 73, file.end());
  const auto at = std::search(file.begin(), file.end(), bytes.begin(), bytes.end());
  REQUIRE(at != file.end());
  std::copy(by.begin(), by.end(), at);
  const std::string line = "\nsha256:" + sha256_hex(std::as_bytes(std::span(file))) + "\n";
  file.insert(file.end(), line.begin(), line.end());
  write_bytes(to, file);
}

}  // namespace

TEST_CASE("every setting has a row in the format, under today's name and with its type") {
  TrainingConfiguration configuration;
  std::set<std::string> names;
  for (const Setting& setting : settings_of(configuration)) {
    CAPTURE(setting.name);
    const FormatSetting* found = nullptr;
    for (const FormatSetting& row : format_settings("training")) {
      if (row.setting == setting.name) found = &row;
    }
    REQUIRE(found != nullptr);
    CHECK(found->format_value.index() == setting.value.index());
    for (const FormatSetting& row : format_settings("training")) {
      if (row.name != found->name) continue;
      CHECK(row.setting == setting.name);  // the first of the rows with this name in the format
      break;
    }
    names.insert(std::string(found->name));
  }
  for (const FormatSetting& row : format_settings("training")) {
    CHECK(names.count(std::string(row.name)) == 1);
  }
}

TEST_CASE("a setting with its format's default moves no digest, any other value does") {
  const Record whole = small_record();
  for (const FormatSetting& row : rows_today()) {
    CAPTURE(row.setting);
    Record earlier = whole;  // as if it had been written before there was such a setting
    earlier.groups["configuration"].attributes.erase(std::string(row.setting));
    CHECK(digest_of(earlier) == digest_of(whole));
    CHECK(differences(earlier, whole).empty());
    Record changed = whole;
    changed.groups["configuration"].attributes[std::string(row.setting)] = other(row.format_value);
    CHECK(digest_of(changed) != digest_of(whole));
    const std::vector<RecordDifference> found = differences(earlier, changed);
    REQUIRE(found.size() == 1);
    CHECK(found[0].path == "/configuration@" + std::string(row.setting));
  }
  Record text = whole;
  text.groups["configuration"].datasets["toml"] = scalar_text("# the same in other words\n");
  CHECK(digest_of(text) == digest_of(whole));
  Record type = whole;
  type.groups["configuration"].attributes["dropout"] = std::int64_t{0};
  CHECK(digest_of(type) != digest_of(whole));
  Record zero = whole;
  zero.groups["configuration"].attributes["dropout"] = -0.0;
  CHECK(digest_of(zero) != digest_of(whole));
  Record unknown = whole;
  unknown.groups["configuration"].attributes["temperature"] = 1.0;
  CHECK(digest_of(unknown) != digest_of(whole));
}

TEST_CASE("tomorrow's table counts the same of today's records") {
  const auto today = format_settings("training");
  std::vector<FormatSetting> tomorrow = {{"network", "model", "lenet5"},
                                         {"temperature", "temperature", 1.0}};
  tomorrow.insert(tomorrow.end(), today.begin(), today.end());
  Group then = small_record().group("configuration");
  then.attributes["model"] = "alexnet";
  then.attributes["epochs"] = std::int64_t{3};
  Group now = then;  // by tomorrow's programs
  now.attributes.erase("model");
  now.attributes["network"] = "alexnet";
  now.attributes["temperature"] = 1.0;
  const Attributes counted = {{"epochs", std::int64_t{3}}, {"model", "alexnet"}};
  CHECK(counted_settings(then, today) == counted);
  CHECK(counted_settings(then, tomorrow) == counted);
  CHECK(counted_settings(now, tomorrow) == counted);
  now.attributes["model"] = "lenet5";
  CHECK(is_line_with(error_of([&] { counted_settings(now, tomorrow); }), "model", "network",
                     "one of them"));
}

TEST_CASE("a setting's earlier name means the same, in records and in the digest") {
  const auto rows = format_settings("training");
  CHECK(name_today("conv", rows) == "conv_algorithm");
  CHECK(name_today("drop_epochs", rows) == "lr_milestones");
  CHECK(name_today("seed", rows) == "seed");
  CHECK(name_today("temperature", rows) == "temperature");

  const ImageDataset data = load_dataset(REPRISE_FIXTURES "/fashion-mnist");
  TrainingConfiguration configuration;
  configuration.train_images = 32;
  configuration.batch_size = 16;
  configuration.epochs = 2;
  configuration.conv_algorithm = "naive";
  configuration.random_shift = 1;
  configuration.horizontal_flip = 1;
  configuration.lr_milestones = "1";
  configuration.lr_gamma = 0.5;
  TrainingRun run(configuration, data, 1);
  REQUIRE(run.train({}));
  const Record now = to_tree(training_record(run, evaluation_of(run), {}));
  const Record then = with_earlier_names(now);
  CHECK(then.group("configuration").attribute<std::string>("conv") == "naive");
  CHECK(then.group("configuration").attributes.count("conv_algorithm") == 0);
  CHECK(digest_of(then) == digest_of(now));
  CHECK(differences(then, now).empty());
  CHECK(to_toml(configuration_from(then.group("configuration"))) == to_toml(configuration));
  const TemporaryFolder folder;
  save_record(then, folder / "then.h5");
  const Verification result = verify_training(load_record(folder / "then.h5"), data, {},
                                              [](const TrainingRun&, std::size_t) { return true; });
  CHECK(result.verdict == Verification::Verdict::identical);

  Record both = now;
  both.groups["configuration"].attributes["conv"] = "naive";
  CHECK(is_line_with(error_of([&] { check_schema(both, "both.h5"); }), "both.h5: /configuration: ",
                     "conv and conv_algorithm", "the same", "one of them"));
}

TEST_CASE("what a record does not set has the format's default, not the program's") {
  Group group;
  group.attributes["seed"] = std::int64_t{7};
  const TrainingConfiguration configuration = configuration_from(group);
  CHECK(configuration.seed == 7);
  CHECK(configuration.epochs == 10);
  CHECK(configuration.conv_algorithm == "direct");
  group.attributes["temperature"] = 1.0;
  CHECK(is_line_with(error_of([&] { configuration_from(group); }), "temperature", "known"));
}

TEST_CASE("a record with a setting of a later release is refused with its name") {
  const TemporaryFolder folder;
  Record record = training_record();
  record.groups["configuration"].attributes["temperature"] = 1.0;
  save_record(record, folder / "r.h5");
  CHECK(differences(load_record(folder / "r.h5"), record).empty());  // it differs from any default
  // Its writer leaves it out of the digest, for the format has it as the default.
  const std::string digest = digest_of(record);
  const std::string without = digest_of(training_record());
  replace_in_file(folder / "r.h5", digest, without, folder / "later.h5");
  CHECK(is_line_with(error_of([&] { load_record(folder / "later.h5"); }), "later.h5", "temperature",
                     "does not know"));
}

TEST_CASE("a record of an unknown format is refused with both formats") {
  const TemporaryFolder folder;
  save_record(small_record(), folder / "r.h5");
  replace_in_file(folder / "r.h5", std::string(kRecordFormat), "reprise record 3",
                  folder / "r3.h5");
  CHECK(is_line_with(error_of([&] { load_record(folder / "r3.h5"); }), "reprise record 3",
                     "reprise record 1 or reprise record 2"));
}

TEST_CASE("records of release 0.1.0 are read with the digests that they had") {
  const auto load = [](const char* name) { return load_record(kFormat1 + name); };
  const Record training = load("training.h5");
  CHECK(digest_of(training) == "c8372380d5431f32a8dc1bbdf249ae4acaac1cbc1b0e45055771ddaf09a8b8b1");
  CHECK(program_of(training) == "train_lenet5");
  CHECK(configuration_from(training.group("configuration")).model == "four_layer_cnn");
  const Record study = load("study_run.h5");
  CHECK(digest_of(study) == "23b98278316a64cdcf67bbc888a17f723e244574cbb88b7221798bcfbe8fb28f");
  CHECK(program_of(study) == "overlapping_pooling");
  const Record comparison = load("comparison.h5");
  CHECK(digest_of(comparison) ==
        "9c668d1bfc0eeaed36d3d895050d00d3de7569edafcb19827064a95ebd6ad1e0");
  CHECK(program_of(comparison) == "compare_convolutions");
  CHECK(kind_of(load("checkpoint.h5")) == "checkpoint");
}

TEST_CASE("the text of settings is that of the attributes, whatever release wrote it") {
  for (const char* name : {"training.h5", "study_run.h5", "comparison.h5", "checkpoint.h5"}) {
    CAPTURE(name);
    CHECK(configuration_text_differences(load_record(kFormat1 + name)).empty());
  }
  TrainingConfiguration configuration;
  configuration.learning_rate = 3.0;
  configuration.epsilon = 1e-300;
  configuration.lr_milestones = "2,3";
  configuration.model_options.without = "a \"quoted\" \\ name\n";
  Record record;
  record.groups["configuration"] = to_group(configuration);
  CHECK(configuration_text_differences(record).empty());
  // Of an earlier release, which had fewer settings and wrote them in another order.
  Group& group = record.groups["configuration"];
  std::string text;
  for (const std::string gone : {"width", "without"}) group.attributes.erase(gone);
  for (const auto& [setting, value] : group.attributes) text += setting_line(setting, value);
  group.datasets["toml"] = scalar_text(text);
  CHECK(configuration_text_differences(record).empty());
  group.datasets["toml"] = scalar_text("width = 16\n" + text);
  CHECK(configuration_text_differences(record) ==
        std::vector<std::string>{
            "/configuration/toml, line 1: \"width = 16\" is not a setting of /configuration"});
  // A comparison has no such text; the digest leaves one out nevertheless.
  Record comparison;
  comparison.attributes["kind"] = "comparison";
  CHECK(configuration_text_differences(comparison).empty());
  comparison.groups["configuration"].attributes["seed"] = std::int64_t{1};
  comparison.groups["configuration"].datasets["toml"] = scalar_text("seed = 2\n");
  CHECK(configuration_text_differences(comparison).size() == 1);
}

TEST_CASE("a record of release 0.1.0 that is saved again has its bytes") {
  const TemporaryFolder folder;
  for (const char* name : {"training.h5", "study_run.h5", "comparison.h5", "checkpoint.h5"}) {
    CAPTURE(name);
    const Record record = load_record(kFormat1 + name);
    CHECK("sha256:" + save_record(record, folder / name) ==
          record.attribute<std::string>("digest"));
    CHECK(differences(load_record(folder / name), record).empty());
  }
}

TEST_CASE("the runs of release 0.1.0's records are verified") {
  const ImageDataset data = load_dataset(REPRISE_FIXTURES "/fashion-mnist");
  for (const char* name : {"training.h5", "study_run.h5"}) {
    CAPTURE(name);
    const Record record = load_record(kFormat1 + name);
    const Verification result =
        verify_training(record, data, {}, [](const TrainingRun&, std::size_t) { return true; });
    const bool study = record.groups.count("study") > 0;  // which is not judged here
    CHECK(result.verdict ==
          (study ? Verification::Verdict::partial : Verification::Verdict::identical));
  }
}

TEST_CASE("a checkpoint of release 0.1.0 goes on to the parameters that its run ended with") {
  const Record record = load_record(kFormat1 + "checkpoint.h5");
  const ImageDataset data = load_dataset(REPRISE_FIXTURES "/fashion-mnist");
  TrainingRun run(configuration_from(record.group("configuration")), data, 2);
  restore_checkpoint(run, kFormat1 + "checkpoint.h5");
  CHECK(run.epochs_done() == 1);
  CHECK(run.history()[0].train_seconds > 0.0);
  CHECK(run.state().epoch_seconds > 0.0);
  const TemporaryFolder folder;
  save_checkpoint(run, folder / "now.checkpoint");  // in today's format
  TrainingRun again(run.configuration(), data, 1);
  restore_checkpoint(again, folder / "now.checkpoint");
  CHECK(again.history()[0].train_seconds == run.history()[0].train_seconds);
  CHECK(again.state().epoch_seconds == run.state().epoch_seconds);
  REQUIRE(again.train({}));
  CHECK(again.history().back().parameters_sha256 ==
        "9c050f504ac6547835c349e3439e0d7a02ac7a32d2c2bb9528077643da3bc347");
}
