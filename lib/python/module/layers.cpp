// Layers: made of Python's options, and each by itself with its parameters.
#include "layers.hpp"

#include <pybind11/stl.h>

#include <algorithm>
#include <functional>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "arguments.hpp"
#include "parts.hpp"
#include "pooling.hpp"
#include "reprise/core/aligned_buffer.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/float_environment.hpp"
#include "reprise/nn/initializers.hpp"
#include "reprise/nn/layers.hpp"

namespace reprise::python {
namespace {

/// A class of reprise.layers and what it was given.
struct Given {
  const std::string& kind;
  const py::dict& options;

  [[nodiscard]] py::object operator[](const char* name) const { return options[name]; }
  [[nodiscard]] std::size_t size(const char* name, std::size_t least) const {
    const std::size_t value = size_argument(kind, name, options[name], least);
    check_sizes(kind, {{name, value}}, least == 0 ? 0 : 1);
    return value;
  }
  [[nodiscard]] double number(const char* name) const {
    return number_argument(kind, name, options[name]);
  }
  [[nodiscard]] Extent2d extent(const char* name) const {
    const Extent2d value = extent_argument(kind, name, options[name]);
    check_sizes(kind, {{name, value.h}, {name, value.w}}, 1);
    return value;
  }
  [[nodiscard]] const ConvAlgorithm& algorithm() const {
    return conv_algorithm(text_argument(kind, "algorithm", options["algorithm"]));
  }
  /// A name, or a name and its value.
  [[nodiscard]] Initializer initializer(const char* name) const;
  [[nodiscard]] Conv2dOptions convolution() const {
    Conv2dOptions convolution;
    convolution.stride = extent("stride");
    convolution.padding = padding_argument(kind, options["padding"]);
    convolution.dilation = extent("dilation");
    convolution.groups = size("groups", 1);
    return convolution;
  }
};

struct NamedInitializer {
  InitializerKind kind;
  bool has_value;
};
const std::map<std::string, NamedInitializer>& initializers() {
  static const std::map<std::string, NamedInitializer> all = {
      {"zeros", {InitializerKind::zeros, false}},
      {"constant", {InitializerKind::constant, true}},
      {"normal", {InitializerKind::normal, true}},
      {"he_normal", {InitializerKind::he_normal, false}},
      {"glorot_uniform", {InitializerKind::glorot_uniform, false}},
      {"fan_in_uniform", {InitializerKind::fan_in_uniform, true}}};
  return all;
}

Initializer Given::initializer(const char* name) const {
  const py::object given = options[name];
  constexpr std::string_view expected =
      "\"zeros\", \"he_normal\", \"glorot_uniform\", (\"constant\", value), (\"normal\", standard "
      "deviation) or (\"fan_in_uniform\", value)";
  const std::string text = std::string(name) + " = " + py::cast<std::string>(py::repr(given));
  const bool is_pair = py::isinstance<py::tuple>(given) && py::len(given) == 2;
  if (!is_pair && !py::isinstance<py::str>(given)) throw_type_error(kind, text, expected);
  const py::object first = is_pair ? py::object(given[py::int_(0)]) : given;
  const auto found = initializers().find(text_argument(kind, name, first));
  if (found == initializers().end() || found->second.has_value != is_pair) {
    throw Error(kind, text, expected);
  }
  return {found->second.kind, is_pair ? number_argument(kind, name, given[py::int_(1)]) : 0.0};
}

std::unique_ptr<Layer> pooling(const Given& given, PoolMode mode) {
  Pool2dOptions options = window_options(given.kind, mode, given["kernel"], given["stride"],
                                         given["padding"], given["rounding"], given["dilation"]);
  if (mode == PoolMode::max) {
    options.ties = ties_argument(given.kind, given["ties"]);
  } else {
    options.count_include_padding =
        flag_argument(given.kind, "count_include_padding", given["count_include_padding"]);
  }
  return pool2d_layer(options);
}

std::unique_ptr<Layer> normalization(const Given& given) {
  constexpr std::size_t most = 255;
  LocalResponseNormalizationOptions options;
  options.k = given.number("k");
  options.n = given.size("n", 1);
  if (options.n > most) {
    throw Error(given.kind, "n = " + std::to_string(options.n), "an odd number up to 255");
  }
  options.alpha = given.number("alpha");
  options.beta = given.number("beta");
  options.within_maps = flag_argument(given.kind, "within_maps", given["within_maps"]);
  return local_response_normalization_layer(options);
}

std::unique_ptr<Layer> partial_convolution(const Given& given) {
  PartialConv2dLayerOptions options;
  options.kernel = given.extent("kernel");
  for (const py::handle& inputs : py::reinterpret_borrow<py::sequence>(given["connections"])) {
    options.connections.emplace_back();
    for (const py::handle& input : py::reinterpret_borrow<py::sequence>(inputs)) {
      options.connections.back().push_back(size_argument(given.kind, "connections", input, 0));
    }
  }
  options.weight = given.initializer("weight");
  options.bias = given.initializer("bias");
  return partial_conv2d_layer(options, given.algorithm());
}

std::unique_ptr<Layer> radial_basis_functions(const Given& given) {
  const ArrayArgument<float> codes(given.kind, "codes", given["codes"], "out,in");
  const std::size_t inputs = codes.sizes()[1];
  std::vector<std::vector<float>> rows;
  for (std::size_t o = 0; o < codes.sizes()[0]; ++o) {
    rows.emplace_back(codes.data() + o * inputs, codes.data() + (o + 1) * inputs);
  }
  if (rows.empty() || inputs == 0) throw Error(given.kind, "no codes", "one or more values each");
  return rbf_layer(std::move(rows));
}

using Maker = std::unique_ptr<Layer> (*)(const Given&);

const std::map<std::string, Maker>& makers() {
  static const std::map<std::string, Maker> all = {
      {"Conv2d",
       [](const Given& g) {
         return conv2d_layer({g.size("filters", 1), g.extent("kernel"), g.convolution(),
                              g.initializer("weight"), g.initializer("bias")},
                             g.algorithm());
       }},
      {"LocallyConnected2d",
       [](const Given& g) {
         return locally_connected_layer({g.size("filters", 1), g.extent("kernel"),
                                         g.extent("stride"), padding_argument(g.kind, g["padding"]),
                                         g.initializer("weight"), g.initializer("bias")});
       }},
      {"PartialConv2d", &partial_convolution},
      {"MaxPool2d", [](const Given& g) { return pooling(g, PoolMode::max); }},
      {"AvgPool2d", [](const Given& g) { return pooling(g, PoolMode::average); }},
      {"Subsampling",
       [](const Given& g) {
         return subsampling_layer({g.initializer("weight"), g.initializer("bias")});
       }},
      {"Dense",
       [](const Given& g) {
         return dense_layer({g.size("units", 1), g.initializer("weight"), g.initializer("bias")});
       }},
      {"RBF", &radial_basis_functions},
      {"Flatten", [](const Given&) { return flatten_layer(); }},
      {"ReLU", [](const Given&) { return relu_layer(); }},
      {"Tanh",
       [](const Given& g) {
         return tanh_layer(static_cast<float>(g.number("amplitude")),
                           static_cast<float>(g.number("slope")));
       }},
      {"LocalResponseNormalization", &normalization},
      {"Dropout", [](const Given& g) { return dropout_layer(g.number("rate")); }},
      {"Rescale",
       [](const Given& g) {
         return rescale_layer({static_cast<float>(g.number("low")),
                               static_cast<float>(g.number("high")), g.size("padding", 0)});
       }},
  };
  return all;
}

/// Error if an array of these sizes has more than 2^40 values, counted without overflow.
void check_values(const std::string& where, const std::string& what,
                  const std::vector<std::size_t>& sizes) {
  constexpr std::size_t most = std::size_t{1} << 40;
  std::size_t values = 1;
  for (const std::size_t size : sizes) {
    if (size != 0 && values > most / size) {
      throw Error(where, what + " of " + sizes_text(sizes), "at most 2^40 values");
    }
    values *= size;
  }
}

std::vector<std::size_t> sizes_of(std::size_t N, const FeatureShape& shape) {
  if (shape.flat) return {N, shape.channels};
  return {N, shape.height, shape.width, shape.channels};
}

/// A layer with its parameters, settled for one shape of input.
class BuiltLayer {
 public:
  /// `input` has three sizes, or one for a flat input; parameters are those of a layer called
  /// `name` in a model of this seed.
  BuiltLayer(const std::string& kind, const py::dict& options, const std::string& name,
             std::uint64_t seed, const std::vector<std::size_t>& input)
      : kind_(kind),
        input_(input.size() == 1 ? FeatureShape{1, 1, input.at(0), true}
                                 : FeatureShape{input.at(0), input.at(1), input.at(2)}),
        layer_(make_layer_for(kind, options, input_)),
        output_(layer_->build(input_)),
        specs_(layer_->parameters()),
        stream_(RandomStream(seed).child("layers").child(name)) {
    for (const ParameterSpec& spec : specs_) parameters_.resize(parameters_.size() + spec.size());
    const FloatEnvironment environment;
    const RandomStream stream = RandomStream(seed).child("parameters").child(name);
    for_each_parameter([&](const ParameterSpec& spec, std::size_t offset) {
      initialize(spec.initializer, spec.fans, stream.child(spec.name),
                 std::span(parameters_).subspan(offset, spec.size()));
    });
  }

