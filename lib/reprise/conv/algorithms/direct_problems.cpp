// The passes of a convolution as the sums of direct_kernels.hpp.
#include <numeric>

#include "reprise/conv/algorithms/direct_kernels.hpp"

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
  taps.count = (K - taps.kernel_first - 1) / taps.kernel_spacing + 1;
  taps.first = (static_cast<std::ptrdiff_t>(phase + pad) -
                static_cast<std::ptrdiff_t>(taps.kernel_first * dilation)) /
               s;
  taps.spacing = -static_cast<std::ptrdiff_t>(taps.kernel_spacing * dilation) / s;
  return taps;
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
          .columns = OCg,
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
          .w_column = 1,
          .r_first = 0,
          .r_image = s.OH * s.OW * s.OC,
          .r_row = s.OW * s.OC,
          .r_cell = s.OC};
}

Correlation grad_input_correlation(const ConvShape& s, std::size_t phase_h, std::size_t phase_w) {
  const std::size_t ICg = s.IC / s.G;
  const std::size_t OCg = s.OC / s.G;
  return {.N = s.N,
          .A = (s.IH - phase_h - 1) / s.stride_h + 1,
          .B = (s.IW - phase_w - 1) / s.stride_w + 1,
          .G = s.G,
          .channels = OCg,
          .columns = ICg,
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
          .w_column = s.OC,
          .r_first = (phase_h * s.IW + phase_w) * s.IC,
          .r_image = s.IH * s.IW * s.IC,
          .r_row = s.stride_h * s.IW * s.IC,
          .r_cell = s.stride_w * s.IC};
}

std::size_t make_pieces(const Correlation& c, std::size_t begin, std::size_t end, bool merge,
                        Piece* pieces) {
  const bool merges = merge && c.w.spacing == 1 && c.G == 1;
  const std::size_t run = merges ? c.w.count * c.channels : c.channels;
  std::size_t count = 0;
  for (std::size_t k = begin; k < end; k += pieces[count++].length) {
    const std::size_t th = k / c.channels / c.w.count;
    const std::size_t tw = k / c.channels % c.w.count;
    const std::size_t channel = k % c.channels;
    const std::size_t kh = c.h.kernel_first + th * c.h.kernel_spacing;
    const std::size_t kw = c.w.kernel_first + tw * c.w.kernel_spacing;
    Piece& piece = pieces[count];
    piece.h = c.h.at(th);
    piece.w = c.w.at(tw);
    piece.offset = (piece.h * static_cast<std::ptrdiff_t>(c.SW) + piece.w) *
                       static_cast<std::ptrdiff_t>(c.source_channels()) +
                   static_cast<std::ptrdiff_t>(channel);
    piece.weight = (kh * c.KW + kw) * c.w_tap + channel * c.w_channel;
    piece.length = std::min(run - k % run, end - k);
  }
  return count;
}

}  // namespace reprise::direct
