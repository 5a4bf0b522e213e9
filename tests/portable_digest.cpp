// Prints the digest of what the portable core computes, which is the same on every machine, with
// any vector instructions, number of threads, compiler and level of optimization.
//
// Needs no more than the portable core, so that it can be built for any machine (check_digests).
// Two of them, of any builds, train as two ranks, whose messages go through MPI or, where there is
// none, through named pipes, and print it both.
#include <fcntl.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "reprise/conv/conv2d.hpp"
#include "reprise/conv/conv_workspace.hpp"
#include "reprise/core/command_line.hpp"
#include "reprise/core/digest.hpp"
#include "reprise/core/error.hpp"
#include "reprise/data/augmentation.hpp"
#include "reprise/data/batches.hpp"
#include "reprise/linalg/gemm.hpp"
#include "reprise/linalg/math.hpp"
#include "reprise/linalg/simd.hpp"
#include "reprise/nn/batch_gradient.hpp"
#include "reprise/nn/layers.hpp"
#include "reprise/nn/losses.hpp"
#include "reprise/nn/models/lenet5.hpp"
#include "reprise/nn/models/models.hpp"
#include "reprise/nn/optimizers.hpp"
#include "reprise/pool/pool2d.hpp"
#include "reprise/run/joined_ranks.hpp"
#include "reprise/run/ranked_gradient.hpp"
#include "support/stream_ranks.hpp"

namespace reprise {
namespace {

struct Options {
  std::size_t threads = 1;
  std::string simd = "best";
  std::string data = REPRISE_FIXTURES "/fashion-mnist";
  bool verbose = false;
  bool list_simd = false;
  bool by_mpi = false;  ///< it is one of the ranks that a launcher started
  std::int64_t rank = 0;
  std::string pipes;  ///< to and from the other rank: PIPES.0, which rank 0 writes, and PIPES.1
};

/// The digest of all parts, in the order in which they come.
class Parts {
 public:
  explicit Parts(bool verbose) : verbose_(verbose) {}

  void add(const std::string& name, Sha256& values) {
    const std::string hex = values.finish_hex();
    all_.update_text(name);
    all_.update_text(hex);
    if (verbose_) std::printf("%s %s\n", hex.c_str(), name.c_str());
  }
  void add(const std::string& name, std::span<const float> values) {
    Sha256 hash;
    hash.update_floats(values);
    add(name, hash);
  }
  std::string finish_hex() { return all_.finish_hex(); }

 private:
  bool verbose_;
  Sha256 all_;
};

/// Uniform in [-1, 1), with some of what is special among them: both zeros, subnormal numbers, and
/// pairs of equals.
std::vector<float> random_floats(std::size_t count, std::string_view name) {
  constexpr std::array special{0.0F, -0.0F, 1e-40F, -3e-39F, 0.5F, 0.5F};
  const RandomStream stream = RandomStream(1).child(name);
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = static_cast<float>(2.0 * stream.uniform(i) - 1.0);
    if (i % 17 == 16) values[i] = special[stream.below(special.size(), count + i)];
  }
  return values;
}

void add_random(Parts& parts) {
  const RandomStream stream = RandomStream(7).child("layer").child(3);
  Sha256 hash;
  for (const std::uint32_t index : stream.permutation(1000)) hash.update_u64(index);
  for (std::uint64_t i = 0; i < 100; ++i) {
    hash.update_u64(stream.bits64(i << 30));
    hash.update_u64(stream.below(1000 + i, i));
  }
  parts.add("random numbers", hash);

  for (const auto& [name, initializer] :
       {std::pair{"normal", Initializer{InitializerKind::normal, 0.01}},
        std::pair{"he_normal", Initializer{InitializerKind::he_normal, 0.0}},
        std::pair{"glorot_uniform", Initializer{InitializerKind::glorot_uniform, 0.0}},
        std::pair{"fan_in_uniform", Initializer{InitializerKind::fan_in_uniform, 2.4}}}) {
    std::vector<float> values(1003);
    initialize(initializer, {75, 48}, stream, values);
    parts.add(std::string("initializer ") + name, values);
  }
}

/// Finite numbers of all magnitudes, positive and negative, and infinity.
std::vector<float> all_magnitudes(std::size_t count) {
  const RandomStream stream = RandomStream(1).child("magnitudes");
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t bits = stream.words(i)[0];
    std::memcpy(&values[i], &bits, sizeof bits);
    const bool finite = values[i] - values[i] == 0.0F;
    if (!finite) values[i] = i % 2 == 0 ? std::numeric_limits<float>::infinity() : -1.0F;
  }
  return values;
}

