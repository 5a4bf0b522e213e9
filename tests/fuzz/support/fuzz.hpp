/// \file
/// What the fuzz targets share: an input taken from its front, files in a scratch folder, and what
/// counts as a finding.
///
/// A target may refuse an input with reprise::Error, in one line. Any other exception, a broken
/// promise (require), a sanitizer's report, more than the time or memory that `run` allows:
/// findings.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reprise/core/error.hpp"

namespace reprise::fuzz {

/// Ends the program, naming the promise, unless it holds.
void require(bool holds, std::string_view promise);

/// An input, taken from its front; what is taken past its end is 0.
class Input {
 public:
  Input(const std::uint8_t* bytes, std::size_t size) : rest_(bytes, size) {}

  [[nodiscard]] bool empty() const { return rest_.empty(); }
  std::uint8_t byte();
  /// Little-endian.
  std::uint64_t number();
  /// 0 to below `count`, which is 1 or more.
  std::size_t below(std::size_t count);
  /// Text of up to 255 bytes: a byte with its length comes first.
  std::string text();
  /// All that is left.
  std::span<const std::uint8_t> rest();

 private:
  std::span<const std::uint8_t> rest_;
};

/// The path of a file in this process' scratch folder, which vanishes with the process. The folder
/// is in TMPDIR.
std::string scratch(std::string_view name);
/// Writes the file anew; returns its path.
std::string write_scratch(std::string_view name, std::span<const std::uint8_t> bytes);

/// A record's file without the line of its checksum at the end, if it has one (record_file.hpp).
std::span<const std::uint8_t> without_checksum(std::span<const std::uint8_t> file);

/// Ends the program unless an Error's message is one line of text.
void require_line(const Error& error);

/// Whether the call goes through; false if it throws an Error. Anything else is a finding.
template <class Call>
bool accepted(const Call& call) {
  try {
    call();
    return true;
  } catch (const Error& error) {
    require_line(error);
    return false;
  }
}

}  // namespace reprise::fuzz
