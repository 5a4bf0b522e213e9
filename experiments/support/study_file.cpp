// Studies from files: where they are, and what a file must say.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iterator>
#include <set>
#include <tuple>

#include "reprise/conv/conv_algorithm.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/parse.hpp"
#include "reprise/core/text.hpp"
#include "reprise/record/format.hpp"
#include "reprise/record/plan.hpp"
#include "reprise/run/toml_settings.hpp"
#include "support/installed_data.hpp"
#include "support/study.hpp"

namespace reprise {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxVariants = 64;

const std::vector<std::string> kExpectations = {"lower", "higher", "same"};

/// What `body` gives; its Errors begin with `where`.
template <class Body>
auto told_at(const std::string& where, const Body& body) {
  try {
    return body();
  } catch (const Error& error) {
    throw Error(where, error.what(), "");
  }
}

std::string study_name(const std::string& file) {
  std::string name = fs::path(file).stem().string();
  if (is_plain_name(name)) return name;
  throw Error(file, "cannot name a study", std::string("a file's name of ") + kPlainName);
}

void append(std::vector<std::string>& notes, const std::vector<std::string>& more) {
  notes.insert(notes.end(), more.begin(), more.end());
}

/// The settings that `table` changes. Those that are the same for all variants are refused.
std::vector<SettingChange> changes_of(const TomlFile& file, const toml::table& table,
                                      std::vector<std::string>& notes) {
  const std::set<std::string> common = {"seed", "epochs", "train_images", "holdout",
                                        "lr_milestones"};
  std::set<std::string> given;
  for (const auto& [key, node] : table) {
    const std::string name = setting_of_key(key.str());
    given.insert(name);
    if (common.count(name) == 0) continue;
    throw Error(file.where(node), "a variant sets " + name, "it to be the same for all variants");
  }
  TrainingConfiguration configuration;
  const std::vector<Setting> settings = settings_of(configuration);
  append(notes, set_settings(file, table, settings));
  std::vector<SettingChange> changes;
  for (const Setting& setting : settings) {
    if (given.count(setting.name) == 0) continue;
    std::visit(
        [&](const auto* value) {
          changes.push_back({setting.name, *value});
        },
        setting.value);
  }
  return changes;
}

/// Error unless the first variant, the baseline, and no other is without an expectation, or, in a
/// study without a claim, all are.
void check_expectation(const TomlTable& table, bool is_baseline, bool has_claim,
                       const std::string& expectation) {
  if ((is_baseline || !has_claim) == expectation.empty()) return;
  if (is_baseline) table.fail("expectation", "of the first variant", "none: it is the baseline");
  if (!has_claim) table.fail("expectation", "in a study without a claim", "both or none");
  table.require("expectation");
}

std::vector<Variant> listed_variants(const TomlFile& file, const toml::node& node, bool has_claim,
                                     std::vector<std::string>& notes) {
  const toml::array* array = node.as_array();
  if (array == nullptr || array->size() < 2 || array->size() > kMaxVariants) {
    throw Error(file.where(node), "variants", fmt::format("2 to {} of [[variants]]", kMaxVariants));
  }
  std::vector<Variant> variants;
  std::set<std::string> names;
  for (const toml::node& entry : *array) {
    if (!entry.is_table()) throw Error(file.where(entry), "a variant", "a table [[variants]]");
    const TomlTable table(file, *entry.as_table(),
                          {"name", "description", "expectation", "settings"});
    table.require("name");
    table.require("description");
    Variant variant;
    variant.name = table.text("name");
    variant.description = table.text("description");
    variant.expectation = table.choice("expectation", kExpectations, "");
    check_expectation(table, variants.empty(), has_claim, variant.expectation);
    if (!is_plain_name(variant.name) || variant.name.starts_with("pilot-")) {
      table.fail("name", "\"" + variant.name + "\"", std::string(kPlainName) + ", no pilot-");
    }
    if (!names.insert(variant.name).second) {
      table.fail("name", "\"" + variant.name + "\" twice", "a name of its own for each variant");
    }
    if (const toml::table* settings = table.table("settings")) {
      variant.changes = changes_of(file, *settings, notes);
    }
    variants.push_back(std::move(variant));
  }
  return variants;
}

/// A variant per convolution algorithm that supports the shape in all passes; the default one is
/// the baseline.
std::vector<Variant> algorithm_variants(const TomlFile& file, const toml::table& own) {
  const TomlTable table(file, own, {"shape", "expectation"});
  table.require("shape");
  table.require("expectation");
  const std::string expectation = table.choice("expectation", kExpectations, "");
  const ConvShape shape =
      told_at(table.where("shape"), [&] { return parse_conv_shape(table.text("shape")); });
  const std::string baseline(default_conv_algorithm().name);
  std::vector<Variant> variants;
  for (const ConvAlgorithm* algorithm : conv_algorithms()) {
    const bool serves =
        std::all_of(std::begin(kConvPasses), std::end(kConvPasses),
                    [&](ConvPass pass) { return algorithm->unsupported(shape, pass).empty(); });
    if (!serves) continue;
    const std::string name(algorithm->name);
    const bool is_baseline = name == baseline;
    Variant variant{name,
                    std::string(algorithm->summary),
                    is_baseline ? "" : expectation,
                    {{"conv_algorithm", name}}};
    variants.insert(is_baseline ? variants.begin() : variants.end(), std::move(variant));
  }
  if (variants.size() < 2 || variants.front().name != baseline) {
    table.fail("shape", "has too few algorithms", "one that the default and another support");
  }
  return variants;
}

std::vector<Variant> variants_of(const TomlFile& file, const TomlTable& table,
                                 std::vector<std::string>& notes) {
  const toml::table* each = table.table("each_algorithm");
  const toml::node* listed = table.find("variants");
  if ((each == nullptr) == (listed == nullptr)) {
    throw Error(file.name, each == nullptr ? "no variants" : "variants and each_algorithm",
                "either [[variants]] or [each_algorithm]");
  }
  if (each != nullptr) {
    table.require("claim");
    return algorithm_variants(file, *each);
  }
  return listed_variants(file, *listed, table.find("claim") != nullptr, notes);
}

/// The study's settings over what its model has by itself.
TrainingConfiguration settings_in(const TomlFile& file, const TomlTable& table,
                                  std::vector<std::string>& notes) {
  table.require("settings");
  const toml::table& own = *table.table("settings");
  if (const toml::node* seed = own.get("seed")) {
    throw Error(file.where(*seed), "the study sets seed", "it to be left to --seeds");
  }
  TrainingConfiguration first;
  set_settings(file, own, settings_of(first));
  told_at(table.where("settings"), [&] { check(first); });  // so its model is known
  TrainingConfiguration settings;
  settings.model_options = default_model_options(first.model);
  append(notes, set_settings(file, own, settings_of(settings)));
  if (settings.epochs > kMaxEpochs) {
    throw Error(table.where("settings"), fmt::format("epochs = {}", settings.epochs),
                fmt::format("at most {}", kMaxEpochs));
  }
  if (!settings.lr_milestones.empty()) {
    integers_of(table.where("settings") + ": setting lr_milestones", settings.lr_milestones,
                {1, settings.epochs});
  }
  return settings;
}

/// Error unless threshold, margin and rates go with the measure and the expectations.
void check_numbers(const Study& study, const TomlTable& table) {
  const bool to_threshold = study.measure == "epochs_to_train_error";
  if (to_threshold != (study.threshold > 0.0 && study.threshold < 1.0)) {
    table.fail("threshold", fmt::format("{}", study.threshold),
               "above 0 and below 1 with epochs_to_train_error, and none otherwise");
  }
  if (study.margin < 0.0) table.fail("margin", fmt::format("{}", study.margin), "0 or more");
}

/// Error unless the grid can be tried: two rates or more, whose ratio extends it, and pilots with
/// seeds of their own.
void check_grid(const Study& study, const TomlTable& table) {
  for (const char* key : {"extend_learning_rates", "pilot_seeds", "pilot_epochs"}) {
    if (study.learning_rates.empty() && table.find(key) != nullptr) {
      table.fail(key, "without learning_rates", "both or none");
    }
  }
  std::set<double> rates;
  for (const double rate : study.learning_rates) {
    if (rate > 0.0 && rates.insert(rate).second) continue;
    table.fail("learning_rates", fmt::format("{}", rate), "different numbers above 0");
  }
  if (rates.size() == 1) {
    table.fail("learning_rates", "of one rate, which nothing extends",
               "two or more, or learning_rate in [settings]");
  }
  constexpr std::int64_t most = 16;
  if (study.extend_learning_rates < 0 || study.extend_learning_rates > most) {
    table.fail("extend_learning_rates", fmt::format("{}", study.extend_learning_rates),
               fmt::format("0 to {}", most));
  }
  if (study.pilot_epochs < 0 || study.pilot_epochs > kMaxEpochs) {
    table.fail("pilot_epochs", fmt::format("{}", study.pilot_epochs),
               fmt::format("0 to {}", kMaxEpochs));
  }
  const std::set<std::int64_t> seeds(study.pilot_seeds.begin(), study.pilot_seeds.end());
  if (seeds.size() < study.pilot_seeds.size() || *seeds.begin() < 0) {
    table.fail("pilot_seeds", "of the pilots", "different integers, 0 or more");
  }
}

void read_quick(const TomlFile& file, const TomlTable& table, Study& study) {
  const toml::table* own = table.table("quick");
  if (own == nullptr) return;
  const TomlTable quick(file, *own, {"seeds", "epochs"});
  if (quick.find("seeds") != nullptr) study.quick_seeds = quick.integers("seeds");
  study.quick_epochs = quick.integer("epochs", study.quick_epochs);
  const std::set<std::int64_t> different(study.quick_seeds.begin(), study.quick_seeds.end());
  if (different.size() < study.quick_seeds.size() || *different.begin() < 1) {
    quick.fail("seeds", "of [quick]", "different integers from 1");
  }
  if (study.quick_epochs < 1 || study.quick_epochs > kMaxEpochs) {
    quick.fail("epochs", fmt::format("{}", study.quick_epochs), fmt::format("1 to {}", kMaxEpochs));
  }
}

/// Error if a variant's settings do not go together, or leave the algorithm to a release's choice.
void check_variants(const Study& study, const std::string& file) {
  for (std::size_t v = 0; v < study.variants.size(); ++v) {
    const std::string where = file + ": variant " + study.variants[v].name;
    const TrainingConfiguration configuration =
        told_at(where, [&] { return study_configuration(study, v, 1, scale_of(study)); });
    if (configuration.conv_algorithm != "auto") continue;
    throw Error(where, "conv_algorithm = \"auto\"",
                "an algorithm by its name, since another release may choose another");
  }
}

}  // namespace

