/// \file
/// Shapes inside a model.
#pragma once

#include <string>

#include "reprise/nn/sequential.hpp"

namespace reprise::test {

/// The output shape of a layer, as text; "" if there is none of that name.
inline std::string shape_of(const Sequential& model, const std::string& layer) {
  for (const Sequential::Entry& entry : model.layers()) {
    if (entry.name == layer) return entry.output.text();
  }
  return "";
}

}  // namespace reprise::test
