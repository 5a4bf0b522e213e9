// Networks: their parameters, predictions and evaluation.
#include "network.hpp"

#include <pybind11/stl.h>

#include <algorithm>

#include "layers.hpp"
#include "parts.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/float_environment.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/core/parallel.hpp"
#include "reprise/nn/losses.hpp"
#include "reprise/run/training.hpp"
#include "settings.hpp"

namespace reprise::python {

void pass_on_signals() {
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
}

Images::Images(std::string_view where, std::string_view name, const py::object& value)
    : array_(value) {
  if (py::isinstance<py::array_t<std::uint8_t>>(value)) {
    const auto array = py::array_t<std::uint8_t, py::array::c_style>::ensure(value);
    if (!array) throw py::error_already_set();
    if (array.ndim() != 4) {
      throw Error(where, std::string(name) + " with " + std::to_string(array.ndim()) + " axes",
                  "N,H,W,C");
    }
    std::copy_n(array.shape(), 4, sizes_.begin());
    bytes_ = array.data();
    array_ = array;
    return;
  }
  const ArrayArgument<float> array(where, name, value, "N,H,W,C");
  sizes_ = array.sizes4();
  floats_ = array.data();
  array_ = array.array();
}

void Images::copy_to(std::size_t index, float* image) const {
  const std::size_t size = image_size();
  if (floats_ != nullptr) {
    std::copy_n(floats_ + index * size, size, image);
    return;
  }
  const std::uint8_t* const pixels = bytes_ + index * size;
  for (std::size_t i = 0; i < size; ++i) image[i] = static_cast<float>(pixels[i]) / 255.0F;
}

Labels::Labels(std::string_view where, const py::object& value, std::size_t count,
               std::size_t classes) {
  const auto array = py::array_t<std::uint8_t, py::array::c_style>::ensure(value);
  if (!array) throw py::error_already_set();
  if (array.ndim() != 1 || static_cast<std::size_t>(array.size()) != count) {
    throw Error(where, std::to_string(array.size()) + " labels", std::to_string(count));
  }
  const std::uint8_t* const end = array.data() + count;
  const std::uint8_t* const found =
      std::find_if(array.data(), end, [&](std::uint8_t label) { return label >= classes; });
  if (found != end) {
    throw Error(
        where,
        "label " + std::to_string(*found) + " of image " + std::to_string(found - array.data()),
        "less than " + std::to_string(classes));
  }
  data_ = array.data();
  array_ = array;
}

namespace {

/// A model of these layers, none of whose tensors has more than 2^40 values.
Sequential chain_of(const std::array<std::size_t, 3>& image, const py::list& layers) {
  check_sizes("Sequential",
              {{"image height", image[0]}, {"image width", image[1]}, {"image channels", image[2]}},
              1);
  check_elements("Sequential", "image", {1, image[0], image[1], image[2]});
  Sequential model("sequential", {image[0], image[1], image[2]});
  for (const py::handle& entry : layers) {
    const auto [name, kind, options] =
        py::cast<std::tuple<std::string, std::string, py::dict>>(entry);
    model.add(name, make_layer_for(kind, options, model.output_shape()));
  }
  if (model.layers().empty()) throw Error("Sequential", "no layers", "one or more");
  return model;
}

}  // namespace

Network::Network(const py::dict& settings, const std::array<std::size_t, 3>& image,
                 std::size_t classes)
    : configuration_(configuration_of("model", settings)),
      image_(image),
      model_(make_model(configuration_, {image[0], image[1], image[2]}, classes)) {
  model_.initialize(RunStreams(configuration_).parameters);
}

Network::Network(const py::dict& settings, const std::array<std::size_t, 3>& image,
                 const py::list& layers)
    : configuration_(configuration_of("Sequential", settings)),
      image_(image),
      model_(chain_of(image, layers)) {
  model_.initialize(RunStreams(configuration_).parameters);
}

py::list Network::parameters() const {
  py::list list;
  for (const auto& [name, spec, offset] : places()) {
    py::array_t<float> values = result_array<float>("get_weights", spec.shape);
    std::copy_n(model_.parameters().data() + offset, spec.size(), values.mutable_data());
    list.append(py::make_tuple(name, spec.name, values));
  }
  return list;
}

void Network::set_parameters(const py::sequence& arrays) {
  const auto wanted = places();
  if (arrays.size() != wanted.size()) {
    throw Error("set_weights", std::to_string(arrays.size()) + " arrays",
                std::to_string(wanted.size()) + ", one for each parameter");
  }
  std::vector<float> values(model_.parameters().size());
  std::size_t i = 0;
  for (const auto& [layer, spec, offset] : wanted) {
    const std::string name = layer + " " + spec.name;
    const ArrayArgument<float> array("set_weights", name, arrays[i++], join(spec.dimensions, ","));
    array.check_sizes(spec.shape);
    std::copy_n(array.data(), spec.size(), values.data() + offset);
  }
  take_parameters(values);
}

void Network::take_parameters(std::span<const float> values) {
  std::copy(values.begin(), values.end(), model_.parameters().begin());
}

void Network::check_image(std::string_view where, const std::array<std::size_t, 3>& sizes) const {
  if (sizes == image_) return;
  throw Error(where, "images of " + sizes_text(sizes), sizes_text(image_));
}

void Network::check_inputs(std::string_view where, const Images& images) const {
  const FeatureShape& s = model_.input_shape();
  const std::array expected{s.height, s.width, s.channels};
  if (images.image_sizes() != expected) {
    throw Error(where, "images of " + sizes_text(images.image_sizes()), sizes_text(expected));
  }
  const bool plain = configuration_.crop == 0 && configuration_.pixel_max == 1 &&
                     configuration_.subtract == "none";
  if (plain || !images.are_bytes()) return;
  throw Error(where, "bytes for a model with crop, pixel_max or subtract",
              "floats as the network is given them");
}

std::vector<Network::Place> Network::places() const {
  std::vector<Place> places;
  for (const Sequential::Entry& entry : model_.layers()) {
    std::size_t offset = entry.parameter_offset;
    for (const ParameterSpec& spec : entry.parameters) {
      places.push_back({entry.name, spec, offset});
      offset += spec.size();
    }
  }
  return places;
}

py::array_t<float> Network::logits(std::string_view where, const Images& images,
                                   std::size_t threads) const {
  constexpr std::size_t kImages = 256;
  check_inputs(where, images);
  const auto [H, W, C] = images.image_sizes();
  py::array_t<float> output = result_array<float>(where, {images.count(), outputs()});
  float* const result = output.mutable_data();
  for (std::size_t begin = 0; begin < images.count(); begin += kImages) {
    const std::size_t count = std::min(kImages, images.count() - begin);
    {
      const py::gil_scoped_release release;
      Tensor<4> some = make_tensor<4>({count, H, W, C});
      for (std::size_t i = 0; i < count; ++i) {
        images.copy_to(begin + i, some.data() + i * images.image_size());
      }
      const Tensor<4> said = model_.predict(some, threads);
      std::copy(said.begin(), said.end(), result + begin * outputs());
    }
    pass_on_signals();
  }
  return output;
}

namespace {

/// Logits or probabilities.
py::array predict(const Network& network, const py::object& x, bool logits,
                  const py::object& threads_wanted) {
  constexpr std::string_view where = "predict";
  const Images images(where, "x", x);
  py::array_t<float> output =
      network.logits(where, images, threads_argument(where, threads_wanted));
  if (logits) return output;
  float* const values = output.mutable_data();
  {
    const py::gil_scoped_release release;
    const std::vector<std::uint8_t> labels(images.count(), 0);
    std::vector<float> losses(images.count());
    const std::vector<float> copy(values, values + output.size());
    softmax_cross_entropy_forward(images.count(), network.outputs(), copy.data(), labels.data(),
                                  values, losses.data());
  }
  return output;
}

/// (mean loss, accuracy), with the bits of evaluate() in run/evaluation.hpp.
std::pair<double, double> evaluate(const Network& network, const py::object& x, const py::object& y,
                                   const py::object& threads_wanted) {
  constexpr std::string_view where = "evaluate";
  constexpr std::size_t kBlock = 16;
  const Images images(where, "x", x);
  const Labels labels(where, y, images.count(), network.outputs());
  const std::size_t N = images.count();
  if (N == 0) throw Error(where, "no images", "one or more");
  const std::size_t classes = network.outputs();
  const py::array_t<float> output =
      network.logits(where, images, threads_argument(where, threads_wanted));
  const float* const logits = output.data();
  const py::gil_scoped_release release;
  const FloatEnvironment environment;
  std::vector<double> sums(div_ceil(N, kBlock));
  std::vector<float> probabilities(kBlock * classes), losses(kBlock);
  std::size_t errors = 0;
  for (std::size_t block = 0; block < sums.size(); ++block) {
    const std::size_t first = block * kBlock;
    const std::size_t count = std::min(kBlock, N - first);
    const float* const z = logits + first * classes;
    softmax_cross_entropy_forward(count, classes, z, labels.data() + first, probabilities.data(),
                                  losses.data());
    for (std::size_t i = 0; i < count; ++i) {
      sums[block] += losses[i];
      if (argmax(classes, z + i * classes) != labels.data()[first + i]) ++errors;
    }
  }
  const auto images_there = static_cast<double>(N);
  return {pairwise_sum(sums) / images_there, static_cast<double>(N - errors) / images_there};
}

}  // namespace

void add_network(py::module_& module) {
  py::class_<Network>(module, "Network", "A model and its parameters.")
      .def(py::init<const py::dict&, const std::array<std::size_t, 3>&, std::size_t>())
      .def(py::init<const py::dict&, const std::array<std::size_t, 3>&, const py::list&>())
      .def("summary", [](const Network& network) { return network.model().summary(); })
      .def("output_shape",
           [](const Network& network) {
             const FeatureShape& s = network.model().output_shape();
             return s.flat ? py::make_tuple(s.channels)
                           : py::make_tuple(s.height, s.width, s.channels);
           })
      .def("parameters", &Network::parameters)
      .def("set_parameters", &Network::set_parameters)
      .def("predict", &predict)
      .def("evaluate", &evaluate);
}

}  // namespace reprise::python
