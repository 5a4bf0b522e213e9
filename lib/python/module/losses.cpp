// Losses with their gradients, and update rules of optimizers.
#include "reprise/nn/losses.hpp"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arguments.hpp"
#include "parts.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/float_environment.hpp"
#include "reprise/nn/optimizers.hpp"

namespace reprise::python {
namespace {

constexpr std::size_t kMaxClasses = 256;  ///< labels are bytes

/// Scores N,classes.
struct Scores {
  Scores(std::string_view where, std::string_view name, const py::object& value)
      : array(where, name, value, "N,classes") {
    if (classes() >= 1 && classes() <= kMaxClasses) return;
    throw Error(where, std::to_string(classes()) + " classes", "1 to 256");
  }
  [[nodiscard]] std::size_t rows() const { return array.sizes()[0]; }
  [[nodiscard]] std::size_t classes() const { return array.sizes()[1]; }
  [[nodiscard]] const float* data() const { return array.data(); }
  ArrayArgument<float> array;
};

/// Labels and the options of a loss. An ignored label may be any integer: images of it have
/// another label here, of the same effect.
class Targets {
 public:
  Targets(std::string_view where, const Scores& scores, const py::object& labels,
          const py::object& class_weights, const py::object& ignored_label,
          const py::object& label_smoothing)
      : ignored_(scores.rows()) {
    const std::size_t classes = scores.classes();
    read_labels(where, scores, labels, ignored_label);
    if (!class_weights.is_none()) {
      weights_.emplace(where, "class_weights", class_weights, "classes");
      weights_->check_sizes({classes});
      options_.class_weights = {weights_->data(), classes};
    }
    options_.label_smoothing = number_argument(where, "label_smoothing", label_smoothing);
  }
  [[nodiscard]] const std::uint8_t* labels() const { return labels_.data(); }
  [[nodiscard]] const LossOptions& options() const { return options_; }
  /// Sets the values of each ignored image, `size` of them, to 0.
  void clear_ignored(float* values, std::size_t size) const {
    for (std::size_t n = 0; n < ignored_.size(); ++n) {
      if (ignored_[n]) std::fill_n(values + n * size, size, 0.0F);
    }
  }
  /// target_weight() without the ignored images.
  [[nodiscard]] double weight(std::size_t classes) const {
    std::vector<std::uint8_t> kept;
    for (std::size_t n = 0; n < labels_.size(); ++n) {
      if (!ignored_[n]) kept.push_back(labels_[n]);
    }
    return target_weight(kept.size(), classes, kept.data(), options_);
  }

 private:
  void read_labels(std::string_view where, const Scores& scores, const py::object& given,
                   const py::object& ignored_label) {
    const py::module_ numpy = py::module_::import("numpy");
    const py::array array = numpy.attr("asarray")(given);
    const char kind = array.dtype().kind();
    if (kind != 'i' && kind != 'u') {
      throw_type_error(
          where, "labels of dtype " + py::cast<std::string>(py::str(py::object(array.dtype()))),
          "integers");
    }
    if (array.ndim() != 1 || static_cast<std::size_t>(array.size()) != scores.rows()) {
      throw Error(
          where,
          std::to_string(array.size()) + " labels with " + std::to_string(array.ndim()) + " axes",
          std::to_string(scores.rows()) + ", one for each row");
    }
    std::optional<long long> left_out;
    if (!ignored_label.is_none())
      left_out = integer_argument(where, "ignored_label", ignored_label);
    const auto values = py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>(array);
    labels_.resize(scores.rows());
    for (std::size_t n = 0; n < scores.rows(); ++n) {
      const std::int64_t label = values.data()[n];
      if (left_out && label == *left_out) {
        ignored_[n] = true;
        continue;
      }
      if (label < 0 || label >= static_cast<std::int64_t>(scores.classes())) {
        throw Error(where, "label " + std::to_string(label) + " of row " + std::to_string(n),
                    "0 to " + std::to_string(scores.classes() - 1));
      }
      labels_[n] = static_cast<std::uint8_t>(label);
    }
  }

