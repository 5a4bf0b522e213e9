/// \file
/// An open file descriptor that closes itself, and system calls that signals interrupt.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <utility>

namespace reprise {

/// Calls a system function again for as long as a signal interrupts it.
template <class Call>
auto uninterrupted(const Call& call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

class FileDescriptor {
 public:
  explicit FileDescriptor(int descriptor = -1) : descriptor_(descriptor) {}
  FileDescriptor(FileDescriptor&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  FileDescriptor& operator=(FileDescriptor&&) = delete;
  ~FileDescriptor() { close(); }

  [[nodiscard]] int get() const { return descriptor_; }
  /// Gives it up without closing it.
  int release() { return std::exchange(descriptor_, -1); }
  void reset(int descriptor) {
    close();
    descriptor_ = descriptor;
  }
  /// Whether all that was written has arrived, as far as the system says by now.
  bool close() {
    const int descriptor = std::exchange(descriptor_, -1);
    return descriptor < 0 || ::close(descriptor) == 0 || errno == EINTR;
  }

 private:
  int descriptor_;
};

}  // namespace reprise
