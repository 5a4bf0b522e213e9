/// \file
/// A study: one question, asked by training variants of one network over several seeds. It is
/// written as a TOML file, such as those in experiments/studies.
///
/// A seed gives each variant the same order of images, and the same initial weights wherever layers
/// have the same name and shape, so that variants are compared in pairs. Every run is a record of
/// its own, which a store keeps by the digest of its configuration and data (run_store.hpp), so
/// that studies share it; the study's plan says which question it serves.
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "reprise/record/study_question.hpp"
#include "reprise/run/configuration.hpp"

namespace reprise {

/// A setting by name, and its value.
struct SettingChange {
  std::string name;
  std::variant<std::int64_t, double, std::string> value;
};

/// One way to train.
struct Variant {
  std::string name;  ///< as files are called: "tanh"
  std::string description;
  /// What the claim says of this variant's measure against the baseline's: "lower", "higher",
  /// "same"; "" for the baseline, and in a study without a claim.
  std::string expectation;
  std::vector<SettingChange> changes;  ///< of the common settings
};

/// Its name is as its file is called.
struct Study : StudyQuestion {
  bool colour_only = false;            ///< asks nothing where images have one channel
  std::vector<std::string> data_sets;  ///< the names of those it is meant for; empty: any
  /// Common to all variants. Where --epochs asks for another number, lr_milestones scale with it.
  TrainingConfiguration settings;
  std::vector<Variant> variants;  ///< the first is the baseline
  /// What stands for the paper's scale where that is out of reach: then the claim's verdict is "not
  /// tested at the paper's scale". "" where it is tested as it was made.
  std::string tested_instead;
  /// If not empty, two or more: each variant is run with the one of these rates that gives it the
  /// least training error in the last epoch of pilot runs.
  std::vector<double> learning_rates;
  /// Rates that may be added to a variant's grid where its best one is at an end.
  std::int64_t extend_learning_rates = 3;
  std::vector<std::int64_t> pilot_seeds = {0};  ///< never measured
  std::int64_t pilot_epochs = 0;  ///< of a pilot, at most those of a measured run; 0: as many
  std::vector<std::int64_t> quick_seeds = {1, 2};  ///< of --quick
  std::int64_t quick_epochs = 2;                   ///< of --quick
  /// Of its file: a line for each setting that has a name of an earlier release.
  std::vector<std::string> notes{};
};

constexpr std::int64_t kMaxEpochs = 1'000'000;

/// Reads and checks a study's file; its name is the file's, without ".toml". Error in one line with
/// the file and line: no TOML, an unknown key (with the nearest known one), a value of another type
/// or out of range, a name that is no plain file name, text with control characters.
Study read_study(const std::string& file);

/// The file that `study` means: what ends in ".toml" or starts with "." or "/" is a path, else it
/// is the name of one of study_files(). Error lists their names.
std::string find_study(const std::string& study);

/// The study files that came with this program (installed_data.hpp), sorted, those in folders last.
std::vector<std::string> study_files();
/// The name of one of them, as find_study() takes it: "dropout", "cifar10/dropout".
std::string study_name_of(const std::string& file);
std::vector<std::string> study_names();

/// How much its runs train, where that is not as the study says.
struct StudyScale {
  std::int64_t epochs = 1;
  std::int64_t train_images = 0;  ///< 0: all
};
StudyScale scale_of(const Study& study);

/// The whole configuration of a variant's run with this seed. Where the study has a grid of
/// learning rates, a measured run has one of these in place of learning_rate. Error if the settings
/// do not go together.
TrainingConfiguration study_configuration(const Study& study, std::size_t variant,
                                          std::int64_t seed, const StudyScale& scale);

/// The configuration of a variant's pilot: pilot_epochs long, whatever would end it before, so that
/// the training errors of all pilots are those of one epoch.
TrainingConfiguration pilot_configuration(const Study& study, std::size_t variant,
                                          std::int64_t seed, const StudyScale& scale, double rate);

/// The rates that pilots may try: the grid, with all that may be added at both ends; rising.
std::vector<double> possible_rates(const Study& study);
/// The rate that is added beyond `end`, by its ratio to `before` and with three digits.
double rate_beyond(double end, double before);

/// The group /study that records of earlier releases have; `role` is "measured" or "pilot".
StudyRecord study_label(const Study& study, std::size_t variant, const std::string& role);

}  // namespace reprise
