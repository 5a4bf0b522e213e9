/// \file
/// A network with its parameters, as Python holds it: one of the library's models, or a chain of
/// layers.
#pragma once

#include <pybind11/pybind11.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "arguments.hpp"
#include "reprise/nn/sequential.hpp"
#include "reprise/run/configuration.hpp"

namespace reprise::python {

/// Throws what a signal's handler raised, such as KeyboardInterrupt.
void pass_on_signals();

/// Images of the caller's, N,H,W,C: bytes, which count as pixel / 255, or floats as they are.
class Images {
 public:
  /// TypeError or ValueError if it is no such array.
  Images(std::string_view where, std::string_view name, const py::object& value);

  [[nodiscard]] std::size_t count() const { return sizes_[0]; }
  [[nodiscard]] bool are_bytes() const { return bytes_ != nullptr; }
  [[nodiscard]] std::array<std::size_t, 3> image_sizes() const {
    return {sizes_[1], sizes_[2], sizes_[3]};
  }
  [[nodiscard]] std::size_t image_size() const { return sizes_[1] * sizes_[2] * sizes_[3]; }
  /// Image `index`, below count(), as floats.
  void copy_to(std::size_t index, float* image) const;

 private:
  py::object array_;  ///< keeps the memory
  const float* floats_ = nullptr;
  const std::uint8_t* bytes_ = nullptr;
  std::array<std::size_t, 4> sizes_{};
};

/// Labels of the caller's, N bytes.
class Labels {
 public:
  /// Error unless there is one below `classes` for each of `count` images.
  Labels(std::string_view where, const py::object& value, std::size_t count, std::size_t classes);
  [[nodiscard]] const std::uint8_t* data() const { return data_; }

 private:
  py::object array_;  ///< keeps the memory
  const std::uint8_t* data_;
};

class Network {
 public:
  /// The model that the settings name.
  Network(const py::dict& settings, const std::array<std::size_t, 3>& image, std::size_t classes);
  /// A chain of layers, each as (name, kind, options); see layers.hpp.
  Network(const py::dict& settings, const std::array<std::size_t, 3>& image,
          const py::list& layers);

  [[nodiscard]] const TrainingConfiguration& configuration() const { return configuration_; }
  [[nodiscard]] const Sequential& model() const { return model_; }
  [[nodiscard]] Sequential& model() { return model_; }
  [[nodiscard]] std::span<float> values() { return model_.parameters(); }
  [[nodiscard]] std::size_t outputs() const { return model_.output_shape().size(); }

  /// (layer, parameter, values) in the model's order.
  [[nodiscard]] py::list parameters() const;
  /// Error, and nothing is set, unless the arrays are of the parameters' shapes.
  void set_parameters(const py::sequence& arrays);
  void take_parameters(std::span<const float> values);

  /// Error unless these are of the size of the images that the network was made for.
  void check_image(std::string_view where, const std::array<std::size_t, 3>& sizes) const;
  /// Error unless these can be what the network is given, which with crop is smaller, and with
  /// settings of other inputs than pixel / 255 cannot be bytes.
  void check_inputs(std::string_view where, const Images& images) const;

  /// Outputs N,outputs, a block of images at a time, between which signals are seen.
  [[nodiscard]] py::array_t<float> logits(std::string_view where, const Images& images,
                                          std::size_t threads) const;

 private:
  struct Place {
    std::string layer;
    ParameterSpec spec;
    std::size_t offset;
  };
  [[nodiscard]] std::vector<Place> places() const;

  TrainingConfiguration configuration_;
  std::array<std::size_t, 3> image_;
  Sequential model_;
};

}  // namespace reprise::python
