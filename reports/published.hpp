/// \file
/// Numbers from the literature, each with its place, so that no prose types them by hand.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "draft.hpp"

namespace reprise::reports {

/// LeNet-5's test error on MNIST, without and with distorted images added to the training set
/// (LeCun et al. 1998, section III.B).
inline constexpr double kLenetTestError = 0.0095;
inline constexpr double kLenetDistortedTestError = 0.008;

/// What a network of this kind is known to reach on a data set when trained on all of it.
struct KnownAccuracy {
  std::string_view data;  ///< name of the data set as the report prints it
  double low = 0;
  double high = 0;
  std::string_view basis;  ///< completes "the range is ..."
};

/// By the data set's display name, also for a part of it such as "MNIST (500 images)".
std::optional<KnownAccuracy> known_accuracy(const UntrustedText& data);

/// "Fashion-MNIST" for "fashion_mnist" and the like; other names as they are.
UntrustedText data_display_name(const UntrustedText& name);

/// Values of LeNet-5 (LeCun et al. 1998) and AlexNet (Krizhevsky et al. 2012) for the templates,
/// and the references. `data` is a display name; `parameters` of the network at hand gives the
/// ratio to AlexNet's.
void add_published_values(Draft& draft, const UntrustedText& data, double parameters);

}  // namespace reprise::reports
