/// \file
/// The fixed codes of lenet5_1998's output units: the ten digits on a bitmap of 7x12 cells.
#pragma once

#include <vector>

namespace reprise {

/// codes[digit] has 84 values, row by row: +1 where the digit is, -1 elsewhere. LeCun et al. 1998,
/// Fig. 3, shows stylised characters for all of ASCII; these digits are drawn anew in that manner.
std::vector<std::vector<float>> digit_codes();

}  // namespace reprise
