// The registry of convolution algorithms, and "auto", which chooses among them.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "reprise/conv/conv_algorithm.hpp"
#include "reprise/conv/operand_domain.hpp"
#include "reprise/core/error.hpp"

namespace reprise {

#define REPRISE_CONV_ALGORITHM(name) const ConvAlgorithm& name##_algorithm();
#include "reprise/conv/algorithms.def"
#undef REPRISE_CONV_ALGORITHM

namespace {

/// The portable algorithm with the least estimated cost for this pass, whatever shape.N.
const ConvAlgorithm& choose(ConvShape shape, ConvPass pass) {
  shape.N = kUsualImages;
  const ConvAlgorithm* chosen = &default_conv_algorithm();
  double least = std::numeric_limits<double>::infinity();
  for (const ConvAlgorithm* algorithm : conv_algorithms()) {
    if (algorithm->estimated_cost == nullptr) continue;
    if (!algorithm->unsupported(shape, pass).empty()) continue;
    const double cost = algorithm->estimated_cost(shape, pass);
    if (cost < least) {
      chosen = algorithm;
      least = cost;
    }
  }
  return *chosen;
}

void auto_forward(const ConvShape& shape, const float* input, const float* weight,
                  const float* bias, float* output, const ConvResources& resources) {
  guarded_forward({choose(shape, ConvPass::forward), shape, resources}, input, weight, bias,
                  output);
}

void auto_grad_input(const ConvShape& shape, const float* grad_output, const float* weight,
                     float* grad_input, const ConvResources& resources) {
  guarded_grad_input({choose(shape, ConvPass::grad_input), shape, resources}, grad_output, weight,
                     grad_input);
}

void auto_grad_weight(const ConvShape& shape, const float* grad_output, const float* input,
                      float* grad_weight, const ConvResources& resources) {
  guarded_grad_weight({choose(shape, ConvPass::grad_weight), shape, resources}, grad_output, input,
                      grad_weight);
}

}  // namespace

std::string_view name_of(Reproducibility reproducibility) {
  return reproducibility == Reproducibility::portable ? "portable" : "machine";
}

double rounding_bound(std::size_t roundings) {
  constexpr double u = 0x1p-24;
  return std::expm1(static_cast<double>(roundings) * std::log1p(u)) / u;
}

std::span<const ConvAlgorithm* const> conv_algorithms() {
  static const std::array algorithms{
#define REPRISE_CONV_ALGORITHM(name) &name##_algorithm(),
#include "reprise/conv/algorithms.def"
#undef REPRISE_CONV_ALGORITHM
  };
  return algorithms;
}

std::vector<std::string> conv_algorithm_names() {
  std::vector<std::string> names;
  for (const ConvAlgorithm* algorithm : conv_algorithms()) names.emplace_back(algorithm->name);
  names.emplace_back("auto");
  return names;
}

const ConvAlgorithm& conv_algorithm(std::string_view name) {
  std::vector<std::string> known;
  for (const ConvAlgorithm* algorithm : conv_algorithms()) {
    if (algorithm->name == name) return *algorithm;
    known.emplace_back(algorithm->name);
    if (algorithm->kernels == nullptr || name.find('/') == std::string_view::npos) continue;
    for (const ConvAlgorithm& kernel : algorithm->kernels()) {
      if (kernel.name == name) return kernel;
      known.emplace_back(kernel.name);
    }
  }
  const ConvAlgorithm& automatic = auto_conv_algorithm();
  if (name == automatic.name) return automatic;
  known.emplace_back(automatic.name);
  throw Error("convolution algorithm", "\"" + std::string(name) + "\"",
              "one of " + join(known) + "; nearest is " + nearest_name(name, known));
}

const ConvAlgorithm& default_conv_algorithm() {
  return direct_algorithm();
}

const ConvAlgorithm& auto_conv_algorithm() {
  static constexpr ConvAlgorithm algorithm{
      .name = "auto",
      .summary = "the portable algorithm that should be fastest, chosen by the shape of an image",
      .reproducibility = Reproducibility::portable,
      .error_bound = [](const ConvShape& shape,
                        ConvPass pass) { return choose(shape, pass).error_bound(shape, pass); },
      .error_scale = ErrorScale::tensorwise,  // holds for elementwise bounds too
      .unsupported = [](const ConvShape&, ConvPass) { return std::string(); },
      .estimated_cost = nullptr,
      .workspace_bytes =
          [](const ConvShape& shape, ConvPass pass, std::size_t threads) {
            return guarded_workspace_bytes(choose(shape, pass), shape, pass, threads);
          },
      .forward = auto_forward,
      .grad_input = auto_grad_input,
      .grad_weight = auto_grad_weight,
  };
  return algorithm;
}

const ConvAlgorithm& resolve(const ConvAlgorithm& algorithm, const ConvShape& shape,
                             ConvPass pass) {
  return &algorithm == &auto_conv_algorithm() ? choose(shape, pass) : algorithm;
}

std::size_t workspace_bytes_up_to(const ConvAlgorithm& algorithm, const ConvShape& shape,
                                  ConvPass pass, std::size_t threads) {
  if (algorithm.reproducibility == Reproducibility::portable) {
    return algorithm.workspace_bytes(shape, pass, threads);
  }
  std::size_t most = 0;
  ConvShape fewer = shape;
  for (fewer.N = 0; fewer.N <= shape.N; ++fewer.N) {
    most = std::max(most, algorithm.workspace_bytes(fewer, pass, threads));
  }
  return most;
}

}  // namespace reprise
