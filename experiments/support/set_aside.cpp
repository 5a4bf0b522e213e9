#include "support/set_aside.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include "reprise/core/file.hpp"

namespace reprise {

std::string mark_of(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return "";
  return fmt::format("{} {}.{}", status.st_ino, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

std::string set_aside(const std::string& path, const std::string& mark) {
  for (int number = 1;; ++number) {
    if (mark.empty() || mark_of(path) != mark) return "";
    std::string aside = fmt::format("{}.damaged-{}", path, number);
    try {
      rename_file(path, aside);
    } catch (const FileExists&) {
      continue;
    } catch (const FileMissing&) {
      return "";
    }
    if (mark_of(aside) == mark) return aside;
    // Another process has put something else there in the last moment.
    try {
      rename_file(aside, path);
    } catch (const FileExists&) {
      return "";  // and one more: both stay
    }
  }
}

}  // namespace reprise
