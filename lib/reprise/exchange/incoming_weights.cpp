// Which tensors a file may and must have.
#include "reprise/exchange/incoming_weights.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "reprise/core/byte_order.hpp"
#include "reprise/core/error.hpp"

namespace reprise::details {
namespace {

/// As record.hpp calls the element types.
constexpr std::array kTypes = {"float32", "float64", "uint8", "uint32", "int64", "text"};
static_assert(std::variant_size_v<DatasetValues> == kTypes.size());

}  // namespace

IncomingWeights::IncomingWeights(std::string model, std::vector<TensorPlace> places)
    : model_(std::move(model)), places_(std::move(places)) {
  std::size_t size = 0;
  for (const TensorPlace& place : places_) {
    taken_.emplace(place.name, false);
    size += place.size();
  }
  parameters_.resize(size);
}

const TensorPlace& IncomingWeights::take(const std::string& name) {
  const auto found = taken_.find(name);
  if (found == taken_.end()) {
    std::vector<std::string> names;
    for (const TensorPlace& place : places_) names.push_back(place.name);
    throw Error("tensor \"" + name + "\"", model_ + " has no tensor of this name",
                "one of its " + std::to_string(names.size()) + "; nearest is " +
                    nearest_name(name.substr(0, 100), names));
  }
  if (found->second) throw Error("tensor " + name, "it is there twice", "once");
  found->second = true;
  return *std::find_if(places_.begin(), places_.end(),
                       [&](const TensorPlace& place) { return place.name == name; });
}

void IncomingWeights::check_shape(const TensorPlace& place,
                                  const std::vector<std::size_t>& shape) const {
  if (shape == place.shape) return;
  throw Error("tensor " + place.name, "shape " + tuple_text(shape),
              tuple_text(place.shape) + ", as " + model_ + " has");
}

void IncomingWeights::set(const TensorPlace& place, std::span<const float> values) {
  if (values.size() != place.size()) {
    throw Error("tensor " + place.name, fmt::format("{} values", values.size()),
                fmt::format("{}", place.size()));
  }
  values_from_file(place, values, parameters_);
}

void IncomingWeights::set(const TensorPlace& place, const Dataset& dataset) {
  const auto* values = std::get_if<std::vector<float>>(&dataset.values);
  if (values == nullptr) {
    throw Error("tensor " + place.name, std::string("type ") + kTypes.at(dataset.values.index()),
                "float32");
  }
  check_shape(place, dataset.shape);
  set(place, std::span(*values));
}

void IncomingWeights::set(const TensorPlace& place, std::span<const std::byte> bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  from_little_endian(bytes, std::span(values));
  set(place, values);
}

std::vector<float> IncomingWeights::finish() {
  for (const TensorPlace& place : places_) {
    if (taken_.at(place.name)) continue;
    throw Error("tensor " + place.name, "it is missing",
                "float32 values of shape " + tuple_text(place.shape) + ", as " + model_ + " has");
  }
  return std::move(parameters_);
}

}  // namespace reprise::details
