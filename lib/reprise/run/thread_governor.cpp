#include "reprise/run/thread_governor.hpp"

namespace reprise {
namespace {

// Longer than a scheduler's time slice; a window is one step at least.
constexpr double kWindowSeconds = 0.02;
constexpr std::size_t kWindowsAlone = 16;

}  // namespace

void ThreadGovernor::record_step(std::size_t images, double seconds) {
  if (all_ <= 1) return;
  seconds_ += seconds;
  images_ += images;
  if (seconds_ < kWindowSeconds || images_ == 0) return;
  const double pace = seconds_ / static_cast<double>(images_);
  seconds_ = 0.0;
  images_ = 0;
  if (alone_) {
    pace_alone_ = pace;
    alone_ = --windows_left_ > 0;
  } else if (pace_alone_ == 0.0 || pace > pace_alone_) {
    alone_ = true;
    windows_left_ = pace_alone_ == 0.0 ? 1 : kWindowsAlone;  // the first only to know its pace
  }
}

}  // namespace reprise
