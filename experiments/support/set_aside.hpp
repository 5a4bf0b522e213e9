/// \file
/// Damaged files of a store get another name: none is deleted, and none is in the way of a run.
#pragma once

#include <string>

namespace reprise {

/// What tells a file from others that had its name before; "" if there is none.
std::string mark_of(const std::string& path);

/// Renames a file to PATH.damaged-N, with the first N from 1 that is free, and returns that name.
/// Nothing looks for files of such names. "" if what is at `path` is not the file of this mark, as
/// where another process has set it aside: then that stays. Error if it cannot be renamed.
std::string set_aside(const std::string& path, const std::string& mark);

}  // namespace reprise
