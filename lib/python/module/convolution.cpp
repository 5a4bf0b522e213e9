// Convolution: the public functions on numpy's memory, the registry, and shapes.
#include "reprise/conv/conv2d.hpp"

#include <pybind11/pybind11.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arguments.hpp"
#include "parts.hpp"
#include "reprise/conv/naive/naive.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/float_environment.hpp"

namespace reprise::python {
namespace {

/// What conv2d and conv2d_backward take besides their arrays.
struct Settings {
  const py::object &stride, &padding, &dilation, &groups;
};

Conv2dOptions options_of(std::string_view where, const Settings& settings) {
  Conv2dOptions options;
  options.stride = extent_argument(where, "stride", settings.stride);
  options.padding = padding_argument(where, settings.padding);
  options.dilation = extent_argument(where, "dilation", settings.dilation);
  options.groups = size_argument(where, "groups", settings.groups, 1);
  return options;
}

const ConvAlgorithm& algorithm_argument(std::string_view where, const py::object& name) {
  return conv_algorithm(text_argument(where, "algorithm", name));
}

/// The bias, zeros where None is given.
template <class T>
class Bias {
 public:
  Bias(std::string_view where, const py::object& value, std::size_t channels) {
    if (value.is_none()) {
      zeros_.resize(channels);
      return;
    }
    given_.emplace(where, "bias", value, "OC");
    given_->check_sizes({channels});
  }
  [[nodiscard]] const T* data() const { return given_ ? given_->data() : zeros_.data(); }

