/// \file
/// Memory between two pages that nothing may touch: a read or write outside ends the test.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace reprise::test {

/// Which guard page the memory lies at directly; towards the other one there may be a gap.
enum class GuardedSide { front, back };

class GuardedMemory {
 public:
  /// `bytes` bytes, each `fill`, at a multiple of `alignment` (a power of two up to a page). At the
  /// back, what rounds bytes up to the alignment lies between the memory and the page.
  GuardedMemory(std::size_t bytes, std::size_t alignment, GuardedSide side, std::byte fill);
  GuardedMemory(const std::vector<float>& values, GuardedSide side);
  ~GuardedMemory();
  GuardedMemory(GuardedMemory&& other) noexcept;
  GuardedMemory(const GuardedMemory&) = delete;
  GuardedMemory& operator=(const GuardedMemory&) = delete;

  [[nodiscard]] std::span<std::byte> bytes() const { return {data_, bytes_}; }
  [[nodiscard]] float* floats() const { return reinterpret_cast<float*>(data_); }
  [[nodiscard]] std::vector<float> values() const {
    return {floats(), floats() + bytes_ / sizeof(float)};
  }
  /// From now on, writing ends the test too.
  void forbid_writing() const;
  /// Whether the gap between the memory and the guard pages is as it was.
  [[nodiscard]] bool gap_untouched() const;

 private:
  std::byte* mapped_ = nullptr;  ///< with the guard pages
  std::size_t mapped_bytes_ = 0;
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace reprise::test