Study read_study(const std::string& file) {
  const std::string name = study_name(file);
  const TomlFile toml = parse_toml(file, toml_text_of(file));
  const TomlTable table(
      toml, toml.table,
      {"question", "section", "claim", "paper_figure", "measure", "threshold", "margin",
       "tested_instead", "learning_rates", "extend_learning_rates", "pilot_seeds", "pilot_epochs",
       "data_sets", "colour_only", "settings", "quick", "each_algorithm", "variants"});
  table.require("question");
  Study study;
  study.name = name;
  study.question = table.text("question");
  study.section = table.text("section");
  study.claim = table.text("claim");
  study.paper_figure = table.text("paper_figure");
  study.measure = table.choice("measure", measure_names(), "test_error");
  study.threshold = table.real("threshold");
  study.margin = table.real("margin");
  study.tested_instead = table.text("tested_instead");
  study.learning_rates = table.reals("learning_rates");
  study.extend_learning_rates = table.integer("extend_learning_rates", study.extend_learning_rates);
  study.pilot_epochs = table.integer("pilot_epochs", study.pilot_epochs);
  if (table.find("pilot_seeds") != nullptr) study.pilot_seeds = table.integers("pilot_seeds");
  study.data_sets = table.texts("data_sets");
  study.colour_only = table.flag("colour_only");
  study.settings = settings_in(toml, table, study.notes);
  study.variants = variants_of(toml, table, study.notes);
  read_quick(toml, table, study);
  check_numbers(study, table);
  check_grid(study, table);
  check_variants(study, file);
  return study;
}

std::vector<std::string> study_files() {
  std::vector<std::string> files;
  std::error_code none;
  for (const auto& entry : fs::recursive_directory_iterator(installed_data("studies"), none)) {
    if (entry.path().extension() == ".toml") files.push_back(entry.path().string());
  }
  // Those of a folder after those that are in none.
  std::sort(files.begin(), files.end(), [](const fs::path& a, const fs::path& b) {
    return std::tuple(a.parent_path(), a) < std::tuple(b.parent_path(), b);
  });
  return files;
}

std::string study_name_of(const std::string& file) {
  return fs::path(file).lexically_relative(installed_data("studies")).replace_extension().string();
}

std::vector<std::string> study_names() {
  std::vector<std::string> names;
  for (const std::string& file : study_files()) names.push_back(study_name_of(file));
  return names;
}

std::string find_study(const std::string& study) {
  if (study.ends_with(".toml") || study.starts_with('.') || study.starts_with('/')) return study;
  for (const std::string& file : study_files()) {
    if (study_name_of(file) == study) return file;
  }
  const std::vector<std::string> names = study_names();
  throw Error(
      "study", "\"" + study + "\"",
      "a file that ends in .toml" + (names.empty() ? std::string() : " or one of " + join(names)));
}

}  // namespace reprise
