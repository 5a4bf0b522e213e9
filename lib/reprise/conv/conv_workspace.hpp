/// \file
/// Memory for ConvResources::workspace: allocation with a clear error, and its division into
/// pieces.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <string_view>

#include "reprise/core/integer.hpp"

namespace reprise {

/// Every piece of a workspace, and the workspace itself, begins at a multiple of this.
inline constexpr std::size_t kWorkspaceAlignment = 64;

/// Owns a workspace; grows on demand, so that one object can serve many calls.
class ConvWorkspace {
 public:
  ConvWorkspace() = default;

  /// At least `bytes` bytes, contents unspecified; Error naming `where` if they cannot be
  /// allocated.
  std::span<std::byte> require(std::size_t bytes, std::string_view where);

 private:
  struct Deallocate {
    void operator()(std::byte* data) const {
      ::operator delete (data, std::align_val_t{kWorkspaceAlignment});
    }
  };
  std::unique_ptr<std::byte[], Deallocate> data_;
  std::size_t bytes_ = 0;
};

/// The bytes that a piece of `count` values of T takes.
template <class T>
constexpr std::size_t piece_bytes(std::size_t count) {
  return round_up(count * sizeof(T), kWorkspaceAlignment);
}

/// Hands out the pieces of a workspace, front to back. Of no memory it hands out null, so that the
/// code that takes pieces also tells their bytes.
class WorkspacePieces {
 public:
  WorkspacePieces() = default;
  explicit WorkspacePieces(std::span<std::byte> workspace) : first_(workspace.data()) {}
  explicit WorkspacePieces(std::byte* workspace) : first_(workspace) {}

  template <class T>
  T* take(std::size_t count) {
    T* const piece = first_ == nullptr ? nullptr : reinterpret_cast<T*>(first_ + bytes_);
    bytes_ += piece_bytes<T>(count);
    return piece;
  }
  /// Of all pieces so far.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  std::byte* first_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace reprise