 private:
  std::optional<ArrayArgument<T>> given_;
  std::vector<T> zeros_;
};

/// Input, weight and what follows from them.
template <class T>
struct Operands {
  Operands(std::string_view where, const py::object& input_value, const py::object& weight_value,
           const Settings& settings)
      : input(where, "input", input_value, "N,IH,IW,IC"),
        weight(where, "weight", weight_value, "KH,KW,IC/G,OC"),
        shape(conv2d_shape(where, input.sizes4(), weight.sizes4(), options_of(where, settings))) {}
  [[nodiscard]] std::vector<std::size_t> output_sizes() const {
    return {shape.N, shape.OH, shape.OW, shape.OC};
  }
  ArrayArgument<T> input, weight;
  ConvShape shape;
};

/// The three gradients, and where they are.
template <class T>
struct Gradients {
  Gradients(std::string_view where, const Operands<T>& operands)
      : input(result_array<T>(where, operands.input.sizes())),
        weight(result_array<T>(where, operands.weight.sizes())),
        bias(result_array<T>(where, {operands.shape.OC})) {}
  [[nodiscard]] py::tuple as_tuple() const { return py::make_tuple(input, weight, bias); }
  py::array_t<T> input, weight, bias;
};

py::object conv2d(const py::object& input, const py::object& weight, const py::object& bias,
                  const py::object& stride, const py::object& padding, const py::object& dilation,
                  const py::object& groups, const py::object& algorithm_name,
                  const py::object& threads_wanted) {
  constexpr std::string_view where = "conv2d";
  const Operands<float> operands(where, input, weight, {stride, padding, dilation, groups});
  const Bias<float> added(where, bias, operands.shape.OC);
  const ConvAlgorithm& algorithm = algorithm_argument(where, algorithm_name);
  const std::size_t threads = threads_argument(where, threads_wanted);
  auto output = result_array<float>(where, operands.output_sizes());
  float* const result = output.mutable_data();
  {
    const py::gil_scoped_release release;
    conv2d_forward(operands.shape, operands.input.data(), operands.weight.data(), added.data(),
                   result, algorithm, threads);
  }
  return output;
}

py::tuple conv2d_gradients(const py::object& grad_output, const py::object& input,
                           const py::object& weight, const py::object& stride,
                           const py::object& padding, const py::object& dilation,
                           const py::object& groups, const py::object& algorithm_name,
                           const py::object& threads_wanted) {
  constexpr std::string_view where = "conv2d_backward";
  const Operands<float> operands(where, input, weight, {stride, padding, dilation, groups});
  const ArrayArgument<float> grad(where, "grad_output", grad_output, "N,OH,OW,OC");
  grad.check_sizes(operands.output_sizes());
  const ConvAlgorithm& algorithm = algorithm_argument(where, algorithm_name);
  const std::size_t threads = threads_argument(where, threads_wanted);
  Gradients<float> gradients(where, operands);
  const Conv2dGradientPlaces places{gradients.input.mutable_data(), gradients.weight.mutable_data(),
                                    gradients.bias.mutable_data()};
  {
    const py::gil_scoped_release release;
    conv2d_backward(operands.shape, grad.data(), operands.input.data(), operands.weight.data(),
                    places, algorithm, threads);
  }
  return gradients.as_tuple();
}

py::object conv2d_reference(const py::object& input, const py::object& weight,
                            const py::object& bias, const py::object& stride,
                            const py::object& padding, const py::object& dilation,
                            const py::object& groups, const py::object& threads_wanted) {
  constexpr std::string_view where = "conv2d_reference";
  const Operands<double> operands(where, input, weight, {stride, padding, dilation, groups});
  const Bias<double> added(where, bias, operands.shape.OC);
  const std::size_t threads = threads_argument(where, threads_wanted);
  auto output = result_array<double>(where, operands.output_sizes());
  double* const result = output.mutable_data();
  {
    const py::gil_scoped_release release;
    naive_forward(operands.shape, operands.input.data(), operands.weight.data(), added.data(),
                  result, threads);
  }
  return output;
}

/// grad_bias(oc) = sum of grad_output(n, oh, ow, oc), row-major, one chain.
void sum_over_positions(const ConvShape& shape, const double* grad_output, double* grad_bias) {
  const FloatEnvironment environment;
  std::fill_n(grad_bias, shape.OC, 0.0);
  for (std::size_t i = 0; i < shape.output_size(); ++i) grad_bias[i % shape.OC] += grad_output[i];
}

py::tuple conv2d_reference_gradients(const py::object& grad_output, const py::object& input,
                                     const py::object& weight, const py::object& stride,
                                     const py::object& padding, const py::object& dilation,
                                     const py::object& groups, const py::object& threads_wanted) {
  constexpr std::string_view where = "conv2d_reference_backward";
  const Operands<double> operands(where, input, weight, {stride, padding, dilation, groups});
  const ArrayArgument<double> grad(where, "grad_output", grad_output, "N,OH,OW,OC");
  grad.check_sizes(operands.output_sizes());
  const std::size_t threads = threads_argument(where, threads_wanted);
  Gradients<double> gradients(where, operands);
  double* const grad_input = gradients.input.mutable_data();
  double* const grad_weight = gradients.weight.mutable_data();
  double* const grad_bias = gradients.bias.mutable_data();
  {
    const py::gil_scoped_release release;
    naive_grad_input(operands.shape, grad.data(), operands.weight.data(), grad_input, threads);
    naive_grad_weight(operands.shape, grad.data(), operands.input.data(), grad_weight, threads);
    sum_over_positions(operands.shape, grad.data(), grad_bias);
  }
  return gradients.as_tuple();
}

ConvShape shape_of_sizes(const py::object& input, const py::object& weight,
                         const py::object& stride, const py::object& padding,
                         const py::object& dilation, const py::object& groups) {
  constexpr std::string_view where = "conv_shape";
  const auto input_sizes = sizes_argument(where, "input", input);
  const auto weight_sizes = sizes_argument(where, "weight", weight);
  return conv2d_shape(where, input_sizes, weight_sizes,
                      options_of(where, {stride, padding, dilation, groups}));
}

ConvPass pass_argument(std::string_view where, const py::object& value) {
  const std::string name = text_argument(where, "conv_pass", value);
  for (const ConvPass pass : kConvPasses) {
    if (name == name_of(pass)) return pass;
  }
  throw Error(where, "conv_pass = \"" + name + "\"", "forward, grad_input or grad_weight");
}

/// What a query about an algorithm, a shape and a pass is asked of.
struct Query {
  Query(std::string_view where, const py::object& name, const ConvShape& of,
        const py::object& pass_name)
      : algorithm(algorithm_argument(where, name)),
        shape(of),
        pass(pass_argument(where, pass_name)) {}
  const ConvAlgorithm& algorithm;
  const ConvShape& shape;
  ConvPass pass;
};

py::dict description(const ConvAlgorithm& algorithm) {
  py::dict dict;
  dict["name"] = algorithm.name;
  dict["summary"] = algorithm.summary;
  dict["reproducibility"] = name_of(algorithm.reproducibility);
  dict["threads_may_show"] = algorithm.threads_may_show;
  dict["error_scale"] =
      algorithm.error_scale == ErrorScale::elementwise ? "elementwise" : "tensorwise";
  dict["finite_only"] = algorithm.domain.finite_only;
  dict["max_magnitude"] = algorithm.domain.max_magnitude;
  return dict;
}

py::list descriptions() {
  py::list list;
  for (const ConvAlgorithm* algorithm : conv_algorithms()) list.append(description(*algorithm));
  list.append(description(auto_conv_algorithm()));
  return list;
}

void add_shape(py::module_& module) {
  py::class_<ConvShape> shape(module, "ConvShape",
                              "The sizes of a convolution, resolved and checked: N images of IH x "
                              "IW x IC, OC kernels of KH x KW in G groups, output OH x OW x OC; "
                              "made by conv_shape(). Strides, dilations and paddings are in input "
                              "cells.");
  const std::pair<const char*, std::size_t ConvShape::*> sizes[] = {
      {"N", &ConvShape::N},
      {"IH", &ConvShape::IH},
      {"IW", &ConvShape::IW},
      {"IC", &ConvShape::IC},
      {"OH", &ConvShape::OH},
      {"OW", &ConvShape::OW},
      {"OC", &ConvShape::OC},
      {"KH", &ConvShape::KH},
      {"KW", &ConvShape::KW},
      {"G", &ConvShape::G},
      {"stride_h", &ConvShape::stride_h},
      {"stride_w", &ConvShape::stride_w},
      {"dilation_h", &ConvShape::dilation_h},
      {"dilation_w", &ConvShape::dilation_w},
      {"pad_top", &ConvShape::pad_top},
      {"pad_bottom", &ConvShape::pad_bottom},
      {"pad_left", &ConvShape::pad_left},
      {"pad_right", &ConvShape::pad_right},
  };
  for (const auto& [name, size] : sizes) shape.def_readonly(name, size);
  shape.def_readonly("name", &ConvShape::name, "Label; may be empty.")
      .def_property_readonly("flops", &ConvShape::flops,
                             "Multiplications and additions of one pass.")
      .def_property_readonly("line", &to_line, "The shape in benchdnn's grammar.")
      .def("__repr__",
           [](const ConvShape& s) { return "reprise.conv_shape('" + to_line(s) + "')"; })
      .def(
          "__eq__", [](const ConvShape& a, const ConvShape& b) { return a == b; },
          py::is_operator())
      .def("__hash__", [](const ConvShape& s) { return py::hash(py::str(to_line(s))); })
      .def(py::pickle(&to_line, [](const std::string& line) { return parse_conv_shape(line); }));
}

void add_registry(py::module_& module) {
  module.def("conv_shape", &shape_of_sizes);
  module.def("parse_conv_shape", [](const py::object& line) {
    return parse_conv_shape(text_argument("conv_shape", "line", line));
  });
  module.def("conv_algorithms", &descriptions);
  module.def("resolve", [](const py::object& name, const ConvShape& shape, const py::object& pass) {
    const Query query("resolve", name, shape, pass);
    return std::string(resolve(query.algorithm, query.shape, query.pass).name);
  });
  module.def("error_bound",
             [](const py::object& name, const ConvShape& shape, const py::object& pass) {
               const Query query("error_bound", name, shape, pass);
               return query.algorithm.error_bound(query.shape, query.pass);
             });
  module.def("unsupported",
             [](const py::object& name, const ConvShape& shape, const py::object& pass) {
               const Query query("unsupported", name, shape, pass);
               return query.algorithm.unsupported(query.shape, query.pass);
             });
  module.def("workspace_bytes", [](const py::object& name, const ConvShape& shape,
                                   const py::object& pass, const py::object& threads) {
    const Query query("workspace_bytes", name, shape, pass);
    return query.algorithm.workspace_bytes(query.shape, query.pass,
                                           size_argument("workspace_bytes", "threads", threads, 1));
  });
}

}  // namespace

void add_convolution(py::module_& module) {
  module.def("conv2d", &conv2d);
  module.def("conv2d_backward", &conv2d_gradients);
  module.def("conv2d_reference", &conv2d_reference);
  module.def("conv2d_reference_backward", &conv2d_reference_gradients);
  module.def("data_address", [](const py::object& array) {
    const ArrayArgument<float> argument("data_address", "array", array, "N,H,W,C");
    return reinterpret_cast<std::uintptr_t>(argument.data());
  });
  module.def("float64_array", [](const std::string& where, const std::string& name,
                                 const py::object& array, const std::string& axes) {
    return ArrayArgument<double>(where, name, array, axes).array();
  });
  add_shape(module);
  add_registry(module);
}

}  // namespace reprise::python