void add_math(Parts& parts) {
  std::vector<float> values = all_magnitudes(2001);
  const std::vector<float> moderate = random_floats(2001, "math");
  for (const float value : moderate) values.push_back(20.0F * value);
  values.insert(values.end(), {0.0F, -0.0F, -std::numeric_limits<float>::infinity(),
                               std::numeric_limits<float>::quiet_NaN()});
  std::vector<float> results(values.size());
  exp(values.size(), values.data(), results.data());
  parts.add("exp", results);
  tanh(values.size(), values.data(), results.data());
  parts.add("tanh", results);

  std::vector<double> wide;
  for (const float value : values) {
    wide.push_back(static_cast<double>(value) * (1.0 + 0x1p-40));
  }
  log(values.size(), values.data(), results.data());
  parts.add("log", results);
  for (const float beta : {0.5F, 0.6F, 0.75F, 1.0F}) {
    inverse_power(values.size(), beta, values.data(), results.data());
    parts.add("power -" + std::to_string(beta), results);
  }
  log(wide.size(), wide.data(), wide.data());
  Sha256 hash;
  hash.update_doubles(wide);
  parts.add("log, double", hash);
}

/// Sizes that cross every block: of rows, of columns, of depth.
void add_matrix_products(Parts& parts, std::size_t threads) {
  for (const auto& [M, N, K] : std::vector<std::array<std::size_t, 3>>{
           {1, 1, 1}, {7, 5, 3}, {350, 21, 6}, {5, 2100, 9}, {31, 33, 800}, {3, 4, 0}}) {
    const auto a = random_floats(M * K, "a");
    const auto b = random_floats(K * N, "b");
    auto c = random_floats(M * N, "c");
    Sha256 hash;
    gemm(M, N, K, {a.data(), K, 1}, {b.data(), N, 1}, c.data(), N, true, threads);
    hash.update_floats(c);
    gemm(M, N, K, {a.data(), 1, M}, {b.data(), 1, K}, c.data(), N, false, threads);
    hash.update_floats(c);
    parts.add("matrix product " + sizes_text(std::array{M, N, K}), hash);
  }
}

void add_loss(Parts& parts) {
  constexpr std::size_t N = 131, classes = 11;
  std::vector<float> logits = random_floats(N * classes, "logits");
  std::vector<std::uint8_t> labels(N);
  for (std::size_t n = 0; n < N; ++n) {
    labels[n] = static_cast<std::uint8_t>(n % classes);
    for (std::size_t c = 0; c < classes; ++c) logits[n * classes + c] *= static_cast<float>(n);
  }
  std::vector<float> probabilities(N * classes), losses(N);
  softmax_cross_entropy_forward(N, classes, logits.data(), labels.data(), probabilities.data(),
                                losses.data());
  parts.add("softmax", probabilities);
  parts.add("cross-entropy", losses);
  softmax_cross_entropy_backward(N, classes, probabilities.data(), labels.data(), 1.0F / N,
                                 logits.data());
  parts.add("gradient of the loss", logits);
}

/// A layer by itself, forward and backward, on 5 images.
void add_layer(Parts& parts, const std::string& name, std::unique_ptr<Layer> layer,
               const FeatureShape& input_shape, std::size_t threads) {
  const FeatureShape output_shape = layer->build(input_shape);
  std::size_t parameter_count = 0;
  for (const ParameterSpec& spec : layer->parameters()) parameter_count += spec.size();
  LayerContext context;
  context.N = 5;
  context.training = true;
  context.step = 2;
  context.first_image = 16;
  context.stream = RandomStream(1).child(name);
  context.threads = threads;
  ConvWorkspace workspace;
  context.workspace = workspace.require(layer->workspace_bytes(context.N, threads), name);

  const auto input = random_floats(context.N * input_shape.size(), "input");
  const auto parameters = random_floats(parameter_count, "parameters");
  const auto grad_output = random_floats(context.N * output_shape.size(), "grad_output");
  std::vector<float> output(grad_output.size());
  std::vector<float> grad_input(input.size());
  std::vector<float> grad_parameters(parameters.size());
  layer->forward(context, input.data(), parameters.data(), output.data());
  layer->backward(context, grad_output.data(), input.data(), output.data(), parameters.data(),
                  grad_input.data(), grad_parameters.data());
  Sha256 hash;
  hash.update_floats(output);
  hash.update_floats(grad_input);
  hash.update_floats(grad_parameters);
  parts.add("layer " + name, hash);
}

