/// \file
/// What the layers that convolve share: a shape without its number of images, and the algorithm
/// that each pass of it takes.
#pragma once

#include <string>

#include "reprise/conv/conv_algorithm.hpp"

namespace reprise {

class LayerConvolution {
 public:
  /// `shape` is of one image.
  LayerConvolution(const ConvShape& shape, const ConvAlgorithm& algorithm)
      : shape_(shape), algorithm_(&algorithm) {}

  /// Error, naming `where`, if the algorithm does not offer a pass of the shape.
  void check_offered(const std::string& where) const;

  [[nodiscard]] ConvShape for_images(std::size_t N) const;
  /// As given, `auto` too: what runs the passes.
  [[nodiscard]] const ConvAlgorithm& algorithm() const { return *algorithm_; }
  /// `auto` resolved, for any number of images alike: what a pass is mostly computed by.
  [[nodiscard]] const ConvAlgorithm& algorithm_for(ConvPass pass) const;
  /// The most that any pass needs for 1 to N images.
  [[nodiscard]] std::size_t workspace_bytes(std::size_t N, std::size_t threads) const;

 private:
  ConvShape shape_;
  const ConvAlgorithm* algorithm_;
};

}  // namespace reprise
