/// \file
/// The CPU time of this process, shared out among the runs that are at work in it side by side.
#pragma once

namespace reprise {

/// While it lives, a run is at work. What all threads of the process take meanwhile, for the user
/// and the system, counts for it, or, while several are at work, for each of them in equal parts:
/// the system does not tell which of them a thread works for. So one run's part may be too large or
/// too small where others are beside it; their sum is right.
class CpuTimePart {
 public:
  CpuTimePart();
  CpuTimePart(const CpuTimePart&) = delete;
  CpuTimePart& operator=(const CpuTimePart&) = delete;
  ~CpuTimePart();

  /// In seconds, until now. Any thread may ask.
  [[nodiscard]] double seconds() const;

 private:
  double seconds_ = 0.0;
};

}  // namespace reprise
