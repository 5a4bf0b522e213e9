// Winograd convolution.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reprise/conv/algorithms/winograd.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <string>

#include "reprise/conv/algorithms/winograd_plan.hpp"
#include "reprise/conv/algorithms/winograd_transforms-inl.hpp"
#include "reprise/conv/conv_algorithm.hpp"
#include "reprise/conv/conv_workspace.hpp"
#include "reprise/core/parallel.hpp"
#include "reprise/linalg/gemm_kernel-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace reprise {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace {

using Lanes = hn::ScalableTag<float>;
using Vector = hn::Vec<Lanes>;
constexpr std::size_t kLanes = hn::MaxLanes(Lanes());

constexpr std::size_t divided_up(std::size_t n, std::size_t by) {
  return (n + by - 1) / by;
}

/// The most whole register tiles in a block of n rows or columns, at least one.
constexpr std::size_t whole_tiles(std::size_t n, std::size_t tile) {
  return std::max(n / tile, std::size_t{1}) * tile;
}

// ---- Vectors at the end of a row of channels

/// p[0..count), zeros beyond.
HWY_INLINE Vector load_some(const float* p, std::size_t count) {
  const Lanes d;
  if (HWY_LIKELY(count >= kLanes)) return hn::LoadU(d, p);
#if HWY_MEM_OPS_MIGHT_FAULT
  HWY_ALIGN float copy[kLanes] = {};
  std::copy_n(p, count, copy);
  return hn::Load(d, copy);
#else
  return hn::MaskedLoad(hn::FirstN(d, count), d, p);
#endif
}

/// The first `count` lanes; no byte beyond is touched.
HWY_INLINE void store_some(Vector v, float* p, std::size_t count) {
  const Lanes d;
  if (HWY_LIKELY(count >= kLanes)) return hn::StoreU(v, d, p);
#if HWY_MEM_OPS_MIGHT_FAULT
  HWY_ALIGN float copy[kLanes];
  hn::Store(v, d, copy);
  std::copy_n(copy, count, p);
#else
  hn::BlendedStore(v, hn::FirstN(d, count), d, p);
#endif
}

// ---- Two-dimensional transforms of a vector of channels

/// The arithmetic of winograd_transforms-inl.hpp on vectors.
struct VectorOps {
  using Value = Vector;
  static HWY_INLINE Value constant(int numerator, int denominator) {
    return hn::Set(Lanes(), static_cast<float>(static_cast<double>(numerator) / denominator));
  }
  static HWY_INLINE Value add(Value x, Value y) { return hn::Add(x, y); }
  static HWY_INLINE Value sub(Value x, Value y) { return hn::Sub(x, y); }
  static HWY_INLINE Value mul(Value x, Value y) { return hn::Mul(x, y); }
  static HWY_INLINE Value fma(Value x, Value y, Value z) { return hn::MulAdd(x, y, z); }
  static HWY_INLINE Value negated_fma(Value x, Value y, Value z) { return hn::NegMulAdd(x, y, z); }
};

template <class F>
struct InputTransform {
  static constexpr std::size_t kIn = F::kTile, kOut = F::kTile;
  static HWY_INLINE void apply(const Vector* x, Vector* y) { F::input(VectorOps(), x, y); }
};
template <class F>
struct WeightTransform {
  static constexpr std::size_t kIn = 3, kOut = F::kTile;
  static HWY_INLINE void apply(const Vector* x, Vector* y) { F::weight(VectorOps(), x, y); }
};
template <class F>
struct OutputTransform {
  static constexpr std::size_t kIn = F::kTile, kOut = F::kOutputs;
  static HWY_INLINE void apply(const Vector* x, Vector* y) { F::output(VectorOps(), x, y); }
};
template <class F>
struct GradTransform {
  static constexpr std::size_t kIn = F::kOutputs, kOut = F::kTile;
  static HWY_INLINE void apply(const Vector* x, Vector* y) { F::grad(VectorOps(), x, y); }
};
template <class F>
struct KernelTransform {
  static constexpr std::size_t kIn = F::kTile, kOut = 3;
  static HWY_INLINE void apply(const Vector* x, Vector* y) { F::kernel(VectorOps(), x, y); }
};

