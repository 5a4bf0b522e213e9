// Sizes of a convolution: padding rules, the output-size formula, and all checks of sizes.
#include "reprise/conv/conv_shape.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>

#include "reprise/core/error.hpp"
#include "reprise/core/tensor.hpp"

namespace reprise {
namespace {

constexpr std::string_view kWhere = "convolution shape";
void check_groups(const ConvShape& s) {
  for (const NamedSize& channels : {NamedSize{"IC", s.IC}, NamedSize{"OC", s.OC}}) {
    if (channels.second % s.G != 0) {
      throw Error(kWhere, text_of(channels) + " in " + std::to_string(s.G) + " groups",
                  "a number of groups that divides both IC and OC");
    }
  }
}

/// Along one axis: (input + both pads - span) / stride + 1.
std::size_t output_size(std::string_view axis, std::size_t padded_input, std::size_t span,
                        std::size_t stride) {
  if (padded_input < span) {
    throw Error(kWhere,
                "a kernel of " + std::string(axis) + " " + std::to_string(span) +
                    " on a padded input of " + std::to_string(padded_input) +
                    ", which leaves no output",
                "a kernel (with its dilation) that fits into the padded input");
  }
  return (padded_input - span) / stride + 1;
}

}  // namespace

std::string_view name_of(ConvPass pass) {
  constexpr std::array<std::string_view, 3> names{"forward", "grad_input", "grad_weight"};
  return names[static_cast<std::size_t>(pass)];
}

double ConvShape::flops() const {
  const std::size_t products = KH * KW * (IC / G);
  return 2.0 * static_cast<double>(output_size()) * static_cast<double>(products);
}

std::size_t ConvShape::terms(ConvPass pass) const {
  switch (pass) {
    case ConvPass::forward:
      return KH * KW * (IC / G);
    case ConvPass::grad_input:
      return KH * KW * (OC / G);
    case ConvPass::grad_weight:
      return N * OH * OW;
  }
  return 0;
}

ConvShape make_conv_shape(std::size_t N, std::size_t IH, std::size_t IW, std::size_t IC,
                          std::size_t OC, std::size_t KH, std::size_t KW,
                          const Conv2dOptions& options) {
  ConvShape s;
  s.N = N, s.IH = IH, s.IW = IW, s.IC = IC, s.OC = OC, s.KH = KH, s.KW = KW;
  s.G = options.groups;
  s.stride_h = options.stride.h, s.stride_w = options.stride.w;
  s.dilation_h = options.dilation.h, s.dilation_w = options.dilation.w;
  check_sizes(kWhere, {{"N", N}}, 0);
  check_sizes(kWhere, {{"IH", IH}, {"IW", IW}, {"IC", IC}, {"OC", OC}, {"KH", KH}, {"KW", KW}}, 1);
  check_sizes(kWhere,
              {{"groups", s.G},
               {"stride_h", s.stride_h},
               {"stride_w", s.stride_w},
               {"dilation_h", s.dilation_h},
               {"dilation_w", s.dilation_w}},
              1);
  check_groups(s);

  const Padding2d::Sides pads =
      options.padding.resolve({IH, IW}, {s.span_h(), s.span_w()}, {s.stride_h, s.stride_w});
  s.pad_top = pads.top, s.pad_bottom = pads.bottom;
  s.pad_left = pads.left, s.pad_right = pads.right;
  check_sizes(kWhere,
              {{"pad_top", pads.top},
               {"pad_bottom", pads.bottom},
               {"pad_left", pads.left},
               {"pad_right", pads.right}},
              0);
  s.OH = output_size("height", IH + pads.top + pads.bottom, s.span_h(), s.stride_h);
  s.OW = output_size("width", IW + pads.left + pads.right, s.span_w(), s.stride_w);
  check_elements(kWhere, "input", {N, IH, IW, IC});
  check_elements(kWhere, "weight", {KH, KW, IC / s.G, OC});
  check_elements(kWhere, "output", {N, s.OH, s.OW, OC});
  return s;
}

}  // namespace reprise
