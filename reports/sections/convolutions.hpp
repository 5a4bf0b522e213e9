/// \file
/// Figures on convolution algorithms, for convolutions.cpp.
#pragma once

#include <string>

#include "comparison.hpp"
#include "draft.hpp"

namespace reprise::reports {

/// A row's name without its network.
UntrustedText layer_of(const ComparisonRow& row);
/// Shapes that differ in one size: those whose names begin with "kernel:" or "channels:".
bool is_in_sweep(const ComparisonRow& row);

/// The fastest portable algorithm by kernel size and channels, a panel for each pass. Panels are
/// named `name`_1, `name`_2, ...; none if nothing was timed.
Figure map_figure(const Comparison& comparison, const std::string& name);
/// Of input, weights and output, each once, float32; 0 if the shape's line does not say.
double tensor_bytes(const ComparisonRow& row);

/// Operations per second against operations per byte of the tensors, below the roof of peak and
/// bandwidth, a panel for each pass; none if the record has no bandwidth.
Figure roofline_figure(const Comparison& comparison, const std::string& name);
/// Each algorithm's share of the machine's peak, a panel for each network, a line for each layer
/// and pass.
Figure share_figure(const Comparison& comparison, const std::string& name);
/// Share of the peak of what needs fewer operations than the plain sum, against how many times
/// fewer: a panel for each pass. No panel without such rows.
Figure saving_figure(const Comparison& comparison, const std::string& name);

}  // namespace reprise::reports
