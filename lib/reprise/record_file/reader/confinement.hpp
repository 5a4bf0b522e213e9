/// \file
/// Takes a process its rights: from then on it computes with the memory it is allowed, writes to
/// its standard output, and ends. It opens, starts, signals and reaches nothing.
#pragma once

#include <string>

#include "reprise/record_file/reading_limits.hpp"

namespace reprise::details {

/// Memory (not in builds with a sanitizer, which need terabytes of addresses), processor time, and
/// no new file descriptors, files, processes or core dumps. Exceptions: std::system_error.
void limit_resources(const ReadingLimits& limits);

/// The kernel refuses all system calls from now on but those that memory, standard output and
/// ending need; they fail with EPERM. Returns "", or why the kernel does not do that.
[[nodiscard]] std::string forbid_system_calls();

/// Whether limit_resources limits memory in this build.
bool limits_memory();

}  // namespace reprise::details
