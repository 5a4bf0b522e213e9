/// \file
/// What a convolution algorithm is, and the registry of all of them.
///
/// One algorithm = one folder beside this file + one line in algorithms.def: the line
///   REPRISE_CONV_ALGORITHM(fft)
/// registers what `const ConvAlgorithm& fft_algorithm()` in namespace reprise returns. Tests,
/// benchmarks and reports loop over the registry.
#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reprise/conv/conv_shape.hpp"

namespace reprise {

/// Who gets the same bits again.
enum class Reproducibility {
  portable,  ///< everyone: docs/numeric_contract.md
  machine,   ///< the same machine with the same libraries (and threads, if threads_may_show)
};
std::string_view name_of(Reproducibility reproducibility);

struct OperandMagnitudes;  // operand_domain.hpp

/// What a pass may use besides its tensors. It may not show in the result, except the number of
/// threads in that of an algorithm which declares so (ConvAlgorithm::threads_may_show).
struct ConvResources {
  std::span<std::byte>
      workspace;  ///< at least workspace_bytes(shape, pass, threads), 64-byte aligned
  std::size_t threads = 1;
  /// Where an algorithm whose domain bounds magnitudes leaves what it read, unless null.
  OperandMagnitudes* magnitudes = nullptr;
};

/// What an algorithm's error is measured in. Let u = 2^-24, half an ulp of 1, and a, b the pass's
/// two operands (and the bias, forward).
enum class ErrorScale {
  /// Of each element of the result by itself: u * (sum of |a| |b| over its products + |bias|).
  elementwise,
  /// The same for all elements: u * (terms(pass) * max |a| * max |b| + max |bias|), the maxima
  /// taken over whole tensors. Never less than elementwise.
  tensorwise,
};

/// The values of a pass's operands that an algorithm takes (never the bias: any value will do).
/// Outside, its result may be NaN or far off in elements that direct gets right: transforms mix a
/// value into its neighbours, and padding may be multiplied by an infinite weight, which gives NaN.
struct OperandDomain {
  bool finite_only = false;  ///< NaN and infinities are outside
  /// Larger magnitudes are outside. An error at ErrorScale::tensorwise is up to the bound times u
  /// times the largest magnitude; at u * 2^24 = 1 it hides values of about 1.
  float max_magnitude = std::numeric_limits<float>::infinity();
};
/// The domain of algorithms that transform tiles: no intermediate result overflows, for any shape.
inline constexpr OperandDomain kTransformDomain{true, 0x1p24F};

/// The bound that follows from (1 + u)^roundings, in units of u: an element whose every term passes
/// through at most `roundings` rounded operations has at most this error at the elementwise scale
/// (underflow apart).
double rounding_bound(std::size_t roundings);

/// What algorithms, tiles and blocks are chosen for where that reaches the bits of a result:
/// enough images to spread the transforms of weights over.
inline constexpr std::size_t kUsualImages = 16;

/// Passes take shape-checked tensors and overwrite their result. All pointers are dense tensors in
/// the layouts of conv_shape.hpp; nothing may be read from the result before it is written.
///
/// Batch invariance: in a portable algorithm an image's part of a result has the same bits alone,
/// in any batch and at any place in it. So whatever reaches the bits of a result (tiles, the length
/// of a chain) follows from the shape of one image, never from N. grad_weight sums over images in
/// their order, in chains whose ends are counted from the first image's begin: images appended with
/// a grad_output of zeros change no bit. Nor do the result's channels depend on each other: forward
/// and grad_weight of some output channels, and grad_input of some input channels, are the same
/// bits as among all. (What "auto" chooses may depend on the channels, never on N.)
struct ConvAlgorithm {
  std::string_view name;
  std::string_view summary;  ///< one line
  Reproducibility reproducibility = Reproducibility::portable;
  /// Whether ConvResources::threads may change the result's bits, within the error bound; never of
  /// a portable algorithm.
  bool threads_may_show = false;

