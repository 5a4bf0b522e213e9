#include "support/fuzz.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "reprise/core/text.hpp"

namespace reprise::fuzz {
namespace {

namespace fs = std::filesystem;

class ScratchFolder {
 public:
  ScratchFolder() : path_((fs::temp_directory_path() / "reprise-fuzz-XXXXXX").string()) {
    require(mkdtemp(path_.data()) != nullptr, "a scratch folder can be made in TMPDIR");
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace

void require(bool holds, std::string_view promise) {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %.*s\n", static_cast<int>(promise.size()), promise.data());
  std::abort();
}

std::uint8_t Input::byte() {
  if (rest_.empty()) return 0;
  const std::uint8_t first = rest_.front();
  rest_ = rest_.subspan(1);
  return first;
}

std::uint64_t Input::number() {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 8) value |= std::uint64_t{byte()} << shift;
  return value;
}

std::size_t Input::below(std::size_t count) {
  const std::size_t value = count <= 256 ? byte() : byte() | std::size_t{byte()} << 8;
  return value % count;
}

std::string Input::text() {
  const std::size_t size = std::min<std::size_t>(byte(), rest_.size());
  std::string text(reinterpret_cast<const char*>(rest_.data()), size);
  rest_ = rest_.subspan(size);
  return text;
}

std::span<const std::uint8_t> Input::rest() {
  return std::exchange(rest_, {});
}

std::string scratch(std::string_view name) {
  static const ScratchFolder folder;
  return folder.path() + "/" + std::string(name);
}

std::string write_scratch(std::string_view name, std::span<const std::uint8_t> bytes) {
  const std::string path = scratch(name);
  std::FILE* file = std::fopen(path.c_str(), "wb");
  require(file != nullptr && std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size() &&
              std::fclose(file) == 0,
          "the scratch folder can be written");
  return path;
}

std::span<const std::uint8_t> without_checksum(std::span<const std::uint8_t> file) {
  constexpr std::string_view start = "\nsha256:";
  constexpr std::size_t line = start.size() + 64 + 1;
  if (file.size() < line) return file;
  const auto last = file.last(line);
  const bool has_one = std::equal(start.begin(), start.end(), last.begin());
  return has_one ? file.first(file.size() - line) : file;
}

void require_line(const Error& error) {
  const std::string_view line = error.what();
  require(!line.empty() && line.find('\n') == line.npos, "an Error's message is one line");
}

}  // namespace reprise::fuzz
