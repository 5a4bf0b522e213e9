/// \file
/// What the paper of AlexNet (Krizhevsky, Sutskever, Hinton 2012) says, as data for the tables.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace reprise::reports {

struct AlexNetLayer {
  std::string_view name, what;
  std::int64_t weights = 0, biases = 0;
  std::string_view output;  ///< height × width × maps, or units
  [[nodiscard]] std::int64_t parameters() const { return weights + biases; }
};
const std::vector<AlexNetLayer>& alexnet_layers();

/// An ingredient, what it was, and what the paper says it brought.
struct AlexNetNovelty {
  std::string_view section, what, brought;
};
const std::vector<AlexNetNovelty>& alexnet_novelties();

/// A row of the paper's tables of results. Errors are fractions, NaN where the paper has none.
struct AlexNetResult {
  std::string_view model, data;
  double top1 = 0, top5 = 0, top5_test = 0;
  int networks = 0;         ///< averaged; 0 for other methods
  bool pretrained = false;  ///< some or all on a larger set first
};
/// Table 1 (test set of 2010) and table 2 (validation set of 2012).
const std::vector<AlexNetResult>& alexnet_results();

/// What the paper did, by the row's name in the table that sets it beside ours.
std::string_view paper_side(std::string_view what);

}  // namespace reprise::reports
