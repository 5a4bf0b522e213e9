#include "reprise/record_file/reader_program.hpp"

#include <dlfcn.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <optional>
#include <set>
#include <system_error>
#include <vector>

#include "reprise/core/error.hpp"

namespace reprise::details {
namespace {

namespace fs = std::filesystem;

const char* const kName = "reprise_record_reader";

/// A program or shared library: where it is, and whose.
struct Binary {
  fs::path folder;
  uid_t owner;
};

std::optional<Binary> binary_at(const fs::path& path) {
  std::error_code failed;
  const fs::path real = fs::canonical(path, failed);
  struct stat status {};
  if (failed || stat(real.c_str(), &status) != 0) return std::nullopt;
  return Binary{real.parent_path(), status.st_uid};
}

/// What this code is linked into, then the program that runs.
std::vector<Binary> binaries() {
  std::vector<Binary> found;
  Dl_info info{};
  static const char here = 0;
  const bool known = dladdr(&here, &info) != 0 && info.dli_fname != nullptr;
  const fs::path shared = known ? info.dli_fname : "";
  if (shared.is_absolute()) {
    if (const auto binary = binary_at(shared)) found.push_back(*binary);
  }
  if (const auto binary = binary_at("/proc/self/exe")) found.push_back(*binary);
  return found;
}

/// `mode` is X_OK for a program, R_OK for another file.
bool counts(const fs::path& path, uid_t owner, int mode) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         (status.st_uid == 0 || status.st_uid == owner) && (status.st_mode & S_IWOTH) == 0 &&
         access(path.c_str(), mode) == 0;
}

/// "" if there is none.
std::string found_beside(const std::vector<Binary>& all, const std::string& name, int mode) {
  static constexpr std::array<const char*, 7> kPlaces = {"",
                                                         "../libexec/reprise",
                                                         "../../libexec/reprise",
                                                         "../../../libexec/reprise",
                                                         "../../../../libexec/reprise",
                                                         "../lib",
                                                         "../../lib"};
  for (const Binary& binary : all) {
    for (const char* place : kPlaces) {
      const fs::path path = (binary.folder / place / name).lexically_normal();
      if (counts(path, binary.owner, mode)) return path.string();
    }
  }
  return "";
}

}  // namespace

std::string companion_file(const std::string& name) {
  return found_beside(binaries(), name, R_OK);
}

std::string reader_program() {
  const std::vector<Binary> all = binaries();
  std::string found = found_beside(all, kName, X_OK);
  if (!found.empty()) return found;
  std::set<std::string> folders;
  for (const Binary& binary : all) folders.insert(binary.folder.string());
  throw Error(kName,
              "this program, which reads records, is neither beside nor installed with " +
                  join({folders.begin(), folders.end()}),
              "it there (CMake: reprise_copy_record_reader(TARGET)), or its path in LoadOptions");
}

std::string checked_reader_program(const std::string& path) {
  if (!counts(path, geteuid(), X_OK)) {
    throw Error(path, "is not a program that this user or root owns and that only they may change",
                kName);
  }
  return path;
}

}  // namespace reprise::details
