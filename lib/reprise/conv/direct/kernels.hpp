/// \file
/// The sums that `direct` evaluates, and the kernels that evaluate them. Internal to direct.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "reprise/conv/conv_shape.hpp"
#include "reprise/core/integer.hpp"

namespace reprise::direct {

constexpr std::size_t kMostLanes = 16;  // of a vector, on any target

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
///   result(n, a, b, g, j) = +0 + chain from start(g, j), ascending in (th, tw, c), of
///     acc = fma(source(n, a*step_h + h.at(th), b*step_w + w.at(tw), g, c),
///               weight(th, tw, g, c, j), acc)
/// over the taps whose source cell is inside the image. The forward pass is one such correlation;
/// grad_input is one for each phase of the stride.
///
/// A kernel may let source cells outside take part as zeros where all weights are finite: that
/// changes at most the sign of a zero on the way, and adding +0 in the end makes both +0.
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
  [[nodiscard]] std::size_t weight_size() const { return depth() * G * columns; }
  [[nodiscard]] std::size_t positions() const { return N * A * B; }
  [[nodiscard]] std::size_t source_channels() const { return G * channels; }
};

/// The forward pass of `shape`. Its weight strides are also those of grad_weight.
Correlation forward_correlation(const ConvShape& shape);

/// The part of grad_input with ih % stride_h == phase_h and iw % stride_w == phase_w; both phases
/// are less than the input's height and width.
Correlation grad_input_correlation(const ConvShape& shape, std::size_t phase_h,
                                   std::size_t phase_w);

/// Positions [begin, end) along one axis at which the taps [tap_begin, tap_end), and no others, are
/// inside the image.
struct AxisClass {
  std::size_t begin, end;
  std::size_t tap_begin, tap_end;
};

/// The classes of positions 0..positions-1 along an axis of the source of `size` cells, ascending.
std::vector<AxisClass> axis_classes(const TapAxis& axis, std::size_t positions, std::size_t step,
                                    std::size_t size);

/// A run of a chain that is contiguous in the source at every position.
struct Piece {
  std::ptrdiff_t h, w;    ///< the first tap's place relative to the position
  std::ptrdiff_t offset;  ///< of its first value from the position's cell, in floats
  std::size_t step;       ///< number of its first step in the chain of all taps
  std::size_t weight;     ///< offset of that step's weights, for group 0 and column 0
  std::size_t length;     ///< in steps
};

/// Appends the pieces of those steps in [begin, end) of the chain that belong to the taps of
/// (h, w); with `merge` neighbouring taps of a row that are contiguous in the source make one
/// piece.
void append_pieces(const Correlation& correlation, const AxisClass& h, const AxisClass& w,
                   std::size_t begin, std::size_t end, bool merge, std::vector<Piece>& pieces);

/// The classes that hold all taps: of positions without padding.
inline AxisClass all_taps(const TapAxis& axis) {
  return {0, 0, 0, axis.count};
}

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

/// What the choice of a kernel asks of values.
struct Survey {
  bool finite;           ///< none is infinite or NaN
  std::size_t nonzeros;  ///< how many are not 0
};
Survey survey(const float* values, std::size_t count);
/// From a sample: many values take as long to read as to work with.
std::size_t estimated_nonzeros(const float* values, std::size_t count);
inline bool all_finite(const float* values, std::size_t count) {
  return survey(values, count).finite;
}

/// Vector lanes across positions, for few columns; only where pixels_pay() and weights are finite.
void correlate_by_pixels(const Correlation& correlation, const CorrelationData& data,
                         std::byte* workspace, std::size_t threads);
std::size_t pixels_workspace_bytes(const Correlation& correlation, std::size_t threads);
/// Whether correlate_by_pixels is offered, and faster on the vector target in use.
bool pixels_pay(const Correlation& correlation);

/// Vector lanes across images, for few columns and a block of images; only where images_pay().
void correlate_by_images(const Correlation& correlation, const CorrelationData& data,
                         std::byte* workspace, std::size_t threads);
std::size_t images_workspace_bytes(const Correlation& correlation, std::size_t threads);
/// Whether correlate_by_images is offered, and faster.
bool images_pay(const Correlation& correlation);
/// As estimated_cost() below; infinite where it is not offered or there are few images.
double estimated_cost_by_images(const Correlation& correlation);

