/// \file
/// The notation of a 2-D convolution: its options, its sizes, the output-size formula and the
/// one-line text form, once for the whole project.
///
/// "Convolution" means cross-correlation, as everywhere in this field:
///   output(n, oh, ow, oc) = bias(oc)
///     + sum over kh, kw, ic of input(n, oh*stride_h + kh*dilation_h - pad_top,
///                                      ow*stride_w + kw*dilation_w - pad_left, g*IC/G + ic)
///                              * weight(kh, kw, ic, oc),
/// where g = oc / (OC/G), ic runs over 0..IC/G-1, and cells outside the input count as 0.
/// Layouts: input N,IH,IW,IC; weight KH,KW,IC/G,OC; bias OC; output N,OH,OW,OC.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "reprise/core/geometry.hpp"

namespace reprise {

struct Conv2dOptions {
  Extent2d stride{1, 1};
  Extent2d dilation{1, 1};  ///< 1 is dense
  Padding2d padding = Padding2d::valid();
  std::size_t groups = 1;
};

/// The three passes of a convolution layer.
enum class ConvPass { forward, grad_input, grad_weight };
inline constexpr ConvPass kConvPasses[] = {ConvPass::forward, ConvPass::grad_input,
                                           ConvPass::grad_weight};
std::string_view name_of(ConvPass pass);

/// A convolution's sizes, resolved and checked.
struct ConvShape {
  std::size_t N = 1;                                                     ///< images
  std::size_t IH = 1, IW = 1, IC = 1;                                    ///< input
  std::size_t OH = 1, OW = 1, OC = 1;                                    ///< output
  std::size_t KH = 1, KW = 1;                                            ///< kernel
  std::size_t G = 1;                                                     ///< groups
  std::size_t stride_h = 1, stride_w = 1;                                ///< in input cells
  std::size_t dilation_h = 1, dilation_w = 1;                            ///< 1 is dense
  std::size_t pad_top = 0, pad_bottom = 0, pad_left = 0, pad_right = 0;  ///< in input cells
  std::string name;                                                      ///< label, may be empty

  [[nodiscard]] std::size_t input_size() const { return N * IH * IW * IC; }
  [[nodiscard]] std::size_t weight_size() const { return KH * KW * (IC / G) * OC; }
  [[nodiscard]] std::size_t output_size() const { return N * OH * OW * OC; }
  /// Multiplications and additions of one pass: 2*N*OH*OW*OC*KH*KW*IC/G.
  [[nodiscard]] double flops() const;
  /// The most products that an element of the pass's result sums: forward KH*KW*IC/G, grad_input
  /// KH*KW*OC/G, grad_weight N*OH*OW.
  [[nodiscard]] std::size_t terms(ConvPass pass) const;
  /// The extent of the dilated kernel: dilation*(K-1) + 1.
  [[nodiscard]] std::size_t span_h() const { return dilation_h * (KH - 1) + 1; }
  [[nodiscard]] std::size_t span_w() const { return dilation_w * (KW - 1) + 1; }

  bool operator==(const ConvShape&) const = default;
};

/// The shape of convolving N images of IH x IW x IC with OC kernels of KH x KW. Error if a size is
/// zero (N may be 0) or 2^31 or more, groups divide IC or OC unevenly, the output would be empty,
/// or a tensor would have more than 2^40 elements.
ConvShape make_conv_shape(std::size_t N, std::size_t IH, std::size_t IW, std::size_t IC,
                          std::size_t OC, std::size_t KH, std::size_t KW,
                          const Conv2dOptions& options = {});

/// One shape in benchdnn's grammar, such as
///   g1mb128ic3ih227oc96oh55kh11sh4ph0n"alexnet:conv1"
/// Letters: mb N, g G, ic, ih, iw, oc, oh, ow, kh, kw, sh, sw (stride), ph, pw (padding top, left),
/// dh, dw (benchdnn's dilation: 0 is dense; converted here and nowhere else), n"name"; '_' and
/// blanks may stand between fields. What may be left out, by benchdnn's rules:
/// - A line describes an axis by any of its sizes other than a stride of 1, a padding or a dilation
///   of 0; then it must give the input and the kernel of that axis. A width that is not described
///   copies the height whole; a height that is not described is 1 cell under a kernel of 1.
/// - Of an axis that is described, the stride is 1 and the dilation 0 where omitted. Without oh,
///   ph is 0 where omitted, and oh is computed with the same padding at the bottom. With oh, an
///   omitted ph is half of the padding that oh needs, rounded down, and the rest goes to the
///   bottom.
/// - With oh and ph, the padding at the bottom is that at the top where this gives oh, and
///   otherwise the least that does; pb and pr, which benchdnn does not know, give it where that is
///   not meant.
/// - Groups, images and channels are 1 where omitted (benchdnn: 2 images; channels must be given).
/// Error if the line does not parse, has a depth, gives a size twice with different values or a
/// stride, padding or dilation of the width that differs from what is copied, or if oh contradicts
/// the rest: no padding at the bottom gives it, or only more than both ph and the kernel's extent
/// less one, or an omitted ph would be negative.
ConvShape parse_conv_shape(std::string_view line);

/// The canonical line for a shape; parse_conv_shape(to_line(s)) gives s back. It has pb and pr only
/// where it must.
std::string to_line(const ConvShape& shape);

/// The shapes of a text, one line each; '#' starts a comment. Error names `where`, such as a file,
/// and the line's number.
std::vector<ConvShape> parse_conv_shapes(std::string_view where, const std::string& text);

}  // namespace reprise
