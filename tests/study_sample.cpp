// Writes made-up records of studies into a folder, for the test of the report's page.
#include <cstdio>
#include <string>

#include "reprise/record_file/record_file.hpp"
#include "support/comparison_record.hpp"
#include "support/study_record.hpp"

namespace {

using reprise::test::StudyRecordOptions;

/// Five seeds of a variant; `wrong` and `quarter` are those of the first.
void save_variant(const std::string& folder, StudyRecordOptions options, std::int64_t wrong,
                  double quarter) {
  for (std::int64_t seed = 1; seed <= 5; ++seed) {
    options.seed = seed;
    options.wrong = wrong + seed * 7 % 5;
    options.quarter = quarter * (1 + 0.05 * static_cast<double>(seed * 3 % 5));
    const std::string name = options.study + "-" + options.variant + "-" + std::to_string(seed);
    reprise::save_record(reprise::test::study_record(options), folder + "/" + name + ".h5");
  }
}

void save_study(const std::string& folder, StudyRecordOptions options,
                const std::vector<std::string>& variants, std::int64_t step) {
  std::int64_t wrong = 60;
  double quarter = 2;
  options.baseline = variants.front();
  for (const std::string& variant : variants) {
    options.variant = variant;
    save_variant(folder, options, wrong, quarter);
    wrong += step;
    quarter *= 0.6;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: study_sample FOLDER\n");
    return 2;
  }
  const std::string folder = argv[1];
  StudyRecordOptions options;
  options.study = "relu_vs_tanh";
  options.section = "3.1";
  options.measure = "epochs_to_train_error";
  options.paper_figure = "six times fewer epochs";
  save_study(folder, options, {"tanh", "relu"}, -2);
  options = {};
  options.study = "depth";
  options.section = "7";
  options.expectation = "higher";
  save_study(folder, options,
             {"whole", "without_the_first_convolution", "without_the_second_convolution",
              "without_the_third_convolution", "without_both_dense_layers",
              "with_one_more_convolution", "with_two_more_convolutions"},
             3);
  options = {};
  options.study = "convolution_choice";
  options.section = "";
  options.measure = "seconds_per_epoch";
  options.expectation = "same";
  options.margin = 0.5;
  save_study(folder, options, {"direct", "fft"}, 0);
  reprise::save_record(reprise::test::comparison_record(), folder + "/convolutions.h5");
  return 0;
}
