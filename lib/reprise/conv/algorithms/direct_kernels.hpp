/// \file
/// The sums that `direct` evaluates, and the kernels that evaluate them. Internal to direct.
#pragma once

#include <algorithm>
#include <cstddef>

#include "reprise/conv/conv_shape.hpp"

namespace reprise::direct {

/// The taps along one axis: tap t of `count` reads the source at step * position + at(t) and stands
/// in the kernel at kernel_first + t * kernel_spacing.
struct TapAxis {
  std::size_t count = 0;
  std::ptrdiff_t first = 0, spacing = 0;
  std::size_t kernel_first = 0, kernel_spacing = 0;

  [[nodiscard]] std::ptrdiff_t at(std::size_t tap) const {
    return first + static_cast<std::ptrdiff_t>(tap) * spacing;
  }
  /// Of no taps, 0.
  [[nodiscard]] std::ptrdiff_t lowest() const {
    return count == 0 ? 0 : std::min(first, at(count - 1));
  }
  [[nodiscard]] std::ptrdiff_t highest() const {
    return count == 0 ? 0 : std::max(first, at(count - 1));
  }
};

/// For each group g, image n, position (a, b) and column j:
///   result(n, a, b, g, j) = chain from start(g, j), ascending in (th, tw, c), of
///     acc = fma(source(n, a*step_h + h.at(th), b*step_w + w.at(tw), g, c),
///               weight(th, tw, g, c, j), acc),
/// where source cells outside the image are +0 and take part like any other. The forward pass is
/// one such correlation; grad_input is one for each phase of the stride.
struct Correlation {
  std::size_t N, A, B;         ///< images, and positions in each
  std::size_t G;               ///< groups
  std::size_t channels;        ///< of the source, per group
  std::size_t columns;         ///< of the result, per group
  std::size_t SH, SW;          ///< source is N,SH,SW,G*channels
  std::size_t step_h, step_w;  ///< source cells from position to position
  TapAxis h, w;
  std::size_t KW;                                   ///< width of the kernel
  std::size_t w_tap, w_group, w_channel, w_column;  ///< strides of the weights, in floats
  std::size_t r_first;                 ///< offset in the result of position (0, 0), in floats
  std::size_t r_image, r_row, r_cell;  ///< strides of the result, in floats

  /// The length of a chain.
  [[nodiscard]] std::size_t depth() const { return h.count * w.count * channels; }
  [[nodiscard]] std::size_t positions() const { return N * A * B; }
  [[nodiscard]] std::size_t source_channels() const { return G * channels; }
};

/// The forward pass of `shape`. Its weight strides are also those of grad_weight.
Correlation forward_correlation(const ConvShape& shape);

/// The part of grad_input with ih % stride_h == phase_h and iw % stride_w == phase_w; both phases
/// are less than the input's height and width.
Correlation grad_input_correlation(const ConvShape& shape, std::size_t phase_h,
                                   std::size_t phase_w);

/// A run of a chain that is contiguous in the source at every position.
struct Piece {
  std::ptrdiff_t h, w;    ///< the (first) tap's place relative to the position
  std::ptrdiff_t offset;  ///< of its first value from the position's cell, in floats
  std::size_t weight;     ///< offset of its first step's weights, for group 0 and column 0
  std::size_t length;     ///< in steps of the chain
};

/// The pieces of steps [begin, end) of the chain, at most end - begin; with `merge` neighbouring
/// taps of a row that are contiguous in the source make one piece. Returns their number.
std::size_t make_pieces(const Correlation& correlation, std::size_t begin, std::size_t end,
                        bool merge, Piece* pieces);

/// Walks over the positions (n, a, b) in ascending order.
class PositionWalk {
 public:
  PositionWalk(const Correlation& c, std::size_t first)
      : c_(c), n_(first / c.B / c.A), a_(first / c.B % c.A), b_(first % c.B) {}

  /// Where tap (0, 0) would lie if both axes' first were 0.
  [[nodiscard]] std::size_t h() const { return a_ * c_.step_h; }
  [[nodiscard]] std::size_t w() const { return b_ * c_.step_w; }
  /// Offset in the source of that cell's channel 0 in group 0.
  [[nodiscard]] std::size_t source() const {
    return ((n_ * c_.SH + h()) * c_.SW + w()) * c_.source_channels();
  }
  /// Offset in the result of column 0 in group 0.
  [[nodiscard]] std::size_t result() const {
    return c_.r_first + n_ * c_.r_image + a_ * c_.r_row + b_ * c_.r_cell;
  }

  void advance() {
    if (++b_ < c_.B) return;
    b_ = 0;
    if (++a_ < c_.A) return;
    a_ = 0;
    ++n_;
  }

 private:
  const Correlation& c_;
  std::size_t n_, a_, b_;
};

/// The tensors of one correlation; start is (G * columns), or null for zeros.
struct CorrelationData {
  const float* source;
  const float* weight;
  const float* start;
  float* result;
};

/// Vector lanes across columns: any correlation; fast where a group has many columns.
void correlate_by_columns(const Correlation& correlation, const CorrelationData& data,
                          std::byte* workspace, std::size_t threads);
std::size_t columns_workspace_bytes(const Correlation& correlation, std::size_t threads);

/// The gradient of a forward correlation's weights: element (th, tw, c, g, j) is a chain from 0,
/// ascending over positions, of fma(source, grad_output, acc), with the same cells of +0.
void sum_weight_gradient(const Correlation& forward, const float* source, const float* grad_output,
                         float* grad_weight, std::byte* workspace, std::size_t threads);
std::size_t weight_gradient_workspace_bytes(const Correlation& forward, std::size_t threads);

}  // namespace reprise::direct
