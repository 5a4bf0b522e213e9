// A kernel of `direct`: the gradient of the input, all phases of the stride at once, with vector
// lanes across phases and input channels.
//
// Counted from the padding's edge, the input cells (stride_h * a + p, stride_w * b + q) for p <
// stride_h, q < stride_w are reached from position (a, b) of the output by the taps (u, v) of
// ceil(KH / stride_h) x ceil(KW / stride_w): input cell (p, q) reads grad_output(a - u, b - v) by
// weight(p + u * stride_h, q + v * stride_w), in the order of its own chain. So all of them are one
// correlation with stride 1 whose result has stride_h * stride_w * IC channels, which is igemm's.
// Weights beyond the kernel are zeros: a few more products, where one phase with the three channels
// of a colour image leaves most lanes empty. Its results go to the input's cells by way of a
// buffer.
#include <algorithm>

#include "reprise/conv/conv_workspace.hpp"
#include "reprise/conv/direct/kernel.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/core/parallel.hpp"

namespace reprise::direct {
namespace {

constexpr std::size_t kMaxChannels = 64;      // of the result: weights that igemm need not pack
constexpr std::size_t kSlicePositions = 512;  // that igemm takes at a time
constexpr std::size_t kMaxFloats = 1U << 18;  // of the weights, and of a row's results: 1 MiB each

/// One axis of the input: its blocks of `stride` cells, counted from the padding's edge.
struct BlockAxis {
  BlockAxis(std::size_t size, std::size_t step, const TapAxis& axis)
      : stride(step),
        pad(static_cast<std::size_t>(-axis.first)),
        first(pad / stride),
        count(div_ceil(size + pad, stride) - first),
        taps(div_ceil(axis.count, stride)) {}
  std::size_t stride, pad;
  std::size_t first;  ///< the block that has the input's cell 0
  std::size_t count;  ///< up to the one that has its last cell
  std::size_t taps;   ///< of the output, that reach a block

  /// The blocks from number `begin` on, as positions from 0 on.
  [[nodiscard]] TapAxis tap_axis(std::size_t begin) const {
    return {taps, static_cast<std::ptrdiff_t>(first + begin), -1, 0, 1};
  }
};

/// The sum as one correlation of grad_output.
struct PhasesPlan {
  explicit PhasesPlan(const Correlation& c)
      : h(c.SH, c.step_h, c.h),
        w(c.SW, c.step_w, c.w),
        row(w.stride * c.channels),
        channels(round_up(h.stride * row, kMaxLanes)),
        rows(std::clamp<std::size_t>(div_ceil(kSlicePositions, w.count), 1, h.count)),
        slices(div_ceil(h.count, rows)),
        weights(h.taps * w.taps * c.out_channels * channels) {}
  BlockAxis h, w;
  std::size_t row;       ///< neighbouring values of the input in a block
  std::size_t channels;  ///< of a block, in whole vectors
  std::size_t rows;      ///< of blocks, in a slice
  std::size_t slices;    ///< of an image
  std::size_t weights;   ///< floats

