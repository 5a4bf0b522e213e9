/// \file
/// Work that may crash, hang or ask for too much memory, done in a child process.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

namespace reprise::test {

struct ChildLimits {
  std::size_t cpu_seconds = 20;
  std::size_t bytes = std::size_t{4} << 30;  ///< of address space; no limit under a sanitizer
};

/// What `work` returns in a child process, or one line that says how the child ended before: by
/// which signal (SIGXCPU if it used up its time), or with which exception.
std::string in_child(const std::function<std::string()>& work, const ChildLimits& limits = {});

}  // namespace reprise::test
