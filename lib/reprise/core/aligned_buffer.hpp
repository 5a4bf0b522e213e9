/// \file
/// Uninitialized memory that starts on a 64-byte boundary, as vectors and cache lines like it.
#pragma once

#include <cstddef>
#include <memory>
#include <new>

namespace reprise {

struct AlignedDelete {
  void operator()(void* memory) const { ::operator delete (memory, std::align_val_t{64}); }
};

/// An array of a trivial type; the elements' values are unspecified.
template <class T>
using AlignedBuffer = std::unique_ptr<T[], AlignedDelete>;

/// Throws std::bad_alloc if there is no room.
template <class T>
AlignedBuffer<T> make_aligned_buffer(std::size_t count) {
  return AlignedBuffer<T>(
      static_cast<T*>(::operator new (count * sizeof(T), std::align_val_t{64})));
}

}  // namespace reprise
