/// \file
/// A record of a study's run, made up: a training record with a group /study, whose test and
/// training errors and course are as asked for.
#pragma once

#include <cstdint>
#include <string>

#include "reprise/record/record.hpp"

namespace reprise::test {

struct StudyRecordOptions {
  std::string study = "overlapping_pooling";
  std::string section = "3.4";
  std::string measure = "test_error";
  std::string variant = "3x3";
  std::string baseline = "2x2";
  std::string expectation = "lower";  ///< not of the baseline, which has none
  std::string paper_figure = "0.4 points lower";
  double threshold = 0.25;
  double margin = 0;
  std::int64_t seed = 1;
  std::int64_t epochs = 3;
  std::int64_t wrong = 60;  ///< of 500 test images
  double train_error = 0.1;
  double quarter = 1;  ///< epochs after which a batch's error falls to 25%
  bool pilot = false;
  double learning_rate = 0.001;
  bool neighbours = true;
};

Record study_record(const StudyRecordOptions& options = {});

/// Sets which test images are named wrong: the first `wrong` of them.
void set_wrong(Record& record, std::int64_t wrong);

}  // namespace reprise::test
