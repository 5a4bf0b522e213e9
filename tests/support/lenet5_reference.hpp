/// \file
/// LeNet-5's loss in double by plain loops, written apart from the library: an oracle for
/// gradients.
#pragma once

#include <cstdint>
#include <vector>

namespace reprise::test {

/// The mean softmax cross-entropy of the modified LeNet-5 with 61,706 parameters (laid out as the
/// model's) over images (N,28,28,1).
double reference_lenet5_loss(const std::vector<double>& parameters,
                             const std::vector<float>& images,
                             const std::vector<std::uint8_t>& labels);

}  // namespace reprise::test