void add_layers(Parts& parts, std::size_t threads) {
  const FeatureShape image{7, 9, 5};
  const FeatureShape flat{1, 1, 301, true};
  add_layer(parts, "relu", relu_layer(), image, threads);
  add_layer(parts, "tanh", tanh_layer(1.7159F, 2.0F / 3.0F), image, threads);
  DenseLayerOptions dense;
  dense.units = 203;
  add_layer(parts, "dense", dense_layer(dense), flat, threads);
  Conv2dLayerOptions convolution;
  convolution.filters = 6;
  convolution.convolution.padding = Padding2d::same();
  convolution.convolution.stride = {2, 1};
  add_layer(parts, "conv2d", conv2d_layer(convolution), image, threads);
  const FeatureShape channels{3, 5, 37};
  add_layer(parts, "scaled tanh, 37 channels", tanh_layer(1.7159F, 2.0F / 3.0F), channels, threads);
  add_layer(parts, "response normalization", local_response_normalization_layer(), channels,
            threads);
  add_layer(parts, "response normalization, other options",
            local_response_normalization_layer({1.0, 3, 0.5, 0.6}), image, threads);
  add_layer(parts, "dropout", dropout_layer(0.3), channels, threads);
  add_layer(parts, "rescale", rescale_layer({-0.1F, 1.175F, 2}), image, threads);
  add_layer(parts, "subsampling", subsampling_layer(), image, threads);
  add_layer(parts, "subsampling, sums of runs", subsampling_layer(), {130, 131, 2}, threads);
  PartialConv2dLayerOptions partial;
  partial.connections = {{0, 2}, {1, 4}, {0, 1, 3}, {0, 1, 2, 3, 4}};
  add_layer(parts, "partial conv2d", partial_conv2d_layer(partial), image, threads);
  std::vector<std::vector<float>> codes;
  for (const char* name : {"a", "b", "c"}) codes.push_back(random_floats(flat.channels, name));
  add_layer(parts, "rbf", rbf_layer(codes), flat, threads);
}

/// A pooling and its gradient.
void add_pooling(Parts& parts, const std::string& name, const Pool2dOptions& options,
                 const Tensor<4>& input) {
  Tensor<4> output = pool2d_forward(input, options);
  Sha256 hash;
  hash.update_floats({output.data(), output.size()});
  const auto grad = random_floats(output.size(), "grad_output");
  std::copy(grad.begin(), grad.end(), output.data());
  const Tensor<4> grad_input = pool2d_backward(output, input, options);
  hash.update_floats({grad_input.data(), grad_input.size()});
  parts.add("pooling " + name, hash);
}

void add_poolings(Parts& parts, const std::string& name, const Tensor<4>& input) {
  Pool2dOptions options;
  add_pooling(parts, name + "max 2x2", options, input);
  options.kernel = {3, 3};
  add_pooling(parts, name + "max 3x3, stride 2", options, input);
  options.ties = MaxTies::all;
  options.padding = Padding2d::same();
  options.rounding = Rounding::ceil;
  add_pooling(parts, name + "max, all ties, padding", options, input);
  options.mode = PoolMode::average;
  add_pooling(parts, name + "average, padding", options, input);
  options.count_include_padding = true;
  options.kernel = {3, 5};
  add_pooling(parts, name + "average, counted padding", options, input);
}

