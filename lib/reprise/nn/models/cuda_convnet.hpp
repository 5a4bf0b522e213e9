/// \file
/// The networks for CIFAR-10 of Krizhevsky's cuda-convnet, which stand behind sections 3.1 and 3.3
/// of Krizhevsky, Sutskever, Hinton 2012. They are named by the test error that was published with
/// them, or by the time they took to train, and follow its layer files.
#pragma once

#include <string>

#include "reprise/conv/conv_algorithm.hpp"
#include "reprise/nn/models/model_options.hpp"
#include "reprise/nn/sequential.hpp"

namespace reprise {

enum class CudaConvnet { seconds80, percent19, percent18, percent13, percent11 };

/// As published: ReLU, weights normal with a standard deviation for each layer ("cuda_convnet"),
/// biases 0. Normalization is "within_maps" (18pct), "local_response" (11pct) or "none".
ModelOptions cuda_convnet_options(CudaConvnet network);

/// Convolutions have 5x5 kernels and keep the size; pooling windows are 3x3 at stride 2, and
/// one that hangs over the edge counts (2x2 by pool_kernel, at the edge by pool_rounding). C =
/// convolution, A = activation, M and V = maximum and average pooling, N = normalization, L = 3x3
/// locally connected layer that keeps the size, D = dense layer:
///   80sec  C32 M A, C32 A V, C64 A V, D64 A, D       145,578 parameters on 32x32x3 with 10 classes
///   19pct  C32 M A, C32 A V, C64 A V, D               89,578
///   18pct  C32 M A N, C32 A V N, C64 A V, D           89,578
///   13pct  C64 A M, C64 A M, L32 A, L32 A, D       1,116,490 on 24x24x3
///   11pct  C64 A M N, C64 A N M, L64 A, L32 A, D   2,112,970
/// N of 18pct sums over 3x3 cells of a map, that of 11pct over 9 maps; k is 1. Honours activation,
/// initializer, pool_kernel, dropout (before the output), a normalization of "none" where the
/// network has one, and 11pct's in 13pct. Error if the image is too small.
Sequential cuda_convnet(CudaConvnet network, const FeatureShape& image, std::size_t classes,
                        const ConvAlgorithm& algorithm, const ModelOptions& options);

}  // namespace reprise
