/// \file
/// The sums that `direct` evaluates: correlations, made from a ConvShape. Internal to direct.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "reprise/conv/conv_shape.hpp"

namespace reprise::direct {

constexpr std::size_t kMaxLanes = 16;  // of a vector, on any target

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

/// For each group g, image n, position (a, b) and output channel j:
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
  std::size_t out_channels;    ///< of the result, per group
  std::size_t SH, SW;          ///< source is N,SH,SW,G*channels
  std::size_t step_h, step_w;  ///< source cells from position to position
  TapAxis h, w;
  std::size_t KW;                                        ///< width of the kernel
  std::size_t w_tap, w_group, w_channel, w_out_channel;  ///< strides of the weights, in floats
  std::size_t r_first;                 ///< offset in the result of position (0, 0), in floats
  std::size_t r_image, r_row, r_cell;  ///< strides of the result, in floats
  /// How many values of grad_output are not 0, as far as is known: at most. Of a forward
  /// correlation; what kernels that skip zeros cost depends on it.
  std::size_t nonzeros = 0;

  /// The length of a chain.
  [[nodiscard]] std::size_t reduction_length() const { return h.count * w.count * channels; }
  [[nodiscard]] std::size_t weight_size() const { return reduction_length() * G * out_channels; }
  [[nodiscard]] std::size_t positions() const { return N * A * B; }
  [[nodiscard]] std::size_t source_channels() const { return G * channels; }
  /// Whether position p, in row-major order of (n, a, b), reads the source's cell p alone.
  [[nodiscard]] bool reads_cells_in_order() const {
    return h.count * w.count == 1 && h.first == 0 && w.first == 0 && step_h == 1 && step_w == 1 &&
           A == SH && B == SW;
  }
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
struct Segment {
  std::ptrdiff_t h, w;    ///< the first tap's place relative to the position
  std::ptrdiff_t offset;  ///< of its first value from the position's cell, in floats
  std::size_t k;          ///< number of its first step in the chain of all taps
  std::size_t weight;     ///< offset of that step's weights, for group 0 and output channel 0
  std::size_t length;     ///< in steps
};

/// Appends the segments of those steps in [begin, end) of the chain that belong to the taps of
/// (h, w); with `merge` neighbouring taps of a row that are contiguous in the source make one
/// segment.
void append_segments(const Correlation& correlation, const AxisClass& h, const AxisClass& w,
                     std::size_t begin, std::size_t end, bool merge,
                     std::vector<Segment>& segments);

/// The classes that hold all taps: of positions without padding.
inline AxisClass all_taps(const TapAxis& axis) {
  return {0, 0, 0, axis.count};
}

/// Of the taps at all positions along an axis, the fraction that is inside the image.
double inside_fraction(const TapAxis& axis, std::size_t positions, std::size_t step,
                       std::size_t size);
/// Of the taps at all positions of the correlation.
inline double inside_fraction_h(const Correlation& c) {
  return inside_fraction(c.h, c.A, c.step_h, c.SH);
}
inline double inside_fraction_w(const Correlation& c) {
  return inside_fraction(c.w, c.B, c.step_w, c.SW);
}

/// The positions of one task: rows [a_begin, a_end) of images [n_begin, n_end) of group g.
struct PositionRange {
  std::size_t g, n_begin, n_end, a_begin, a_end;
};

/// Walks over the positions of one class: rows and columns [begin, end) of h and w, images [n,
/// n_end), ascending in (n, a, b).
class ClassWalk {
 public:
  ClassWalk(const Correlation& c, const PositionRange& task, const AxisClass& h, const AxisClass& w)
      : c_(c), h_(h), w_(w), step_(c.step_w * c.source_channels()), n_(task.n_begin), a_(h.begin) {
    begin_row();
  }

  /// Offset in the source of the position's cell, channel 0 of group 0.
  [[nodiscard]] std::size_t source() const { return source_; }
  /// Offset in the result of output channel 0 of group 0.
  [[nodiscard]] std::size_t result() const { return result_; }
  void advance() {
    if (++b_ < w_.end) {
      source_ += step_;
      result_ += c_.r_cell;
      return;
    }
    if (++a_ == h_.end) {
      a_ = h_.begin;
      ++n_;
    }
    begin_row();
  }

 private:
  void begin_row() {
    b_ = w_.begin;
    source_ = ((n_ * c_.SH + a_ * c_.step_h) * c_.SW + b_ * c_.step_w) * c_.source_channels();
    result_ = c_.r_first + n_ * c_.r_image + a_ * c_.r_row + b_ * c_.r_cell;
  }

  const Correlation& c_;
  const AxisClass& h_;
  const AxisClass& w_;
  std::size_t step_;  ///< from a position's cell to the next one's
  std::size_t n_, a_, b_ = 0;
  std::size_t source_ = 0, result_ = 0;
};

}  // namespace reprise::direct