  struct Call {
    bool training;
    std::uint64_t step, first_image;
    std::size_t threads;
  };

  [[nodiscard]] py::tuple output_sizes() const {
    const auto sizes = sizes_of(1, output_);
    return py::tuple(py::cast(std::vector<std::size_t>(sizes.begin() + 1, sizes.end())));
  }
  [[nodiscard]] std::string settings() const { return layer_->settings(); }

  [[nodiscard]] py::array forward(const py::object& x, const Call& call) const {
    const ArrayArgument<float> input = features("x", x, input_);
    const std::size_t N = input.sizes()[0];
    auto output = result_array<float>(kind_, sizes_of(N, output_));
    run_forward(call, N, input.data(), output.mutable_data());
    return output;
  }

  /// (grad_input, gradients of the parameters).
  [[nodiscard]] py::tuple backward(const py::object& grad_output, const py::object& x,
                                   const py::object& y, const Call& call) const {
    const ArrayArgument<float> input = features("x", x, input_);
    const ArrayArgument<float> grad = features("grad_output", grad_output, output_);
    const py::object given = y.is_none() ? py::object(forward(x, call)) : y;
    const ArrayArgument<float> output = features("output", given, output_);
    const std::size_t N = input.sizes()[0];
    grad.check_sizes(sizes_of(N, output_));
    output.check_sizes(sizes_of(N, output_));
    auto grad_input = result_array<float>(kind_, sizes_of(N, input_));
    float* const result = grad_input.mutable_data();
    std::vector<float> grads(parameters_.size());
    {
      const py::gil_scoped_release release;
      const FloatEnvironment environment;
      const Workspace workspace(*layer_, N, call.threads);
      layer_->backward(context(call, N, workspace), grad.data(), input.data(), output.data(),
                       parameters_.data(), result, grads.data());
    }
    return py::make_tuple(std::move(grad_input), arrays_of(grads));
  }

