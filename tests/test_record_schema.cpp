// record: each rule of each schema is broken once, and named. The rules drive the test: a row in a
// table is broken by what it says, and a relation without a case here fails.
#include "reprise/record/schema.hpp"

#include <fmt/format.h>

#include <cmath>
#include <functional>
#include <limits>
#include <set>

#include "reprise/record/details.hpp"
#include "reprise/record/format.hpp"
#include "reprise/record/schema_rules.hpp"
#include "reprise/record_file/record_file.hpp"
#include "reprise/run/checkpoint.hpp"
#include "reprise/run/evaluation.hpp"
#include "reprise/run/training_record.hpp"
#include "support/catch.hpp"
#include "support/comparison_record.hpp"
#include "support/errors.hpp"
#include "support/small_data.hpp"
#include "support/study_record.hpp"
#include "support/temporary_folder.hpp"

using namespace reprise;
using namespace reprise::details;
using namespace reprise::test;

namespace {

// ---- a whole record of each kind, with everything that is optional

TrainingConfiguration small_configuration() {
  TrainingConfiguration configuration;
  configuration.train_images = 32;
  configuration.subtract = "mean_image";
  configuration.batch_size = 16;
  configuration.epochs = 3;
  return configuration;
}

Record run_record() {
  TrainingRun run(small_configuration(), fixture(), 1);
  run.train({[](std::size_t, std::size_t) { return true; }, [](const EpochResult&) {}});
  RecordLabels labels;
  labels.study = training_from(study_record(), "made up").study;
  return to_tree(training_record(run, evaluation_of(run), {}, labels));
}

/// In the middle of the third epoch.
Record stopped_record() {
  TrainingRun run(small_configuration(), fixture(), 1);
  std::size_t steps = 0;
  run.train({[&](std::size_t, std::size_t) { return ++steps < 5; }, [](const EpochResult&) {}});
  return checkpoint_record(run);
}

struct Whole {
  std::string name;
  Record record;
};
const std::vector<Whole>& whole_records() {
  static const std::vector<Whole> records = {
      {"training", run_record()},
      {"comparison", comparison_record()},
      {"checkpoint", stopped_record()},
      {"checkpoint of format 1", load_record(REPRISE_FIXTURES "/records/format_1/checkpoint.h5")}};
  return records;
}

// ---- parts of a record by path

Group& group_at(Record& record, std::string_view path) {
  Group* group = &record;
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const std::string name(path.substr(0, path.find('/')));
    path.remove_prefix(name.size());
    group = &group->groups.at(name);
  }
  return *group;
}

Dataset& dataset_of(Record& record, const DatasetRule& rule) {
  return group_at(record, rule.group).datasets.at(std::string(rule.name));
}

std::string path_of(const AttributeRule& rule) {
  return std::string(rule.group).append("@").append(rule.name);
}
std::string path_of(const DatasetRule& rule) {
  return std::string(rule.group).append("/").append(rule.name);
}

/// The dataset has the shape; values that are added repeat the first.
void resize(Dataset& dataset, const std::vector<std::size_t>& shape) {
  std::size_t count = 1;
  for (const std::size_t size : shape) count *= size;
  dataset.shape = shape;
  std::visit(
      [&](auto& values) {
        using Value = typename std::decay_t<decltype(values)>::value_type;
        const Value first = values.empty() ? Value() : Value(values.front());
        values.resize(count, first);
      },
      dataset.values);
}

/// How many rows of the table set the size of an axis.
std::size_t uses_of(const Schema& schema, std::string_view axis) {
  std::size_t uses = 0;
  for (const DatasetRule& rule : schema.datasets) {
    for (const std::string_view a : rule.axes) uses += size_name(a) == size_name(axis) ? 1 : 0;
  }
  for (const SizeRule& rule : schema.sizes) uses += rule.axis == size_name(axis) ? 1 : 0;
  return uses;
}

