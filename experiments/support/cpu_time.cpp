#include "support/cpu_time.hpp"

#include <ctime>
#include <mutex>
#include <vector>

namespace reprise {
namespace {

double process_cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// The parts at work, and until when the process's time is shared out.
struct CpuTimeParts {
  std::mutex mutex;
  std::vector<double*> parts;
  double until = 0.0;

  /// Under the mutex.
  void share_out() {
    const double now = process_cpu_seconds();
    for (double* part : parts) *part += (now - until) / static_cast<double>(parts.size());
    until = now;
  }
};

CpuTimeParts& all_parts() {
  static CpuTimeParts parts;
  return parts;
}

}  // namespace

CpuTimePart::CpuTimePart() {
  CpuTimeParts& all = all_parts();
  const std::lock_guard<std::mutex> lock(all.mutex);
  all.share_out();
  all.parts.push_back(&seconds_);
}

CpuTimePart::~CpuTimePart() {
  CpuTimeParts& all = all_parts();
  const std::lock_guard<std::mutex> lock(all.mutex);
  all.share_out();
  std::erase(all.parts, &seconds_);
}

double CpuTimePart::seconds() const {
  CpuTimeParts& all = all_parts();
  const std::lock_guard<std::mutex> lock(all.mutex);
  all.share_out();
  return seconds_;
}

}  // namespace reprise
