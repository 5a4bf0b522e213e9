/// \file
/// What is known from the literature; templates/ has the rest as text and tables.
#pragma once

#include <cstdint>

#include "untrusted_text.hpp"

namespace reprise::reports {

/// LeNet-5's test error on MNIST, without and with distorted images added to the training set
/// (LeCun et al. 1998, section III.B).
inline constexpr double kLenetTestError = 0.0095;
inline constexpr double kLenetDistortedTestError = 0.008;

/// Of all layers of AlexNet, which the paper gives as 60 million.
inline constexpr std::int64_t kAlexnetParameters = 60'965'224;

/// What the mean of five networks of AlexNet gained in top-1 error over one (Krizhevsky et al.
/// 2012, table 2).
inline constexpr double kAlexnetAveragingGain = 0.407 - 0.381;

/// "Fashion-MNIST" for "fashion_mnist" and the like; other names as they are.
UntrustedText data_display_name(const UntrustedText& name);

/// Whether a display name is that of Fashion-MNIST or, as in "Fashion-MNIST (500 images)", a part.
bool is_fashion_mnist(const UntrustedText& data);
/// The same of CIFAR-10.
bool is_cifar10(const UntrustedText& data);

}  // namespace reprise::reports
