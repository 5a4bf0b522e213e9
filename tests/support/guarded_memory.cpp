#include "support/guarded_memory.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "reprise/core/integer.hpp"

namespace reprise::test {
namespace {

constexpr std::byte kGap{0x5A};

std::size_t page_bytes() {
  static const auto size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

}  // namespace

GuardedMemory::GuardedMemory(std::size_t bytes, std::size_t alignment, GuardedSide side,
                             std::byte fill)
    : bytes_(bytes) {
  const std::size_t page = page_bytes();
  const std::size_t inside = round_up(bytes, page);
  mapped_bytes_ = inside + 2 * page;
  void* const mapped = mmap(nullptr, mapped_bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  mapped_ = static_cast<std::byte*>(mapped);
  std::byte* const begin = mapped_ + page;
  if (inside > 0 && mprotect(begin, inside, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
  data_ = side == GuardedSide::front ? begin : begin + inside - round_up(bytes, alignment);
  std::fill_n(begin, inside, kGap);
  std::fill_n(data_, bytes, fill);
}

GuardedMemory::GuardedMemory(const std::vector<float>& values, GuardedSide side)
    : GuardedMemory(values.size() * sizeof(float), sizeof(float), side, std::byte{0}) {
  if (!values.empty()) std::memcpy(data_, values.data(), bytes_);
}

GuardedMemory::GuardedMemory(GuardedMemory&& other) noexcept
    : mapped_(std::exchange(other.mapped_, nullptr)),
      mapped_bytes_(other.mapped_bytes_),
      data_(other.data_),
      bytes_(other.bytes_) {}

GuardedMemory::~GuardedMemory() {
  if (mapped_ != nullptr) munmap(mapped_, mapped_bytes_);
}

void GuardedMemory::forbid_writing() const {
  const std::size_t page = page_bytes();
  if (mapped_bytes_ > 2 * page) mprotect(mapped_ + page, mapped_bytes_ - 2 * page, PROT_READ);
}

bool GuardedMemory::gap_untouched() const {
  const auto is_gap = [](std::byte b) { return b == kGap; };
  const std::byte* const begin = mapped_ + page_bytes();
  const std::byte* const end = mapped_ + mapped_bytes_ - page_bytes();
  const std::byte* const data = data_;
  return std::all_of(begin, data, is_gap) && std::all_of(data + bytes_, end, is_gap);
}

}  // namespace reprise::test
