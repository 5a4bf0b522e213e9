// The registry of convolution algorithms, and "auto", which chooses among them.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "reprise/conv/conv_algorithm.hpp"
#include "reprise/conv/operand_domain.hpp"
#include "reprise/core/error.hpp"

namespace reprise {

#define REPRISE_CONV_ALGORITHM(name) const ConvAlgorithm& name##_algorithm();
#include "reprise/conv/algorithms.def"
#undef REPRISE_CONV_ALGORITHM

namespace {

/// Estimated costs of a pass of one image and of kUsualImages.
struct UsualCosts {
  double alone, together;
};

UsualCosts usual_costs(const ConvAlgorithm& algorithm, ConvShape shape, ConvPass pass) {
  shape.N = 1;
  const double alone = algorithm.estimated_cost(shape, pass);
  shape.N = kUsualImages;
  return {alone, algorithm.estimated_cost(shape, pass)};
}

bool is_candidate(const ConvAlgorithm& algorithm, const ConvShape& shape, ConvPass pass) {
  return algorithm.estimated_cost != nullptr && algorithm.unsupported(shape, pass).empty();
}

double loss_of(const UsualCosts& costs, const UsualCosts& least) {
  // With less, single images of 7x7 take up to three times as long as they need; with more, blocks
  // of images lose more than single ones gain.
  constexpr double alone = 0.3;
  return alone * (costs.alone + 1.0) / (least.alone + 1.0) +
         (1.0 - alone) * (costs.together + 1.0) / (least.together + 1.0);
}

/// Every algorithm that "auto" may choose for this pass, with its costs, whatever shape.N.
using Candidates = std::vector<std::pair<const ConvAlgorithm*, UsualCosts>>;

Candidates candidates_for(const ConvShape& shape, ConvPass pass) {
  Candidates candidates;
  for (const ConvAlgorithm* algorithm : conv_algorithms()) {
    if (!is_candidate(*algorithm, shape, pass)) continue;
    candidates.emplace_back(algorithm, usual_costs(*algorithm, shape, pass));
  }
  return candidates;
}

/// The least costs among the candidates and `least`, each number for itself.
UsualCosts least_of(const Candidates& candidates, UsualCosts least) {
  for (const auto& [algorithm, costs] : candidates) {
    least = {std::min(least.alone, costs.alone), std::min(least.together, costs.together)};
  }
  return least;
}

/// The candidate with the least estimated loss.
const ConvAlgorithm& choose(const ConvShape& shape, ConvPass pass) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const Candidates candidates = candidates_for(shape, pass);
  const UsualCosts least = least_of(candidates, {infinity, infinity});
  const ConvAlgorithm* chosen = &default_conv_algorithm();
  double least_loss = infinity;
  for (const auto& [algorithm, costs] : candidates) {
    const double loss = loss_of(costs, least);
    if (loss >= least_loss) continue;
    chosen = algorithm;
    least_loss = loss;
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

double estimated_loss(const ConvAlgorithm& algorithm, const ConvShape& shape, ConvPass pass) {
  const UsualCosts costs = usual_costs(algorithm, shape, pass);
  return loss_of(costs, least_of(candidates_for(shape, pass), costs));
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
