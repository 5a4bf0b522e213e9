// Unrolling (im2col) and a matrix product by OpenBLAS (Chellapilla, Puri, Simard 2006).
//
// Equation: with the matrix U of N*OH*OW rows and K = KH*KW*IC/G columns that holds each window of
// the input as a row, per group:  output = U * weight + bias,  grad_weight = U^T * grad_output, and
// grad_input is the sum of grad_output * weight^T over the windows that a cell lies in.
// U is never whole in memory: it is made in blocks of rows, and of columns if rows are very long;
// of 1x1 windows at every cell it is the input. Rows of U are copied a row of a window at a time,
// or, of one channel, columns of U a row of pixels at a time (unrolled.hpp).
// Cost: 2*N*OH*OW*OC*K operations, and each element of U written and read once.
// Workspace: a block of at most 4 MiB for each of at most 16 workers: 64 MiB at most.
// Error: each term passes through its product, at most terms additions in any order, and that of
// the bias or of the blocks: (1 + u)^(terms + 2). Blocks and tasks are fixed by the shape, so the
// number of threads does not show; the order inside a product is OpenBLAS's own, hence class
// machine. Domain: finite values; padding is multiplied like other cells.
#include <algorithm>

#include "reprise/conv/conv_algorithm.hpp"
#include "reprise/conv/conv_workspace.hpp"
#include "reprise/conv/im2col_gemm/unrolled.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/core/parallel.hpp"
#include "reprise/linalg/blas.hpp"