  std::vector<std::uint8_t> labels_;
  std::vector<bool> ignored_;
  std::optional<ArrayArgument<float>> weights_;
  LossOptions options_;
};

float scale_argument(std::string_view where, const py::object& value) {
  return static_cast<float>(number_argument(where, "scale", value));
}

/// (losses, probabilities)
py::tuple cross_entropy(const py::object& logits, const py::object& labels,
                        const py::object& class_weights, const py::object& ignored_label,
                        const py::object& label_smoothing) {
  constexpr std::string_view where = "softmax_cross_entropy";
  const Scores scores(where, "logits", logits);
  const Targets targets(where, scores, labels, class_weights, ignored_label, label_smoothing);
  auto losses = result_array<float>(where, {scores.rows()});
  auto probabilities = result_array<float>(where, {scores.rows(), scores.classes()});
  float *const loss = losses.mutable_data(), *const probability = probabilities.mutable_data();
  {
    const py::gil_scoped_release release;
    softmax_cross_entropy_forward(scores.rows(), scores.classes(), scores.data(), targets.labels(),
                                  targets.options(), probability, loss);
    targets.clear_ignored(loss, 1);
  }
  return py::make_tuple(losses, probabilities);
}

py::array cross_entropy_gradient(const py::object& probabilities, const py::object& labels,
                                 const py::object& class_weights, const py::object& ignored_label,
                                 const py::object& label_smoothing, const py::object& scale_given) {
  constexpr std::string_view where = "softmax_cross_entropy_backward";
  const Scores scores(where, "probabilities", probabilities);
  const Targets targets(where, scores, labels, class_weights, ignored_label, label_smoothing);
  const float scale = scale_argument(where, scale_given);
  auto grad = result_array<float>(where, {scores.rows(), scores.classes()});
  float* const result = grad.mutable_data();
  {
    const py::gil_scoped_release release;
    softmax_cross_entropy_backward(scores.rows(), scores.classes(), scores.data(), targets.labels(),
                                   targets.options(), scale, result);
    targets.clear_ignored(result, scores.classes());
  }
  return grad;
}

py::array likelihood(const py::object& log_probabilities, const py::object& labels,
                     const py::object& class_weights, const py::object& ignored_label) {
  constexpr std::string_view where = "negative_log_likelihood";
  const Scores scores(where, "log_probabilities", log_probabilities);
  const Targets targets(where, scores, labels, class_weights, ignored_label, py::float_(0.0));
  auto losses = result_array<float>(where, {scores.rows()});
  float* const loss = losses.mutable_data();
  {
    const py::gil_scoped_release release;
    negative_log_likelihood_forward(scores.rows(), scores.classes(), scores.data(),
                                    targets.labels(), targets.options(), loss);
    targets.clear_ignored(loss, 1);
  }
  return losses;
}

py::array likelihood_gradient(const py::object& log_probabilities, const py::object& labels,
                              const py::object& class_weights, const py::object& ignored_label,
                              const py::object& scale_given) {
  constexpr std::string_view where = "negative_log_likelihood_backward";
  const Scores scores(where, "log_probabilities", log_probabilities);
  const Targets targets(where, scores, labels, class_weights, ignored_label, py::float_(0.0));
  const float scale = scale_argument(where, scale_given);
  auto grad = result_array<float>(where, {scores.rows(), scores.classes()});
  float* const result = grad.mutable_data();
  {
    const py::gil_scoped_release release;
    negative_log_likelihood_backward(scores.rows(), scores.classes(), targets.labels(),
                                     targets.options(), scale, result);
    targets.clear_ignored(result, scores.classes());
  }
  return grad;
}

py::array log_softmax(const py::object& logits) {
  constexpr std::string_view where = "log_softmax";
  const Scores scores(where, "logits", logits);
  auto result = result_array<float>(where, {scores.rows(), scores.classes()});
  float* const values = result.mutable_data();
  {
    const py::gil_scoped_release release;
    log_softmax_forward(scores.rows(), scores.classes(), scores.data(), values);
  }
  return result;
}

py::array log_softmax_gradient(const py::object& log_probabilities, const py::object& given) {
  constexpr std::string_view where = "log_softmax_backward";
  const Scores scores(where, "log_probabilities", log_probabilities);
  const ArrayArgument<float> grad(where, "grad_output", given, "N,classes");
  grad.check_sizes(scores.array.sizes());
  auto result = result_array<float>(where, {scores.rows(), scores.classes()});
  float* const values = result.mutable_data();
  {
    const py::gil_scoped_release release;
    log_softmax_backward(scores.rows(), scores.classes(), scores.data(), grad.data(), values);
  }
  return result;
}

double mean_divisor(const py::object& logits, const py::object& labels,
                    const py::object& class_weights, const py::object& ignored_label) {
  constexpr std::string_view where = "target_weight";
  const Scores scores(where, "logits", logits);
  const Targets targets(where, scores, labels, class_weights, ignored_label, py::float_(0.0));
  return targets.weight(scores.classes());
}

/// An update rule and what it remembers of flat parameters.
class Optimizer {
 public:
  Optimizer(const std::string& kind, const py::dict& settings) {
    options_.kind = optimizer_kind(kind);
    for (const auto& [key, value] : settings) {
      const auto name = py::cast<std::string>(key);
      const double number = number_argument("optimizer", name, value);
      const bool is_fraction = name == "momentum" || name == "beta1" || name == "beta2";
      const bool fits = is_fraction         ? number >= 0.0 && number < 1.0
                        : name == "epsilon" ? number > 0.0
                                            : number >= 0.0;
      if (!fits) {
        throw Error("optimizer", name + " = " + py::cast<std::string>(py::repr(value)),
                    is_fraction         ? "0 to below 1"
                    : name == "epsilon" ? "above 0"
                                        : "0 or more");
      }
      if (name == "momentum") options_.momentum = number;
      if (name == "weight_decay") options_.weight_decay = number;
      if (name == "beta1") options_.beta1 = number;
      if (name == "beta2") options_.beta2 = number;
      if (name == "epsilon") options_.epsilon = number;
    }
  }

