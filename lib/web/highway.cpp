// What of Highway is no header: here there is one target, and memory from the C library.
#include <hwy/aligned_allocator.h>
#include <hwy/highway.h>
#include <hwy/targets.h>

#include <cstdlib>

namespace hwy {

std::int64_t SupportedTargets() {
  return HWY_STATIC_TARGET;
}

void* AllocateAlignedBytes(std::size_t size, AllocPtr /*alloc*/, void* /*opaque*/) {
  void* bytes = nullptr;
  return posix_memalign(&bytes, HWY_ALIGNMENT, size) == 0 ? bytes : nullptr;
}

void FreeAlignedBytes(const void* bytes, FreePtr /*free*/, void* /*opaque*/) {
  std::free(const_cast<void*>(bytes));
}

}  // namespace hwy
