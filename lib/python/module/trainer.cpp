// Steps of training on images of the caller's, for loops that Python runs.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "arguments.hpp"
#include "network.hpp"
#include "parts.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/float_environment.hpp"
#include "reprise/data/batches.hpp"
#include "reprise/linalg/blas.hpp"
#include "reprise/nn/batch_gradient.hpp"
#include "reprise/nn/optimizers.hpp"
#include "reprise/run/training.hpp"
#include "settings.hpp"

namespace reprise::python {
namespace {

/// What run() of a training run's settings means here too; all others keep their defaults.
const std::set<std::string>& honoured() {
  static const std::set<std::string> names = {
      "epochs",   "batch_size", "block_size", "optimizer",    "learning_rate", "lr_milestones",
      "lr_gamma", "momentum",   "beta1",      "weight_decay", "beta2",         "epsilon"};
  return names;
}

/// The settings of fit() over the network's own; Error if one asks for what a Trainer does not do.
TrainingConfiguration trainer_configuration(const Network& network, const py::dict& settings) {
  constexpr std::string_view where = "fit";
  TrainingConfiguration c = network.configuration();
  set_all_settings(where, settings, c);
  check_same_model(where, c, network.configuration());
  TrainingConfiguration defaults;
  const std::vector<Setting> given = settings_of(c), own = settings_of(defaults);
  for (std::size_t i = 0; i < given.size(); ++i) {
    const std::string& name = given[i].name;
    if (makes_model(name) || honoured().count(name) != 0 || is_same(given[i], own[i])) continue;
    throw Error(where, "the setting " + name + " = " + value_text(given[i]),
                value_text(own[i]) +
                    ", unless the model is one by name and its images are uint8, or floats that "
                    "are pixels / 255");
  }
  check(c);
  return c;
}

/// A network in training: each step is that of a TrainingRun on the same images.
class Trainer {
 public:
  Trainer(Network& network, const py::dict& settings, const py::object& threads_wanted)
      : network_(network),
        configuration_(trainer_configuration(network, settings)),
        streams_(configuration_),
        threads_(threads_argument("fit", threads_wanted)),
        gradient_(network.model(), batch_size(),
                  std::min(batch_size(), static_cast<std::size_t>(configuration_.block_size)),
                  threads_, streams_.layers),
        state_(make_optimizer_state(optimizer_options(configuration_), network.values().size())) {
    if (!network.model().output_shape().flat) {
      throw Error("fit", "a model with outputs of shape " + network.model().output_shape().text(),
                  "flat ones, a value for each class");
    }
    if (configuration_.conv_algorithm == "im2col_gemm") set_blas_threads(1);
  }

  /// One step on the images `order` of x. Returns the sum of their losses, and how many of them
  /// were taken for another class. `epoch` counts from 0.
  std::pair<double, std::size_t> step(const py::object& x, const py::object& y,
                                      const std::vector<std::uint32_t>& order, std::size_t epoch) {
    constexpr std::string_view where = "fit";
    const Images images(where, "x", x);
    network_.check_inputs(where, images);
    const Labels labels(where, y, images.count(), network_.outputs());
    if (order.empty() || order.size() > batch_size()) {
      throw Error(where, std::to_string(order.size()) + " images in a step",
                  "1 to " + std::to_string(batch_size()));
    }
    for (const std::uint32_t index : order) {
      if (index >= images.count()) {
        throw Error(where, "image " + std::to_string(index),
                    "one of " + std::to_string(images.count()));
      }
    }
    const py::gil_scoped_release release;
    const FloatEnvironment environment;
    const auto source = [&](std::size_t first, std::size_t count, float* to,
                            std::uint8_t* to_labels) {
      for (std::size_t i = 0; i < count; ++i) {
        images.copy_to(order[first + i], to + i * images.image_size());
        to_labels[i] = labels.data()[order[first + i]];
      }
    };
    const BatchGradient::Totals totals = gradient_.run(order.size(), state_.steps, source);
    if (!std::isfinite(totals.loss)) {
      throw Diverged("fit, epoch " + std::to_string(epoch + 1), "the loss became infinite or NaN",
                     "finite images and a smaller learning rate");
    }
    optimizer_step(optimizer_options(configuration_), state_,
                   learning_rate_of(configuration_, epoch), network_.values(),
                   gradient_.gradients(), threads_);
    return {totals.loss, totals.errors};
  }

  /// The order of the images in an epoch.
  [[nodiscard]] py::array order(std::size_t epoch, std::size_t count) const {
    const std::vector<std::uint32_t> order = epoch_order(streams_.order, epoch, count);
    py::array_t<std::uint32_t> array(static_cast<py::ssize_t>(count));
    std::copy(order.begin(), order.end(), array.mutable_data());
    return array;
  }
  [[nodiscard]] double learning_rate(std::size_t epoch) const {
    return learning_rate_of(configuration_, epoch);
  }
  [[nodiscard]] std::string parameters_digest() const {
    return parameters_sha256(network_.values());
  }

 private:
  [[nodiscard]] std::size_t batch_size() const {
    return static_cast<std::size_t>(configuration_.batch_size);
  }

  Network& network_;  ///< kept alive by Python
  TrainingConfiguration configuration_;
  RunStreams streams_;
  std::size_t threads_;
  BatchGradient gradient_;
  OptimizerState state_;
};

}  // namespace

void add_trainer(py::module_& module) {
  py::class_<Trainer>(module, "Trainer", "A network in training, a step at a time.")
      .def(py::init<Network&, const py::dict&, const py::object&>(), py::keep_alive<1, 2>())
      .def("step", &Trainer::step)
      .def("order", &Trainer::order)
      .def("learning_rate", &Trainer::learning_rate)
      .def("parameters_sha256", &Trainer::parameters_digest);
}

}  // namespace reprise::python
