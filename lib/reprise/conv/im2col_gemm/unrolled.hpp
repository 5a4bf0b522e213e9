/// \file
/// The matrix U of im2col_gemm.cpp, made and added back a block at a time.
#pragma once

#include <algorithm>
#include <cstddef>

#include "reprise/conv/conv_shape.hpp"

namespace reprise {

/// A range of rows or columns of U.
struct Range {
  std::size_t begin, end;
  [[nodiscard]] std::size_t size() const { return end - begin; }
};

/// Range number `index` of those of `block_size` that cover 0..size-1.
inline Range block(std::size_t index, std::size_t block_size, std::size_t size) {
  return {index * block_size, std::min(size, (index + 1) * block_size)};
}

/// How a block of U lies in memory. Runs of neighbouring cells of the input are runs of a row of U,
/// or, for one channel and stride 1, longer ones of a column of U.
enum class UnrolledLayout {
  input,   ///< the block is a part of the input itself: 1x1 windows at every cell
  rows,    ///< a row of U is contiguous: KH*KW*IC/G floats, a window
  columns  ///< a column of U is contiguous: whole rows of output pixels
};
UnrolledLayout unrolled_layout(const ConvShape& shape);

/// A block of U: rows (output pixels of all images, N*OH*OW) by columns (KH*KW*IC/G) of group g.
/// In layout `columns` its rows begin and end with rows of pixels, multiples of OW.
struct UnrolledBlock {
  std::size_t g;
  Range rows, columns;
};

/// unrolled = the block, in layout `rows` or `columns`.
void im2col(const ConvShape& shape, UnrolledLayout layout, const UnrolledBlock& block,
            const float* input, float* unrolled);

/// Adds a block of a matrix of U's form to the cells of the input that it was made of; padding's
/// share is dropped.
void col2im_add(const ConvShape& shape, UnrolledLayout layout, const UnrolledBlock& block,
                const float* unrolled, float* grad_input);

}  // namespace reprise