/// The size of an axis in the whole record.
std::size_t size_in(Record record, const Schema& schema, std::string_view axis) {
  for (const SizeRule& rule : schema.sizes) {
    if (rule.axis != axis) continue;
    return static_cast<std::size_t>(
        group_at(record, rule.group).attribute<std::int64_t>(std::string(rule.attribute)));
  }
  for (const DatasetRule& rule : schema.datasets) {
    for (std::size_t i = 0; i < rule.axes.size(); ++i) {
      if (size_name(rule.axes[i]) == axis) return dataset_of(record, rule).shape[i];
    }
  }
  return 0;
}

/// An axis gets a size wherever it is.
void set_axis(Record& record, const Schema& schema, std::string_view axis, std::size_t size) {
  for (const SizeRule& rule : schema.sizes) {
    if (rule.axis != axis) continue;
    group_at(record, rule.group).attributes[std::string(rule.attribute)] =
        static_cast<std::int64_t>(size);
  }
  for (const DatasetRule& rule : schema.datasets) {
    Dataset& dataset = dataset_of(record, rule);
    std::vector<std::size_t> shape = dataset.shape;
    for (std::size_t i = 0; i < rule.axes.size(); ++i) {
      if (size_name(rule.axes[i]) == axis) shape[i] = size;
    }
    resize(dataset, shape);
  }
}

// ---- what breaks a rule

/// Counts the changes of one record that were refused as they should be.
class Breaker {
 public:
  explicit Breaker(const Record& whole) : whole_(whole) {}

  /// The change is refused in one line that holds one of `expected`.
  template <class Change>
  void check(const std::vector<std::string>& expected, const Change& change) {
    Record record = whole_;
    change(record);
    const std::string error = error_of([&] { check_schema(record, "r.h5"); });
    INFO(expected.front() << ": " << error);
    bool named = false;
    for (const std::string& text : expected) named = named || error.find(text) != error.npos;
    CHECK(named);
    CHECK(is_line_with(error, "r.h5: ", "; expected "));
    ++count_;
  }
  [[nodiscard]] const Record& whole() const { return whole_; }
  [[nodiscard]] std::size_t count() const { return count_; }

 private:
  const Record& whole_;
  std::size_t count_ = 0;
};

std::vector<double> wrong_numbers(const Allowed& allowed, bool is_real) {
  std::vector<double> numbers;
  if (allowed.numbers == Allowed::Numbers::any) return numbers;
  numbers.push_back(is_real ? std::nextafter(allowed.least, -1e300) : allowed.least - 1);
  constexpr double endless = std::numeric_limits<double>::infinity();
  if (allowed.most < endless)
    numbers.push_back(is_real ? std::nextafter(allowed.most, endless) : allowed.most + 1);
  if (is_real && allowed.numbers == Allowed::Numbers::within) numbers.push_back(std::nan(""));
  return numbers;
}

std::vector<std::string> wrong_texts(const Allowed& allowed) {
  std::vector<std::string> texts;
  if (allowed.text == Allowed::Text::not_empty) texts.emplace_back();
  if (allowed.text == Allowed::Text::digest) {
    texts = {"", std::string(63, 'a'), std::string(65, 'a'), std::string(64, 'A')};
  }
  if (!allowed.one_of.empty()) texts.emplace_back("no such");
  return texts;
}

/// Values of the type of `value` that are not allowed.
std::vector<AttributeValue> wrong_values(const AttributeValue& value, const Allowed& allowed) {
  std::vector<AttributeValue> wrong;
  if (std::holds_alternative<std::string>(value)) {
    for (const std::string& text : wrong_texts(allowed)) wrong.emplace_back(text);
    return wrong;
  }
  const bool is_real = std::holds_alternative<double>(value);
  for (const double number : wrong_numbers(allowed, is_real)) {
    if (is_real) wrong.emplace_back(number);
    if (!is_real) wrong.emplace_back(static_cast<std::int64_t>(number));
  }
  return wrong;
}

