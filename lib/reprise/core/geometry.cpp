// The rules of padding, and checks of sizes.
#include "reprise/core/geometry.hpp"

#include <algorithm>

#include "reprise/core/error.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/core/tensor.hpp"

namespace reprise {
namespace {

constexpr std::size_t kSizeLimit = std::size_t{1} << 31;

/// The total padding along one axis for `output` windows: (output-1)*stride + span - input, or 0.
std::size_t padding_for(std::size_t output, std::size_t input, std::size_t span,
                        std::size_t stride) {
  const std::size_t needed = (output - 1) * stride + span;
  return needed > input ? needed - input : 0;
}

/// Before and after, along one axis.
std::pair<std::size_t, std::size_t> split_padding(Padding2d::Kind kind, std::size_t input,
                                                  std::size_t span, std::size_t stride) {
  if (kind == Padding2d::Kind::same) {
    const std::size_t total = padding_for(div_ceil(input, stride), input, span, stride);
    return {total / 2, total - total / 2};
  }
  const std::size_t total = padding_for(input, input, span, stride);
  const std::size_t half = (total + 1) / 2;
  return {stride == 1 ? total / 2 : half, half};
}

}  // namespace

Padding2d Padding2d::sides(std::size_t top, std::size_t bottom, std::size_t left,
                           std::size_t right) {
  Padding2d padding(Kind::sides);
  padding.sides_ = {top, bottom, left, right};
  return padding;
}

Padding2d::Sides Padding2d::resolve(Extent2d input, Extent2d span, Extent2d stride) const {
  if (kind_ == Kind::valid || kind_ == Kind::sides) return sides_;
  const auto [top, bottom] = split_padding(kind_, input.h, span.h, stride.h);
  const auto [left, right] = split_padding(kind_, input.w, span.w, stride.w);
  return {top, bottom, left, right};
}

std::string text_of(const NamedSize& size) {
  return std::string(size.first) + " = " + std::to_string(size.second);
}

void check_sizes(std::string_view where, std::initializer_list<NamedSize> sizes,
                 std::size_t least) {
  for (const NamedSize& size : sizes) {
    if (size.second < least) throw Error(where, text_of(size), "1 or more");
    if (size.second >= kSizeLimit) throw Error(where, text_of(size), "less than 2^31");
  }
}

void check_elements(std::string_view where, std::string_view tensor,
                    const std::array<std::size_t, 4>& sizes) {
  std::size_t elements = 1;
  for (const std::size_t size : sizes) {
    const std::size_t factor = std::max<std::size_t>(size, 1);
    if (elements > kMaxElements / factor) {
      throw Error(where, std::string(tensor) + " of " + sizes_text(sizes),
                  "at most 2^" + std::to_string(kMaxElementBits) + " elements");
    }
    elements *= factor;
  }
}

}  // namespace reprise