  /// Declared bound on |result - exact| for every element, in units of error_scale; derived in the
  /// algorithm's header block.
  double (*error_bound)(const ConvShape& shape, ConvPass pass);
  ErrorScale error_scale = ErrorScale::elementwise;
  /// Where error_bound holds. conv2d_forward and conv2d_backward report values outside; "auto"
  /// gives them to the default algorithm. Passes called directly, as layers do, take what they are
  /// given.
  OperandDomain domain = {};
  /// "" or the reason, in words, why this pass of this shape is not offered.
  std::string (*unsupported)(const ConvShape& shape, ConvPass pass);
  /// Estimated time on one core with vectors of 16 floats, in multiply-adds of `direct` at its
  /// best; "auto" compares those of all algorithms that offer the shape (estimated_loss). Null:
  /// never chosen by "auto" (required for class machine). Must depend on the shape alone.
  double (*estimated_cost)(const ConvShape& shape, ConvPass pass);
  /// What ConvResources::workspace must hold. Of a portable algorithm it does not decrease with N,
  /// since its blocks keep their size until all of a batch fits: a workspace for a batch serves
  /// every smaller one. Of class machine it may: see workspace_bytes_up_to().
  std::size_t (*workspace_bytes)(const ConvShape& shape, ConvPass pass, std::size_t threads);

  void (*forward)(const ConvShape& shape, const float* input, const float* weight,
                  const float* bias, float* output, const ConvResources& resources);
  void (*grad_input)(const ConvShape& shape, const float* grad_output, const float* weight,
                     float* grad_input, const ConvResources& resources);
  void (*grad_weight)(const ConvShape& shape, const float* grad_output, const float* input,
                      float* grad_weight, const ConvResources& resources);

  /// Its kernels, each as an algorithm of its own that gives the same bits, named "direct/igemm";
  /// null if it has none. conv_algorithm() finds them; conv_algorithms() does not list them.
  std::span<const ConvAlgorithm> (*kernels)() = nullptr;
};

/// All algorithms built in, in the order of algorithms.def.
std::span<const ConvAlgorithm* const> conv_algorithms();
/// Their names, and "auto".
std::vector<std::string> conv_algorithm_names();

/// The one called `name`, or "auto", or a kernel of one, such as "direct/igemm"; Error lists the
/// names.
const ConvAlgorithm& conv_algorithm(std::string_view name);

/// Portable, and offered for every shape and pass.
const ConvAlgorithm& default_conv_algorithm();

/// Chooses for each pass of each shape by resolve(); conv_algorithm("auto"). It takes all values,
/// and bits follow from the shape and the operands' values alone:
/// - forward and grad_input, for each image by itself: if all weights and all values of the image's
///   input (grad_output) that the pass reads are inside the chosen algorithm's domain, its result,
///   within its bound; else the default algorithm's (direct's), bit for bit. No other image
///   matters.
/// - grad_weight, for all images of a call together: the chosen algorithm's result if each image's
///   grad_output and input are inside its domain, else the default algorithm's. An image whose
///   grad_output is all 0 counts only if its input is not finite or beyond 2^96.
const ConvAlgorithm& auto_conv_algorithm();

/// What "auto" chooses the least of: the estimated cost of a pass over the least of all algorithms,
/// three tenths for a single image and seven for kUsualImages. 1 if none is faster for
/// either. Of an algorithm or a kernel that has estimated costs; shape.N does not matter.
double estimated_loss(const ConvAlgorithm& algorithm, const ConvShape& shape, ConvPass pass);

/// What `algorithm` runs for this pass of this shape: itself, unless it is "auto", which takes the
/// one of least estimated_loss. shape.N does not matter, so that an image's output does not depend
/// on the other images of its batch.
const ConvAlgorithm& resolve(const ConvAlgorithm& algorithm, const ConvShape& shape, ConvPass pass);

/// What ConvResources::workspace must hold for calls of any number of images up to shape.N. Looks
/// at each number in turn where workspace_bytes may decrease.
std::size_t workspace_bytes_up_to(const ConvAlgorithm& algorithm, const ConvShape& shape,
                                  ConvPass pass, std::size_t threads);

}  // namespace reprise