void add_poolings(Parts& parts) {
  // Few different values, so that maxima tie.
  const auto tied = [](const std::array<std::size_t, 4>& sizes) {
    Tensor<4> input = make_tensor<4>(sizes);
    const auto values = random_floats(input.size(), "input");
    for (std::size_t i = 0; i < input.size(); ++i) {
      input.data()[i] =
          i % 3 == 0 ? values[i] : static_cast<float>(static_cast<int>(3 * values[i]));
    }
    return input;
  };
  add_poolings(parts, "", tied({3, 11, 8, 5}));
  Tensor<4> special = tied({2, 7, 10, 37});
  const RandomStream stream = RandomStream(1).child("special");
  for (std::size_t i = 0; i < special.size(); ++i) {
    // Some windows are all -inf, some have a NaN or more.
    const std::uint64_t draw = stream.below(20, i);
    if (draw < 12) special.data()[i] = -std::numeric_limits<float>::infinity();
    if (draw == 12) special.data()[i] = std::numeric_limits<float>::quiet_NaN();
    if (draw == 13) special.data()[i] = std::numeric_limits<float>::infinity();
  }
  add_poolings(parts, "of NaN and infinities, ", special);

  const Tensor<4> large = tied({1, 211, 190, 3});
  Pool2dOptions average;
  average.mode = PoolMode::average;
  average.stride = {1, 60};
  average.kernel = {211, 70};
  add_pooling(parts, "average of one run", average, large);
  average.kernel = {211, 130};
  add_pooling(parts, "average of runs", average, large);
}

/// Odd sizes, strides, dilations, groups, both sides of every block and tile.
constexpr std::array kConvShapes{
    "mb2ic3ih9iw11oc4kh3kw2n\"plain\"",
    "mb3ic1ih28oc6kh5ph2n\"lenet5_conv1\"",
    "mb3ic6ih14oc16kh5n\"lenet5_conv2\"",
    "mb1ic3ih35iw31oc17kh11sh4ph2kw11sw4pw2n\"alexnet_conv1\"",
    "g2mb2ic10ih13iw7oc14kh5ph2kw5pw2n\"alexnet_conv2\"",
    "mb2ic13ih12iw9oc11kh3ph1kw3pw1n\"same_3x3\"",
    "mb2ic16ih15iw17oc16kh3ph1kw3pw1n\"winograd_3x3\"",
    "mb1ic5ih10iw12oc3kh3sh4sw3ph1pw2kw3n\"stride_leaves_remainder\"",
    "mb2ic3ih16oc4kh7sh3ph2n\"stride3_kernel7\"",
    "mb1ic2ih13iw10oc5kh4kw3sh2ph2pw3dw1sw2n\"all_different\"",
    "mb2ic6ih17iw14oc5kh3ph1sh2dh1kw3sw2pw1dw1n\"stride2_dilation2\"",
    "mb1ic4ih21oc3kh3dh3ph4n\"dilation4\"",
    "g6mb2ic6ih11oc6kh3ph1n\"depthwise\"",
    "g21mb2ic21ih9iw10oc21kh3ph1kw3pw1n\"depthwise_in_vectors\"",
    "mb2ic3ih11iw9oc30kh3ph1sh2kw3sw2pw1n\"first_layer\"",
    "g3mb2ic9ih8iw9oc6kh2sh3ph1kw2sw3pw1n\"grouped_even_kernel\"",
    "mb5ic40ih4iw5oc33kh1kw1n\"kernel1\"",
    "mb2ic3ih5iw6oc4kh1ph1sh2kw1sw2pw1n\"kernel1_padding_stride\"",
    "mb2ic3ih3iw2oc4kh5ph2kw5pw2n\"kernel_larger_than_input\"",
    "mb2ic3ih5iw4oc4kh5kw4n\"kernel_as_input\"",
    "mb1ic130ih4iw5oc37kh3ph1kw3pw1n\"deep\"",
    "mb1ic2ih3iw4oc530kh1kw1n\"wide\"",
    "mb9ic3ih33iw29oc5kh3ph1kw3pw1n\"many_positions\"",
    "mb0ic3ih6iw5oc4kh3kw3n\"no_images\"",
    // Sums of more than one run over positions, pixels or images:
    "mb3ic2ih80iw75oc4kh3ph1kw3pw1n\"runs\"",
    "mb1ic2ih181iw183oc17kh3ph1kw3pw1n\"runs_in_an_image\"",
    "g9mb2ic9ih95iw97oc9kh3ph1kw3pw1n\"runs_depthwise\"",
    "mb16390ic1ih1oc2kh1n\"runs_of_images\"",
};

/// The operands of a convolution's passes.
struct Operands {
  explicit Operands(const ConvShape& s)
      : input(random_floats(s.input_size(), "input")),
        weight(random_floats(s.weight_size(), "weight")),
        bias(random_floats(s.OC, "bias")),
        grad_output(random_floats(s.output_size(), "grad_output")) {}
  std::vector<float> input, weight, bias, grad_output;
};