/// sink(i * kOut + j, (T X T^t)(i,j)) for X(h,w) = source(h * kIn + w).
template <class T, class Source, class Sink>
HWY_INLINE void transform_2d(const Source& source, const Sink& sink) {
  Vector half[T::kOut][T::kIn];
  for (std::size_t w = 0; w < T::kIn; ++w) {
    Vector in[T::kIn];
    Vector out[T::kOut];
    for (std::size_t h = 0; h < T::kIn; ++h) in[h] = source(h * T::kIn + w);
    T::apply(in, out);
    for (std::size_t i = 0; i < T::kOut; ++i) half[i][w] = out[i];
  }
  for (std::size_t i = 0; i < T::kOut; ++i) {
    Vector out[T::kOut];
    T::apply(half[i], out);
    for (std::size_t j = 0; j < T::kOut; ++j) sink(i * T::kOut + j, out[j]);
  }
}

/// Source: `count` channels from channel c on of cells anywhere.
struct Cells {
  const float* const* cells;
  std::size_t c;
  std::size_t count;
  HWY_INLINE Vector operator()(std::size_t index) const {
    return load_some(cells[index] + c, count);
  }
};

/// Source and sink: whole or partial vectors at equal distances.
struct Spaced {
  const float* first;
  std::size_t stride;
  std::size_t count = kLanes;
  HWY_INLINE Vector operator()(std::size_t index) const {
    return load_some(first + index * stride, count);
  }
};
struct SpacedSink {
  float* first;
  std::size_t stride;
  HWY_INLINE void operator()(std::size_t index, Vector v) const {
    hn::Store(v, Lanes(), first + index * stride);
  }
};

// ---- Tiles of images

/// One group's channels of a batch of images, N,height,width,channels, pixels pixel_stride apart.
struct Images {
  const float* data;
  std::size_t height, width, pixel_stride, channels;
  std::ptrdiff_t origin_h, origin_w;  ///< where the first tile begins; negative in the padding
  const float* zeros;                 ///< `channels` zeros: every cell outside
};

/// Where a tile begins.
struct TilePlace {
  std::size_t image, h, w;
};
HWY_INLINE TilePlace place_of(const WinogradTiles& tiling, std::size_t tile) {
  const std::size_t in_image = tile % (tiling.tiles_h * tiling.tiles_w);
  return {tile / (tiling.tiles_h * tiling.tiles_w), in_image / tiling.tiles_w * tiling.outputs,
          in_image % tiling.tiles_w * tiling.outputs};
}

/// cells(edge, edge): where each cell of the tile is.
template <std::size_t edge>
HWY_INLINE void find_cells(const Images& images, const WinogradTiles& tiling, std::size_t tile,
                           const float** cells) {
  const TilePlace place = place_of(tiling, tile);
  const float* image =
      images.data + place.image * images.height * images.width * images.pixel_stride;
  for (std::size_t i = 0; i < edge; ++i) {
    // Negative places wrap to huge ones: outside.
    const std::size_t h = place.h + i + static_cast<std::size_t>(images.origin_h);
    for (std::size_t j = 0; j < edge; ++j) {
      const std::size_t w = place.w + j + static_cast<std::size_t>(images.origin_w);
      const bool inside = h < images.height && w < images.width;
      cells[i * edge + j] =
          inside ? image + (h * images.width + w) * images.pixel_stride : images.zeros;
    }
  }
}

// ---- Products

template <class Panel, std::size_t Rows>
HWY_INLINE void multiply_tile(std::size_t vectors, std::size_t depth, const float* a,
                              const float* b, float* c, std::size_t c_row_stride, bool from_zero) {
  if (vectors >= kTileVectors) {
    micro_kernel<Panel, Rows, kTileVectors>(depth, a, b, c, c_row_stride, from_zero);
  } else if (vectors == 1) {
    micro_kernel<Panel, Rows, 1>(depth, a, b, c, c_row_stride, from_zero);
  } else {
    micro_kernel<Panel, Rows, 2>(depth, a, b, c, c_row_stride, from_zero);
  }
}

/// c (rows x columns) = or continues a (rows x depth) times b (depth x columns), both in panels
/// that begin a_stride and b_stride apart. Up to kTileRows - 1 rows beyond c's are overwritten.
template <class Panel>
HWY_NOINLINE void multiply(std::size_t rows, std::size_t columns, std::size_t depth, const float* a,
                           std::size_t a_stride, const float* b, std::size_t b_stride, float* c,
                           std::size_t c_row_stride, bool from_zero) {
  for (std::size_t n = 0; n < columns; n += tile_columns(), b += b_stride) {
    const std::size_t vectors = divided_up(columns - n, kLanes);
    const float* a_panel = a;
    for (std::size_t m = 0; m < rows; m += kTileRows, a_panel += a_stride) {
      float* tile = c + m * c_row_stride + n;
      if (rows - m > kTileRows / 2) {
        multiply_tile<Panel, kTileRows>(vectors, depth, a_panel, b, tile, c_row_stride, from_zero);
      } else {
        multiply_tile<Panel, kTileRows / 2>(vectors, depth, a_panel, b, tile, c_row_stride,
                                            from_zero);
      }
    }
  }
}

