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
constexpr std::size_t kSizeLimit = std::size_t{1} << 31;
constexpr std::size_t kElementLimit = std::size_t{1} << 40;

void check_sizes(std::initializer_list<std::pair<std::string_view, std::size_t>> sizes,
                 std::size_t least) {
  for (const auto& [name, size] : sizes) {
    const std::string given = std::string(name) + " = " + std::to_string(size);
    if (size < least) throw Error(kWhere, given, "1 or more");
    if (size >= kSizeLimit) throw Error(kWhere, given, "less than 2^31");
  }
}

void check_elements(std::string_view tensor, const std::array<std::size_t, 4>& sizes) {
  std::size_t elements = 1;
  for (const std::size_t size : sizes) {
    const std::size_t factor = std::max<std::size_t>(size, 1);  // N = 0 counts as 1
    if (elements > kElementLimit / factor) {
      throw Error(kWhere, std::string(tensor) + " of " + sizes_text(sizes),
                  "at most 2^40 elements");
    }
    elements *= factor;
  }
}

/// One axis of the image, all sizes in cells.
struct Axis {
  std::string_view name;
  std::size_t input, pad_before, pad_after, kernel, stride;
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
  check_sizes({{"N", N}}, 0);
  check_sizes({{"IH", IH},
               {"IW", IW},
               {"C", C},
               {"KH", s.KH},
               {"KW", s.KW},
               {"stride_h", s.stride_h},
               {"stride_w", s.stride_w}},
              1);
  const Padding2d::Sides pads = options.padding.resolve({IH, IW}, options.kernel, options.stride);
  s.pad_top = pads.top, s.pad_bottom = pads.bottom;
  s.pad_left = pads.left, s.pad_right = pads.right;
  check_sizes({{"pad_top", pads.top},
               {"pad_bottom", pads.bottom},
               {"pad_left", pads.left},
               {"pad_right", pads.right}},
              0);
  s.OH = output_size({"height", IH, s.pad_top, s.pad_bottom, s.KH, s.stride_h}, options.rounding);
  s.OW = output_size({"width", IW, s.pad_left, s.pad_right, s.KW, s.stride_w}, options.rounding);
  check_elements("input", {N, IH, IW, C});
  check_elements("output", {N, s.OH, s.OW, C});
  return s;
}

}  // namespace reprise
