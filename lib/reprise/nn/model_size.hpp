/// \file
/// How large a model is, counted from the shapes of its layers.
#pragma once

#include <functional>

#include "reprise/nn/sequential.hpp"

namespace reprise {

/// Numbers that may be too large for the memory of any machine.
struct ModelSize {
  double parameters = 0.0;   ///< floats
  double activations = 0.0;  ///< floats per image: the outputs of all layers
};

/// The size of the model that `make` builds on this thread, which takes no memory for its
/// parameters meanwhile: `make` may set their initializers, but not the parameters. Error as
/// `make`.
ModelSize model_size(const std::function<Sequential()>& make);

}  // namespace reprise