// ---- forward and grad_input

/// One group of forward, or of grad_input as the forward pass that it is: images are grad_output,
/// depth the output channels, columns the input channels, the kernel rotated by half a turn.
struct Product {
  WinogradProduct plan;
  Images images;
  const float* weight;  ///< forward: element (kh,kw,k,n) at (kh*3 + kw) * weight_plane + k *
                        ///< weight_row + n; rotated: ((2-kh)*3 + 2-kw) * weight_plane + n *
                        ///< weight_row + k
  std::size_t weight_plane, weight_row;
  bool rotated;
  const float* bias;  ///< (columns) or null
  float* result;      ///< N,height,width,columns, pixels result_pixel_stride apart
  std::size_t result_height, result_width, result_pixel_stride;
};

/// v(point, tile panel, depth as RowVectors) for tiles [begin, end), the first at v's start.
template <class F>
void transform_inputs(const Product& p, std::size_t begin, std::size_t end, float* v) {
  const std::size_t depth_vectors = divided_up(p.plan.depth, kLanes);
  const std::size_t panel_floats = depth_vectors * kLanes * kTileRows;
  constexpr std::size_t points = F::kTile * F::kTile;
  const float* cells[2][points];
  if (begin < end) find_cells<F::kTile>(p.images, p.plan.tiling, begin, cells[0]);
  for (std::size_t tile = begin; tile < end; ++tile) {
    const std::size_t row = tile - begin;
    const float** next = cells[(row + 1) % 2];
    find_cells<F::kTile>(p.images, p.plan.tiling, std::min(tile + 1, end - 1), next);
    float* to = v + row / kTileRows * panel_floats + row % kTileRows * kLanes;
    for (std::size_t c = 0; c < p.plan.depth; c += kLanes, to += kTileRows * kLanes) {
      transform_2d<InputTransform<F>>(Cells{cells[row % 2], c, p.plan.depth - c},
                                      SpacedSink{to, p.plan.v_stride});
    }
  }
}

/// A block of the rotated kernel, as (kh,kw,k,n): `steps` <= kLanes rows from k0 on, one panel's
/// columns from n0 on, zeros beyond.
void rotate_block(const Product& p, std::size_t k0, std::size_t steps, std::size_t n0,
                  float* HWY_RESTRICT block) {
  const std::size_t columns = std::min(tile_columns(), p.plan.columns - n0);
  for (std::size_t tap = 0; tap < 9; ++tap) {
    const float* from = p.weight + (8 - tap) * p.weight_plane + n0 * p.weight_row + k0;
    float* to = block + tap * kLanes * tile_columns();
    for (std::size_t k = 0; k < steps; ++k, to += tile_columns()) {
      for (std::size_t n = 0; n < columns; ++n) to[n] = from[n * p.weight_row + k];
      std::fill(to + columns, to + tile_columns(), 0.0F);
    }
  }
}

/// One panel of u: (depth, tile_columns()) at each point, for columns from n0 on.
template <class F>
void transform_weight_panel(const Product& p, std::size_t n0, float* u) {
  const std::size_t columns = std::min(tile_columns(), p.plan.columns - n0);
  const std::size_t width = divided_up(columns, kLanes) * kLanes;
  HWY_ALIGN float block[9 * kLanes * kTileVectors * kLanes];
  for (std::size_t k0 = 0; k0 < p.plan.depth; k0 += kLanes) {
    const std::size_t steps = std::min(kLanes, p.plan.depth - k0);
    if (p.rotated) rotate_block(p, k0, steps, n0, block);
    for (std::size_t k = 0; k < steps; ++k, u += tile_columns()) {
      for (std::size_t n = 0; n < width; n += kLanes) {
        const SpacedSink sink{u + n, p.plan.u_stride};
        if (p.rotated) {
          transform_2d<WeightTransform<F>>(
              Spaced{block + k * tile_columns() + n, kLanes * tile_columns()}, sink);
        } else {
          transform_2d<WeightTransform<F>>(
              Spaced{p.weight + (k0 + k) * p.weight_row + n0 + n, p.weight_plane, columns - n},
              sink);
        }
      }
    }
  }
}

