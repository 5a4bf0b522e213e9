// Every algorithm, pass and layer with exactly the workspace that it asked for, between pages that
// nothing may touch, for every number of images up to what the workspace is for.
#include <algorithm>
#include <limits>
#include <memory>
#include <optional>

#include "reprise/linalg/simd.hpp"
#include "reprise/nn/layers.hpp"
#include "reprise/run/conv_shape_file.hpp"
#include "support/catch.hpp"
#include "support/conv_cases.hpp"
#include "support/guarded_memory.hpp"
#include "support/random_arrays.hpp"
#include "support/sanitized.hpp"
#include "support/targets.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

constexpr std::uint64_t kSeed = 12;
constexpr std::size_t kCapacity = 5;
constexpr GuardedSide kSides[] = {GuardedSide::front, GuardedSide::back};
/// Numbers of images up to kCapacity, by this step: guard pages are as strict without sanitizers.
constexpr std::size_t kImagesStep = kSanitized ? kCapacity - 1 : 1;
constexpr std::byte kFill{0xFF};

GuardedMemory operand(const std::vector<float>& values, GuardedSide side) {
  GuardedMemory memory(values, side);
  memory.forbid_writing();
  return memory;
}

GuardedMemory result_of(std::size_t floats, GuardedSide side) {
  return GuardedMemory(floats * sizeof(float), sizeof(float), side, kFill);
}

/// Whether a call wrote all of its result, and nothing else.
void check_written(const GuardedMemory& result) {
  CHECK(result.gap_untouched());
  const std::vector<float> values = result.values();
  CHECK(std::none_of(values.begin(), values.end(), [](float v) { return v != v; }));
}

ConvShape with_images(ConvShape shape, std::size_t N) {
  shape.N = N;
  return shape;
}

/// A pass of shape.N images, in a workspace that may be for more.
void run_pass(const ConvAlgorithm& algorithm, const ConvShape& shape, ConvPass pass,
              const ConvOperands<float>& o, GuardedSide side, std::size_t threads,
              const GuardedMemory& workspace) {
  const ConvResources resources{workspace.bytes(), threads};
  const GuardedMemory input = operand(o.input, side);
  const GuardedMemory weight = operand(o.weight, side);
  const GuardedMemory bias = operand(o.bias, side);
  const GuardedMemory grad_output = operand(o.grad_output, side);
  std::optional<GuardedMemory> result;
  switch (pass) {
    case ConvPass::forward:
      result.emplace(result_of(shape.output_size(), side));
      algorithm.forward(shape, input.floats(), weight.floats(), bias.floats(), result->floats(),
                        resources);
      break;
    case ConvPass::grad_input:
      result.emplace(result_of(shape.input_size(), side));
      algorithm.grad_input(shape, grad_output.floats(), weight.floats(), result->floats(),
                           resources);
      break;
    case ConvPass::grad_weight:
      result.emplace(result_of(shape.weight_size(), side));
      algorithm.grad_weight(shape, grad_output.floats(), input.floats(), result->floats(),
                            resources);
      break;
  }
  check_written(*result);
  CHECK(workspace.gap_untouched());
}

/// Shapes whose plans changed with the number of images, that take several blocks, or paths of
/// `direct` of their own.
std::vector<ConvShape> shapes() {
  std::vector<ConvShape> all = edge_cases();
  for (const char* line :
       {"ic6ih14oc16kh5", "ic1ih28oc6kh5ph2", "ic16ih5oc120kh5", "ic3ih39oc40kh11sh4",
        "ic20ih6oc70kh3ph1", "ic130ih9oc70kh3ph1", "ic3ih40oc17kh3ph1", "g40ic40ih7oc40kh3ph1",
        "ic96ih13oc40kh5ph2", "ic64ih15oc33kh1", "ic12ih12oc8kh7ph3sh2"}) {
    all.push_back(parse_conv_shape(line));
  }
  const RandomStream random = RandomStream(kSeed).child("shapes");
  for (std::size_t i = 0; i < 8; ++i) all.push_back(random_shape(random.child(i)));
  return all;
}

/// What makes `direct` take kernels of their own.
enum class Values { uniform, sparse };

ConvOperands<float> operands_of(const ConvShape& shape, Values values) {
  ConvOperands<float> o = uniform_operands(shape, RandomStream(kSeed).child(to_line(shape)));
  if (values == Values::uniform) return o;
  for (std::size_t i = 0; i < o.grad_output.size(); ++i) {
    if (i % 7 != 3) o.grad_output[i] = 0.0F;
  }
  return o;
}

