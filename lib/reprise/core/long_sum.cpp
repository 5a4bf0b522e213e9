#include "reprise/core/long_sum.hpp"

#include "reprise/core/integer.hpp"
#include "reprise/core/parallel.hpp"

namespace reprise {

std::size_t ArrayRunTree::memory_floats(std::size_t runs, std::size_t size) {
  return (levels_of(runs) - 1) * size;
}

void ArrayRunTree::add(std::size_t threads) {
  auto into = static_cast<std::size_t>(std::countr_one(done_));
  for (std::size_t from = 0; from < into; ++from) add_arrays(threads, level(into), level(from));
  ++done_;
  if (done_ < runs_) return;
  // The subtrees that are left, from the smallest on.
  std::size_t from = static_cast<std::size_t>(std::countr_zero(done_));
  for (into = from + 1; into <= top_; ++into) {
    if ((done_ >> into & 1) == 0) continue;
    add_arrays(threads, level(into), level(from));
    from = into;
  }
}

void ArrayRunTree::add_arrays(std::size_t threads, float* into, const float* from) const {
  constexpr std::size_t slice = 4096;
  parallel_for(threads, div_ceil(size_, slice), [&](std::size_t task, std::size_t) {
    const std::size_t end = std::min(size_, (task + 1) * slice);
    for (std::size_t i = task * slice; i < end; ++i) into[i] += from[i];
  });
}

}  // namespace reprise