/// Sink: one vector of the result's channels over a tile, clipped to the result.
struct ResultSink {
  float* first;  ///< the tile's first pixel
  std::size_t rows, columns;
  std::size_t row_stride, pixel_stride;
  std::size_t edge;
  std::size_t count;
  Vector bias;
  HWY_INLINE void operator()(std::size_t index, Vector v) const {
    const std::size_t i = index / edge;
    const std::size_t j = index % edge;
    if (i >= rows || j >= columns) return;
    store_some(hn::Add(v, bias), first + i * row_stride + j * pixel_stride, count);
  }
};

/// The result over tiles [begin, end) and the columns of one task from n0 on, from m (point, tile,
/// column).
template <class F>
void transform_results(const Product& p, std::size_t begin, std::size_t end, std::size_t n0,
                       std::size_t columns, const float* m, std::size_t m_row_stride) {
  const std::size_t row_stride = p.result_width * p.result_pixel_stride;
  for (std::size_t tile = begin; tile < end; ++tile, m += m_row_stride) {
    const TilePlace place = place_of(p.plan.tiling, tile);
    float* pixel = p.result + (place.image * p.result_height + place.h) * row_stride +
                   place.w * p.result_pixel_stride + n0;
    for (std::size_t n = 0; n < columns; n += kLanes) {
      const Vector bias =
          p.bias == nullptr ? hn::Zero(Lanes()) : load_some(p.bias + n0 + n, columns - n);
      transform_2d<OutputTransform<F>>(
          Spaced{m + n, p.plan.m_stride},
          ResultSink{pixel + n, p.result_height - place.h, p.result_width - place.w, row_stride,
                     p.result_pixel_stride, F::kOutputs, columns - n, bias});
    }
  }
}

/// A task's result: tiles [begin, end), `columns` columns from n0 on. v begins at `begin`, u at n0.
template <class F>
void multiply_and_transform(const Product& p, std::size_t begin, std::size_t end, std::size_t n0,
                            std::size_t columns, const float* v, const float* u, float* m) {
  const WinogradProduct& plan = p.plan;
  const std::size_t v_panel = divided_up(plan.depth, kLanes) * kLanes * kTileRows;
  const std::size_t u_panel = plan.depth * tile_columns();
  const std::size_t rows_at_once = whole_tiles(plan.block_tiles, kTileRows);
  const std::size_t columns_at_once = whole_tiles(plan.block_columns, tile_columns());
  for (std::size_t tile = begin; tile < end; tile += rows_at_once) {
    const std::size_t rows = std::min(rows_at_once, end - tile);
    const float* v_rows = v + (tile - begin) / kTileRows * v_panel;
    for (std::size_t n = 0; n < columns; n += columns_at_once) {
      const std::size_t width = std::min(columns_at_once, columns - n);
      const std::size_t m_row = divided_up(width, kLanes) * kLanes;
      const float* u_columns = u + n / tile_columns() * u_panel;
      for (std::size_t point = 0; point < plan.tiling.points; ++point) {
        multiply<RowVectors>(rows, width, plan.depth, v_rows + point * plan.v_stride, v_panel,
                             u_columns + point * plan.u_stride, u_panel, m + point * plan.m_stride,
                             m_row, true);
      }
      transform_results<F>(p, tile, tile + rows, n0 + n, width, m, m_row);
    }
  }
}

/// All columns' transformed weights are kept; a task is a block of tiles.
template <class F>
void run_with_kept_weights(const Product& p, WorkspacePieces pieces, std::size_t threads) {
  const WinogradProduct& plan = p.plan;
  const std::size_t points = plan.tiling.points;
  float* u = pieces.take<float>(points * plan.u_stride);
  const std::size_t v_floats = points * plan.v_stride;
  const std::size_t m_floats = points * plan.m_stride;
  float* v = pieces.take<float>(threads * v_floats);
  float* m = pieces.take<float>(threads * m_floats);
  const std::size_t panel = plan.depth * tile_columns();
  parallel_for(threads, divided_up(plan.columns, tile_columns()),
               [&](std::size_t task, std::size_t) {
                 transform_weight_panel<F>(p, task * tile_columns(), u + task * panel);
               });
  const std::size_t step = whole_tiles(plan.task_tiles, kTileRows);
  parallel_for(threads, divided_up(plan.tiling.tiles, step),
               [&](std::size_t task, std::size_t worker) {
                 const std::size_t begin = task * step;
                 const std::size_t end = std::min(begin + step, plan.tiling.tiles);
                 transform_inputs<F>(p, begin, end, v + worker * v_floats);
                 multiply_and_transform<F>(p, begin, end, 0, plan.columns, v + worker * v_floats, u,
                                           m + worker * m_floats);
               });
}

