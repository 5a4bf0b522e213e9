// How many threads a program has: what the machine and its control group grant, and what can be
// started.
#include <fmt/format.h>
#include <malloc.h>
#include <sys/resource.h>
#ifdef REPRISE_PARALLEL_TBB
#include <oneapi/tbb/global_control.h>
#endif

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <sstream>

#include "reprise/core/parallel.hpp"
#include "reprise/core/terminal.hpp"
#include "reprise/core/text.hpp"
#include "support/program.hpp"

namespace reprise {
namespace {

std::string text_in(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// quota / period, or 0 for "max", -1 (both: no limit) and anything else.
double quota_of(const std::string& text) {
  std::istringstream words(text);
  double quota = 0.0;
  double period = 0.0;
  if (!(words >> quota >> period) || quota <= 0.0 || period <= 0.0) return 0.0;
  return quota / period;
}

/// The least quota of a control group and those that it lies in; 0 if none has any.
template <class QuotaIn>
double least_quota(std::string group, const QuotaIn& quota_in) {
  double least = 0.0;
  while (true) {
    const double quota = quota_in(group);
    if (quota > 0.0 && (least == 0.0 || quota < least)) least = quota;
    if (group.empty() || group == "/") return least;
    group.erase(group.rfind('/'));
  }
}

/// Under a limit on its address space a program has one heap for all threads: glibc otherwise
/// reserves 64 MiB for each of the first threads that allocate, and threads are refused for lack of
/// what nobody uses.
void share_heap_under_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    mallopt(M_ARENA_MAX, 1);
  }
}

/// More threads than processors are allowed, where they are asked for.
void allow_threads(std::size_t wanted) {
#ifdef REPRISE_PARALLEL_TBB
  using oneapi::tbb::global_control;
  static const global_control limit(
      global_control::max_allowed_parallelism,
      std::max(wanted, global_control::active_value(global_control::max_allowed_parallelism)));
#else
  static_cast<void>(wanted);  // std::thread has no limit of its own
#endif
}

}  // namespace

double cgroup_processors(const std::string& self, const std::string& mounted) {
  double least = 0.0;
  std::istringstream lines(self);
  for (std::string line; std::getline(lines, line);) {
    // HIERARCHY:CONTROLLERS:/GROUP; version 2 has the hierarchy 0 and no controllers.
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const std::string group = line.substr(second + 1);
    double quota = 0.0;
    if (controllers == ",,") {
      quota = least_quota(
          group, [&](const std::string& g) { return quota_of(text_in(mounted + g + "/cpu.max")); });
    } else if (controllers.find(",cpu,") != std::string::npos) {
      quota = least_quota(group, [&](const std::string& g) {
        const std::string folder = mounted + "/cpu" + g;
        return quota_of(text_in(folder + "/cpu.cfs_quota_us") + " " +
                        text_in(folder + "/cpu.cfs_period_us"));
      });
    }
    if (quota > 0.0 && (least == 0.0 || quota < least)) least = quota;
  }
  return least;
}

std::size_t default_threads() {
  const double granted = cgroup_processors(text_in("/proc/self/cgroup"), "/sys/fs/cgroup");
  const std::size_t processors = processor_count();
  if (granted <= 0.0 || granted >= static_cast<double>(processors)) return processors;
  return static_cast<std::size_t>(std::ceil(granted));
}

std::size_t have_threads(std::size_t wanted) {
  share_heap_under_limit();
  allow_threads(wanted);
  const std::size_t threads = start_threads(wanted);
  if (threads < wanted) {
    print_error_line(fmt::format("only {} of {} can be started here; continuing with {}", threads,
                                 count_of(wanted, "thread"), threads));
  }
  return threads;
}

}  // namespace reprise
