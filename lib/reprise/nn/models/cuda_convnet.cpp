#include "reprise/nn/models/cuda_convnet.hpp"

#include <string_view>
#include <utility>

#include "reprise/core/error.hpp"
#include "reprise/nn/layers.hpp"
#include "reprise/nn/models/chain.hpp"

namespace reprise {
namespace {

std::string name_of(CudaConvnet network) {
  switch (network) {
    case CudaConvnet::seconds80:
      return "cuda_convnet_80sec";
    case CudaConvnet::percent19:
      return "cuda_convnet_19pct";
    case CudaConvnet::percent18:
      return "cuda_convnet_18pct";
    case CudaConvnet::percent13:
      return "cuda_convnet_13pct";
    case CudaConvnet::percent11:
      return "cuda_convnet_11pct";
  }
  return "";
}

void check_options(const std::string& model, const ModelOptions& given, const ModelOptions& own) {
  check_model_option(model, "activation", given.activation, {"relu", "tanh", "scaled_tanh"});
  check_model_option(model, "initializer", given.initializer,
                     {"cuda_convnet", "he_normal", "glorot_uniform"});
  std::vector<std::string> normalizations = {"none"};
  if (own.normalization != "none") normalizations.insert(normalizations.begin(), own.normalization);
  if (model == name_of(CudaConvnet::percent13)) normalizations.push_back("local_response");
  check_model_option(model, "normalization", given.normalization, normalizations);
  check_model_option(model, "pooling", given.pooling, {own.pooling});
  check_model_option(model, "pool_kernel", std::to_string(given.pool_kernel), {"2", "3"});
  check_model_option(model, "pool_rounding", given.pool_rounding, {"halve", "ceil"});  // the same
  check_dropout(model, given.dropout);
  if (!given.without.empty()) {
    throw Error("model " + model, "without \"" + given.without + "\"", "all layers");
  }
}

/// Appends layers, numbered by kind as their files number them.
class Builder {
 public:
  Builder(std::string name, const FeatureShape& image, const ModelOptions& options,
          const ConvAlgorithm& algorithm)
      : model_(std::move(name), image), options_(options), algorithm_(algorithm) {}

  Builder& convolution(std::size_t filters, double deviation) {
    Conv2dLayerOptions options;
    options.filters = filters;
    options.kernel = {5, 5};
    options.convolution.padding = Padding2d::same();
    options.weight = weights(deviation);
    return add("conv", ++weighed_, conv2d_layer(options, algorithm_));
  }
  Builder& local(std::size_t filters) {
    LocallyConnectedLayerOptions options;
    options.filters = filters;
    options.padding = Padding2d::same();
    options.weight = weights(0.04);
    return add("local", ++weighed_, locally_connected_layer(options));
  }
  Builder& dense(std::size_t units, double deviation) {
    return add("dense", ++dense_, dense_layer({units, weights(deviation), {}}));
  }
  /// The dense layer of the logits, behind the dropout.
  Builder& output(std::size_t classes, double deviation) {
    if (options_.dropout != 0.0) add("dropout", dense_ + 1, dropout_layer(options_.dropout));
    return dense(classes, deviation);
  }
  Builder& activation() {
    const std::size_t number = ++activations_;
    if (options_.activation == "relu") return add("relu", number, relu_layer());
    if (options_.activation == "tanh") return add("tanh", number, tanh_layer());
    return add("scaled_tanh", number, tanh_layer(1.7159F, 2.0F / 3.0F));
  }
  Builder& pooling(PoolMode mode) {
    return add("pool", ++pools_, pool2d_layer(pooling_window(options_, mode)));
  }
  /// The files give `scale`, which the program divided by the number of neighbours.
  Builder& normalization(bool within_maps, std::size_t size, double scale) {
    if (options_.normalization == "none") return *this;
    const std::size_t neighbours = within_maps ? size * size : size;
    LocalResponseNormalizationOptions options;
    options.k = 1.0;
    options.n = size;
    options.alpha = scale / static_cast<double>(neighbours);
    options.within_maps = within_maps;
    return add("norm", ++normalizations_, local_response_normalization_layer(options));
  }
  Builder& flatten() {
    model_.add("flatten", flatten_layer());
    return *this;
  }
  Sequential take() { return std::move(model_); }

 private:
  Builder& add(const std::string& kind, std::size_t number, std::unique_ptr<Layer> layer) {
    model_.add(kind + std::to_string(number), std::move(layer));
    return *this;
  }
  [[nodiscard]] Initializer weights(double deviation) const {
    if (options_.initializer == "he_normal") return {InitializerKind::he_normal, 0.0};
    if (options_.initializer == "glorot_uniform") return {InitializerKind::glorot_uniform, 0.0};
    return {InitializerKind::normal, deviation};
  }

  Sequential model_;
  ModelOptions options_;
  const ConvAlgorithm& algorithm_;
  std::size_t weighed_ = 0, dense_ = 0, activations_ = 0, pools_ = 0, normalizations_ = 0;
};

/// 80sec, 19pct and 18pct.
void add_convolutions(bool normalized, Builder& builder) {
  builder.convolution(32, 1e-4).pooling(PoolMode::max).activation();
  if (normalized) builder.normalization(true, 3, 5e-5);
  builder.convolution(32, 0.01).activation().pooling(PoolMode::average);
  if (normalized) builder.normalization(true, 3, 5e-5);
  builder.convolution(64, 0.01).activation().pooling(PoolMode::average).flatten();
}

/// 13pct and 11pct, which has more maps in the first local layer and, as published, normalizes.
void add_local_layers(bool eleven, Builder& builder) {
  builder.convolution(64, 1e-4).activation().pooling(PoolMode::max).normalization(false, 9, 0.001);
  builder.convolution(64, 0.01).activation().normalization(false, 9, 0.001);
  builder.pooling(PoolMode::max)
      .local(eleven ? 64 : 32)
      .activation()
      .local(32)
      .activation()
      .flatten();
}

}  // namespace

ModelOptions cuda_convnet_options(CudaConvnet network) {
  ModelOptions options;
  options.initializer = "cuda_convnet";
  options.pool_kernel = 3;
  const bool local = network == CudaConvnet::percent13 || network == CudaConvnet::percent11;
  options.pooling = local ? "max" : "max, average, average";
  if (network == CudaConvnet::percent18) options.normalization = "within_maps";
  if (network == CudaConvnet::percent11) options.normalization = "local_response";
  return options;
}

Sequential cuda_convnet(CudaConvnet network, const FeatureShape& image, std::size_t classes,
                        const ConvAlgorithm& algorithm, const ModelOptions& options) {
  const std::string name = name_of(network);
  check_options(name, options, cuda_convnet_options(network));
  Builder builder(name, image, options, algorithm);
  switch (network) {
    case CudaConvnet::seconds80:
      add_convolutions(false, builder);
      return builder.dense(64, 0.1).activation().output(classes, 0.1).take();
    case CudaConvnet::percent19:
    case CudaConvnet::percent18:
      add_convolutions(network == CudaConvnet::percent18, builder);
      return builder.output(classes, 0.01).take();
    case CudaConvnet::percent13:
    case CudaConvnet::percent11:
      add_local_layers(network == CudaConvnet::percent11, builder);
      return builder.output(classes, 0.01).take();
  }
  return builder.take();
}

}  // namespace reprise
