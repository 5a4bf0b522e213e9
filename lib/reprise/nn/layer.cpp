#include "reprise/nn/layer.hpp"

#include "reprise/nn/layer_description.hpp"

namespace reprise {

std::string FeatureShape::text() const {
  if (flat) return "(None, " + std::to_string(channels) + ")";
  return "(None, " + std::to_string(height) + ", " + std::to_string(width) + ", " +
         std::to_string(channels) + ")";
}

LayerDescription Layer::description() const {
  return {UndescribedLayer{}};
}

std::size_t ParameterSpec::size() const {
  std::size_t product = 1;
  for (const std::size_t extent : shape) product *= extent;
  return product;
}

}  // namespace reprise