/// Tiles' transforms are kept, super-block by super-block; a task is a block of columns (and, for
/// many threads, of tiles), which transforms its own weights.
template <class F>
void run_with_kept_tiles(const Product& p, WorkspacePieces pieces, std::size_t threads) {
  const WinogradProduct& plan = p.plan;
  const std::size_t points = plan.tiling.points;
  float* v = pieces.take<float>(points * plan.v_stride);
  const std::size_t u_floats = points * plan.u_stride;
  const std::size_t m_floats = points * plan.m_stride;
  float* u = pieces.take<float>(threads * u_floats);
  float* m = pieces.take<float>(threads * m_floats);
  const std::size_t v_panel = divided_up(plan.depth, kLanes) * kLanes * kTileRows;
  const std::size_t u_panel = plan.depth * tile_columns();
  const std::size_t part = divided_up(plan.task_tiles, kTileRows) * kTileRows;
  const std::size_t column_tasks = divided_up(plan.columns, plan.task_columns);
  for (std::size_t first = 0; first < plan.tiling.tiles; first += plan.super_tiles) {
    const std::size_t last = std::min(first + plan.super_tiles, plan.tiling.tiles);
    parallel_for(threads, divided_up(last - first, kTileRows), [&](std::size_t task, std::size_t) {
      const std::size_t begin = first + task * kTileRows;
      transform_inputs<F>(p, begin, std::min(begin + kTileRows, last), v + task * v_panel);
    });
    const std::size_t parts = divided_up(last - first, part);
    parallel_for(threads, column_tasks * parts, [&](std::size_t task, std::size_t worker) {
      const std::size_t n0 = task / parts * plan.task_columns;
      const std::size_t columns = std::min(plan.task_columns, plan.columns - n0);
      const std::size_t begin = first + task % parts * part;
      float* own_u = u + worker * u_floats;
      for (std::size_t n = 0; n < columns; n += tile_columns()) {
        transform_weight_panel<F>(p, n0 + n, own_u + n / tile_columns() * u_panel);
      }
      multiply_and_transform<F>(p, begin, std::min(begin + part, last), n0, columns,
                                v + (begin - first) / kTileRows * v_panel, own_u,
                                m + worker * m_floats);
    });
  }
}

template <class F>
void run_variant(const Product& p, WorkspacePieces pieces, std::size_t threads) {
  if (p.plan.keep_weights) {
    run_with_kept_weights<F>(p, pieces, threads);
  } else {
    run_with_kept_tiles<F>(p, pieces, threads);
  }
}

void run_product(const Product& p, WorkspacePieces pieces, std::size_t threads) {
  if (p.plan.tiling.variant == WinogradVariant::f4) {
    run_variant<F4>(p, pieces, threads);
  } else {
    run_variant<F2>(p, pieces, threads);
  }
}

// ---- grad_weight

/// One group of grad_weight.
struct Reduction {
  WinogradReduction plan;
  Images input;        ///< tiles of kTile x kTile
  Images grad_output;  ///< tiles of kOutputs x kOutputs
  float* grad_weight;  ///< (kh,kw,ic,oc) at (kh*3 + kw) * plane + ic * row + oc
  std::size_t plane, row;
};

/// v(point, panel of rows, tile, kTileRows) for tiles [begin, end), the first at place `at` of
/// `steps`.
template <class F>
void transform_rows(const Reduction& r, std::size_t begin, std::size_t end, std::size_t at,
                    std::size_t steps, float* v) {
  constexpr std::size_t points = F::kTile * F::kTile;
  constexpr std::size_t group = std::lcm(kTileRows, kLanes);  // whole panels, whole vectors
  HWY_ALIGN float side_by_side[points * group + kLanes] = {};
  for (std::size_t tile = begin; tile < end; ++tile, ++at) {
    const float* cells[points];
    find_cells<F::kTile>(r.input, r.plan.tiling, tile, cells);
    for (std::size_t c0 = 0; c0 < r.plan.rows; c0 += group) {
      const std::size_t channels = std::min(group, r.plan.rows - c0);
      for (std::size_t c = 0; c < channels; c += kLanes) {
        transform_2d<InputTransform<F>>(Cells{cells, c0 + c, channels - c},
                                        SpacedSink{side_by_side + c, group});
      }
      for (std::size_t point = 0; point < points; ++point) {
        float* to = v + point * r.plan.v_stride + c0 * steps + at * kTileRows;
        const float* from = side_by_side + point * group;
        for (std::size_t c = 0; c < channels; c += kTileRows) {
          for (std::size_t i = 0; i < kTileRows; i += kLanes) {
            store_some(hn::LoadU(Lanes(), from + c + i), to + c * steps + i, kTileRows - i);
          }
        }
      }
    }
  }
}