  /// Rows [begin, begin + count) of the blocks of one image; their results lie together.
  [[nodiscard]] Correlation slice(const Correlation& c, std::size_t begin,
                                  std::size_t count) const {
    return {.N = 1,
            .A = count,
            .B = w.count,
            .G = 1,
            .channels = c.out_channels,
            .out_channels = channels,
            .SH = c.A,
            .SW = c.B,
            .step_h = 1,
            .step_w = 1,
            .h = h.tap_axis(begin),
            .w = w.tap_axis(0),
            .KW = w.taps,
            .w_tap = c.out_channels * channels,
            .w_group = channels,
            .w_channel = channels,
            .w_out_channel = 1,
            .r_first = 0,
            .r_image = count * w.count * channels,
            .r_row = w.count * channels,
            .r_cell = channels};
  }
};

/// The scratch of one worker.
struct PhasesScratch {
  PhasesScratch(WorkspacePieces& pieces, const Correlation& c, const PhasesPlan& plan)
      : results(pieces.take<float>(plan.rows * plan.w.count * plan.channels)),
        igemm(pieces.take<std::byte>(kIgemm.workspace_bytes(plan.slice(c, 0, plan.rows), 1))) {}
  float* results;    ///< of a slice: (rows, blocks, channels)
  std::byte* igemm;  ///< its workspace
};

/// weights(u, v, oc, (p, q, ic)) = weight(p + u * stride_h, q + v * stride_w, ic, oc), or 0.
void arrange_weights(const Correlation& c, const PhasesPlan& plan, const float* weight,
                     float* weights) {
  std::fill_n(weights, plan.weights, 0.0F);
  for (std::size_t kh = 0; kh < c.h.count; ++kh) {
    for (std::size_t kw = 0; kw < c.w.count; ++kw) {
      const std::size_t tap = kh / plan.h.stride * plan.w.taps + kw / plan.w.stride;
      const std::size_t cell = kh % plan.h.stride * plan.row + kw % plan.w.stride * c.channels;
      float* const to = weights + tap * c.out_channels * plan.channels + cell;
      for (std::size_t ic = 0; ic < c.channels; ++ic, weight += c.w_channel) {
        for (std::size_t oc = 0; oc < c.out_channels; ++oc) {
          to[oc * plan.channels + ic] = weight[oc];
        }
      }
    }
  }
}

/// The results of `count` rows of blocks from `begin` on to the cells of one image.
void spread(const Correlation& c, const PhasesPlan& plan, std::size_t begin, std::size_t count,
            const float* results, float* image) {
  const std::size_t width = c.SW * c.channels;        // of a row of the input
  const std::size_t edge = plan.w.pad * c.channels;   // padding before it
  const std::size_t first = plan.w.first * plan.row;  // the first block, from the padding's edge
  for (std::size_t i = 0; i < count * plan.h.stride; ++i) {
    const std::size_t padded = (plan.h.first + begin) * plan.h.stride + i;
    if (padded < plan.h.pad || padded - plan.h.pad >= c.SH) continue;
    float* const row = image + (padded - plan.h.pad) * width;
    const float* from =
        results + i / plan.h.stride * plan.w.count * plan.channels + i % plan.h.stride * plan.row;
    for (std::size_t b = 0; b < plan.w.count; ++b, from += plan.channels) {
      const std::size_t at = first + b * plan.row;  // from the padding's edge
      const std::size_t from_value = at < edge ? edge - at : 0;
      const std::size_t to_value = std::min(plan.row, width + edge - at);
      std::copy(from + from_value, from + to_value, row + at + from_value - edge);
    }
  }
}

bool phases_offered(const Correlation& c) {
  const auto is_dense = [](const TapAxis& axis) { return axis.count == 1 || axis.spacing == 1; };
  const std::size_t phases = c.step_h * c.step_w;
  const bool fits = c.G == 1 && phases > 1 && phases <= kMaxChannels &&
                    c.channels <= kMaxChannels / phases && is_dense(c.h) && is_dense(c.w);
  if (!fits) return false;
  const PhasesPlan plan(c);
  return plan.weights <= kMaxFloats && plan.w.count * plan.channels <= kMaxFloats;
}

double phases_cost(const Correlation& c, std::size_t lanes) {
  const PhasesPlan plan(c);
  return static_cast<double>(c.N) * kIgemm.cost(plan.slice(c, 0, plan.h.count), lanes);
}

/// The way of the results, and of the weights.
double phases_overhead(const Correlation& c, std::size_t /*lanes*/) {
  const PhasesPlan plan(c);
  const auto blocks = static_cast<double>(c.N * plan.h.count * plan.w.count);
  return 8.0 * (blocks * static_cast<double>(plan.channels) + static_cast<double>(plan.weights));
}

std::size_t phases_workspace_bytes(const Correlation& c, std::size_t threads) {
  const PhasesPlan plan(c);
  return piece_bytes<float>(plan.weights) + scratch_of_workers<PhasesScratch>(threads, c, plan);
}

void run_phases(const Correlation& c, const Operands& data, std::byte* workspace,
                std::size_t threads) {
  const PhasesPlan plan(c);
  auto* const weights = reinterpret_cast<float*>(workspace);
  arrange_weights(c, plan, data.factor, weights);
  std::byte* const scratches = workspace + piece_bytes<float>(plan.weights);
  parallel_for(threads, c.N * plan.slices, [&](std::size_t task, std::size_t worker) {
    const auto scratch = take_scratch<PhasesScratch>(scratches, worker, c, plan);
    const std::size_t n = task / plan.slices;
    const std::size_t begin = task % plan.slices * plan.rows;
    const std::size_t count = std::min(plan.rows, plan.h.count - begin);
    const float* const source = data.source + n * c.A * c.B * c.out_channels;
    kIgemm.run(plan.slice(c, begin, count), {source, weights, nullptr, scratch.results},
               scratch.igemm, 1);
    spread(c, plan, begin, count, scratch.results, data.result + n * c.SH * c.SW * c.channels);
  });
}

}  // namespace

const Kernel kPhasesInputGradient{
    .name = "phases",
    .lanes = "phases and input channels",
    .sum = Sum::input_gradient,
    .finite_only = FiniteOnly::source,
    .offered = phases_offered,
    .cost = phases_cost,
    .overhead = phases_overhead,
    .workspace_bytes = phases_workspace_bytes,
    .run = run_phases,
};

}  // namespace reprise::direct
