#include "reprise/nn/layer_convolution.hpp"

#include <algorithm>

#include "reprise/core/error.hpp"

namespace reprise {

void LayerConvolution::check_offered(const std::string& where) const {
  for (const ConvPass pass : kConvPasses) {
    const std::string reason = algorithm_for(pass).unsupported(shape_, pass);
    if (reason.empty()) continue;
    throw Error(where,
                std::string(algorithm_->name) + " does not support " + std::string(name_of(pass)) +
                    " of " + to_line(shape_) + ": " + reason,
                "another algorithm, such as " + std::string(default_conv_algorithm().name));
  }
}

ConvShape LayerConvolution::for_images(std::size_t N) const {
  ConvShape shape = shape_;
  shape.N = N;
  return shape;
}

const ConvAlgorithm& LayerConvolution::algorithm_for(ConvPass pass) const {
  return resolve(*algorithm_, shape_, pass);
}

std::size_t LayerConvolution::workspace_bytes(std::size_t N, std::size_t threads) const {
  const ConvShape shape = for_images(N);
  std::size_t most = 0;
  for (const ConvPass pass : kConvPasses) {
    most = std::max(most, workspace_bytes_up_to(*algorithm_, shape, pass, threads));
  }
  return most;
}

}  // namespace reprise