void check_algorithm(const ConvAlgorithm& algorithm, const ConvShape& shape, ConvPass pass,
                     std::size_t threads) {
  if (!algorithm.unsupported(with_images(shape, kCapacity), pass).empty()) return;
  INFO(algorithm.name << " " << name_of(pass) << " of " << to_line(shape) << ", seed " << kSeed
                      << ", " << threads << " threads");
  for (const GuardedSide side : kSides) {
    const GuardedMemory workspace(
        workspace_bytes_up_to(algorithm, with_images(shape, kCapacity), pass, threads), 64, side,
        kFill);
    for (std::size_t N = 1; N <= kCapacity; N += kImagesStep) {
      for (const Values values : {Values::uniform, Values::sparse}) {
        const ConvShape some = with_images(shape, N);
        run_pass(algorithm, some, pass, operands_of(some, values), side, threads, workspace);
        if (algorithm.name != "direct" || pass == ConvPass::forward) break;
      }
    }
  }
}

/// The portable algorithms and "auto". Those of class machine run other libraries' code, whose
/// loads may reach past an operand's end.
std::vector<const ConvAlgorithm*> algorithms() {
  std::vector<const ConvAlgorithm*> all{&auto_conv_algorithm()};
  for (const ConvAlgorithm* algorithm : conv_algorithms()) {
    if (algorithm->reproducibility == Reproducibility::portable) all.push_back(algorithm);
  }
  return all;
}

// ---- Layers

struct LayerCase {
  std::unique_ptr<Layer> layer;
  FeatureShape input;
};

std::vector<LayerCase> convolution_layers() {
  std::vector<LayerCase> cases;
  for (const ConvAlgorithm* algorithm : algorithms()) {
    Conv2dLayerOptions options;
    options.filters = 16;
    options.kernel = {3, 3};
    options.convolution.padding = Padding2d::same();
    cases.push_back({conv2d_layer(options, *algorithm), {13, 11, 6}});
    if (algorithm->name != "winograd") {  // 3x3 alone
      options.kernel = {5, 5};
      cases.push_back({conv2d_layer(options, *algorithm), {14, 14, 6}});
      PartialConv2dLayerOptions partial;
      partial.connections = {{0}, {0, 2}, {1, 3}, {0, 1, 2, 3}};
      cases.push_back({partial_conv2d_layer(partial, *algorithm), {14, 12, 4}});
    }
  }
  return cases;
}

std::vector<LayerCase> other_layers() {
  std::vector<LayerCase> cases;
  for (const PoolMode mode : {PoolMode::max, PoolMode::average}) {
    for (const std::size_t kernel : {2, 3}) {
      for (const MaxTies ties : {MaxTies::first, MaxTies::all}) {
        Pool2dOptions options;
        options.mode = mode;
        options.kernel = {kernel, kernel};
        options.stride = {2, 2};
        options.ties = ties;
        for (const std::size_t channels : {1, 6, 21}) {
          cases.push_back({pool2d_layer(options), {13, 10, channels}});
        }
      }
    }
  }
  DenseLayerOptions dense;
  for (const std::size_t units : {1, 10, 84}) {
    dense.units = units;
    cases.push_back({dense_layer(dense), {1, 1, 131, true}});
  }
  cases.push_back({flatten_layer(), {3, 5, 7}});
  cases.push_back({relu_layer(), {3, 5, 7}});
  cases.push_back({tanh_layer(), {3, 5, 7}});
  for (const std::size_t channels : {3, 17, 96}) {
    cases.push_back({local_response_normalization_layer(), {5, 3, channels}});
  }
  cases.push_back({dropout_layer(0.5), {3, 5, 7}});
  cases.push_back({rescale_layer({-0.1F, 1.175F, 2}), {7, 5, 3}});
  cases.push_back({subsampling_layer(), {7, 6, 5}});
  cases.push_back(
      {rbf_layer({std::vector<float>(19, 1.0F), std::vector<float>(19, -1.0F)}), {1, 1, 19, true}});
  return cases;
}

