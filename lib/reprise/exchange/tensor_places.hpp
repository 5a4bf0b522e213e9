/// \file
/// A model's parameters as files have them: by names, and in the layout of one library or another.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "reprise/nn/sequential.hpp"

namespace reprise::details {

enum class TensorLayout {
  /// As Sequential has them, and as Keras does: convolutions KH,KW,IC/G,OC, dense layers in,out.
  channels_last,
  /// As PyTorch and ONNX have them: convolutions OC,IC/G,KH,KW, dense layers out,in; the inputs of
  /// a dense layer after a flatten layer count C,H,W. All other parameters are as they are here.
  channels_first,
};

/// A parameter in a file.
struct TensorPlace {
  std::string name;                ///< "conv1.weight"
  std::vector<std::size_t> shape;  ///< in the file
  std::size_t offset = 0;          ///< of its first value in Sequential::parameters()
  std::vector<std::size_t> axes;   ///< its sizes in the model; two may be one axis of the file
  std::vector<std::size_t> order;  ///< which of `axes` follow each other in the file

  [[nodiscard]] std::size_t size() const;
};

/// Every parameter, in the model's order.
std::vector<TensorPlace> tensor_places(const Sequential& model, TensorLayout layout);

/// The values of a parameter in the order of the file.
std::vector<float> values_for_file(const TensorPlace& place, std::span<const float> parameters);
/// The way back: `values` are place.size().
void values_from_file(const TensorPlace& place, std::span<const float> values,
                      std::span<float> parameters);

/// "(5,5,1,6)".
std::string tuple_text(const std::vector<std::size_t>& shape);

}  // namespace reprise::details