void break_rule(Breaker& breaker, const AttributeRule& rule) {
  const std::string path = path_of(rule);
  const std::string name(rule.name);
  const auto attributes = [&](Record& record) -> Attributes& {
    return group_at(record, rule.group).attributes;
  };
  if (!rule.optional) {
    breaker.check({path + " is missing"}, [&](Record& r) { attributes(r).erase(name); });
  }
  const bool is_text = rule.type == "text";
  breaker.check({path + " is of type"}, [&](Record& r) {
    attributes(r)[name] = is_text ? AttributeValue(std::int64_t{1}) : AttributeValue("text");
  });
  const AttributeValue sample = is_text                  ? AttributeValue("")
                                : rule.type == "float64" ? AttributeValue(0.0)
                                                         : AttributeValue(std::int64_t{0});
  for (const AttributeValue& value : wrong_values(sample, rule.allowed)) {
    breaker.check({path + " is "}, [&](Record& r) { attributes(r)[name] = value; });
  }
}

void break_values(Breaker& breaker, const DatasetRule& rule) {
  Record whole = breaker.whole();
  std::visit(
      [&](const auto& values) {
        using Value = typename std::decay_t<decltype(values)>::value_type;
        REQUIRE(!values.empty());
        const auto check = [&](const Value& wrong) {
          breaker.check({path_of(rule) + "["}, [&](Record& r) {
            std::get<std::vector<Value>>(dataset_of(r, rule).values).front() = wrong;
          });
        };
        if constexpr (std::is_same_v<Value, std::string>) {
          for (const std::string& text : wrong_texts(rule.allowed)) check(text);
        } else {
          for (const double number : wrong_numbers(rule.allowed, std::is_floating_point_v<Value>)) {
            check(static_cast<Value>(number));
          }
        }
      },
      dataset_of(whole, rule).values);
}

void break_rule(Breaker& breaker, const Schema& schema, const DatasetRule& rule) {
  const std::string path = path_of(rule);
  if (!rule.optional) {
    breaker.check({path + " is missing"}, [&](Record& r) {
      group_at(r, rule.group).datasets.erase(std::string(rule.name));
    });
  }
  breaker.check({path + " is of type uint32"}, [&](Record& r) {
    Dataset& dataset = dataset_of(r, rule);
    std::visit(
        [&](const auto& values) { dataset.values = std::vector<std::uint32_t>(values.size()); },
        Dataset(dataset).values);
  });
  breaker.check({path + " has the axes "}, [&](Record& r) {
    Dataset& dataset = dataset_of(r, rule);
    if (dataset.dimensions.empty()) resize(dataset, {1});
    dataset.dimensions.resize(dataset.shape.size());
    dataset.dimensions.back() = "elsewhere";
  });
  for (std::size_t i = 0; i < rule.axes.size(); ++i) {
    if (uses_of(schema, rule.axes[i]) < 2) continue;
    breaker.check({path + " has ", "as " + path + " says"}, [&](Record& r) {
      Dataset& dataset = dataset_of(r, rule);
      std::vector<std::size_t> shape = dataset.shape;
      ++shape[i];
      resize(dataset, shape);
    });
  }
  break_values(breaker, rule);
}

void break_rule(Breaker& breaker, const Schema& schema, const SizeRule& rule) {
  if (uses_of(schema, rule.axis) < 2) return;  // a size for indices alone
  const std::string path = std::string(rule.group).append("@").append(rule.attribute);
  breaker.check({path + " has ", "as " + path + " says"}, [&](Record& r) {
    auto& value = group_at(r, rule.group).attributes.at(std::string(rule.attribute));
    ++std::get<std::int64_t>(value);
  });
}

void break_rule(Breaker& breaker, const Schema& schema, const AxisRule& rule) {
  const auto check = [&](std::size_t size) {
    breaker.check({fmt::format("has {} along {}; expected {}", size, rule.axis, rule.least)},
                  [&](Record& r) { set_axis(r, schema, rule.axis, size); });
  };
  check(rule.least - 1);
  if (rule.most < std::numeric_limits<std::size_t>::max()) check(rule.most + 1);
}

