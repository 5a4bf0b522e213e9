/// \file
/// The notation of 2-D pooling: options, sizes and the output-size formula.
#pragma once

#include <cstddef>
#include <string_view>

#include "reprise/core/geometry.hpp"

namespace reprise {

enum class PoolMode { max, average };
std::string_view name_of(PoolMode mode);

/// Who gets the gradient of a maximum that stands in a window more than once.
enum class MaxTies {
  first,  ///< the first in row-major order
  all,    ///< each of them, in full
};

/// How a window that does not fit whole at the bottom or right counts.
enum class Rounding {
  floor,  ///< it is left out
  ceil,   ///< the first such one counts, if it begins inside the image or its top/left padding
};

struct Pool2dOptions {
  PoolMode mode = PoolMode::max;
  Extent2d kernel{2, 2};
  Extent2d stride{2, 2};
  Padding2d padding = Padding2d::valid();
  MaxTies ties = MaxTies::first;
  /// Average: divide by the window's cells inside the image and its padding (of `padding`: what
  /// Rounding::ceil adds never counts), not by those inside the image alone.
  bool count_include_padding = false;
  Rounding rounding = Rounding::floor;
  Extent2d dilation{1, 1};  ///< cells from one of a window to the next; 1 is dense
};

/// A pooling's sizes, resolved and checked. input N,IH,IW,C; output N,OH,OW,C.
struct PoolShape {
  std::size_t N = 1, IH = 1, IW = 1, C = 1, OH = 1, OW = 1;
  std::size_t KH = 1, KW = 1, stride_h = 1, stride_w = 1;
  std::size_t pad_top = 0, pad_bottom = 0, pad_left = 0, pad_right = 0;
  std::size_t dilation_h = 1, dilation_w = 1;

  [[nodiscard]] std::size_t input_size() const { return N * IH * IW * C; }
  [[nodiscard]] std::size_t output_size() const { return N * OH * OW * C; }

  bool operator==(const PoolShape&) const = default;
};

/// OH = (IH + pad_top + pad_bottom - dilation_h * (KH - 1) - 1) / stride_h + 1, rounded as
/// `options.rounding` says. Error if a size is zero (N may be 0) or 2^31 or more, the output would
/// be empty, or a tensor would have more than 2^40 elements.
PoolShape make_pool_shape(std::size_t N, std::size_t IH, std::size_t IW, std::size_t C,
                          const Pool2dOptions& options);

}  // namespace reprise
