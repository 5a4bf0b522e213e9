// The passes of a convolution as correlations.
#include <numeric>
#include <utility>

#include "reprise/conv/direct/correlation.hpp"
#include "reprise/core/integer.hpp"

namespace reprise::direct {
namespace {

/// The taps that the input cells `phase`, `phase` + stride, … share: those kernel cells k for which
/// (phase + pad - k * dilation) is a multiple of the stride; each reads the output at that /
/// stride.
TapAxis phase_taps(std::size_t K, std::size_t stride, std::size_t dilation, std::size_t pad,
                   std::size_t phase) {
  TapAxis taps;
  taps.kernel_spacing = stride / std::gcd(stride, dilation);
  const std::size_t candidates = std::min(K, taps.kernel_spacing);
  while (taps.kernel_first < candidates &&
         taps.kernel_first * dilation % stride != (phase + pad) % stride) {
    ++taps.kernel_first;
  }
  if (taps.kernel_first == candidates) return {};
  const auto s = static_cast<std::ptrdiff_t>(stride);
  taps.count = div_ceil(K - taps.kernel_first, taps.kernel_spacing);
  taps.first = (static_cast<std::ptrdiff_t>(phase + pad) -
                static_cast<std::ptrdiff_t>(taps.kernel_first * dilation)) /
               s;
  taps.spacing = -static_cast<std::ptrdiff_t>(taps.kernel_spacing * dilation) / s;
  return taps;
}

/// The taps of a position that starts at `cell` that are inside an axis of `size` cells: [begin,
/// end), 0 and 0 if there are none.
std::pair<std::size_t, std::size_t> taps_inside(const TapAxis& axis, std::size_t cell,
                                                std::size_t size) {
  if (axis.count == 0) return {0, 0};
  // Tap t reads at + t * spacing, or at - t * spacing.
  const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(cell) + axis.first;
  const auto past_last = static_cast<std::ptrdiff_t>(size);
  const auto count = static_cast<std::ptrdiff_t>(axis.count);
  const bool ascends = axis.spacing > 0;
  const std::ptrdiff_t spacing = ascends ? axis.spacing : -axis.spacing;
  const std::ptrdiff_t begin =
      std::max<std::ptrdiff_t>(div_ceil(ascends ? -at : at - past_last + 1, spacing), 0);
  const std::ptrdiff_t end = std::min(div_ceil(ascends ? past_last - at : at + 1, spacing), count);
  if (begin >= end) return {0, 0};
  return {static_cast<std::size_t>(begin), static_cast<std::size_t>(end)};
}

}  // namespace

Correlation forward_correlation(const ConvShape& s) {
  const std::size_t ICg = s.IC / s.G;
  const std::size_t OCg = s.OC / s.G;
  const auto taps = [](std::size_t K, std::size_t dilation, std::size_t pad) {
    return TapAxis{K, -static_cast<std::ptrdiff_t>(pad), static_cast<std::ptrdiff_t>(dilation), 0,
                   1};
  };
  return {.N = s.N,
          .A = s.OH,
          .B = s.OW,
          .G = s.G,
          .channels = ICg,
          .out_channels = OCg,
          .SH = s.IH,
          .SW = s.IW,
          .step_h = s.stride_h,
          .step_w = s.stride_w,
          .h = taps(s.KH, s.dilation_h, s.pad_top),
          .w = taps(s.KW, s.dilation_w, s.pad_left),
          .KW = s.KW,
          .w_tap = ICg * s.OC,
          .w_group = OCg,
          .w_channel = s.OC,
          .w_out_channel = 1,
          .r_first = 0,
          .r_image = s.OH * s.OW * s.OC,
          .r_row = s.OW * s.OC,
          .r_cell = s.OC,
          .nonzeros = s.output_size()};
}

Correlation grad_input_correlation(const ConvShape& s, std::size_t phase_h, std::size_t phase_w) {
  const std::size_t ICg = s.IC / s.G;
  const std::size_t OCg = s.OC / s.G;
  return {.N = s.N,
          .A = div_ceil(s.IH - phase_h, s.stride_h),
          .B = div_ceil(s.IW - phase_w, s.stride_w),
          .G = s.G,
          .channels = OCg,
          .out_channels = ICg,
          .SH = s.OH,
          .SW = s.OW,
          .step_h = 1,
          .step_w = 1,
          .h = phase_taps(s.KH, s.stride_h, s.dilation_h, s.pad_top, phase_h),
          .w = phase_taps(s.KW, s.stride_w, s.dilation_w, s.pad_left, phase_w),
          .KW = s.KW,
          .w_tap = ICg * s.OC,
          .w_group = OCg,
          .w_channel = 1,
          .w_out_channel = s.OC,
          .r_first = (phase_h * s.IW + phase_w) * s.IC,
          .r_image = s.IH * s.IW * s.IC,
          .r_row = s.stride_h * s.IW * s.IC,
          .r_cell = s.stride_w * s.IC,
          .nonzeros = s.output_size()};
}

std::vector<AxisClass> axis_classes(const TapAxis& axis, std::size_t positions, std::size_t step,
                                    std::size_t size) {
  std::vector<AxisClass> classes;
  for (std::size_t position = 0; position < positions; ++position) {
    const auto [begin, end] = taps_inside(axis, position * step, size);
    const bool goes_on =
        !classes.empty() && classes.back().tap_begin == begin && classes.back().tap_end == end;
    if (!goes_on) classes.push_back({position, position, begin, end});
    classes.back().end = position + 1;
  }
  return classes;
}

double inside_fraction(const TapAxis& axis, std::size_t positions, std::size_t step,
                       std::size_t size) {
  std::size_t inside = 0;
  for (const AxisClass& c : axis_classes(axis, positions, step, size)) {
    inside += (c.end - c.begin) * (c.tap_end - c.tap_begin);
  }
  return static_cast<double>(inside) /
         static_cast<double>(std::max<std::size_t>(positions * axis.count, 1));
}

void append_segments(const Correlation& c, const AxisClass& h, const AxisClass& w,
                     std::size_t begin, std::size_t end, bool merge,
                     std::vector<Segment>& segments) {
  const bool merges = merge && c.w.spacing == 1 && c.G == 1;
  const std::size_t taps_together = merges ? w.tap_end - w.tap_begin : 1;
  for (std::size_t th = h.tap_begin; th < h.tap_end; ++th) {
    for (std::size_t tw = w.tap_begin; tw < w.tap_end; tw += taps_together) {
      const std::size_t run = (th * c.w.count + tw) * c.channels;
      const std::size_t first = std::max(run, begin);
      const std::size_t last = std::min(run + taps_together * c.channels, end);
      if (first >= last) continue;
      const std::size_t tap = first / c.channels % c.w.count;
      const std::size_t channel = first % c.channels;
      const std::size_t kh = c.h.kernel_first + th * c.h.kernel_spacing;
      const std::size_t kw = c.w.kernel_first + tap * c.w.kernel_spacing;
      const std::ptrdiff_t cell = c.h.at(th) * static_cast<std::ptrdiff_t>(c.SW) + c.w.at(tap);
      segments.push_back({.h = c.h.at(th),
                          .w = c.w.at(tap),
                          .offset = cell * static_cast<std::ptrdiff_t>(c.source_channels()) +
                                    static_cast<std::ptrdiff_t>(channel),
                          .k = first,
                          .weight = (kh * c.KW + kw) * c.w_tap + channel * c.w_channel,
                          .length = last - first});
    }
  }
}

}  // namespace reprise::direct
