#include "reprise/run/provenance.hpp"

#include <fmt/core.h>
#include <fmt/format.h>
#include <openssl/opensslv.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <zlib.h>
#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <ctime>
#include <fstream>
#include <numeric>
#include <string_view>
#include <vector>

#include "reprise/core/parallel.hpp"
#include "reprise/core/text.hpp"
#include "reprise/linalg/blas.hpp"
#include "reprise/linalg/simd.hpp"
#include "reprise/record_file/record_file.hpp"

namespace reprise {
namespace {

/// The processor's own name, as Linux tells it.
std::string cpu_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    const std::size_t colon = line.find(": ");
    if (line.rfind("model name", 0) == 0 && colon != std::string::npos) {
      return line.substr(colon + 2);
    }
  }
  return "unknown";
}

std::string host_name() {
  char name[256] = {};
  return gethostname(name, sizeof(name) - 1) == 0 ? name : "unknown";
}

/// "Debian GNU/Linux 12 (bookworm)".
std::string system_name() {
  constexpr std::string_view key = "PRETTY_NAME=";
  std::ifstream release("/etc/os-release");
  for (std::string line; std::getline(release, line);) {
    if (line.rfind(key, 0) != 0) continue;
    std::string name = line.substr(key.size());
    std::erase(name, '"');
    return name;
  }
  return "unknown";
}

/// "Linux 6.1.0-18-amd64 x86_64".
std::string kernel_name() {
  utsname kernel{};
  if (uname(&kernel) != 0) return "unknown";
  return fmt::format("{} {} {}", kernel.sysname, kernel.release, kernel.machine);
}

std::string libc_name() {
#ifdef __GLIBC__
  return fmt::format("glibc {}", gnu_get_libc_version());
#else
  return "unknown";
#endif
}

std::int64_t memory_bytes() {
  return std::int64_t{sysconf(_SC_PHYS_PAGES)} * std::int64_t{sysconf(_SC_PAGESIZE)};
}

/// The largest resident set that this process has had.
std::int64_t peak_memory_bytes() {
  rusage usage{};
  return getrusage(RUSAGE_SELF, &usage) == 0 ? std::int64_t{usage.ru_maxrss} * 1024 : 0;
}

/// The environment's variables that libraries of numbers and threads read, sorted, a line each.
std::string variables() {
  static constexpr std::array<std::string_view, 11> kPrefixes = {
      "BLIS_", "DNNL_", "GOMP_",     "GOTO_", "KMP_",           "MALLOC_",
      "MKL_",  "OMP_",  "OPENBLAS_", "TBB_",  "GLIBC_TUNABLES="};
  std::vector<std::string_view> found;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    const auto begins = [&](std::string_view prefix) { return text.starts_with(prefix); };
    if (std::any_of(kPrefixes.begin(), kPrefixes.end(), begins)) found.push_back(text);
  }
  std::sort(found.begin(), found.end());
  std::string lines;
  for (const std::string_view text : found) lines.append(printable(text)).append("\n");
  return lines;
}

}  // namespace

double unix_now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

double steady_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double seconds_since_start(const RunEnvironment& environment) {
  return steady_now() - environment.started_steady;
}

std::string iso_time(double unix_seconds) {
  const auto seconds = static_cast<std::time_t>(std::floor(unix_seconds));
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[32];
  std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

Group environment_group(const RunEnvironment& environment) {
  const SourceVersion& source = source_version();
  Group group;
  group.attributes = {
      {"git_commit", source.commit},
      {"git_dirty", std::int64_t{source.diff.empty() ? 0 : 1}},
      {"compiler", source.compiler},
      {"compiler_flags", source.flags},
      {"source_tree", source.tree},
      {"system", clean_text(system_name())},
      {"kernel", clean_text(kernel_name())},
      {"libc", libc_name()},
      {"cpu", cpu_name()},
      {"memory_bytes", memory_bytes()},
      {"peak_memory_bytes", peak_memory_bytes()},
      {"simd", simd_target()},
      {"threads", static_cast<std::int64_t>(environment.threads)},
      {"runs_at_once", static_cast<std::int64_t>(environment.runs_at_once)},
      {"host", host_name()},
      {"command_line", clean_text(environment.command_line)},
      {"started", iso_time(environment.started_unix)},
      {"ended", iso_time(unix_now())},
      {"seconds_total", seconds_since_start(environment)},
      {"library_hdf5", hdf5_version()},
      {"library_highway", highway_version()},
      {"library_onetbb", onetbb_version()},
      {"library_openssl", std::string(OPENSSL_VERSION_TEXT)},
      {"library_zlib", std::string(ZLIB_VERSION)},
      {"library_openblas", blas_description()},
      {"library_fmt",
       fmt::format("{}.{}.{}", FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100)},
  };
  if (environment.ranks > 1) {
    group.attributes["ranks"] = static_cast<std::int64_t>(environment.ranks);
    group.attributes["ranks_transport"] = clean_text(environment.ranks_transport);
    const std::vector<double>& bytes = environment.rank_bytes_per_step;
    if (!bytes.empty()) {
      group.attributes["rank_bytes_per_step"] = bytes.front();
      group.attributes["rank_bytes_per_step_largest"] =
          *std::max_element(bytes.begin(), bytes.end());
      group.attributes["rank_bytes_per_step_sum"] =
          std::accumulate(bytes.begin(), bytes.end(), 0.0);
    }
  }
  if (!environment.data_folder.empty()) {
    group.attributes["data_folder"] = clean_text(environment.data_folder);
  }
  group.datasets["packages"] = scalar_text(clean_text(source.packages));
  group.datasets["variables"] = scalar_text(variables());
  group.datasets["git_diff"] = scalar_text(clean_text(source.diff));
  group.datasets["log"] = scalar_text(clean_text(environment.log));
  return group;
}

}  // namespace reprise