/// Forward and backward, every array between guard pages.
void run_guarded_layer(const Layer& layer, const FeatureShape& in, const FeatureShape& out,
                       std::size_t parameter_count, LayerContext context, GuardedSide side,
                       const GuardedMemory& workspace) {
  const auto given = [&](std::size_t count, const char* name) {
    return operand(random_floats(count, kSeed, name), side);
  };
  context.training = true;
  context.workspace = workspace.bytes();
  const GuardedMemory input = given(context.N * in.size(), "input");
  const GuardedMemory parameters = given(parameter_count, "parameters");
  const GuardedMemory grad_output = given(context.N * out.size(), "grad_output");
  const GuardedMemory output = result_of(context.N * out.size(), side);
  const GuardedMemory grad_input = result_of(context.N * in.size(), side);
  const GuardedMemory grad_parameters = result_of(parameter_count, side);
  layer.forward(context, input.floats(), parameters.floats(), output.floats());
  layer.backward(context, grad_output.floats(), input.floats(), output.floats(),
                 parameters.floats(), grad_input.floats(), grad_parameters.floats());
  check_written(output);
  check_written(grad_input);
  check_written(grad_parameters);
  CHECK(workspace.gap_untouched());
}

void check_layer(const LayerCase& given) {
  const FeatureShape out = given.layer->build(given.input);
  std::size_t parameters = 0;
  for (const ParameterSpec& spec : given.layer->parameters()) parameters += spec.size();
  INFO(given.layer->type() << " " << given.layer->settings() << " on " << given.input.text());
  for (const std::size_t threads : {1, 2}) {
    for (const GuardedSide side : kSides) {
      const GuardedMemory workspace(given.layer->workspace_bytes(kCapacity, threads), 64, side,
                                    kFill);
      for (std::size_t N = 1; N <= kCapacity; N += kImagesStep) {
        for (const bool fuses_input_relu : {false, true}) {
          if (fuses_input_relu && !given.layer->can_fuse_input_relu()) continue;
          LayerContext context;
          context.N = N;
          context.threads = threads;
          context.fuses_input_relu = fuses_input_relu;
          run_guarded_layer(*given.layer, given.input, out, parameters, context, side, workspace);
        }
      }
    }
  }
}

}  // namespace

TEST_CASE("algorithms keep to their workspace and tensors for any number of images up to it") {
  struct BestTargetAgain {
    ~BestTargetAgain() { select_simd_target("best"); }
  } const guard;
  for (const std::string& target : test::targets()) {
    select_simd_target(target);
    INFO(target);
    for (const ConvShape& shape : shapes()) {
      if (target == "scalar" && shape.flops() > 3e5) continue;  // a vector ends nowhere there
      for (const ConvAlgorithm* algorithm : algorithms()) {
        for (const ConvPass pass : kConvPasses) {
          check_algorithm(resolve(*algorithm, shape, pass), shape, pass, 1);
          if (target == simd_targets().front()) {
            check_algorithm(resolve(*algorithm, shape, pass), shape, pass, 3);
          }
        }
      }
    }
  }
}

TEST_CASE("a portable workspace does not decrease with the number of images") {
  for (const char* file :
       {"alexnet", "vgg", "resnet", "lenet5", "peers", "kernels", "channels", "edge_cases"}) {
    for (const ConvShape& shape :
         read_conv_shapes(std::string(REPRISE_FIXTURES "/shapes/") + file)) {
      for (const ConvAlgorithm* algorithm : algorithms()) {
        for (const ConvPass pass : kConvPasses) {
          if (!algorithm->unsupported(shape, pass).empty()) continue;
          INFO(algorithm->name << " " << name_of(pass) << " of " << to_line(shape));
          for (const std::size_t threads : {1, 3}) {
            std::size_t before = 0;
            std::size_t decreases = 0;
            for (std::size_t N = 1; N <= 300; N += N < 40 ? 1 : 13) {
              const std::size_t bytes =
                  algorithm->workspace_bytes(with_images(shape, N), pass, threads);
              decreases += bytes < before ? 1 : 0;
              before = bytes;
            }
            CHECK(decreases == 0);
          }
        }
      }
    }
  }
}

TEST_CASE("a layer's workspace for many images serves oneDNN's and OpenBLAS's for fewer") {
  const ConvShape shape = with_images(parse_conv_shape("ic6ih14oc16kh5"), kCapacity);
  for (const ConvAlgorithm* algorithm : conv_algorithms()) {
    for (const ConvPass pass : kConvPasses) {
      if (!algorithm->unsupported(shape, pass).empty()) continue;
      INFO(algorithm->name << " " << name_of(pass));
      const std::size_t most = workspace_bytes_up_to(*algorithm, shape, pass, 1);
      for (std::size_t N = 1; N <= kCapacity; ++N) {
        CHECK(algorithm->workspace_bytes(with_images(shape, N), pass, 1) <= most);
      }
    }
  }
}

TEST_CASE("layers keep to their workspace and arrays for any number of images up to it") {
  for (const LayerCase& layer : convolution_layers()) check_layer(layer);
  for (const LayerCase& layer : other_layers()) check_layer(layer);
}