  [[nodiscard]] py::list parameters() const { return arrays_of(parameters_); }
  [[nodiscard]] std::vector<std::string> parameter_names() const {
    std::vector<std::string> names;
    for (const ParameterSpec& spec : specs_) names.push_back(spec.name);
    return names;
  }
  void set_parameters(const py::sequence& arrays) {
    if (arrays.size() != specs_.size()) {
      throw Error(kind_, std::to_string(arrays.size()) + " arrays",
                  std::to_string(specs_.size()) + ", one for each parameter");
    }
    std::vector<float> values(parameters_.size());
    std::size_t i = 0;
    for_each_parameter([&](const ParameterSpec& spec, std::size_t offset) {
      const ArrayArgument<float> array(kind_, spec.name, arrays[i++], join(spec.dimensions, ","));
      array.check_sizes(spec.shape);
      std::copy_n(array.data(), spec.size(), values.begin() + static_cast<std::ptrdiff_t>(offset));
    });
    parameters_ = std::move(values);
  }

 private:
  struct Workspace {
    Workspace(const Layer& layer, std::size_t N, std::size_t threads)
        : bytes(layer.workspace_bytes(N, threads)), memory(make_aligned_buffer<std::byte>(bytes)) {}
    std::size_t bytes;
    AlignedBuffer<std::byte> memory;
  };

