#include "support/installed_data.hpp"

#include <filesystem>
#include <system_error>

namespace reprise {

std::string installed_data(const std::string& name) {
  namespace fs = std::filesystem;
  std::error_code none;
  const fs::path program = fs::read_symlink("/proc/self/exe", none).parent_path();
  for (const char* place : {REPRISE_DATA_FROM_PROGRAM, "../share/reprise", "../../share/reprise"}) {
    const fs::path folder = fs::canonical(program / place / name, none);
    if (!program.empty() && !folder.empty()) return folder.string();
  }
  return (program / REPRISE_DATA_FROM_PROGRAM / name).lexically_normal().string();
}

}  // namespace reprise