/// The pass's result, in memory that was not zero.
std::vector<float> run_pass(const ConvAlgorithm& algorithm, const ConvShape& s, ConvPass pass,
                            const Operands& given, std::size_t threads) {
  ConvWorkspace workspace;
  const ConvResources resources{
      workspace.require(algorithm.workspace_bytes(s, pass, threads), "portable_digest"), threads};
  const std::size_t size = pass == ConvPass::forward      ? s.output_size()
                           : pass == ConvPass::grad_input ? s.input_size()
                                                          : s.weight_size();
  std::vector<float> result(size, 1e30F);
  switch (pass) {
    case ConvPass::forward:
      algorithm.forward(s, given.input.data(), given.weight.data(), given.bias.data(),
                        result.data(), resources);
      break;
    case ConvPass::grad_input:
      algorithm.grad_input(s, given.grad_output.data(), given.weight.data(), result.data(),
                           resources);
      break;
    case ConvPass::grad_weight:
      algorithm.grad_weight(s, given.grad_output.data(), given.input.data(), result.data(),
                            resources);
      break;
  }
  return result;
}

/// Each pass by each portable algorithm that offers it, and which one "auto" takes.
void add_convolutions(Parts& parts, std::size_t threads) {
  for (const char* line : kConvShapes) {
    const ConvShape s = parse_conv_shape(line);
    const Operands given(s);
    for (const ConvPass pass : kConvPasses) {
      const std::string what = std::string(name_of(pass)) + " " + s.name + " ";
      for (const ConvAlgorithm* algorithm : conv_algorithms()) {
        if (algorithm->reproducibility != Reproducibility::portable) continue;
        if (!algorithm->unsupported(s, pass).empty()) continue;
        parts.add(what + std::string(algorithm->name),
                  run_pass(*algorithm, s, pass, given, threads));
      }
      Sha256 hash;
      hash.update_text(resolve(auto_conv_algorithm(), s, pass).name);
      parts.add(what + "auto", hash);
    }
    std::vector<float> grad_bias(s.OC);
    conv2d_grad_bias(s, given.grad_output.data(), grad_bias.data());
    parts.add("grad_bias " + s.name, grad_bias);
  }
}

/// Images of the data set, changed at random; and the same pixels taken as three channels.
void add_augmentations(Parts& parts, const ImageDataset& data) {
  AugmentationOptions options;
  options.random_shift = 3;
  const auto add = [&](const std::string& name, const ImageSet& set) {
    const Augmentation augmentation(options, set, RandomStream(1).child("augmentation"));
    const std::vector<std::uint32_t> indices{7, 0, 311, 12, 7, 99};
    std::vector<float> images(indices.size() * set.image_size());
    Sha256 hash;
    for (const std::uint64_t epoch : {0, 5}) {
      augmentation.gather(set, indices, epoch, images.data());
      hash.update_floats(images);
    }
    parts.add("augmentation " + name, hash);
  };
  add("shift", data.train);
  options.horizontal_flip = true;
  options.distortion = 0.15;
  add("shift, reflection, distortion", data.train);
  ImageSet coloured = data.train;
  coloured.width /= 4;
  coloured.channels = 3;
  coloured.count = coloured.pixels.size() / coloured.image_size();
  options.pca_color_noise = 0.1;
  add("colours", coloured);
  std::vector<float> view(2 * data.train.image_size());
  gather_view(data.train, std::vector<std::uint32_t>{3, 8}, -2, 3, true, view.data());
  parts.add("augmentation view", view);
}

/// A LeNet-5 in training on the first images of the fixture.
class Training {
 public:
  Training(const ImageDataset& data, std::size_t threads, Ranks& ranks)
      : data_(data),
        threads_(threads),
        model_(lenet5({data.train.height, data.train.width, data.train.channels},
                      data.class_names.size(), conv_algorithm("direct"))),
        gradient_(model_, kBatch, kBlock, threads, stream_.child("layers")),
        ranked_gradient_(ranks, gradient_, model_.parameters().size()) {
    model_.initialize(stream_.child("parameters"));
  }