/// z(point, panel of columns, tile, tile_columns()) for tiles [begin, end), columns from n0 on.
template <class F>
void transform_columns(const Reduction& r, std::size_t begin, std::size_t end, std::size_t n0,
                       std::size_t columns, float* z) {
  const std::size_t panel = (end - begin) * tile_columns();
  for (std::size_t tile = begin; tile < end; ++tile, z += tile_columns()) {
    const float* cells[F::kOutputs * F::kOutputs];
    find_cells<F::kOutputs>(r.grad_output, r.plan.tiling, tile, cells);
    for (std::size_t n = 0; n < columns; n += kLanes) {
      float* to = z + n / tile_columns() * panel + n % tile_columns();
      transform_2d<GradTransform<F>>(Cells{cells, n0 + n, columns - n},
                                     SpacedSink{to, r.plan.z_stride});
    }
  }
}

/// Sink: one vector of output channels over the kernel's taps, first or further chunk.
struct TapSink {
  float* first;
  std::size_t plane;
  std::size_t count;
  bool add;
  HWY_INLINE void operator()(std::size_t index, Vector v) const {
    float* to = first + index * plane;
    store_some(add ? hn::Add(load_some(to, count), v) : v, to, count);
  }
};

/// One chunk's share of the gradient for `rows` rows from c0 on and `columns` columns from n0 on.
template <class F>
void transform_taps(const Reduction& r, std::size_t rows, std::size_t columns, const float* w,
                    float* gradient, std::size_t plane, std::size_t row, bool add) {
  const std::size_t w_row = divided_up(columns, kLanes) * kLanes;
  for (std::size_t c = 0; c < rows; ++c) {
    for (std::size_t n = 0; n < columns; n += kLanes) {
      transform_2d<KernelTransform<F>>(Spaced{w + c * w_row + n, r.plan.w_stride},
                                       TapSink{gradient + c * row + n, plane, columns - n, add});
    }
  }
}

/// w(point, rows, columns) begins or continues its chains over `steps` tiles.
template <class F>
void multiply_points(const Reduction& r, std::size_t rows, std::size_t columns, std::size_t steps,
                     const float* v, const float* z, float* w, bool from_zero) {
  for (std::size_t point = 0; point < F::kTile * F::kTile; ++point) {
    multiply<StepMajor>(rows, columns, steps, v + point * r.plan.v_stride, steps * kTileRows,
                        z + point * r.plan.z_stride, steps * tile_columns(),
                        w + point * r.plan.w_stride, divided_up(columns, kLanes) * kLanes,
                        from_zero);
  }
}

/// A chunk of tiles is a task; its share goes to a place of its own, and the shares are added in
/// ascending order.
template <class F>
void run_chunk_tasks(const Reduction& r, WorkspacePieces pieces, std::size_t threads) {
  const WinogradReduction& plan = r.plan;
  const std::size_t points = plan.tiling.points;
  const std::size_t v_floats = points * plan.v_stride;
  const std::size_t z_floats = points * plan.z_stride;
  const std::size_t w_floats = points * plan.w_stride;
  float* v = pieces.take<float>(threads * v_floats);
  float* z = pieces.take<float>(threads * z_floats);
  float* w = pieces.take<float>(threads * w_floats);
  const std::size_t share = plan.rows * plan.columns;
  float* shares = pieces.take<float>(plan.partials * 9 * share);
  for (std::size_t first = 0; first < plan.chunks; first += plan.partials) {
    const std::size_t count = std::min(plan.partials, plan.chunks - first);
    parallel_for(threads, count, [&](std::size_t task, std::size_t worker) {
      float* own_v = v + worker * v_floats;
      float* own_z = z + worker * z_floats;
      float* own_w = w + worker * w_floats;
      const std::size_t chunk_begin = (first + task) * plan.chunk_tiles;
      const std::size_t chunk_end = std::min(chunk_begin + plan.chunk_tiles, plan.tiling.tiles);
      for (std::size_t begin = chunk_begin; begin < chunk_end; begin += plan.step_tiles) {
        const std::size_t end = std::min(begin + plan.step_tiles, chunk_end);
        transform_rows<F>(r, begin, end, 0, end - begin, own_v);
        transform_columns<F>(r, begin, end, 0, plan.columns, own_z);
        multiply_points<F>(r, plan.rows, plan.columns, end - begin, own_v, own_z, own_w,
                           begin == chunk_begin);
      }
      transform_taps<F>(r, plan.rows, plan.columns, own_w, shares + task * 9 * share, share,
                        plan.columns, false);
    });
    for (std::size_t task = 0; task < count; ++task) {
      const float* from = shares + task * 9 * share;
      for (std::size_t tap = 0; tap < 9; ++tap) {
        for (std::size_t c = 0; c < plan.rows; ++c, from += plan.columns) {
          float* to = r.grad_weight + tap * r.plane + c * r.row;
          if (first + task == 0) {
            std::copy_n(from, plan.columns, to);
          } else {
            for (std::size_t n = 0; n < plan.columns; ++n) to[n] += from[n];
          }
        }
      }
    }
  }
}

