// Keras 3's .weights.h5: an HDF5 file with layers/CLASS/vars/0 the weight and /1 the bias, where
// CLASS is conv2d or dense, and from the second layer of its class on conv2d_1, conv2d_2, ...
#include <map>

#include "reprise/core/error.hpp"
#include "reprise/exchange/formats.hpp"
#include "reprise/exchange/incoming_weights.hpp"
#include "reprise/exchange/tensor_places.hpp"
#include "reprise/nn/layer_description.hpp"
#include "reprise/record_file/record_file.hpp"

namespace reprise::details {
namespace {

/// Keras's class of a layer with weights. Error if it has none.
std::string class_of(const Sequential::Entry& entry) {
  const LayerDescription description = entry.layer->description();
  if (std::holds_alternative<Conv2dDescription>(description.operation)) return "conv2d";
  if (std::holds_alternative<DenseDescription>(description.operation)) return "dense";
  throw Error("layer " + entry.name,
              "Keras 3 has no layer like " + std::string(entry.layer->type()),
              "weights of conv2d and dense layers only, or the formats npz and safetensors");
}

/// "layers/conv2d_1/vars/0" and the like, in the model's order.
std::vector<TensorPlace> keras_places(const Sequential& model) {
  std::vector<TensorPlace> places = tensor_places(model, TensorLayout::channels_last);
  std::map<std::string, std::size_t> numbers;
  std::size_t at = 0;
  for (const Sequential::Entry& entry : model.layers()) {
    if (entry.parameters.empty()) continue;
    const std::string name = class_of(entry);
    const std::size_t number = numbers[name]++;
    const std::string group = "layers/" + name + (number == 0 ? "" : "_" + std::to_string(number));
    for (std::size_t i = 0; i < entry.parameters.size(); ++i) {
      places[at++].name = group + "/vars/" + std::to_string(i);
    }
  }
  return places;
}

void take_datasets(const Group& group, const std::string& path, IncomingWeights& weights) {
  for (const auto& [name, dataset] : group.datasets) {
    weights.set(weights.take(path + name), dataset);
  }
  for (const auto& [name, inner] : group.groups) take_datasets(inner, path + name + "/", weights);
}

}  // namespace

std::vector<std::byte> to_keras(const Sequential& model) {
  Group tree;
  for (const TensorPlace& place : keras_places(model)) {
    Group* group = &tree;
    std::string_view path = place.name;
    for (std::size_t end = path.find('/'); end != std::string_view::npos; end = path.find('/')) {
      group = &group->groups[std::string(path.substr(0, end))];
      path.remove_prefix(end + 1);
    }
    group->datasets[std::string(path)] = {
        place.shape, values_for_file(place, model.parameters()), {}};
  }
  return plain_hdf5(tree, model.name());
}

std::vector<float> from_keras(const Sequential& model, const Group& tree) {
  IncomingWeights weights(model.name(), keras_places(model));
  const auto layers = tree.groups.find("layers");
  if (layers == tree.groups.end()) {
    throw Error("HDF5 file", "it has no group layers", "the weights of a Keras 3 model");
  }
  take_datasets(layers->second, "layers/", weights);
  return weights.finish();
}

}  // namespace reprise::details
