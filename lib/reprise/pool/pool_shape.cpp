// Sizes of a pooling: the output-size formula and all checks of sizes.
#include "reprise/pool/pool_shape.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string>
#include <utility>

#include "reprise/core/error.hpp"
#include "reprise/core/tensor.hpp"

namespace reprise {
namespace {

constexpr std::string_view kWhere = "pooling shape";
/// One axis of the image, all sizes in cells.
struct Axis {
  std::string_view name;
  std::size_t input, pad_before, pad_after;
  std::size_t kernel;  ///< the extent of a window, with the cells between its own
  std::size_t stride;
};

std::size_t output_size(const Axis& axis, Rounding rounding) {
  const std::size_t padded = axis.input + axis.pad_before + axis.pad_after;
  const std::size_t extra = rounding == Rounding::ceil ? axis.stride - 1 : 0;
  if (padded + extra < axis.kernel) {
    throw Error(kWhere,
                "a window of " + std::string(axis.name) + " " + std::to_string(axis.kernel) +
                    " on a padded input of " + std::to_string(padded) + ", which leaves no output",
                "a window that fits into the padded input");
  }
  const std::size_t whole = padded < axis.kernel ? 0 : (padded - axis.kernel) / axis.stride + 1;
  const std::size_t windows = (padded + extra - axis.kernel) / axis.stride + 1;
  const bool last_begins_inside = (windows - 1) * axis.stride < axis.input + axis.pad_before;
  return last_begins_inside ? windows : whole;
}

}  // namespace

std::string_view name_of(PoolMode mode) {
  return mode == PoolMode::max ? "max" : "average";
}

PoolShape make_pool_shape(std::size_t N, std::size_t IH, std::size_t IW, std::size_t C,
                          const Pool2dOptions& options) {
  PoolShape s;
  s.N = N, s.IH = IH, s.IW = IW, s.C = C;
  s.KH = options.kernel.h, s.KW = options.kernel.w;
  s.stride_h = options.stride.h, s.stride_w = options.stride.w;
  s.dilation_h = options.dilation.h, s.dilation_w = options.dilation.w;
  check_sizes(kWhere, {{"N", N}}, 0);
  check_sizes(kWhere,
              {{"IH", IH},
               {"IW", IW},
               {"C", C},
               {"KH", s.KH},
               {"KW", s.KW},
               {"stride_h", s.stride_h},
               {"stride_w", s.stride_w},
               {"dilation_h", s.dilation_h},
               {"dilation_w", s.dilation_w}},
              1);
  const Extent2d span{s.dilation_h * (s.KH - 1) + 1, s.dilation_w * (s.KW - 1) + 1};
  const Padding2d::Sides pads = options.padding.resolve({IH, IW}, span, options.stride);
  s.pad_top = pads.top, s.pad_bottom = pads.bottom;
  s.pad_left = pads.left, s.pad_right = pads.right;
  check_sizes(kWhere,
              {{"pad_top", pads.top},
               {"pad_bottom", pads.bottom},
               {"pad_left", pads.left},
               {"pad_right", pads.right}},
              0);
  s.OH = output_size({"height", IH, s.pad_top, s.pad_bottom, span.h, s.stride_h}, options.rounding);
  s.OW = output_size({"width", IW, s.pad_left, s.pad_right, span.w, s.stride_w}, options.rounding);
  check_elements(kWhere, "input", {N, IH, IW, C});
  check_elements(kWhere, "output", {N, s.OH, s.OW, C});
  return s;
}

}  // namespace reprise
