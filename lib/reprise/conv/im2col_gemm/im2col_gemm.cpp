// Unrolling (im2col) and a matrix product by OpenBLAS (Chellapilla, Puri, Simard 2006).
//
// Equation: with the matrix U of N*OH*OW rows and K = KH*KW*IC/G columns that holds each window of
// the input as a row, per group:  output = U * weight + bias,  grad_weight = U^T * grad_output, and
// grad_input is the sum of grad_output * weight^T over the windows that a cell lies in.
// U is never whole in memory: it is made in blocks of rows, and of columns if rows are very long.
// Cost: 2*N*OH*OW*OC*K operations, and each element of U written and read once.
// Workspace: a block of at most 4 MiB for each of at most 16 workers: 64 MiB at most.
// Error: each term passes through its product, at most terms additions in any order, and that of
// the bias or of the blocks: (1 + u)^(terms + 2). Blocks and tasks are fixed by the shape, so the
// number of threads does not show; the order inside a product is OpenBLAS's own, hence class
// machine. Domain: finite values; padding is multiplied like other cells.
#include <algorithm>

#include "reprise/conv/conv_algorithm.hpp"
#include "reprise/conv/conv_workspace.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/core/parallel.hpp"
#include "reprise/linalg/blas.hpp"

namespace reprise {
namespace {

constexpr std::size_t kBlockFloats = std::size_t{1} << 20;  // 4 MiB
constexpr std::size_t kMaxWorkers = 16;
constexpr std::size_t kMaxColumns = std::size_t{1} << 16;
constexpr std::size_t kWeightColumns = 512;  // columns of U, rows of grad_weight, per task

/// A range of rows or columns of U.
struct Range {
  std::size_t begin, end;
  [[nodiscard]] std::size_t size() const { return end - begin; }
};

Range block(std::size_t index, std::size_t block_size, std::size_t size) {
  return {index * block_size, std::min(size, (index + 1) * block_size)};
}

/// How U, for one group, is cut.
struct Blocks {
  explicit Blocks(const ConvShape& s)
      : ICg(s.IC / s.G),
        OCg(s.OC / s.G),
        K(s.KH * s.KW * ICg),
        columns(std::min(K, kMaxColumns)),
        rows(std::clamp<std::size_t>(s.OH * s.OW, 1, kBlockFloats / columns)) {}
  std::size_t ICg, OCg, K;
  std::size_t columns;  ///< of a block
  std::size_t rows;     ///< of a block; never of more than one image
};

std::size_t workers(std::size_t threads) {
  return std::clamp<std::size_t>(threads, 1, kMaxWorkers);
}

/// Calls visit(u, in, count) for runs of `count` neighbouring cells of the block of U that `rows`
/// and `columns` of image n and group g are: u is the run's place in the block, in that in the
/// input, or kPadding.
constexpr std::size_t kPadding = ~std::size_t{0};
template <class Visit>
void visit_block(const ConvShape& s, std::size_t n, std::size_t g, Range rows, Range columns,
                 const Visit& visit) {
  const std::size_t ICg = s.IC / s.G;
  std::size_t u = 0;
  for (std::size_t row = rows.begin; row < rows.end; ++row) {
    const std::size_t oh = row / s.OW;
    const std::size_t ow = row % s.OW;
    for (std::size_t column = columns.begin; column < columns.end;) {
      const std::size_t tap = column / ICg;
      const std::size_t ic = column % ICg;
      const std::size_t count = std::min(ICg - ic, columns.end - column);
      const std::size_t ih = oh * s.stride_h + tap / s.KW * s.dilation_h - s.pad_top;
      const std::size_t iw = ow * s.stride_w + tap % s.KW * s.dilation_w - s.pad_left;
      const bool inside = ih < s.IH && iw < s.IW;  // below 0 wraps to a huge number
      visit(u, inside ? ((n * s.IH + ih) * s.IW + iw) * s.IC + g * ICg + ic : kPadding, count);
      u += count;
      column += count;
    }
  }
}

/// unrolled = that block of U.
void im2col(const ConvShape& s, const float* input, std::size_t n, std::size_t g, Range rows,
            Range columns, float* unrolled) {
  visit_block(s, n, g, rows, columns, [&](std::size_t u, std::size_t in, std::size_t count) {
    if (in == kPadding) {
      std::fill_n(unrolled + u, count, 0.0F);
    } else {
      std::copy_n(input + in, count, unrolled + u);
    }
  });
}

/// Adds that block of a matrix of U's form to the input's cells.
void col2im_add(const ConvShape& s, const float* unrolled, std::size_t n, std::size_t g, Range rows,
                Range columns, float* grad_input) {
  visit_block(s, n, g, rows, columns, [&](std::size_t u, std::size_t in, std::size_t count) {
    if (in == kPadding) return;
    for (std::size_t i = 0; i < count; ++i) grad_input[in + i] += unrolled[u + i];
  });
}

void forward(const ConvShape& s, const float* input, const float* weight, const float* bias,
             float* output, const ConvResources& resources) {
  const Blocks blocks(s);
  const std::size_t pixels = s.OH * s.OW;
  const std::size_t row_blocks = div_ceil(pixels, blocks.rows);
  WorkspacePieces pieces(resources.workspace);
  float* const scratch = pieces.take<float>(workers(resources.threads) * kBlockFloats);
  const auto task = [&](std::size_t index, std::size_t worker) {
    const std::size_t n = index / (row_blocks * s.G);
    const std::size_t g = index / row_blocks % s.G;
    const Range rows = block(index % row_blocks, blocks.rows, pixels);
    float* const out = output + (n * pixels + rows.begin) * s.OC + g * blocks.OCg;
    for (std::size_t row = 0; row < rows.size(); ++row) {
      std::copy_n(bias + g * blocks.OCg, blocks.OCg, out + row * s.OC);
    }
    float* const unrolled = scratch + worker * kBlockFloats;
    for (std::size_t k = 0; k < blocks.K; k += blocks.columns) {
      const Range columns{k, std::min(blocks.K, k + blocks.columns)};
      im2col(s, input, n, g, rows, columns, unrolled);
      blas_gemm(Transpose::no, Transpose::no, rows.size(), blocks.OCg, columns.size(), unrolled,
                columns.size(), weight + k * s.OC + g * blocks.OCg, s.OC, out, s.OC, true);
    }
  };
  parallel_for(workers(resources.threads), s.N * s.G * row_blocks, task);
}

void grad_input(const ConvShape& s, const float* grad_output, const float* weight,
                float* grad_input, const ConvResources& resources) {
  const Blocks blocks(s);
  const std::size_t pixels = s.OH * s.OW;
  WorkspacePieces pieces(resources.workspace);
  float* const scratch = pieces.take<float>(workers(resources.threads) * kBlockFloats);
  const auto task = [&](std::size_t index, std::size_t worker) {
    const std::size_t n = index / s.G;
    const std::size_t g = index % s.G;
    for (std::size_t cell = 0; cell < s.IH * s.IW; ++cell) {
      std::fill_n(grad_input + (n * s.IH * s.IW + cell) * s.IC + g * blocks.ICg, blocks.ICg, 0.0F);
    }
    float* const unrolled = scratch + worker * kBlockFloats;
    for (std::size_t row = 0; row < pixels; row += blocks.rows) {
      const Range rows{row, std::min(pixels, row + blocks.rows)};
      for (std::size_t k = 0; k < blocks.K; k += blocks.columns) {
        const Range columns{k, std::min(blocks.K, k + blocks.columns)};
        blas_gemm(Transpose::no, Transpose::yes, rows.size(), columns.size(), blocks.OCg,
                  grad_output + (n * pixels + row) * s.OC + g * blocks.OCg, s.OC,
                  weight + k * s.OC + g * blocks.OCg, s.OC, unrolled, columns.size(), false);
        col2im_add(s, unrolled, n, g, rows, columns, grad_input);
      }
    }
  };
  parallel_for(workers(resources.threads), s.N * s.G, task);
}

void grad_weight(const ConvShape& s, const float* grad_output, const float* input,
                 float* grad_weight, const ConvResources& resources) {
  const Blocks blocks(s);
  const std::size_t pixels = s.OH * s.OW;
  const std::size_t most_columns = std::min(blocks.K, kWeightColumns);
  const std::size_t column_blocks = div_ceil(blocks.K, most_columns);
  const std::size_t most_rows = std::min(pixels, kBlockFloats / most_columns);
  WorkspacePieces pieces(resources.workspace);
  float* const scratch = pieces.take<float>(workers(resources.threads) * kBlockFloats);
  const auto task = [&](std::size_t index, std::size_t worker) {
    const std::size_t g = index / column_blocks;
    const Range columns = block(index % column_blocks, most_columns, blocks.K);
    float* const grad = grad_weight + columns.begin * s.OC + g * blocks.OCg;
    for (std::size_t k = 0; k < columns.size(); ++k) std::fill_n(grad + k * s.OC, blocks.OCg, 0.0F);
    float* const unrolled = scratch + worker * kBlockFloats;
    for (std::size_t n = 0; n < s.N; ++n) {
      for (std::size_t row = 0; row < pixels; row += most_rows) {
        const Range rows{row, std::min(pixels, row + most_rows)};
        im2col(s, input, n, g, rows, columns, unrolled);
        blas_gemm(Transpose::yes, Transpose::no, columns.size(), blocks.OCg, rows.size(), unrolled,
                  columns.size(), grad_output + (n * pixels + row) * s.OC + g * blocks.OCg, s.OC,
                  grad, s.OC, true);
      }
    }
  };
  parallel_for(workers(resources.threads), s.G * column_blocks, task);
}

}  // namespace

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
            return piece_bytes<float>(workers(threads) * kBlockFloats);
          },
      .forward = forward,
      .grad_input = grad_input,
      .grad_weight = grad_weight,
  };
  return algorithm;
}

}  // namespace reprise