namespace reprise::im2col_gemm {
namespace {

constexpr std::size_t kBlockFloats = std::size_t{1} << 20;  // 4 MiB
constexpr std::size_t kMaxWorkers = 16;
constexpr std::size_t kMaxColumns = std::size_t{1} << 16;
constexpr std::size_t kWeightColumns = 512;  // columns of U, rows of grad_weight, per task
// A product packs its operands: it is fast with a block of U that stays in the nearest cache, and
// with enough rows for the weights to be worth their packing.
constexpr std::size_t kNearFloats = std::size_t{1} << 16;
constexpr std::size_t kNearFloatsOfSum = std::size_t{1} << 14;  // of grad_weight, a sum over rows
constexpr std::size_t kRowsPerChannel = 4;
// With fewer output channels than this, output is made transposed: OpenBLAS's kernels are fast
// where the contiguous side of the result is long.
constexpr std::size_t kFewChannels = 16;

/// How U, for one group, is cut.
struct Blocks {
  explicit Blocks(const ConvShape& s)
      : ICg(s.IC / s.G),
        OCg(s.OC / s.G),
        K(s.KH * s.KW * ICg),
        OW(s.OW),
        pixels(s.N * s.OH * s.OW),
        columns(std::min(K, kMaxColumns)),
        few_channels(OCg < kFewChannels),
        layout(unrolled_layout(s)) {
    set_rows(kNearFloats, kBlockFloats / (columns + (few_channels ? OCg : 0)));
  }
  /// Makes blocks of about `floats` floats and at most `fitting` rows: whole rows of pixels in
  /// layout `columns`, which gives way to layout `rows` if not one fits.
  void set_rows(std::size_t floats, std::size_t fitting) {
    const bool by_columns = layout == UnrolledLayout::columns && fitting >= OW;
    if (layout == UnrolledLayout::columns && !by_columns) layout = UnrolledLayout::rows;
    rows = std::min(std::max(floats / columns, kRowsPerChannel * OCg), fitting);
    if (by_columns) rows = std::max(OW, rows / OW * OW);
  }
  std::size_t ICg, OCg, K;
  std::size_t OW;
  std::size_t pixels;   ///< of all images: the rows of U
  std::size_t columns;  ///< of a block
  bool few_channels;
  UnrolledLayout layout;
  std::size_t rows;  ///< of a block
};

std::size_t workers(std::size_t threads) {
  return std::clamp<std::size_t>(threads, 1, kMaxWorkers);
}

/// A matrix of U's form for BLAS: as it lies in memory, U or its transpose.
struct Unrolled {
  const float* data;
  std::size_t stride;
  bool transposed;
  [[nodiscard]] Transpose as_is() const { return transposed ? Transpose::yes : Transpose::no; }
  [[nodiscard]] Transpose other() const { return transposed ? Transpose::no : Transpose::yes; }
};

std::size_t unrolled_stride(const ConvShape& s, UnrolledLayout layout, const UnrolledBlock& block) {
  if (layout == UnrolledLayout::input) return s.IC;
  return layout == UnrolledLayout::rows ? block.columns.size() : block.rows.size();
}

/// Where the block of U is, or would be, in a tensor of the input's form, in layout `input`.
std::size_t place_in_input(const ConvShape& s, const UnrolledBlock& block) {
  return block.rows.begin * s.IC + block.g * (s.IC / s.G) + block.columns.begin;
}

/// The block of U, made in `scratch` or found in the input.
Unrolled matrix_block(const ConvShape& s, UnrolledLayout layout, const UnrolledBlock& block,
                      const float* input, float* scratch) {
  const std::size_t stride = unrolled_stride(s, layout, block);
  if (layout == UnrolledLayout::input) return {input + place_in_input(s, block), stride, false};
  im2col(s, layout, block, input, scratch);
  return {scratch, stride, layout == UnrolledLayout::columns};
}

void forward(const ConvShape& s, const float* input, const float* weight, const float* bias,
             float* output, const ConvResources& resources) {
  const Blocks blocks(s);
  const std::size_t row_blocks = div_ceil(blocks.pixels, blocks.rows);
  WorkspacePieces pieces(resources.workspace);
  float* const scratch = pieces.take<float>(workers(resources.threads) * kBlockFloats);
  const auto task = [&](std::size_t index, std::size_t worker) {
    UnrolledBlock part{
        index / row_blocks, block(index % row_blocks, blocks.rows, blocks.pixels), {}};
    const std::size_t rows = part.rows.size();
    float* const out = output + part.rows.begin * s.OC + part.g * blocks.OCg;
    const float* const group_bias = bias + part.g * blocks.OCg;
    if (!blocks.few_channels) {
      for (std::size_t row = 0; row < rows; ++row) {
        std::copy_n(group_bias, blocks.OCg, out + row * s.OC);
      }
    }
    float* const space = scratch + worker * kBlockFloats;
    float* const transposed = space + blocks.rows * blocks.columns;  // OCg x rows
    for (std::size_t k = 0; k < blocks.K; k += blocks.columns) {
      part.columns = {k, std::min(blocks.K, k + blocks.columns)};
      const Unrolled u = matrix_block(s, blocks.layout, part, input, space);
      const float* const weights = weight + k * s.OC + part.g * blocks.OCg;
      if (blocks.few_channels) {
        blas_gemm(Transpose::yes, u.other(), blocks.OCg, rows, part.columns.size(), weights, s.OC,
                  u.data, u.stride, transposed, rows, k > 0);
      } else {
        blas_gemm(u.as_is(), Transpose::no, rows, blocks.OCg, part.columns.size(), u.data, u.stride,
                  weights, s.OC, out, s.OC, true);
      }
    }
    if (!blocks.few_channels) return;
    for (std::size_t row = 0; row < rows; ++row) {
      for (std::size_t oc = 0; oc < blocks.OCg; ++oc) {
        out[row * s.OC + oc] = transposed[oc * rows + row] + group_bias[oc];
      }
    }
  };
  parallel_for(workers(resources.threads), s.G * row_blocks, task);
}

/// grad_input's block, a matrix of U's form: rows of grad_output times the transposed weights.
void grad_input_block(const ConvShape& s, const Blocks& blocks, const UnrolledBlock& part,
                      const float* grad_output, const float* weight, float* grad_input,
                      float* scratch) {
  const bool in_place = blocks.layout == UnrolledLayout::input;
  float* const result = in_place ? grad_input + place_in_input(s, part) : scratch;
  const float* const grad = grad_output + part.rows.begin * s.OC + part.g * blocks.OCg;
  const float* const weights = weight + part.columns.begin * s.OC + part.g * blocks.OCg;
  const std::size_t stride = unrolled_stride(s, blocks.layout, part);
  if (blocks.layout == UnrolledLayout::columns) {
    blas_gemm(Transpose::no, Transpose::yes, part.columns.size(), part.rows.size(), blocks.OCg,
              weights, s.OC, grad, s.OC, result, stride, false);
  } else {
    blas_gemm(Transpose::no, Transpose::yes, part.rows.size(), part.columns.size(), blocks.OCg,
              grad, s.OC, weights, s.OC, result, stride, false);
  }
  if (!in_place) col2im_add(s, blocks.layout, part, result, grad_input);
}

/// Clears what group g has of the input's images from `begin` to `end`.
void clear_images(const ConvShape& s, std::size_t g, std::size_t begin, std::size_t end,
                  float* grad_input) {
  const std::size_t image = s.IH * s.IW;
  if (s.G == 1) {
    std::fill_n(grad_input + begin * image * s.IC, (end - begin) * image * s.IC, 0.0F);
    return;
  }
  for (std::size_t cell = begin * image; cell < end * image; ++cell) {
    std::fill_n(grad_input + cell * s.IC + g * (s.IC / s.G), s.IC / s.G, 0.0F);
  }
}

void grad_input(const ConvShape& s, const float* grad_output, const float* weight,
                float* grad_input, const ConvResources& resources) {
  const Blocks blocks(s);
  // Windows overlap within an image: a task has whole images.
  const std::size_t pixels = s.OH * s.OW;
  const std::size_t images =
      std::clamp<std::size_t>(blocks.rows / pixels, 1, std::max<std::size_t>(s.N, 1));
  const std::size_t image_blocks = div_ceil(s.N, images);
  WorkspacePieces pieces(resources.workspace);
  float* const scratch = pieces.take<float>(workers(resources.threads) * kBlockFloats);
  const auto task = [&](std::size_t index, std::size_t worker) {
    const std::size_t g = index / image_blocks;
    const Range range = block(index % image_blocks, images, s.N);
    if (blocks.layout != UnrolledLayout::input) {
      clear_images(s, g, range.begin, range.end, grad_input);
    }
    for (std::size_t row = range.begin * pixels; row < range.end * pixels; row += blocks.rows) {
      const Range rows{row, std::min(range.end * pixels, row + blocks.rows)};
      for (std::size_t k = 0; k < blocks.K; k += blocks.columns) {
        const Range columns{k, std::min(blocks.K, k + blocks.columns)};
        grad_input_block(s, blocks, {g, rows, columns}, grad_output, weight, grad_input,
                         scratch + worker * kBlockFloats);
      }
    }
  };
  parallel_for(workers(resources.threads), s.G * image_blocks, task);
}

void grad_weight(const ConvShape& s, const float* grad_output, const float* input,
                 float* grad_weight, const ConvResources& resources) {
  if (s.N == 0) {
    std::fill_n(grad_weight, s.weight_size(), 0.0F);
    return;
  }
  Blocks blocks(s);
  blocks.columns = std::min(blocks.K, kWeightColumns);
  blocks.set_rows(kNearFloatsOfSum, kBlockFloats / blocks.columns);
  const std::size_t column_blocks = div_ceil(blocks.K, blocks.columns);
  WorkspacePieces pieces(resources.workspace);
  float* const scratch = pieces.take<float>(workers(resources.threads) * kBlockFloats);
  const auto task = [&](std::size_t index, std::size_t worker) {
    UnrolledBlock part{
        index / column_blocks, {}, block(index % column_blocks, blocks.columns, blocks.K)};
    float* const grad = grad_weight + part.columns.begin * s.OC + part.g * blocks.OCg;
    for (std::size_t row = 0; row < blocks.pixels; row += blocks.rows) {
      part.rows = {row, std::min(blocks.pixels, row + blocks.rows)};
      const Unrolled u =
          matrix_block(s, blocks.layout, part, input, scratch + worker * kBlockFloats);
      blas_gemm(u.other(), Transpose::no, part.columns.size(), blocks.OCg, part.rows.size(), u.data,
                u.stride, grad_output + row * s.OC + part.g * blocks.OCg, s.OC, grad, s.OC,
                row > 0);
    }
  };
  parallel_for(workers(resources.threads), s.G * column_blocks, task);
}

}  // namespace

}  // namespace reprise::im2col_gemm

namespace reprise {

const ConvAlgorithm& im2col_gemm_algorithm() {
  static constexpr ConvAlgorithm algorithm{
      .name = "im2col_gemm",
      .summary = "unrolling and a matrix product by OpenBLAS",
      .reproducibility = Reproducibility::machine,
      .error_bound = [](const ConvShape& shape,
                        ConvPass pass) { return rounding_bound(shape.terms(pass) + 2); },
      .error_scale = ErrorScale::elementwise,
      .domain = {.finite_only = true},
      .unsupported =
          [](const ConvShape&, ConvPass) {
            const std::string reason = blas_unavailable();
            return reason.empty() ? reason : "OpenBLAS cannot be loaded: " + reason;
          },
      .estimated_cost = nullptr,
      .workspace_bytes =
          [](const ConvShape&, ConvPass, std::size_t threads) {
            return piece_bytes<float>(im2col_gemm::workers(threads) * im2col_gemm::kBlockFloats);
          },
      .forward = im2col_gemm::forward,
      .grad_input = im2col_gemm::grad_input,
      .grad_weight = im2col_gemm::grad_weight,
  };
  return algorithm;
}

}  // namespace reprise
