/// \file
/// Long sums: cut into runs of kRunTerms terms, each run one chain, and the runs added by the
/// pairwise tree of parallel.hpp over their indices. An error grows with the length of a run and
/// the depth of the tree, not with the number of terms; and zeros that are appended change nothing
/// but, at most, the sign of a zero. docs/numeric_contract.md says which sums are long ones.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <iterator>

#include "reprise/core/integer.hpp"

namespace reprise {

inline constexpr std::size_t kRunTerms = 16384;

/// Number of runs of a sum; 1 for an empty sum.
constexpr std::size_t run_count(std::size_t terms) {
  return std::max<std::size_t>(1, div_ceil(terms, kRunTerms));
}

/// The most additions that a term passes through: its run's chain, and a level of the tree each.
constexpr std::size_t long_sum_roundings(std::size_t terms) {
  return std::min(terms, kRunTerms) +
         static_cast<std::size_t>(std::bit_width(run_count(terms) - 1));
}

/// Adds the sums of runs 0, 1, ... as they come: level l holds a whole subtree of 2^l runs.
template <class T>
class RunTree {
 public:
  void add(T run) {
    std::size_t level = 0;
    for (; (runs_ >> level & 1) != 0; ++level) run = levels_[level] + run;
    levels_[level] = run;
    ++runs_;
  }

  /// Requires one run at least.
  [[nodiscard]] T sum() const {
    auto level = static_cast<std::size_t>(std::countr_zero(runs_));
    T sum = levels_[level];
    for (++level; runs_ >> level != 0; ++level) {
      if ((runs_ >> level & 1) != 0) sum = levels_[level] + sum;
    }
    return sum;
  }

 private:
  static constexpr std::size_t kLevels = 32;  // a tensor of 2^40 elements takes 27
  std::size_t runs_ = 0;
  T levels_[kLevels];
};

/// As many sums as the widest vector has lanes, side by side: what a RunTree of vectors holds.
struct Lanes {
  float values[16];
  friend Lanes operator+(const Lanes& a, const Lanes& b) {
    Lanes sum;
    for (std::size_t i = 0; i < std::size(sum.values); ++i)
      sum.values[i] = a.values[i] + b.values[i];
    return sum;
  }
};

/// term(0) + term(1) + ... as a long sum of numbers.
template <class T, class Term>
T long_sum(std::size_t terms, const Term& term) {
  RunTree<T> tree;
  std::size_t i = 0;
  do {
    const std::size_t end = std::min(terms, i + kRunTerms);
    T run{};
    for (; i < end; ++i) run += term(i);
    tree.add(run);
  } while (i < terms);
  return tree.sum();
}

/// The same tree for arrays of `size` floats: the caller writes each run's sums where next() says,
/// and calls add().
class ArrayRunTree {
 public:
  /// Floats of memory that the tree needs in addition to the result.
  static std::size_t memory_floats(std::size_t runs, std::size_t size);

  /// For exactly `runs` runs, 1 at least.
  ArrayRunTree(std::size_t runs, std::size_t size, float* result, float* memory)
      : runs_(runs), top_(levels_of(runs) - 1), size_(size), result_(result), memory_(memory) {}

  /// Where the next run's sums go; overwritten or not yet written until then.
  [[nodiscard]] float* next() const {
    return level(static_cast<std::size_t>(std::countr_one(done_)));
  }
  /// Takes those sums into the tree; after the last run the result is the sum.
  void add(std::size_t threads);

 private:
  static std::size_t levels_of(std::size_t runs) {
    return static_cast<std::size_t>(std::bit_width(runs));
  }
  /// The highest level's array is the result.
  [[nodiscard]] float* level(std::size_t index) const {
    return index == top_ ? result_ : memory_ + index * size_;
  }

  void add_arrays(std::size_t threads, float* into, const float* from) const;

  std::size_t runs_, top_, size_;
  float* result_;
  float* memory_;
  std::size_t done_ = 0;
};

}  // namespace reprise
