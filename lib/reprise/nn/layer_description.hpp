/// \file
/// What a layer computes, as data, for those who write a model down in another form.
#pragma once

#include <cstddef>
#include <variant>
#include <vector>

#include "reprise/conv/conv_shape.hpp"
#include "reprise/nn/layers.hpp"
#include "reprise/pool/pool_shape.hpp"

namespace reprise {

/// A layer that says nothing of what it computes.
struct UndescribedLayer {};
struct Conv2dDescription {
  ConvShape shape;  ///< of one image
};
struct LocallyConnectedDescription {
  ConvShape shape;  ///< of one image
};
struct PartialConv2dDescription {
  ConvShape shape;  ///< of one image
  std::vector<std::vector<std::size_t>> connections;
};
struct Pool2dDescription {
  PoolShape shape;  ///< of one image
  PoolMode mode = PoolMode::max;
  bool count_include_padding = false;
};
struct DenseDescription {
  std::size_t inputs = 0, units = 0;
};
struct FlattenDescription {};
struct ReluDescription {};
struct TanhDescription {
  float amplitude = 1.0F, slope = 1.0F;
};
struct DropoutDescription {
  double rate = 0.0;
};
struct SubsamplingDescription {};
struct RbfDescription {
  std::vector<std::vector<float>> codes;
};

struct LayerDescription {
  std::variant<UndescribedLayer, Conv2dDescription, LocallyConnectedDescription,
               PartialConv2dDescription, Pool2dDescription, DenseDescription, FlattenDescription,
               ReluDescription, TanhDescription, LocalResponseNormalizationOptions,
               DropoutDescription, RescaleLayerOptions, SubsamplingDescription, RbfDescription>
      operation;
};

}  // namespace reprise
