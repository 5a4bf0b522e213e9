/// \file
/// Numbers from the literature, each with its place, so that no prose types them by hand.
#pragma once

#include "draft.hpp"

namespace reprise::reports {

/// LeNet-5's test error on MNIST, without and with distorted images added to the training set
/// (LeCun et al. 1998, section III.B).
inline constexpr double kLenetTestError = 0.0095;
inline constexpr double kLenetDistortedTestError = 0.008;

/// What the mean of five networks of AlexNet gained in top-1 error over one (Krizhevsky et al.
/// 2012, table 2).
inline constexpr double kAlexnetAveragingGain = 0.407 - 0.381;

/// "Fashion-MNIST" for "fashion_mnist" and the like; other names as they are.
UntrustedText data_display_name(const UntrustedText& name);

/// What templates say of the two papers, and the list of references; `data` is a display name.
void add_published_values(const UntrustedText& data, Draft& draft);

}  // namespace reprise::reports
