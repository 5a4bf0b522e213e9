// The choice of a kernel.
#include "reprise/conv/direct/kernel.hpp"

#include <algorithm>
#include <limits>

#include "reprise/core/integer.hpp"

namespace reprise::direct {
namespace {

/// Calls visit(kernel) for what there is to choose among.
template <class Visit>
void for_each_candidate(const Correlation& correlation, Sum sum, const Visit& visit) {
  const auto offered = [&](const Kernel* kernel) {
    return kernel->sum == sum && kernel->offered(correlation);
  };
  const auto* const alone =
      std::find_if(std::begin(kKernels), std::end(kKernels),
                   [&](const Kernel* kernel) { return kernel->alone && offered(kernel); });
  if (alone != std::end(kKernels)) return visit(**alone);
  for (const Kernel* const kernel : kKernels) {
    if (offered(kernel)) visit(*kernel);
  }
}

}  // namespace

const Kernel* find_kernel(std::string_view name, Sum sum) {
  const auto* const found = std::find_if(
      std::begin(kKernels), std::end(kKernels),
      [&](const Kernel* kernel) { return kernel->name == name && kernel->sum == sum; });
  return found == std::end(kKernels) ? nullptr : *found;
}

Choice choose_kernel(const Correlation& correlation, Sum sum, std::size_t lanes) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  Choice choice{nullptr, infinity, infinity};
  for_each_candidate(correlation, sum, [&](const Kernel& kernel) {
    if (kernel.skips_zeros) return;
    const double cost = kernel.cost(correlation, lanes);
    const double whole =
        cost + (kernel.overhead == nullptr ? 0.0 : kernel.overhead(correlation, lanes));
    choice.cost = std::min(choice.cost, cost);
    if (choice.kernel != nullptr && whole >= choice.whole) return;
    choice.kernel = &kernel;
    choice.whole = whole;
  });
  return choice;
}

double whole_cost(const Kernel& kernel, const Correlation& correlation) {
  const double overhead =
      kernel.overhead == nullptr ? 0.0 : kernel.overhead(correlation, kMaxLanes);
  return kernel.unit * (kernel.cost(correlation, kMaxLanes) + overhead);
}

double least_cost(const Correlation& correlation, Sum sum) {
  return whole_cost(*choose_kernel(correlation, sum, kMaxLanes).kernel, correlation);
}

std::size_t workspace_bytes(const Correlation& correlation, Sum sum, std::size_t threads) {
  std::size_t bytes = 0;
  for_each_candidate(correlation, sum, [&](const Kernel& kernel) {
    bytes = std::max(bytes, kernel.workspace_bytes(correlation, threads));
  });
  return bytes;
}

double in_vectors(std::size_t count, std::size_t lanes) {
  return static_cast<double>(round_up(count, lanes));
}

double one_vector_penalty(std::size_t count, std::size_t lanes) {
  return count <= lanes ? 1.3 : 1.0;
}

double groups_and_positions(const Correlation& c) {
  return static_cast<double>(c.G) * static_cast<double>(c.positions());
}

}  // namespace reprise::direct