/// All threads work a chunk: they transform its input, then a task is a block of columns.
template <class F>
void run_column_tasks(const Reduction& r, WorkspacePieces pieces, std::size_t threads) {
  const WinogradReduction& plan = r.plan;
  const std::size_t points = plan.tiling.points;
  const std::size_t z_floats = points * plan.z_stride;
  const std::size_t w_floats = points * plan.w_stride;
  float* v = pieces.take<float>(points * plan.v_stride);
  float* z = pieces.take<float>(threads * z_floats);
  float* w = pieces.take<float>(threads * w_floats);
  for (std::size_t first = 0; first < plan.tiling.tiles; first += plan.chunk_tiles) {
    const std::size_t last = std::min(first + plan.chunk_tiles, plan.tiling.tiles);
    constexpr std::size_t tiles_per_task = 16;
    parallel_for(threads, divided_up(last - first, tiles_per_task),
                 [&](std::size_t task, std::size_t) {
                   const std::size_t at = task * tiles_per_task;
                   transform_rows<F>(r, first + at, std::min(first + at + tiles_per_task, last), at,
                                     last - first, v);
                 });
    parallel_for(threads, divided_up(plan.columns, plan.task_columns),
                 [&](std::size_t task, std::size_t worker) {
                   const std::size_t n0 = task * plan.task_columns;
                   const std::size_t columns = std::min(plan.task_columns, plan.columns - n0);
                   float* own_z = z + worker * z_floats;
                   float* own_w = w + worker * w_floats;
                   transform_columns<F>(r, first, last, n0, columns, own_z);
                   const std::size_t rows_at_once = whole_tiles(plan.task_rows, kTileRows);
                   for (std::size_t c = 0; c < plan.rows; c += rows_at_once) {
                     const std::size_t rows = std::min(rows_at_once, plan.rows - c);
                     multiply_points<F>(r, rows, columns, last - first, v + c * (last - first),
                                        own_z, own_w, true);
                     transform_taps<F>(r, rows, columns, own_w, r.grad_weight + c * r.row + n0,
                                       r.plane, r.row, first != 0);
                   }
                 });
  }
}

template <class F>
void reduce_variant(const Reduction& r, WorkspacePieces pieces, std::size_t threads) {
  if (r.plan.chunk_tasks) {
    run_chunk_tasks<F>(r, pieces, threads);
  } else {
    run_column_tasks<F>(r, pieces, threads);
  }
}

void run_reduction(const Reduction& r, WorkspacePieces pieces, std::size_t threads) {
  if (r.plan.tiling.variant == WinogradVariant::f4) {
    reduce_variant<F4>(r, pieces, threads);
  } else {
    reduce_variant<F2>(r, pieces, threads);
  }
}

/// The passes, one group after the other.
void forward(const ConvShape& s, const float* input, const float* weight, const float* bias,
             float* output, const ConvResources& resources) {
  const WinogradProduct plan = winograd_product(s, ConvPass::forward, resources.threads);
  WorkspacePieces pieces(resources.workspace);
  float* zeros = pieces.take<float>(plan.depth);
  std::fill_n(zeros, plan.depth, 0.0F);
  for (std::size_t g = 0; g < s.G; ++g) {
    const std::size_t oc = g * plan.columns;
    const Images images{input + g * plan.depth,
                        s.IH,
                        s.IW,
                        s.IC,
                        plan.depth,
                        -static_cast<std::ptrdiff_t>(s.pad_top),
                        -static_cast<std::ptrdiff_t>(s.pad_left),
                        zeros};
    run_product({plan, images, weight + oc, plan.depth * s.OC, s.OC, false,
                 bias == nullptr ? nullptr : bias + oc, output + oc, s.OH, s.OW, s.OC},
                pieces, resources.threads);
  }
}

