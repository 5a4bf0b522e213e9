/// \file
/// The cells of one pooling window that lie inside the image.
#pragma once

#include <algorithm>

#include "reprise/core/integer.hpp"
#include "reprise/pool/pool_shape.hpp"

namespace reprise {

/// The cells of a window along one axis: begin, begin + step, ..., below end.
struct WindowAxis {
  /// For a window of `kernel` cells that begins at `first` of the padded axis.
  WindowAxis(std::size_t first, std::size_t kernel, std::size_t dilation, std::size_t pad_before,
             std::size_t size)
      : step(dilation) {
    if (dilation == 1) {
      begin = inside(first, pad_before, size);
      end = inside(first + kernel, pad_before, size);
      count = end - begin;
      return;
    }
    const std::size_t skipped = first < pad_before ? div_ceil(pad_before - first, dilation) : 0;
    const std::size_t room = pad_before + size;
    const std::size_t last = first < room ? std::min(kernel, div_ceil(room - first, dilation)) : 0;
    count = last > skipped ? last - skipped : 0;
    begin = count > 0 ? first + skipped * dilation - pad_before : 0;
    end = count > 0 ? begin + (count - 1) * dilation + 1 : 0;
  }
  std::size_t begin, end, step, count;

 private:
  /// A coordinate of the padded image, as one of the image.
  static std::size_t inside(std::size_t padded, std::size_t pad_before, std::size_t size) {
    return padded < pad_before ? 0 : std::min(padded - pad_before, size);
  }
};

/// A window's cells in the image: none if it lies wholly in the padding.
struct PoolWindow {
  PoolWindow(const PoolShape& s, std::size_t oh, std::size_t ow)
      : h(oh * s.stride_h, s.KH, s.dilation_h, s.pad_top, s.IH),
        w(ow * s.stride_w, s.KW, s.dilation_w, s.pad_left, s.IW) {}

  [[nodiscard]] std::size_t cells() const { return h.count * w.count; }

  WindowAxis h, w;
};

/// Calls visit(oh, ow, output offset) for the windows of an image in row-major order; the offset is
/// that of the window's first channel in OH,OW,C.
template <class Visit>
inline __attribute__((always_inline)) void for_each_window(const PoolShape& s, const Visit& visit) {
  for (std::size_t oh = 0; oh < s.OH; ++oh) {
    for (std::size_t ow = 0; ow < s.OW; ++ow) visit(oh, ow, (oh * s.OW + ow) * s.C);
  }
}

/// Calls visit(input offset) for the window's cells in row-major order; the offset is that of the
/// cell's first channel in IH,IW,C.
template <class Visit>
inline __attribute__((always_inline)) void for_each_cell(const PoolShape& s,
                                                         const PoolWindow& window,
                                                         const Visit& visit) {
  for (std::size_t ih = window.h.begin; ih < window.h.end; ih += window.h.step) {
    for (std::size_t iw = window.w.begin; iw < window.w.end; iw += window.w.step) {
      visit((ih * s.IW + iw) * s.C);
    }
  }
}

}  // namespace reprise
