/// \file
/// A record as compare_convolutions writes it, made up but plausible.
#pragma once

#include "reprise/record/record.hpp"

namespace reprise::test {

struct ComparisonRecordOptions {
  bool timed = true;
  bool bandwidth = true;  ///< records of earlier releases have none
  bool earlier = false;   ///< without the rows' peaks and savings, as in earlier releases
};

/// Kernel sizes 1 to 6, channels 4 to 16 with 3x3 and 5x5 kernels, lenet5 and alexnet:conv2; naive,
/// im2col_gemm, direct, fft, winograd and onednn; forward and grad_input. By construction direct is
/// the fastest portable algorithm for kernels up to 4 but for 3, where it is winograd, and fft from
/// 5 on. naive has no row beyond kernel 3 that was run. No status is WRONG.
Record comparison_record(const ComparisonRecordOptions& options = {});

}  // namespace reprise::test
