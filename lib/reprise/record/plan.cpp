#include "reprise/record/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <span>
#include <tuple>

#include "reprise/core/digest.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/text.hpp"
#include "reprise/record/configuration_text.hpp"
#include "reprise/record/format.hpp"
#include "reprise/record/toml_table.hpp"

namespace reprise {
namespace {

constexpr std::string_view kPlanFormat = "reprise plan 1";
constexpr std::size_t kMaxPlannedVariants = 64;
constexpr std::size_t kDigits = 64;
constexpr const char* kDigest = "64 hexadecimal digits, of a to f in lower case";

bool is_digest(std::string_view text) {
  return text.size() == kDigits && text.find_first_not_of("0123456789abcdef") == text.npos;
}

template <class Value>
std::string list_line(const char* name, const std::vector<Value>& values) {
  std::string items;
  for (const Value& value : values) {
    // A setting's line gives the value as TOML has it: "x = VALUE\n".
    const std::string line = setting_line("x", AttributeValue(value));
    items += (items.empty() ? "" : ", ") + line.substr(4, line.size() - 5);
  }
  return std::string(name) + " = [" + items + "]\n";
}

/// No line for an empty text: a plan's texts are never empty.
std::string text_line(const char* name, const std::string& text) {
  return text.empty() ? "" : setting_line(name, text);
}

std::string variant_text(const PlannedVariant& variant) {
  return "\n[[variants]]\n" + setting_line("name", variant.name) +
         text_line("description", variant.description) +
         text_line("expectation", variant.expectation) +
         (variant.learning_rate == 0.0 ? "" : setting_line("learning_rate", variant.learning_rate));
}

std::string run_text(const PlannedRun& run) {
  return "\n[[runs]]\n" + setting_line("variant", run.variant) + setting_line("role", run.role) +
         setting_line("seed", run.seed) + setting_line("learning_rate", run.learning_rate) +
         setting_line("digest", run.digest);
}

/// The tables of an array [[key]], 1 to `most`.
template <class Item>
auto tables(const TomlFile& file, const TomlTable& table, const std::string& key, std::size_t most,
            const Item& item) {
  table.require(key);
  return table.list(
      key,
      [&](const toml::node& node) {
        if (!node.is_table()) throw Error(file.where(node), key, "tables [[" + key + "]]");
        return item(*node.as_table());
      },
      most);
}

std::string plain_name(const TomlTable& table, const std::string& key) {
  table.require(key);
  std::string name = table.text(key);
  if (!is_plain_name(name)) table.fail(key, "\"" + name + "\"", kPlainName);
  return name;
}

std::string digest_in(const TomlTable& table, const std::string& key) {
  std::string digest = table.text(key);
  if (!is_digest(digest)) table.fail(key, "\"" + digest + "\"", kDigest);
  return digest;
}

PlannedVariant variant_from(const TomlFile& file, const toml::table& own) {
  const TomlTable table(file, own, {"name", "description", "expectation", "learning_rate"});
  PlannedVariant variant;
  variant.name = plain_name(table, "name");
  variant.description = table.text("description");
  variant.expectation = table.choice("expectation", {"lower", "higher", "same"}, "");
  variant.learning_rate = table.real("learning_rate");
  return variant;
}

PlannedRun run_from(const TomlFile& file, const toml::table& own) {
  const TomlTable table(file, own, {"variant", "role", "seed", "learning_rate", "digest"});
  for (const char* key : {"role", "seed", "learning_rate", "digest"}) table.require(key);
  PlannedRun run;
  run.variant = plain_name(table, "variant");
  run.role = table.choice("role", {"measured", "pilot"}, "");
  run.seed = table.integer("seed", 0);
  run.learning_rate = table.real("learning_rate");
  run.digest = digest_in(table, "digest");
  if (run.seed < 0) table.fail("seed", std::to_string(run.seed), "0 or more");
  return run;
}

void read_question(const TomlTable& table, StudyPlan& plan) {
  for (const char* key : {"question", "measure", "rule", "data", "data_sha256"}) {
    table.require(key);
  }
  plan.name = plain_name(table, "study");
  plan.question = table.text("question");
  plan.section = table.text("section");
  plan.claim = table.text("claim");
  plan.paper_figure = table.text("paper_figure");
  plan.measure = table.choice("measure", measure_names(), "");
  plan.threshold = table.real("threshold");
  plan.margin = table.real("margin");
  plan.tested_instead = table.text("tested_instead");
  plan.rule = table.text("rule");
  plan.data = table.text("data");
  const bool to_threshold = plan.measure == "epochs_to_train_error";
  if (to_threshold && !(plan.threshold > 0.0 && plan.threshold < 1.0)) {
    table.fail("threshold", fmt::format("{}", plan.threshold), "above 0 and below 1");
  }
  if (plan.margin < 0.0) table.fail("margin", fmt::format("{}", plan.margin), "0 or more");
}

/// Error unless names are different and every run is of a variant, once.
void check_runs(const std::string& where, const StudyPlan& plan) {
  std::set<std::string> names;
  for (const PlannedVariant& variant : plan.variants) {
    if (plan.claim.empty() && !variant.expectation.empty()) {
      throw Error(where, "no claim, but an expectation of " + variant.name, "both or none");
    }
    if (names.insert(variant.name).second) continue;
    throw Error(where, "the variant " + variant.name + " twice", "a name of its own for each");
  }
  std::set<std::tuple<std::string, std::string, std::int64_t, double>> runs;
  for (const PlannedRun& run : plan.runs) {
    if (names.count(run.variant) == 0) {
      throw Error(where, "a run of \"" + run.variant + "\"", "one of the plan's variants");
    }
    if (runs.emplace(run.variant, run.role, run.seed, run.learning_rate).second) continue;
    throw Error(where, fmt::format("{}, seed {} twice", run.variant, run.seed), "each run once");
  }
}

}  // namespace

std::vector<std::string> measure_names() {
  return {"test_error", "train_error", "generalization_gap", "epochs_to_train_error",
          "seconds_per_epoch"};
}

std::string run_digest(const Group& configuration, const std::vector<std::string>& data_sha256) {
  std::string text;
  for (const auto& [name, value] : counted_settings(configuration, format_settings("training"))) {
    text += setting_line(name, value);
  }
  for (const std::string& sha256 : data_sha256) text += setting_line("data", sha256);
  return sha256_hex(std::as_bytes(std::span(text)));
}

std::string run_digest(const Record& record) {
  return run_digest(record.group("configuration"), record.values<std::string>("data/file_sha256"));
}

bool is_plain_name(std::string_view name) {
  constexpr std::size_t most = 64;
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  };
  return !name.empty() && name.size() <= most && name[0] != '.' && name[0] != '-' &&
         std::all_of(name.begin(), name.end(), plain);
}