void grad_input(const ConvShape& s, const float* grad_output, const float* weight,
                float* grad_input, const ConvResources& resources) {
  const WinogradProduct plan = winograd_product(s, ConvPass::grad_input, resources.threads);
  WorkspacePieces pieces(resources.workspace);
  float* zeros = pieces.take<float>(plan.depth);
  std::fill_n(zeros, plan.depth, 0.0F);
  for (std::size_t g = 0; g < s.G; ++g) {
    const Images images{grad_output + g * plan.depth,
                        s.OH,
                        s.OW,
                        s.OC,
                        plan.depth,
                        static_cast<std::ptrdiff_t>(s.pad_top) - 2,
                        static_cast<std::ptrdiff_t>(s.pad_left) - 2,
                        zeros};
    run_product({plan, images, weight + g * plan.depth, plan.columns * s.OC, s.OC, true, nullptr,
                 grad_input + g * plan.columns, s.IH, s.IW, s.IC},
                pieces, resources.threads);
  }
}

void grad_weight(const ConvShape& s, const float* grad_output, const float* input,
                 float* grad_weight, const ConvResources& resources) {
  const WinogradReduction plan = winograd_reduction(s, resources.threads);
  if (plan.tiling.tiles == 0) {
    std::fill_n(grad_weight, s.weight_size(), 0.0F);
    return;
  }
  WorkspacePieces pieces(resources.workspace);
  const std::size_t most_channels = std::max(plan.rows, plan.columns);
  float* zeros = pieces.take<float>(most_channels);
  std::fill_n(zeros, most_channels, 0.0F);
  for (std::size_t g = 0; g < s.G; ++g) {
    const Images in{input + g * plan.rows,
                    s.IH,
                    s.IW,
                    s.IC,
                    plan.rows,
                    -static_cast<std::ptrdiff_t>(s.pad_top),
                    -static_cast<std::ptrdiff_t>(s.pad_left),
                    zeros};
    const Images out{grad_output + g * plan.columns, s.OH, s.OW, s.OC, plan.columns, 0, 0, zeros};
    run_reduction({plan, in, out, grad_weight + g * plan.columns, plan.rows * s.OC, s.OC}, pieces,
                  resources.threads);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace reprise
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise {
namespace {

HWY_EXPORT(forward);
HWY_EXPORT(grad_input);
HWY_EXPORT(grad_weight);

std::string unsupported(const ConvShape& shape, ConvPass) {
  const auto pair = [](std::size_t h, std::size_t w) {
    return std::to_string(h) + "x" + std::to_string(w);
  };
  if (shape.KH != 3 || shape.KW != 3) {
    return "kernel " + pair(shape.KH, shape.KW) + ": only 3x3";
  }
  if (shape.stride_h != 1 || shape.stride_w != 1) {
    return "stride " + pair(shape.stride_h, shape.stride_w) + ": only 1";
  }
  if (shape.dilation_h != 1 || shape.dilation_w != 1) {
    return "dilation " + pair(shape.dilation_h, shape.dilation_w) + ": only 1";
  }
  return "";
}

}  // namespace

const ConvAlgorithm& winograd_algorithm() {
  static constexpr ConvAlgorithm algorithm{
      .name = "winograd",
      .summary = "F(4x4,3x3) or F(2x2,3x3), whichever multiplies less",
      .reproducibility = Reproducibility::portable,
      .error_bound = winograd_error_bound,
      .error_scale = ErrorScale::tensorwise,
      .unsupported = unsupported,
      .estimated_cost = winograd_estimated_cost,
      .workspace_bytes = winograd_workspace_bytes,
      .forward =
          [](const ConvShape& shape, const float* input, const float* weight, const float* bias,
             float* output, const ConvResources& resources) {
            HWY_DYNAMIC_DISPATCH(forward)(shape, input, weight, bias, output, resources);
          },
      .grad_input =
          [](const ConvShape& shape, const float* grad_output, const float* weight, float* gradient,
             const ConvResources& resources) {
            HWY_DYNAMIC_DISPATCH(grad_input)(shape, grad_output, weight, gradient, resources);
          },
      .grad_weight =
          [](const ConvShape& shape, const float* grad_output, const float* input, float* gradient,
             const ConvResources& resources) {
            HWY_DYNAMIC_DISPATCH(grad_weight)(shape, grad_output, input, gradient, resources);
          },
  };
  return algorithm;
}

}  // namespace reprise
#endif  // HWY_ONCE
