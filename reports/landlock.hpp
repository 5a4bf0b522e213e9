/// \file
/// Linux's Landlock (kernel 5.13 and later): which files a process may open, by their folders.
#pragma once

#include <string>
#include <vector>

#include "reprise/core/file_descriptor.hpp"

namespace reprise::reports {

/// A set of rules under which files can be read and executed beneath the given files and folders,
/// and no other file can be opened at all. Paths that do not exist are left out. The descriptor is
/// above the standard ones, and -1 where the kernel has no Landlock or has it switched off.
FileDescriptor landlock_rules(const std::vector<std::string>& readable);

/// Puts this thread and what it starts under the rules, for good; it must have no_new_privs set.
/// Safe between fork and exec. False, with errno, if the kernel refuses.
bool enter_landlock(int rules);

}  // namespace reprise::reports
