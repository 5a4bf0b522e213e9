// Names, layouts and the permutations between them.
#include "reprise/exchange/tensor_places.hpp"

#include <algorithm>
#include <numeric>

#include "reprise/nn/layer_description.hpp"

namespace reprise::details {
namespace {

std::vector<std::size_t> ascending(std::size_t count) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  return order;
}

std::size_t product(const std::vector<std::size_t>& sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), std::size_t{1}, std::multiplies<>());
}

/// Turns a weight of the model into PyTorch's. `flattened` is the shape that the inputs of a dense
/// layer had before they were flattened; null where they were not.
void lay_channels_first(TensorPlace& place, const FeatureShape* flattened) {
  const std::vector<std::size_t> sizes = place.axes;
  if (sizes.size() == 4) {  // KH,KW,IC/G,OC
    place.order = {3, 2, 0, 1};
    place.shape = {sizes[3], sizes[2], sizes[0], sizes[1]};
  } else if (flattened == nullptr) {  // in,out
    place.order = {1, 0};
    place.shape = {sizes[1], sizes[0]};
  } else {  // H,W,C,out
    place.axes = {flattened->height, flattened->width, flattened->channels, sizes[1]};
    place.order = {3, 2, 0, 1};
    place.shape = {sizes[1], sizes[0]};
  }
}

/// Calls body(place in the file, place in the model) for every value of the parameter.
template <class Body>
void for_each_value(const TensorPlace& place, const Body& body) {
  const std::size_t rank = place.axes.size();
  std::vector<std::size_t> sizes(rank), strides(rank), index(rank, 0);
  for (std::size_t i = 0; i < rank; ++i) {
    sizes[i] = place.axes[place.order[i]];
    strides[i] = std::accumulate(place.axes.begin() + static_cast<long>(place.order[i]) + 1,
                                 place.axes.end(), std::size_t{1}, std::multiplies<>());
  }
  const std::size_t count = place.size();
  std::size_t here = 0;
  for (std::size_t there = 0; there < count; ++there) {
    body(there, here);
    for (std::size_t axis = rank; axis-- > 0;) {
      here += strides[axis];
      if (++index[axis] < sizes[axis]) break;
      here -= sizes[axis] * strides[axis];
      index[axis] = 0;
    }
  }
}

/// Whether a layer's inputs, if they were flattened, keep their places in its output.
bool keeps_places(const LayerDescription& description) {
  return std::holds_alternative<ReluDescription>(description.operation) ||
         std::holds_alternative<TanhDescription>(description.operation) ||
         std::holds_alternative<DropoutDescription>(description.operation);
}

bool is_transposed(const LayerDescription& description, const ParameterSpec& spec) {
  return spec.name != "bias" && (std::holds_alternative<Conv2dDescription>(description.operation) ||
                                 std::holds_alternative<DenseDescription>(description.operation));
}

}  // namespace

std::size_t TensorPlace::size() const {
  return product(shape);
}

std::vector<TensorPlace> tensor_places(const Sequential& model, TensorLayout layout) {
  std::vector<TensorPlace> places;
  const FeatureShape* flattened = nullptr;
  for (const Sequential::Entry& entry : model.layers()) {
    const LayerDescription description = entry.layer->description();
    std::size_t offset = entry.parameter_offset;
    for (const ParameterSpec& spec : entry.parameters) {
      TensorPlace place{entry.name + "." + spec.name, spec.shape, offset, spec.shape,
                        ascending(spec.shape.size())};
      if (layout == TensorLayout::channels_first && is_transposed(description, spec)) {
        lay_channels_first(place, flattened);
      }
      offset += spec.size();
      places.push_back(std::move(place));
    }
    if (std::holds_alternative<FlattenDescription>(description.operation)) {
      flattened = &entry.input;
    } else if (!keeps_places(description)) {
      flattened = nullptr;
    }
  }
  return places;
}

std::vector<float> values_for_file(const TensorPlace& place, std::span<const float> parameters) {
  std::vector<float> values(place.size());
  const float* const from = parameters.data() + place.offset;
  for_each_value(place, [&](std::size_t there, std::size_t here) { values[there] = from[here]; });
  return values;
}

void values_from_file(const TensorPlace& place, std::span<const float> values,
                      std::span<float> parameters) {
  float* const to = parameters.data() + place.offset;
  for_each_value(place, [&](std::size_t there, std::size_t here) { to[here] = values[there]; });
}

std::string tuple_text(const std::vector<std::size_t>& shape) {
  std::string text = "(";
  for (const std::size_t size : shape) {
    if (text.size() > 1) text += ",";
    text += std::to_string(size);
  }
  return text + ")";
}

}  // namespace reprise::details
