/// \file
/// A network of four tensors, so that files with its weights are small.
#pragma once

#include <cstring>

#include "reprise/nn/layers.hpp"
#include "reprise/nn/sequential.hpp"
#include "support/fuzz.hpp"

namespace reprise::fuzz {

/// conv1: 2 kernels of 3x3 on 6x6x1; flatten; dense1: 3 units.
inline Sequential small_model() {
  Conv2dLayerOptions conv;
  conv.filters = 2;
  Sequential model("small", {6, 6, 1});
  model.add("conv1", conv2d_layer(conv))
      .add("flatten", flatten_layer())
      .add("dense1", dense_layer({3, {}, {}}));
  for (std::size_t i = 0; i < model.parameters().size(); ++i) {
    model.parameters()[i] = static_cast<float>(i) / 8.0F;
  }
  return model;
}

/// What a reader made of a file: as many values as the model has, which come back to the bit from
/// the file that `write` makes of them.
template <class Write, class Read>
void require_weights(const std::vector<float>& values, const Write& write, const Read& read) {
  Sequential model = small_model();
  require(values.size() == model.parameters().size(), "a file gives all parameters");
  std::copy(values.begin(), values.end(), model.parameters().begin());
  const std::vector<float> again = read(model, write(model));
  require(std::memcmp(again.data(), values.data(), values.size() * sizeof(float)) == 0,
          "what is written comes back to the bit");
}

}  // namespace reprise::fuzz