void break_rule(Breaker& breaker, const Schema& schema, const IndexRule& rule) {
  const std::size_t size = size_in(breaker.whole(), schema, rule.axis);
  const std::string path = std::string(rule.group).append("/").append(rule.name);
  breaker.check({path + "["}, [&](Record& r) {
    Dataset& dataset = group_at(r, rule.group).datasets.at(std::string(rule.name));
    if (auto* bytes = std::get_if<std::vector<std::uint8_t>>(&dataset.values)) {
      bytes->back() = static_cast<std::uint8_t>(size);
    } else {
      std::get<std::vector<std::int64_t>>(dataset.values).back() = static_cast<std::int64_t>(size);
    }
  });
}

void break_table(Breaker& breaker, const Schema& schema) {
  for (const std::string& group : schema.groups) {
    breaker.check({group + " is missing"}, [&](Record& r) { r.groups.erase(group.substr(1)); });
  }
  for (const AttributeRule& rule : schema.attributes) break_rule(breaker, rule);
  for (const SizeRule& rule : schema.sizes) break_rule(breaker, schema, rule);
  for (const DatasetRule& rule : schema.datasets) break_rule(breaker, schema, rule);
  for (const AxisRule& rule : schema.axes) break_rule(breaker, schema, rule);
  for (const IndexRule& rule : schema.indices) break_rule(breaker, schema, rule);
}

// ---- relations: a case or more for each, by its name

struct RelationCase {
  std::string relation, expected;
  std::function<void(Record&)> change;
};

template <class T>
std::vector<T>& values_at(Record& record, const std::string& group, const std::string& name) {
  return std::get<std::vector<T>>(group_at(record, group).datasets.at(name).values);
}

const std::vector<RelationCase>& relation_cases() {
  static const std::vector<RelationCase> cases = {
      {"a row for each epoch", "/history/epoch has 3 along epoch; expected 4",
       [](Record& r) { group_at(r, "/configuration").attributes["epochs"] = std::int64_t{4}; }},
      {"a row for each epoch", "/history/epoch has 3 along epoch; expected 10",
       [](Record& r) { group_at(r, "/configuration").attributes.erase("epochs"); }},
      {"epochs are numbered", "/history/epoch[1] is 3; expected 2",
       [](Record& r) { values_at<std::int64_t>(r, "/history", "epoch")[1] = 3; }},
      {"a name for each layer", "/model/layer_names[1] is conv1 again",
       [](Record& r) { values_at<std::string>(r, "/model", "layer_names")[1] = "conv1"; }},
      {"parameters of each layer", "/model/conv1 has 155 parameters; expected 156",
       [](Record& r) { resize(group_at(r, "/model/conv1").datasets.at("bias"), {5}); }},
      {"parameters of each layer", "/model/conv1 has 0 parameters; expected 156",
       [](Record& r) { group_at(r, "/model").groups.erase("conv1"); }},
      {"parameters of each layer", "/model/conv1/bias is of type float64; expected float32",
       [](Record& r) {
         group_at(r, "/model/conv1").datasets.at("bias").values = std::vector<double>(6);
       }},
      {"parameters in all", "/model@parameters is 1; expected 61706",
       [](Record& r) { group_at(r, "/model").attributes["parameters"] = std::int64_t{1}; }},
      {"most probable labels", "/evaluation/top5_labels has 4 along rank; expected 5",
       [](Record& r) { set_axis(r, schemas_of(r).front(), "rank", 4); }},
      {"confusion matrix", "/evaluation/confusion[2] counts",
       [](Record& r) { ++values_at<std::int64_t>(r, "/evaluation", "confusion")[27]; }},
      {"threshold of a study", "/study@threshold is 1; expected a number between 0 and 1",
       [](Record& r) {
         group_at(r, "/study").attributes["measure"] = "epochs_to_train_error";
         group_at(r, "/study").attributes["threshold"] = 1.0;
       }},
      {"margin of a study", "/study@margin is 0; expected a number above 0",
       [](Record& r) {
         group_at(r, "/study").attributes["expectation"] = "same";
         group_at(r, "/study").attributes["margin"] = 0.0;
       }},
      {"seconds for each epoch", "/environment/seconds_per_epoch has 1 along epoch; expected 2",
       [](Record& r) {
         resize(group_at(r, "/environment").datasets.at("seconds_per_epoch"), {1});
       }},
  };
  return cases;
}

}  // namespace

