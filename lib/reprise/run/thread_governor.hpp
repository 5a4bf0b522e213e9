/// \file
/// How many threads a step of training takes: all, unless another program keeps a processor busy,
/// so that the others wait for the thread on it, and one thread alone is faster. The result of a
/// step does not depend on their number.
#pragma once

#include <cstddef>

namespace reprise {

class ThreadGovernor {
 public:
  explicit ThreadGovernor(std::size_t threads) : all_(threads) {}

  /// For the next step: all, or 1.
  [[nodiscard]] std::size_t threads() const { return alone_ ? 1 : all_; }

  /// The step has computed this many images in this time.
  void record_step(std::size_t images, double seconds);

 private:
  std::size_t all_;
  bool alone_ = false;
  double seconds_ = 0.0;  ///< of the window so far
  std::size_t images_ = 0;
  double pace_alone_ = 0.0;  ///< seconds an image, of the last window of one thread; 0: unknown
  std::size_t windows_left_ = 0;  ///< of one thread
};

}  // namespace reprise
