/// \file
/// Where, when and with what a program ran: the part of a record that may differ between two runs
/// with the same digest.
#pragma once

#include <string>

#include "reprise/record/record.hpp"

namespace reprise {

/// The source the program was built from, known at build time.
struct SourceVersion {
  std::string commit;  ///< "unknown" outside a git checkout
  std::string diff;  ///< uncommitted changes, as `git diff HEAD` prints them; "" if there are none
  std::string compiler;  ///< name and version
  std::string flags;     ///< build type and compiler flags
};
const SourceVersion& source_version();

/// What a program knows of its own run.
struct RunEnvironment {
  std::size_t threads = 1;
  std::size_t runs_at_once = 1;  ///< runs that the program had at work side by side
  double started_unix = 0.0;     ///< seconds since 1970 UTC
  std::string command_line;
  std::string data_folder;  ///< where the data was, "" if there was none
  std::string log;          ///< what the program printed
};

/// A record's /environment: source version, libraries' versions, CPU, vector target, threads, host,
/// start and end (now), command line, log.
Group environment_group(const RunEnvironment& environment);

/// Seconds since 1970 UTC.
double unix_now();
/// "2026-01-31T12:34:56Z".
std::string iso_time(double unix_seconds);

}  // namespace reprise
