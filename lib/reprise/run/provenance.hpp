/// \file
/// Where, when and with what a program ran: the part of a record that may differ between two runs
/// with the same digest.
#pragma once

#include <string>
#include <vector>

#include "reprise/record/record.hpp"

namespace reprise {

/// The source the program was built from, known at build time.
struct SourceVersion {
  std::string commit;  ///< "unknown" outside a git checkout
  std::string diff;  ///< uncommitted changes, as `git diff HEAD` prints them; "" if there are none
  std::string compiler;  ///< name and version
  std::string flags;     ///< build type and compiler flags
  /// Software Heritage's identifier of the source folder as it was built, "swh:1:dir:" and 40
  /// hexadecimal digits, computed from its files without what .gitignore names; "unknown" where
  /// there was no git to compute it.
  std::string tree;
  /// Debian's packages that it was built with, a line "NAME VERSION" each; "" on other systems.
  std::string packages;
};
const SourceVersion& source_version();

/// Seconds since 1970 UTC, by the wall's clock, which may be set back at any time.
double unix_now();
/// Seconds of a clock that only goes forward, since some moment.
double steady_now();

/// What a program knows of its own run, which starts when this is made.
struct RunEnvironment {
  std::size_t threads = 1;
  std::size_t runs_at_once = 1;  ///< runs that the program had at work side by side
  std::size_t ranks = 1;         ///< processes that computed the run together
  std::string ranks_transport;   ///< by which they sent messages, "" where there is one
  /// That each rank sent in its first step, on rank 0; empty where there is one.
  std::vector<double> rank_bytes_per_step;
  double started_unix = unix_now();
  double started_steady = steady_now();
  std::string command_line;  ///< as command_line_text() gives it, to be pasted
  std::string data_folder;   ///< where the data was, "" if there was none
  std::string log;           ///< what the program printed
};

/// Whatever was done to the wall's clock meanwhile.
double seconds_since_start(const RunEnvironment& environment);

/// A record's /environment: source version, packages, libraries' versions, operating system, CPU,
/// memory, vector target, threads, host, variables that could matter to libraries, start and end
/// (now), command line, log. docs/record_format.md lists them.
Group environment_group(const RunEnvironment& environment);

/// "2026-01-31T12:34:56Z".
std::string iso_time(double unix_seconds);

}  // namespace reprise
