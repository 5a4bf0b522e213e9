// A kernel of `direct`: grad_input where few values of grad_output are not zero, as behind maximum
// pooling and ReLU, where three quarters are 0 at least.
//
// A step whose value of grad_output is 0 leaves its chain as it is (but for the sign of a zero) and
// is left out. Each other value is multiplied with its channel's weights and added where they
// reach. With positions in descending order of (oh, ow) and channels in ascending order, an element
// gets its steps in ascending order of (kh, kw, oc). The cells around a position stay in registers
// while its channels are worked. Some images take turns, so that none waits for what it has just
// stored.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reprise/conv/direct/sparse_input.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "reprise/conv/direct/sparse_plan.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/core/parallel.hpp"
#include "reprise/linalg/unroll.hpp"

HWY_BEFORE_NAMESPACE();
namespace reprise::direct {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t kMostVectors = 10;  // of a tile, besides a value of grad_output

/// A position of one image.
struct Position {
  const float* grad;           ///< (OC)
  const std::uint64_t* words;  ///< which of them are not 0
  std::size_t word_count;
  float* cell;  ///< of the copy, where the window begins
};

/// The cells at offset[0], offset[1], … continue their chains over the position's values; weights
/// is (OC, stride).
template <std::size_t width, std::size_t vectors>
HWY_NOINLINE void tile_kernel(const Position& position, const float* HWY_RESTRICT weights,
                              std::size_t stride, const std::size_t* HWY_RESTRICT offset) {
  const hn::CappedTag<float, width> d;
  using Vector = hn::Vec<decltype(d)>;
  const std::size_t lanes = hn::Lanes(d);
  float* const cell = position.cell;
  const float* const grad = position.grad;
  Vector acc[vectors];
  REPRISE_UNROLL
  for (std::size_t v = 0; v < vectors; ++v) acc[v] = hn::LoadU(d, cell + offset[v]);
  for (std::size_t word = 0; word < position.word_count; ++word) {
    for (std::uint64_t bits = position.words[word]; bits != 0; bits &= bits - 1) {
      const std::size_t oc = word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
      const Vector g = hn::Set(d, grad[oc]);
      const float* const w = weights + oc * stride;
      REPRISE_UNROLL
      for (std::size_t v = 0; v < vectors; ++v) {
        acc[v] = hn::MulAdd(hn::LoadU(d, w + v * lanes), g, acc[v]);
      }
    }
  }
  REPRISE_UNROLL
  for (std::size_t v = 0; v < vectors; ++v) hn::StoreU(acc[v], d, cell + offset[v]);
}

using TileKernel = void (*)(const Position&, const float*, std::size_t, const std::size_t*);

/// tile_kernel<width, vectors>; vectors is at most kMostVectors.
template <std::size_t width, std::size_t... index>
TileKernel kernel_for(std::size_t vectors, std::index_sequence<index...> /*all*/) {
  static constexpr std::array<TileKernel, sizeof...(index)> kernels{
      tile_kernel<width, index + 1>...};
  return kernels[vectors - 1];
}

/// Sets a bit for each of a position's values that is not 0.
void mark_nonzeros(const float* HWY_RESTRICT grad, std::size_t OC, std::uint64_t* words) {
  const hn::CappedTag<float, 64> d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t oc = 0;
  for (; oc + lanes <= OC; oc += lanes) {
    std::uint8_t bytes[8] = {};
    hn::StoreMaskBits(d, hn::Ne(hn::LoadU(d, grad + oc), hn::Zero(d)), bytes);
    std::uint64_t bits = 0;
    std::memcpy(&bits, bytes, sizeof bits);
    words[oc / 64] |= bits << (oc % 64);
  }
  for (; oc < OC; ++oc) {
    words[oc / 64] |= std::uint64_t{grad[oc] != 0.0F ? 1U : 0U} << (oc % 64);
  }
}

/// The window of every position of `count` images.
template <std::size_t width>
void add_windows(const ConvShape& s, const SparseInputPlan& plan, const float* grad_output,
                 std::size_t count, const SparseInputScratch& scratch) {
  const std::size_t lanes = hn::Lanes(hn::CappedTag<float, width>());
  const std::size_t vectors = plan.weights / lanes;
  const std::size_t tiles = div_ceil(vectors, kMostVectors);
  for (std::size_t tile = 0; tile < tiles; ++tile) {
    const std::size_t first = tile * vectors / tiles;
    const TileKernel kernel = kernel_for<width>((tile + 1) * vectors / tiles - first,
                                                std::make_index_sequence<kMostVectors>());
    for (std::size_t p = s.OH * s.OW; p-- > 0;) {
      const std::size_t cell = p / s.OW * s.stride_h * plan.row + p % s.OW * s.stride_w * s.IC;
      for (std::size_t n = 0; n < count; ++n) {
        const Position position{grad_output + (n * s.OH * s.OW + p) * s.OC,
                                scratch.words + (p * kImagesTogether + n) * plan.words, plan.words,
                                scratch.images + n * plan.image + cell};
        kernel(position, scratch.weights + first * lanes, plan.weights, scratch.offset + first);
      }
    }
  }
}

/// grad_input of `count` images, at most kImagesTogether; the weights are in the scratch.
void run_images(const ConvShape& s, const SparseInputPlan& plan, const float* grad_output,
                std::size_t count, float* grad_input, const SparseInputScratch& scratch) {
  const hn::ScalableTag<float> d;
  std::fill_n(scratch.images, count * plan.image, 0.0F);
  std::fill_n(scratch.words, plan.all_words(s), 0);
  for (std::size_t p = 0; p < s.OH * s.OW; ++p) {
    for (std::size_t n = 0; n < count; ++n) {
      mark_nonzeros(grad_output + (n * s.OH * s.OW + p) * s.OC, s.OC,
                    scratch.words + (p * kImagesTogether + n) * plan.words);
    }
  }
  const std::size_t lanes =
      std::min(hn::Lanes(d), plan.width);  // as many as the kernels' vectors have
  for (std::size_t i = 0; i < plan.weights; i += lanes) {
    scratch.offset[i / lanes] = i / plan.pitch * s.dilation_h * plan.row + i % plan.pitch;
  }
  const auto add = plan.width == kHalfUnit ? add_windows<kHalfUnit> : add_windows<kMostLanes>;
  add(s, plan, grad_output, count, scratch);
  const std::size_t row = s.IW * s.IC;
  for (std::size_t n = 0; n < count; ++n) {
    for (std::size_t ih = 0; ih < s.IH; ++ih) {
      const float* const from =
          scratch.images + n * plan.image + (s.pad_top + ih) * plan.row + s.pad_left * s.IC;
      float* const to = grad_input + (n * s.IH + ih) * row;
      std::size_t i = 0;
      for (; i + hn::Lanes(d) <= row; i += hn::Lanes(d)) {
        hn::StoreU(hn::Add(hn::LoadU(d, from + i), hn::Zero(d)), d, to + i);
      }
      for (; i < row; ++i) to[i] = from[i] + 0.0F;
    }
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace reprise::direct
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::direct {
HWY_EXPORT(run_images);

std::size_t grad_input_sparse_bytes(const ConvShape& s, std::size_t threads) {
  const SparseInputPlan plan(s);
  return plan.fits(s) ? std::max<std::size_t>(threads, 1) * plan.bytes(s) : 0;
}

bool sparse_grad_input_pays(const ConvShape& s, std::size_t nonzeros, double dense_cost) {
  const SparseInputPlan plan(s);
  if (!plan.fits(s)) return false;
  // In vectors: a value's weights; a position's cells, which cross cache lines, there and back, and
  // finding its values.
  const auto vectors = static_cast<double>(plan.weights) / static_cast<double>(plan.width);
  const double sparse = static_cast<double>(nonzeros) * (vectors + 2.0) +
                        static_cast<double>(s.N * s.OH * s.OW) * (6.0 * vectors + 30.0);
  return sparse * kMostLanes < dense_cost;
}

void grad_input_of_sparse(const ConvShape& s, const float* grad_output, const float* weight,
                          float* grad_input, std::byte* workspace, std::size_t threads) {
  const SparseInputPlan plan(s);
  const std::size_t groups = div_ceil(s.N, kImagesTogether);
  const std::size_t tasks = std::min(groups, std::max<std::size_t>(threads, 1));
  parallel_for(threads, tasks, [&](std::size_t task, std::size_t worker) {
    const SparseInputScratch scratch(s, plan, workspace + worker * plan.bytes(s));
    std::fill_n(scratch.weights, plan.weights * s.OC, 0.0F);
    for (std::size_t i = 0; i < s.KH * plan.run; ++i) {
      for (std::size_t oc = 0; oc < s.OC; ++oc) {
        scratch.weights[oc * plan.weights + i / plan.run * plan.pitch + i % plan.run] =
            weight[i * s.OC + oc];
      }
    }
    const std::size_t n_end = std::min(s.N, (task + 1) * groups / tasks * kImagesTogether);
    for (std::size_t n = task * groups / tasks * kImagesTogether; n < n_end; n += kImagesTogether) {
      HWY_DYNAMIC_DISPATCH(run_images)
      (s, plan, grad_output + n * s.OH * s.OW * s.OC, std::min(kImagesTogether, n_end - n),
       grad_input + n * s.IH * s.IW * s.IC, scratch);
    }
  });
}

}  // namespace reprise::direct
#endif  // HWY_ONCE
