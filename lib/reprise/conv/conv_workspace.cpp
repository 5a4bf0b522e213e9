#include "reprise/conv/conv_workspace.hpp"

#include <string>

#include "reprise/core/integer.hpp"
#include "reprise/core/result_tensor.hpp"

namespace reprise {
namespace {

/// No machine has more; allocators that abort on absurd sizes are not asked.
constexpr std::size_t kMaxBytes = kMaxElements / 2;

}  // namespace

std::span<std::byte> ConvWorkspace::require(std::size_t bytes, std::string_view where) {
  if (bytes > bytes_) {
    data_.reset();
    bytes_ = 0;
    void* const data =
        bytes > kMaxBytes
            ? nullptr
            : ::operator new (bytes, std::align_val_t{kWorkspaceAlignment}, std::nothrow);
    if (data == nullptr) {
      throw OutOfMemory(where,
                        "a workspace of " + std::to_string(bytes) + " bytes cannot be allocated",
                        "more memory, a smaller batch or another algorithm");
    }
    data_.reset(static_cast<std::byte*>(data));
    bytes_ = bytes;
  }
  return {data_.get(), bytes};
}

}  // namespace reprise