  [[nodiscard]] LayerContext context(const Call& call, std::size_t N,
                                     const Workspace& workspace) const {
    LayerContext context;
    context.N = N;
    context.training = call.training;
    context.step = call.step;
    context.first_image = call.first_image;
    context.stream = stream_;
    context.workspace = {workspace.memory.get(), workspace.bytes};
    context.threads = call.threads;
    return context;
  }

  void run_forward(const Call& call, std::size_t N, const float* input, float* output) const {
    const py::gil_scoped_release release;
    const FloatEnvironment environment;
    const Workspace workspace(*layer_, N, call.threads);
    layer_->forward(context(call, N, workspace), input, parameters_.data(), output);
  }

  /// An array of such features for any number of images.
  [[nodiscard]] ArrayArgument<float> features(const char* name, const py::object& value,
                                              const FeatureShape& shape) const {
    ArrayArgument<float> array(kind_, name, value, shape.flat ? "N,C" : "N,H,W,C");
    array.check_sizes(sizes_of(array.sizes()[0], shape));
    return array;
  }

  template <class Use>
  void for_each_parameter(const Use& use) const {
    std::size_t offset = 0;
    for (const ParameterSpec& spec : specs_) {
      use(spec, offset);
      offset += spec.size();
    }
  }

  [[nodiscard]] py::list arrays_of(const std::vector<float>& values) const {
    py::list list;
    for_each_parameter([&](const ParameterSpec& spec, std::size_t offset) {
      py::array_t<float> array = result_array<float>(kind_, spec.shape);
      std::copy_n(values.data() + offset, spec.size(), array.mutable_data());
      list.append(array);
    });
    return list;
  }

  std::string kind_;
  FeatureShape input_;
  std::unique_ptr<Layer> layer_;
  FeatureShape output_;
  std::vector<ParameterSpec> specs_;
  RandomStream stream_;
  std::vector<float> parameters_;
};

BuiltLayer::Call call_argument(const std::string& where, const py::object& training,
                               const py::object& step, const py::object& first_image,
                               const py::object& threads) {
  return {flag_argument(where, "training", training), size_argument(where, "step", step, 0),
          size_argument(where, "first_image", first_image, 0), threads_argument(where, threads)};
}

}  // namespace

std::unique_ptr<Layer> make_layer(const std::string& kind, const py::dict& options) {
  const auto found = makers().find(kind);
  if (found == makers().end()) throw Error("layer", kind, "a class of reprise.layers");
  return found->second({kind, options});
}

std::unique_ptr<Layer> make_layer_for(const std::string& kind, const py::dict& options,
                                      const FeatureShape& input) {
  const auto probe = make_layer(kind, options);  // a layer is built once
  check_values(kind, "an output", sizes_of(1, probe->build(input)));
  for (const ParameterSpec& spec : probe->parameters()) check_values(kind, spec.name, spec.shape);
  return make_layer(kind, options);
}

void add_layers(py::module_& module) {
  py::class_<BuiltLayer>(module, "BuiltLayer", "A layer with its parameters.")
      .def(py::init<const std::string&, const py::dict&, const std::string&, std::uint64_t,
                    const std::vector<std::size_t>&>())
      .def("output_shape", &BuiltLayer::output_sizes)
      .def("settings", &BuiltLayer::settings)
      .def("forward",
           [](const BuiltLayer& layer, const py::object& x, const py::object& training,
              const py::object& step, const py::object& first_image, const py::object& threads) {
             return layer.forward(x,
                                  call_argument("forward", training, step, first_image, threads));
           })
      .def("backward",
           [](const BuiltLayer& layer, const py::object& grad_output, const py::object& x,
              const py::object& output, const py::object& training, const py::object& step,
              const py::object& first_image, const py::object& threads) {
             return layer.backward(grad_output, x, output,
                                   call_argument("backward", training, step, first_image, threads));
           })
      .def("parameters", &BuiltLayer::parameters)
      .def("parameter_names", &BuiltLayer::parameter_names)
      .def("set_parameters", &BuiltLayer::set_parameters);
  module.def("check_layer",
             [](const std::string& kind, const py::dict& options) { make_layer(kind, options); });
}

}  // namespace reprise::python
