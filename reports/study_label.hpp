/// \file
/// What a plan says of the study that a run belongs to, or, in records of earlier releases, the
/// group /study.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "reprise/record/contents.hpp"
#include "untrusted_text.hpp"

namespace reprise::reports {

/// What a study compares its variants by.
enum class Measure {
  test_error,             ///< fraction of the test images, after the last epoch
  train_error,            ///< fraction of the images trained on, by the trained network
  epochs_to_train_error,  ///< epochs until the training error is at or below the threshold
  seconds_per_epoch,      ///< median over the epochs
  generalization_gap      ///< test_error - train_error
};

/// What the claim says of a variant's measure against the baseline's.
enum class Expectation { none, lower, higher, same };

enum class Role {
  measured,
  pilot  ///< served to choose a learning rate, by training error
};

/// The same in all runs of a study.
struct StudyFacts {
  UntrustedText name, question;
  UntrustedText section;  ///< of the AlexNet paper, such as "3.1"
  Measure measure = Measure::test_error;
  double threshold = 0;          ///< of epochs_to_train_error, a fraction
  UntrustedText baseline_name;   ///< of a variant
  UntrustedText tested_instead;  ///< what stands for the paper's scale; "" if that is reached
};

/// The same in all runs of a variant.
struct VariantFacts {
  UntrustedText name, description;
  std::int64_t order = 0;
  UntrustedText claim, paper_figure;  ///< "" for none
  Expectation expectation = Expectation::none;
  double margin = 0;  ///< how large a difference still counts as the same, in the measure's unit
};

struct StudyLabel : StudyFacts {
  VariantFacts variant;
  Role role = Role::measured;
};

StudyLabel read_study_label(const StudyRecord& study);

/// How the report speaks of a measure.
struct MeasureWords {
  std::string_view name;  ///< in records
  Measure measure;
  std::string_view text;  ///< for the middle of a sentence
  std::string_view unit, difference_unit;
  std::string_view suffix;  ///< of a value: "%"
  std::string_view less, more;
  bool is_fraction;  ///< values are shares, to be printed as percentages
};
const MeasureWords& words_for(Measure measure);

/// "ReLU against tanh" for "relu_vs_tanh": words, well-known abbreviations as they are written.
UntrustedText words_of(const UntrustedText& name);
/// The same, for the beginning of a line.
UntrustedText heading_of(const UntrustedText& name);

}  // namespace reprise::reports