  void add_parameters(Parts& parts, const std::string& when) const {
    parts.add("lenet5 parameters " + when, model_.parameters());
  }

  /// One pass over the images, the last batch and its last block smaller than the others.
  void add_epoch(Parts& parts, const std::string& name, const OptimizerOptions& options,
                 OptimizerState& optimizer, double learning_rate) {
    const std::vector<std::uint32_t> order =
        epoch_order(stream_.child("order"), optimizer.steps, kImages);
    std::vector<double> losses;
    for (std::size_t first = 0; first < kImages; first += kBatch) {
      const std::size_t N = std::min(kBatch, kImages - first);
      const auto source = [&](std::size_t begin, std::size_t count, float* images,
                              std::uint8_t* labels) {
        const std::span<const std::uint32_t> block(order.data() + first + begin, count);
        gather_images(data_.train, block, images);
        gather_labels(data_.train, block, labels);
      };
      const auto totals = ranked_gradient_.run(N, optimizer.steps, source, threads_, false).totals;
      losses.push_back(totals.loss);
      losses.push_back(static_cast<double>(totals.errors));
      optimizer_step(options, optimizer, learning_rate, model_.parameters(), gradient_.gradients());
    }
    Sha256 hash;
    hash.update_doubles(losses);
    parts.add("lenet5 losses " + name, hash);
    add_parameters(parts, "after " + name);
  }

  void add_logits(Parts& parts) const {
    std::vector<std::uint32_t> indices(kTestImages);
    for (std::uint32_t i = 0; i < kTestImages; ++i) indices[i] = i;
    Tensor<4> images =
        make_tensor<4>({kTestImages, data_.test.height, data_.test.width, data_.test.channels});
    gather_images(data_.test, indices, images.data());
    const Tensor<4> logits = model_.predict(images, threads_);
    parts.add("lenet5 logits", {logits.data(), logits.size()});
  }

  [[nodiscard]] std::size_t parameter_count() const { return model_.parameters().size(); }

 private:
  static constexpr std::size_t kImages = 250, kTestImages = 100, kBatch = 64, kBlock = 16;

  const ImageDataset& data_;
  std::size_t threads_;
  RandomStream stream_{1};
  Sequential model_;
  BatchGradient gradient_;
  RankedGradient ranked_gradient_;
};

void add_training(Parts& parts, const Options& options, Ranks& ranks) {
  const ImageDataset data = load_dataset(options.data);
  add_augmentations(parts, data);
  Training training(data, options.threads, ranks);
  training.add_parameters(parts, "at the start");
  OptimizerOptions adam;
  OptimizerState adam_state = make_optimizer_state(adam, training.parameter_count());
  training.add_epoch(parts, "Adam, epoch 1", adam, adam_state, 0.001);
  training.add_epoch(parts, "Adam, epoch 2", adam, adam_state, 0.001);
  OptimizerOptions sgd;
  sgd.kind = OptimizerKind::sgd;
  sgd.momentum = 0.9;
  sgd.weight_decay = 0.0005;
  OptimizerState sgd_state = make_optimizer_state(sgd, training.parameter_count());
  training.add_epoch(parts, "SGD", sgd, sgd_state, 0.01);
  training.add_logits(parts);
}

/// The gradient of a model on the first images of the fixture, dropout and all.
void add_model(Parts& parts, const std::string& name, const ModelOptions& options,
               const ImageDataset& data, std::size_t threads, Ranks& ranks) {
  const ImageSet& set = data.train;
  Sequential model = make_model(name, {set.height, set.width, set.channels},
                                data.class_names.size(), options, conv_algorithm("direct"));
  model.initialize(RandomStream(1).child("parameters"));
  BatchGradient gradient(model, 20, 8, threads, RandomStream(1).child("layers"));
  const auto source = [&](std::size_t first, std::size_t count, float* images, std::uint8_t* to) {
    std::vector<std::uint32_t> indices(count);
    for (std::size_t i = 0; i < count; ++i) indices[i] = static_cast<std::uint32_t>(first + i);
    gather_images(set, indices, images);
    gather_labels(set, indices, to);
  };
  RankedGradient(ranks, gradient, model.parameters().size()).run(20, 3, source, threads, false);
  parts.add("gradient of " + model.name(), std::as_const(gradient).gradients());
}

