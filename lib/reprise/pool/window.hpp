/// \file
/// The cells of one pooling window that lie inside the image.
#pragma once

#include <algorithm>

#include "reprise/pool/pool_shape.hpp"

namespace reprise {

/// Rows [h_begin, h_end) and columns [w_begin, w_end) of the image; empty if the window lies wholly
/// in the padding.
struct PoolWindow {
  PoolWindow(const PoolShape& s, std::size_t oh, std::size_t ow)
      : h_begin(inside(oh * s.stride_h, s.pad_top, s.IH)),
        h_end(inside(oh * s.stride_h + s.KH, s.pad_top, s.IH)),
        w_begin(inside(ow * s.stride_w, s.pad_left, s.IW)),
        w_end(inside(ow * s.stride_w + s.KW, s.pad_left, s.IW)) {}

  [[nodiscard]] std::size_t cells() const { return (h_end - h_begin) * (w_end - w_begin); }

  std::size_t h_begin, h_end, w_begin, w_end;

 private:
  /// A coordinate of the padded image, as one of the image.
  static std::size_t inside(std::size_t padded, std::size_t pad_before, std::size_t size) {
    return padded < pad_before ? 0 : std::min(padded - pad_before, size);
  }
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
  for (std::size_t ih = window.h_begin; ih < window.h_end; ++ih) {
    for (std::size_t iw = window.w_begin; iw < window.w_end; ++iw) visit((ih * s.IW + iw) * s.C);
  }
}

}  // namespace reprise
