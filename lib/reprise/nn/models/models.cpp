#include "reprise/nn/models/models.hpp"

#include <functional>
#include <type_traits>

#include "reprise/core/error.hpp"
#include "reprise/nn/models/alexnet.hpp"
#include "reprise/nn/models/cuda_convnet.hpp"
#include "reprise/nn/models/four_layer_cnn.hpp"
#include "reprise/nn/models/lenet5.hpp"
#include "reprise/nn/models/lenet5_1998.hpp"

namespace reprise {
namespace {

struct Model {
  std::string name;
  ModelOptions own;  ///< default_model_options
  bool has_width;    ///< honours ModelOptions::width
  bool has_other_options;
  std::function<Sequential(const FeatureShape& image, std::size_t classes,
                           const ConvAlgorithm& algorithm, const ModelOptions& options)>
      make;
};

/// What the paper has, in words that records can keep.
ModelOptions lenet5_1998_options() {
  ModelOptions options;
  options.activation = "scaled_tanh";
  options.pooling = "subsampling";
  options.initializer = "fan_in_uniform";
  return options;
}

Model cuda_convnet_model(const std::string& name, CudaConvnet network) {
  return {name, cuda_convnet_options(network), false, true,
          [network](const FeatureShape& image, std::size_t classes, const ConvAlgorithm& algorithm,
                    const ModelOptions& options) {
            return cuda_convnet(network, image, classes, algorithm, options);
          }};
}

const std::vector<Model>& models() {
  static const std::vector<Model> all = {
      {"lenet5", {}, false, true, lenet5},
      {"lenet5_1998", lenet5_1998_options(), false, false,
       [](const FeatureShape& image, std::size_t classes, const ConvAlgorithm& algorithm,
          const ModelOptions&) { return lenet5_1998(image, classes, algorithm); }},
      {"four_layer_cnn", {}, true, true, four_layer_cnn},
      {"alexnet", alexnet_options(), false, true, alexnet},
      {"alexnet_as_coded", alexnet_as_coded_options(), false, false,
       [](const FeatureShape& image, std::size_t classes, const ConvAlgorithm& algorithm,
          const ModelOptions&) { return alexnet_as_coded(image, classes, algorithm); }},
      cuda_convnet_model("cuda_convnet_80sec", CudaConvnet::seconds80),
      cuda_convnet_model("cuda_convnet_19pct", CudaConvnet::percent19),
      cuda_convnet_model("cuda_convnet_18pct", CudaConvnet::percent18),
      cuda_convnet_model("cuda_convnet_13pct", CudaConvnet::percent13),
      cuda_convnet_model("cuda_convnet_11pct", CudaConvnet::percent11),
  };
  return all;
}

const Model& find_model(std::string_view name) {
  for (const Model& model : models()) {
    if (model.name == name) return model;
  }
  throw Error("model", "\"" + std::string(name) + "\"", join(model_names()));
}

/// Error unless the two options are equal.
template <class Value>
void check_own(const Model& model, const char* option, const Value& given, const Value& own) {
  if (given == own) return;
  const auto text = [](const auto& value) {
    if constexpr (std::is_arithmetic_v<Value>) {
      return std::to_string(value);
    } else {
      return "\"" + value + "\"";
    }
  };
  throw Error("model " + model.name, option + (" " + text(given)),
              text(own) + ", as this model has no such choice");
}

void check_choices(const Model& model, const ModelOptions& given) {
  const ModelOptions& own = model.own;
  if (!model.has_width) check_own(model, "width", given.width, own.width);
  if (model.has_other_options) return;
  check_own(model, "activation", given.activation, own.activation);
  check_own(model, "pooling", given.pooling, own.pooling);
  check_own(model, "pool_kernel", given.pool_kernel, own.pool_kernel);
  check_own(model, "pool_rounding", given.pool_rounding, own.pool_rounding);
  check_own(model, "normalization", given.normalization, own.normalization);
  check_own(model, "dropout", given.dropout, own.dropout);
  check_own(model, "initializer", given.initializer, own.initializer);
  check_own(model, "without", given.without, own.without);
}

}  // namespace

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const Model& model : models()) names.push_back(model.name);
  return names;
}

ModelOptions default_model_options(std::string_view name) {
  return find_model(name).own;
}

Sequential make_model(std::string_view name, const FeatureShape& image, std::size_t classes,
                      const ModelOptions& options, const ConvAlgorithm& algorithm) {
  const Model& model = find_model(name);
  check_choices(model, options);
  return model.make(image, classes, algorithm, options);
}

}  // namespace reprise