/// Whether a group has one channel and one column, and groups are enough to fill vectors.
bool is_depthwise(const Correlation& correlation);
/// Vector lanes across groups; only where is_depthwise().
void correlate_depthwise(const Correlation& correlation, const CorrelationData& data,
                         std::byte* no_workspace, std::size_t threads);

/// The gradient of a forward correlation's weights over positions [begin, end), counted in
/// row-major order of (n, a, b): element (th, tw, c, g, j) is a chain from 0, ascending over those
/// of the positions at which the tap is inside the image, of fma(source, grad_output, acc), and +0
/// in the end. A kernel may let the other positions take part as zeros: that changes no result that
/// comes out finite, as grad_output was finite then. Kernels overwrite grad_weight.
struct WeightGradientData {
  const float* source;
  const float* grad_output;
  float* grad_weight;
  std::size_t begin, end;
};

using WeightGradientKernel = void (*)(const Correlation& forward, const WeightGradientData& data,
                                      std::byte* workspace, std::size_t threads);

/// The gradient over all positions as a long sum (core/long_sum.hpp): the kernel sums each run of
/// positions. data.begin and data.end do not matter; the kernel's workspace follows the
/// weight_runs_bytes() that this needs.
void weight_gradient_in_runs(WeightGradientKernel kernel, const Correlation& forward,
                             const WeightGradientData& data, std::byte* workspace,
                             std::size_t threads);
std::size_t weight_runs_bytes(const Correlation& forward);

/// Vector lanes across columns: any gradient; fast where groups have many columns and channels.
void weight_gradient_by_columns(const Correlation& forward, const WeightGradientData& data,
                                std::byte* workspace, std::size_t threads);
std::size_t weight_gradient_columns_bytes(const Correlation& forward, std::size_t threads);
/// Estimated vectors of multiply-adds for each position, on the vector target in use.
double weight_cost_by_columns(const Correlation& forward);

/// Vector lanes across columns, for few channels; only where its cost is finite, and only finite
/// results are right.
void weight_gradient_by_bands(const Correlation& forward, const WeightGradientData& data,
                              std::byte* workspace, std::size_t threads);
std::size_t weight_gradient_bands_bytes(const Correlation& forward, std::size_t threads);
/// As weight_cost_by_columns; infinite where it is not offered.
double weight_cost_by_bands(const Correlation& forward);

/// Vector lanes across the rows of grad_weight (taps and channels), for few columns or channels;
/// only where its cost is finite, and only finite results are right.
void weight_gradient_by_windows(const Correlation& forward, const WeightGradientData& data,
                                std::byte* workspace, std::size_t threads);
std::size_t weight_gradient_windows_bytes(const Correlation& forward, std::size_t threads);
/// As weight_cost_by_columns; infinite where it is not offered.
double weight_cost_by_windows(const Correlation& forward);

/// Vector lanes across groups; only where is_depthwise().
void weight_gradient_depthwise(const Correlation& forward, const WeightGradientData& data,
                               std::byte* no_workspace, std::size_t threads);

/// The same where grad_output has few values that are not 0: only where
/// sparse_weight_gradient_pays() and source and grad_output are finite.
void weight_gradient_of_sparse(const Correlation& forward, const WeightGradientData& data,
                               std::byte* workspace, std::size_t threads);
std::size_t weight_gradient_sparse_bytes(const Correlation& forward, std::size_t threads);
bool sparse_weight_gradient_pays(const Correlation& forward, std::size_t nonzeros);

/// All of grad_input where grad_output has few values that are not 0: only where
/// sparse_grad_input_pays() and weights and grad_output are finite. `dense_cost` is what the
/// correlations cost.
void grad_input_of_sparse(const ConvShape& shape, const float* grad_output, const float* weight,
                          float* grad_input, std::byte* workspace, std::size_t threads);
std::size_t grad_input_sparse_bytes(const ConvShape& shape, std::size_t threads);
bool sparse_grad_input_pays(const ConvShape& shape, std::size_t nonzeros, double dense_cost);

/// Estimated time on one core, in multiply-adds that fill their vectors; of the sum, by columns or
/// by pixels, and of the gradient of its weights.
double estimated_cost(const Correlation& correlation);
double estimated_weight_gradient_cost(const Correlation& forward);

}  // namespace reprise::direct