bool StudyPlan::has_measured_runs() const {
  return std::any_of(runs.begin(), runs.end(),
                     [](const PlannedRun& run) { return run.role == "measured"; });
}

std::string plan_text(const StudyPlan& plan) {
  std::string text = "# The plan of a study, written before its first run: docs/statistics.md\n";
  text += setting_line("format", std::string(kPlanFormat)) + setting_line("study", plan.name) +
          text_line("follows", plan.follows) + setting_line("question", plan.question) +
          text_line("section", plan.section) + text_line("claim", plan.claim) +
          text_line("paper_figure", plan.paper_figure) + setting_line("measure", plan.measure) +
          setting_line("threshold", plan.threshold) + setting_line("margin", plan.margin) +
          text_line("tested_instead", plan.tested_instead) + setting_line("rule", plan.rule) +
          setting_line("epochs", plan.epochs) + setting_line("train_images", plan.train_images) +
          list_line("seeds", plan.seeds);
  if (!plan.learning_rates.empty()) {
    text += list_line("pilot_seeds", plan.pilot_seeds);
    text += list_line("learning_rates", plan.learning_rates);
  }
  text += setting_line("data", plan.data) + list_line("data_sha256", plan.data_sha256);
  for (const PlannedVariant& variant : plan.variants) text += variant_text(variant);
  for (const PlannedRun& run : plan.runs) text += run_text(run);
  return text;
}

StudyPlan plan_from(const std::string& where, const std::string& text) {
  if (text.size() > kMaxPlanBytes || !is_text(text)) {
    throw Error(where, fmt::format("{} bytes that are not a plan", text.size()),
                fmt::format("UTF-8 of at most {} bytes", kMaxPlanBytes));
  }
  const TomlFile file = parse_toml(where, text);
  const TomlTable table(
      file, file.table,
      {"format", "study",        "follows",        "question",    "section",
       "claim",  "paper_figure", "measure",        "threshold",   "margin",
       "epochs", "train_images", "seeds",          "pilot_seeds", "learning_rates",
       "data",   "data_sha256",  "tested_instead", "rule",        "variants",
       "runs"});
  table.require("format");
  if (table.text("format") != kPlanFormat) {
    table.fail("format", "\"" + table.text("format") + "\"", std::string(kPlanFormat));
  }
  StudyPlan plan;
  read_question(table, plan);
  plan.epochs = table.integer("epochs", 1);
  plan.train_images = table.integer("train_images", 0);
  table.require("seeds");
  plan.seeds = table.integers("seeds", kMaxSeeds);
  plan.pilot_seeds = table.integers("pilot_seeds", kMaxSeeds);
  plan.learning_rates = table.reals("learning_rates");
  if (table.find("follows") != nullptr) plan.follows = digest_in(table, "follows");
  plan.data_sha256 = table.texts("data_sha256");
  for (const std::string& sha256 : plan.data_sha256) {
    if (!is_digest(sha256)) table.fail("data_sha256", "\"" + sha256 + "\"", kDigest);
  }
  plan.variants = tables(file, table, "variants", kMaxPlannedVariants,
                         [&](const toml::table& own) { return variant_from(file, own); });
  plan.runs = tables(file, table, "runs", kMaxPlannedRuns,
                     [&](const toml::table& own) { return run_from(file, own); });
  check_runs(where, plan);
  return plan;
}

std::string first_difference(std::string_view text, std::string_view other) {
  for (std::size_t line = 1; !text.empty() || !other.empty(); ++line) {
    const std::string_view a = text.substr(0, text.find('\n'));
    const std::string_view b = other.substr(0, other.find('\n'));
    if (a != b) {
      return fmt::format("line {}: {} against {}", line, a.empty() ? "nothing" : a,
                         b.empty() ? "nothing" : b);
    }
    text.remove_prefix(std::min(a.size() + 1, text.size()));
    other.remove_prefix(std::min(b.size() + 1, other.size()));
  }
  return "";
}

}  // namespace reprise
