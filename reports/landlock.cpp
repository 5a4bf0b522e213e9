#include "landlock.hpp"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace reprise::reports {
namespace {

/// All rights of Landlock's first version: what no rule grants is refused. Later versions add
/// rights (such as truncation) that the filter of system calls refuses anyway.
constexpr std::uint64_t kHandled =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |
    LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
    LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
    LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
    LANDLOCK_ACCESS_FS_MAKE_SYM;
constexpr std::uint64_t kReadable = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE;

/// Without the rule, which happens only if the path is not there, the file cannot be opened.
void add_rule(int rules, const std::string& path) {
  const FileDescriptor place(open(path.c_str(), O_PATH | O_CLOEXEC));
  struct stat status {};
  if (place.get() < 0 || fstat(place.get(), &status) != 0) return;
  const bool is_folder = S_ISDIR(status.st_mode);
  const landlock_path_beneath_attr rule{
      kReadable | (is_folder ? std::uint64_t{LANDLOCK_ACCESS_FS_READ_DIR} : 0), place.get()};
  syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

}  // namespace

FileDescriptor landlock_rules(const std::vector<std::string>& readable) {
  landlock_ruleset_attr attributes{};
  attributes.handled_access_fs = kHandled;
  const FileDescriptor made(static_cast<int>(
      syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes.handled_access_fs, 0)));
  if (made.get() < 0) return FileDescriptor(-1);
  FileDescriptor rules(fcntl(made.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  for (const std::string& path : readable) add_rule(rules.get(), path);
  return rules;
}

bool enter_landlock(int rules) {
  return syscall(SYS_landlock_restrict_self, rules, 0) == 0;
}

}  // namespace reprise::reports
