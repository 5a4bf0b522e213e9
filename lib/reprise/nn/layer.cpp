#include "reprise/nn/layer.hpp"

namespace reprise {

std::string FeatureShape::text() const {
  if (flat) return "(None, " + std::to_string(channels) + ")";
  return "(None, " + std::to_string(height) + ", " + std::to_string(width) + ", " +
         std::to_string(channels) + ")";
}

std::size_t ParameterSpec::size() const {
  std::size_t product = 1;
  for (const std::size_t extent : shape) product *= extent;
  return product;
}

}  // namespace reprise
