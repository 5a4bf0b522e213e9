/// \file
/// Collects a model's tensors as a reader finds them in a file, and checks that they are the
/// model's.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "reprise/exchange/tensor_places.hpp"
#include "reprise/record/record.hpp"

namespace reprise::details {

class IncomingWeights {
 public:
  /// Of a model that is called `model`.
  IncomingWeights(std::string model, std::vector<TensorPlace> places);

  /// The tensor of a name in the file, from now on taken. Error if the model has none of that name,
  /// or it was taken before.
  const TensorPlace& take(const std::string& name);
  /// Error, naming the tensor, unless the file's shape is the model's.
  void check_shape(const TensorPlace& place, const std::vector<std::size_t>& shape) const;
  /// Its values in the order of the file: as many as its size.
  void set(const TensorPlace& place, std::span<const float> values);
  /// The same from a dataset. Error, naming the tensor, if its type or its shape is another.
  void set(const TensorPlace& place, const Dataset& dataset);
  /// The same from little-endian bytes, four a value.
  void set(const TensorPlace& place, std::span<const std::byte> bytes);

  /// All parameters, as Sequential has them. Error, naming the first, if tensors are missing.
  std::vector<float> finish();

 private:
  std::string model_;
  std::vector<TensorPlace> places_;
  std::map<std::string, bool> taken_;
  std::vector<float> parameters_;
};

}  // namespace reprise::details
