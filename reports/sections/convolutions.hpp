/// \file
/// The parts of the section on convolution algorithms: figures, tables and the sentences with them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "comparison.hpp"
#include "draft.hpp"

namespace reprise::reports {

/// Shapes that differ in one size: those whose names are PREFIX:SIZE or PREFIX:KIND:SIZE.
struct Sweep {
  std::string_view prefix;    ///< "kernel"
  std::string_view quantity;  ///< what SIZE is, as the axis calls it
  bool doubles = false;       ///< sizes are powers of two
};
inline constexpr Sweep kKernelSweep{"kernel", "Kernel size", false};
inline constexpr Sweep kChannelSweep{"channels", "Channels", true};

/// A row's name without its network.
UntrustedText layer_of(const ComparisonRow& row);
bool is_in_sweep(const ComparisonRow& row);

/// A figure and, as a list, which algorithm is the fastest where.
struct Crossover {
  Figure figure;  ///< a panel for each kind and pass; none if nothing was timed
  Markdown crossovers;
  std::size_t left_out = 0;  ///< panels beyond those that are drawn
};
/// Panels are named `name`_1, `name`_2, ...
Crossover crossover(const Comparison& comparison, const Sweep& sweep, const std::string& name);

/// Workspace against time, a panel for each pass of the layer.
Figure memory_figure(const Comparison& comparison, const UntrustedText& layer,
                     const std::string& name);
/// alexnet:conv2 if it was timed, else the timed layer of the most arithmetic; "" for none.
UntrustedText memory_layer(const Comparison& comparison);

/// What a network's tables have in their cells.
enum class Cell { time, rate, workspace, error };
/// (layer and pass, algorithm) of a network.
TableEntry network_table(const Comparison& comparison, const UntrustedText& network, Cell what);
/// Networks that have timed rows and are no sweep, in the order of the record.
std::vector<UntrustedText> timed_networks(const Comparison& comparison);

TableEntry error_table(const Comparison& comparison);
TableEntry status_table(const Comparison& comparison);
TableEntry wrong_table(const Comparison& comparison);
/// A list: why which algorithm does not offer something; "" if all do all.
Markdown unsupported_reasons(const Comparison& comparison);

/// Three digits that count: "0.0123", "12.3", "1,234".
std::string significant(double value);
/// The same for a table's cell: "1234".
std::string significant_cell(double value);
/// "0", "512 B", "96 KiB", "1.5 MiB".
std::string bytes_text(double bytes);

}  // namespace reprise::reports