  /// New parameters, of the old ones and their gradients; both flat.
  py::array step(const py::object& parameters, const py::object& gradients,
                 const py::object& learning_rate, const py::object& threads_wanted) {
    constexpr std::string_view where = "step";
    const ArrayArgument<float> old(where, "parameters", parameters, "values");
    const ArrayArgument<float> grad(where, "gradients", gradients, "values");
    const std::size_t size = old.sizes()[0];
    grad.check_sizes({size});
    if (state_.steps != 0 && state_.first.size() != size) {
      throw Error(where, std::to_string(size) + " parameters",
                  std::to_string(state_.first.size()) + ", as in the steps before");
    }
    const double rate = number_argument(where, "learning_rate", learning_rate);
    if (rate < 0.0) throw Error(where, "learning_rate = " + std::to_string(rate), "0 or more");
    const std::size_t threads = threads_argument(where, threads_wanted);
    auto result = result_array<float>(where, {size});
    float* const values = result.mutable_data();
    {
      const py::gil_scoped_release release;
      const FloatEnvironment environment;
      if (state_.steps == 0) state_ = make_optimizer_state(options_, size);
      std::copy_n(old.data(), size, values);
      optimizer_step(options_, state_, rate, {values, size}, {grad.data(), size}, threads);
    }
    return result;
  }

  [[nodiscard]] std::uint64_t steps() const { return state_.steps; }

  [[nodiscard]] py::tuple state() const {
    const auto array = [](const std::vector<float>& values) {
      py::array_t<float> copy(static_cast<py::ssize_t>(values.size()));
      std::copy(values.begin(), values.end(), copy.mutable_data());
      return copy;
    };
    return py::make_tuple(state_.steps, state_.beta1_power, state_.beta2_power, array(state_.first),
                          array(state_.second));
  }
  void restore(std::uint64_t steps, double beta1_power, double beta2_power, const py::object& first,
               const py::object& second) {
    const ArrayArgument<float> one(std::string_view("set_state"), "first", first, "values");
    const ArrayArgument<float> two(std::string_view("set_state"), "second", second, "values");
    const std::size_t size = one.sizes()[0];
    two.check_sizes({steps != 0 && has_second(options_.kind) ? size : 0});
    state_ = {steps,
              beta1_power,
              beta2_power,
              {one.data(), one.data() + size},
              {two.data(), two.data() + two.sizes()[0]}};
  }

 private:
  OptimizerOptions options_;
  OptimizerState state_;
};

}  // namespace

void add_losses(py::module_& module) {
  module.def("softmax_cross_entropy", &cross_entropy);
  module.def("softmax_cross_entropy_backward", &cross_entropy_gradient);
  module.def("negative_log_likelihood", &likelihood);
  module.def("negative_log_likelihood_backward", &likelihood_gradient);
  module.def("log_softmax", &log_softmax);
  module.def("log_softmax_backward", &log_softmax_gradient);
  module.def("target_weight", &mean_divisor);
  py::class_<Optimizer>(module, "Optimizer", "An update rule and what it remembers.")
      .def(py::init<const std::string&, const py::dict&>())
      .def("step", &Optimizer::step)
      .def_property_readonly("steps", &Optimizer::steps)
      .def("state", &Optimizer::state)
      .def("restore", &Optimizer::restore);
}

}  // namespace reprise::python