TEST_CASE("a record that breaks any row of its schema's tables is refused by name") {
  for (const auto& [name, record] : whole_records()) {
    INFO(name);
    REQUIRE_NOTHROW(check_schema(record, name));
    Breaker breaker(record);
    for (const Schema& schema : schemas_of(record)) break_table(breaker, schema);
    CHECK(breaker.count() > 40);
  }
}

TEST_CASE("a record that breaks any relation between its parts is refused by name") {
  std::set<std::string> unused;
  for (const RelationCase& c : relation_cases()) unused.insert(c.relation);
  for (const auto& [name, record] : whole_records()) {
    if (format_of(record) == 1) continue;
    Breaker breaker(record);
    for (const Relation& relation : relations_of(kind_of(record))) {
      INFO(name << ": " << relation.name);
      const std::size_t before = breaker.count();
      for (const RelationCase& c : relation_cases()) {
        if (c.relation == relation.name) breaker.check({c.expected}, c.change);
      }
      CHECK(breaker.count() > before);  // a relation without a case
      unused.erase(std::string(relation.name));
    }
  }
  CHECK(unused.empty());
}

TEST_CASE("a record of another kind than the one asked for is refused, whole or not") {
  const TemporaryFolder folder;
  Record record = comparison_record();
  save_record(record, folder / "c.h5");
  CHECK_NOTHROW(load_record(folder / "c.h5"));
  CHECK_NOTHROW(load_record(folder / "c.h5", "comparison"));
  CHECK(is_line_with(error_of([&] { load_record(folder / "c.h5", "training"); }), "c.h5",
                     "of the kind \"comparison\"; expected one of the kind \"training\""));
  record.attributes.erase("kind");
  save_record(record, folder / "none.h5");
  CHECK(is_line_with(error_of([&] { load_record(folder / "none.h5", "training"); }), "none.h5",
                     "a record without a kind"));
  record.attributes["kind"] = "comparison";
  record.groups["comparison"].datasets.erase("pass");
  save_record(record, folder / "broken.h5");
  for (const char* kind : {"", "comparison"}) {
    const std::string path = folder / "broken.h5";
    const std::string error =
        error_of([&] { *kind == '\0' ? load_record(path) : load_record(path, kind); });
    CHECK(is_line_with(error, "broken.h5: /comparison/pass is missing", "a dataset of type text"));
  }
}

TEST_CASE("plain data give back the tree that they were read from") {
  for (const Whole& whole : whole_records()) {
    CAPTURE(whole.name);
    const std::string kind = kind_of(whole.record);
    const Record again = kind == "training"     ? to_tree(training_from(whole.record, "r"))
                         : kind == "comparison" ? to_tree(comparison_from(whole.record, "r"))
                                                : to_tree(checkpoint_from(whole.record, "r"));
    std::set<std::string> paths;
    for (const auto& [path, what] : differences(whole.record, again)) paths.insert(path);
    // Format 1 keeps a checkpoint's seconds outside /environment; the rest is the same.
    const bool is_old = format_of(whole.record) == 1;
    CHECK(paths == (is_old ? std::set<std::string>{"/history/epoch_000001@train_seconds",
                                                   "/state@epoch_seconds"}
                           : std::set<std::string>{}));
    if (is_old) continue;
    CHECK(digest_of(again) == digest_of(whole.record));
    const Group& environment = whole.record.group("environment");
    CHECK(differences(environment, again.group("environment")).empty());
  }
  for (const char* name : {"training.h5", "study_run.h5"}) {
    CAPTURE(name);
    const Record old = load_record(std::string(REPRISE_FIXTURES "/records/format_1/") + name);
    CHECK(differences(to_tree(training_from(old, name)), old).empty());
  }
}
