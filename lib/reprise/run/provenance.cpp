#include "reprise/run/provenance.hpp"

#include <fmt/core.h>
#include <fmt/format.h>
#include <openssl/opensslv.h>
#include <unistd.h>
#include <zlib.h>

#include <chrono>
#include <cmath>
#include <ctime>
#include <fstream>

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
      {"cpu", cpu_name()},
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
    group.attributes["rank_bytes_per_step"] = environment.rank_bytes_per_step;
  }
  if (!environment.data_folder.empty()) {
    group.attributes["data_folder"] = clean_text(environment.data_folder);
  }
  group.datasets["git_diff"] = scalar_text(clean_text(source.diff));
  group.datasets["log"] = scalar_text(clean_text(environment.log));
  return group;
}

}  // namespace reprise