void add_models(Parts& parts, const Options& options, Ranks& ranks) {
  const ImageDataset data = load_dataset(options.data);
  add_model(parts, "lenet5_1998", default_model_options("lenet5_1998"), data, options.threads,
            ranks);
  ModelOptions all;
  all.activation = "tanh";
  all.pool_kernel = 3;
  all.normalization = "local_response";
  all.dropout = 0.5;
  all.initializer = "glorot_uniform";
  add_model(parts, "four_layer_cnn", all, data, options.threads, ranks);
}

/// nullopt if --help was asked for.
std::optional<Options> parse(int argc, const char* const* argv) {
  Options options;
  CommandLine line("portable_digest", "Prints the digest of what the portable core computes.");
  line.add_size("--threads", options.threads, {1, 1024}, "changes the speed, not the digest");
  line.add_text("--simd", options.simd, "vector instructions, best or one that --list-simd names");
  line.add_text("--data", options.data, "folder with MNIST's or the like's IDX files");
  line.add_flag("--verbose", options.verbose, "also the digest of each part");
  line.add_flag("--list-simd", options.list_simd,
                "the vector instructions of this machine instead, best first, one a line");
  line.add_flag("--mpi", options.by_mpi, "train as one of the ranks that mpirun started");
  line.add_text(
      "--pipes", options.pipes,
      "train as one of two ranks, by named pipes PIPES.0, which rank 0 writes, and PIPES.1");
  line.add_integer("--rank", options.rank, {0, 1}, "which of them");
  line.set_footer("Example:\n  portable_digest --threads 2");
  if (!line.parse(argc, argv)) return std::nullopt;
  as_usage([&] { select_simd_target(options.simd); });
  return options;
}

/// A named pipe, once the other rank opens it too.
int opened(const std::string& path, int mode) {
  const int descriptor = open(path.c_str(), mode | O_CLOEXEC);
  if (descriptor < 0) throw Error(path, "cannot be opened", "a named pipe");
  return descriptor;
}

/// The two ranks open each pipe together.
std::unique_ptr<Ranks> other_rank(const Options& options) {
  const bool first = options.rank == 0;
  const int from_first = opened(options.pipes + ".0", first ? O_WRONLY : O_RDONLY);
  const int from_second = opened(options.pipes + ".1", first ? O_RDONLY : O_WRONLY);
  return std::make_unique<test::StreamRanks>(first ? 0 : 1, first ? from_second : from_first,
                                             first ? from_first : from_second);
}

std::unique_ptr<JoinedRanks> ranks_by_mpi() {
  const auto variable = [](const std::string& name) -> std::string {
    const char* const value = std::getenv(name.c_str());
    return value == nullptr ? "" : value;
  };
  return join_ranks(launcher_of(variable), "auto", [](const std::string& what) {
    std::fprintf(stderr, "portable_digest: %s\n", what.c_str());
  });
}

std::string digest_on(const Options& options, Ranks& ranks) {
  Parts parts(options.verbose);
  add_random(parts);
  add_math(parts);
  add_matrix_products(parts, options.threads);
  add_loss(parts);
  add_layers(parts, options.threads);
  add_poolings(parts);
  add_convolutions(parts, options.threads);
  add_training(parts, options, ranks);
  add_models(parts, options, ranks);
  return parts.finish_hex();
}

std::string digest_of(const Options& options) {
  if (options.by_mpi) {
    const std::unique_ptr<JoinedRanks> ranks = ranks_by_mpi();
    const std::string digest = digest_on(options, *ranks);
    ranks->leave();
    return digest;
  }
  if (!options.pipes.empty()) return digest_on(options, *other_rank(options));
  return digest_on(options, one_rank());
}

void portable_digest(const Options& options) {
  if (options.list_simd) {
    for (const std::string& name : simd_targets()) std::printf("%s\n", name.c_str());
    return;
  }
  std::printf("digest sha256:%s\n", digest_of(options).c_str());
}

}  // namespace
}  // namespace reprise

int main(int argc, char** argv) {
  try {
    if (const auto options = reprise::parse(argc, argv)) reprise::portable_digest(*options);
    return 0;
  } catch (const reprise::UsageError& error) {
    std::fprintf(stderr, "portable_digest: %s\n", error.what());
    return reprise::kBadUsage;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "portable_digest: %s\n", error.what());
    return reprise::kFailed;
  }
}
