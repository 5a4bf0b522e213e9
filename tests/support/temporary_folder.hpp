/// \file
/// A folder of its own for a test, gone afterwards, and files as bytes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace reprise::test {

using FileBytes = std::vector<std::uint8_t>;

class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  /// The path of `name` in the folder.
  [[nodiscard]] std::string operator/(const std::string& name) const;
  /// The names of what is in the folder, sorted.
  [[nodiscard]] std::vector<std::string> names() const;

 private:
  std::string path_;
};

FileBytes bytes_of(const std::string& path);
void write_bytes(const std::string& path, const FileBytes& bytes);

}  // namespace reprise::test
