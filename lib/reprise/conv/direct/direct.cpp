// Direct convolution: implicit matrix products, no unrolled matrix in memory.
//
// Equations; each element is one chain of acc = fma(a, b, acc), and +0 in the end (so that no
// result is -0), over those terms whose cell is inside the image:
//   output(n, oh, ow, oc)       starts at bias(oc), then ascending (kh, kw, ic):
//     a = input(n, oh*stride_h + kh*dilation_h - pad_top,
//                  ow*stride_w + kw*dilation_w - pad_left, ic); b = weight(kh, kw, ic, oc)
//   grad_input(n, ih, iw, ic)   starts at 0, then ascending (kh, kw, oc):
//     a = grad_output(n, oh, ow, oc) where oh = (ih + pad_top - kh*dilation_h) / stride_h and ow
//     (likewise) are whole; b = weight(kh, kw, ic, oc)
//   grad_weight(kh, kw, ic, oc) is a long sum (core/long_sum.hpp) over the positions (n, oh, ow) in
//     row-major order, all counted, inside or not: in each run of 16,384 of them a chain from 0 of
//     a = the input's cell as in output; b = grad_output(n, oh, ow, oc)
// Which kernel runs (kernel.hpp; README.md says what the lanes of each run over), vector widths,
// blocks and threads change the speed only; "direct/igemm" and the like are one kernel alone. Cost:
// 2*N*OH*OW*OC*KH*KW*IC/G operations, less those in the padding. Workspace: packed weights or
// gradients and tables, less than 4 MiB per thread; and for more than one run of positions one
// array of weights for each doubling of their number. Gradients of a grad_output that is mostly 0
// leave out the steps that change nothing. A gradient of the weights that comes out infinite or NaN
// is computed again by the kernel that reads no padding. Error: each term passes through at most
// terms + 1 rounded operations: (1 + u)^(terms + 1). Of grad_weight, through min(terms, 16384) in
// its run, log2 of the number of runs, rounded up, and 1.
#include <algorithm>
#include <deque>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "reprise/conv/conv_algorithm.hpp"
#include "reprise/conv/conv_workspace.hpp"
#include "reprise/conv/direct/kernel.hpp"
#include "reprise/core/long_sum.hpp"
#include "reprise/linalg/simd.hpp"
#include "reprise/linalg/value_stats.hpp"

namespace reprise {
namespace {

using direct::Choice;
using direct::Correlation;
using direct::FiniteOnly;
using direct::Kernel;
using direct::Operands;
using direct::Sum;

/// The kernels that may run: all, or those of one name.
constexpr std::string_view kAllKernels;

/// Calls visit(correlation) for the phases of grad_input.
template <class Visit>
void for_each_phase(const ConvShape& s, const Visit& visit) {
  for (std::size_t h = 0; h < std::min(s.stride_h, s.IH); ++h) {
    for (std::size_t w = 0; w < std::min(s.stride_w, s.IW); ++w) {
      visit(direct::grad_input_correlation(s, h, w));
    }
  }
}

/// The kernel of least cost, or the named one.
Choice choose(std::string_view only, const Correlation& correlation, Sum sum) {
  const Kernel* const named = direct::find_kernel(only, sum);
  if (named != nullptr && !named->skips_zeros) return {named, 0.0, 0.0};
  return direct::choose_kernel(correlation, sum, simd_lanes());
}

/// By the kernel or, where it does not take a weight that is not finite, one that does.
void correlate(const Kernel* kernel, const ConvShape& shape, const Correlation& correlation,
               const Operands& operands, const ConvResources& resources) {
  if (kernel->finite_only == FiniteOnly::weights &&
      !all_finite(operands.factor, shape.weight_size())) {
    kernel = &direct::kIgemm;
  }
  kernel->run(correlation, operands, resources.workspace.data(), resources.threads);
}

/// Whether the kernel that skips zeros should run: it is named, or costs less than `dense`; and
/// grad_output and `factor`, the other operand, are finite.
bool zeros_pay(std::string_view only, const Kernel& kernel, Correlation& forward, double dense,
               const float* grad_output, const float* factor, std::size_t factor_size) {
  if (!kernel.offered(forward)) return false;
  const bool named = only == kernel.name;
  if (!named && only != kAllKernels) return false;
  const std::size_t size = forward.nonzeros;
  const auto pays = [&](std::size_t nonzeros) {
    forward.nonzeros = nonzeros;
    return named || kernel.cost(forward, simd_lanes()) < dense;
  };
  if (!pays(estimated_nonzeros(grad_output, size))) return false;
  const ValueStats values = value_stats(grad_output, size);
  return values.finite && pays(values.nonzeros) && all_finite(factor, factor_size);
}

/// The kernel that takes all phases of grad_input at once, if it is named or costs less than
/// `dense`, one phase after the other, and grad_output is finite; or null.
const Kernel* all_phases(std::string_view only, const Correlation& forward, double dense,
                         const float* grad_output) {
  const Kernel& kernel = direct::kPhasesInputGradient;
  if (!kernel.offered(forward)) return nullptr;
  const bool named = only == kernel.name;
  if (!named && only != kAllKernels) return nullptr;
  const std::size_t lanes = simd_lanes();
  if (!named && kernel.cost(forward, lanes) + kernel.overhead(forward, lanes) >= dense) {
    return nullptr;
  }
  const std::size_t size = forward.positions() * forward.G * forward.out_channels;
  return all_finite(grad_output, size) ? &kernel : nullptr;
}

void forward(std::string_view only, const ConvShape& shape, const float* input, const float* weight,
             const float* bias, float* output, const ConvResources& resources) {
  const Correlation correlation = direct::forward_correlation(shape);
  correlate(choose(only, correlation, Sum::correlation).kernel, shape, correlation,
            {input, weight, bias, output}, resources);
}

void grad_input(std::string_view only, const ConvShape& shape, const float* grad_output,
                const float* weight, float* grad_input, const ConvResources& resources) {
  const Operands operands{grad_output, weight, nullptr, grad_input};
  std::vector<Choice> choices;
  double dense = 0.0;
  double dense_whole = 0.0;
  for_each_phase(shape, [&](const Correlation& phase) {
    choices.push_back(choose(only, phase, Sum::correlation));
    dense += choices.back().cost;
    dense_whole += choices.back().whole;
  });
  Correlation forward = direct::forward_correlation(shape);
  const Kernel* const at_once = all_phases(only, forward, dense_whole, grad_output);
  if (at_once != nullptr) dense = std::min(dense, at_once->cost(forward, simd_lanes()));
  const Kernel& skipping = direct::kZeroSkippingInputGradient;
  if (zeros_pay(only, skipping, forward, dense, grad_output, weight, shape.weight_size())) {
    skipping.run(forward, operands, resources.workspace.data(), resources.threads);
    return;
  }
  if (at_once != nullptr) {
    at_once->run(forward, operands, resources.workspace.data(), resources.threads);
    return;
  }
  auto choice = choices.begin();
  for_each_phase(shape, [&](const Correlation& phase) {
    correlate((choice++)->kernel, shape, phase, operands, resources);
  });
}

std::size_t runs_bytes(const Correlation& c) {
  return piece_bytes<float>(ArrayRunTree::memory_floats(run_count(c.positions()), c.weight_size()));
}

/// The gradient over all positions as a long sum: the kernel sums each run of them.
void sum_runs(const Kernel& kernel, const Correlation& c, Operands operands,
              const ConvResources& resources) {
  ArrayRunTree tree(run_count(c.positions()), c.weight_size(), operands.result,
                    reinterpret_cast<float*>(resources.workspace.data()));
  std::byte* const workspace = resources.workspace.data() + runs_bytes(c);
  for (std::size_t begin = 0; begin < c.positions(); begin += kRunTerms) {
    operands.result = tree.next();
    operands.begin = begin;
    operands.end = std::min(c.positions(), begin + kRunTerms);
    kernel.run(c, operands, workspace, resources.threads);
    tree.add(resources.threads);
  }
}

void grad_weight(std::string_view only, const ConvShape& shape, const float* grad_output,
                 const float* input, float* grad_weight, const ConvResources& resources) {
  if (shape.N == 0) {
    std::fill_n(grad_weight, shape.weight_size(), 0.0F);
    return;
  }
  Correlation c = direct::forward_correlation(shape);
  const Operands operands{input, grad_output, nullptr, grad_weight};
  const Choice dense = choose(only, c, Sum::weight_gradient);
  const Kernel* kernel = dense.kernel;
  const Kernel& skipping = direct::kZeroSkippingWeightGradient;
  if (zeros_pay(only, skipping, c, dense.cost, grad_output, input, shape.input_size())) {
    kernel = &skipping;
  }
  sum_runs(*kernel, c, operands, resources);
  if (kernel->finite_only == FiniteOnly::result && !all_finite(grad_weight, shape.weight_size())) {
    sum_runs(direct::kIgemmWeightGradient, c, operands, resources);
  }
}

/// Each weight comes from memory and is packed, or is written: about a cycle.
double cost_of_weights(const ConvShape& shape) {
  return 15.0 * static_cast<double>(shape.weight_size());
}

double estimated_cost(const ConvShape& shape, ConvPass pass) {
  double sum = cost_of_weights(shape);
  if (pass != ConvPass::grad_input) {
    return sum + direct::least_cost(direct::forward_correlation(shape), pass == ConvPass::forward
                                                                            ? Sum::correlation
                                                                            : Sum::weight_gradient);
  }
  double phases = 0.0;
  for_each_phase(shape, [&](const Correlation& phase) {
    phases += direct::least_cost(phase, Sum::correlation);
  });
  const Correlation forward = direct::forward_correlation(shape);
  const Kernel& at_once = direct::kPhasesInputGradient;
  if (at_once.offered(forward)) phases = std::min(phases, direct::whole_cost(at_once, forward));
  return sum + phases;
}

std::size_t workspace_bytes(const ConvShape& shape, ConvPass pass, std::size_t threads) {
  const Correlation forward = direct::forward_correlation(shape);
  if (pass == ConvPass::forward) {
    return direct::workspace_bytes(forward, Sum::correlation, threads);
  }
  if (pass == ConvPass::grad_weight) {
    return runs_bytes(forward) + direct::workspace_bytes(forward, Sum::weight_gradient, threads);
  }
  std::size_t bytes = direct::workspace_bytes(forward, Sum::input_gradient, threads);
  for_each_phase(shape, [&](const Correlation& phase) {
    bytes = std::max(bytes, direct::workspace_bytes(phase, Sum::correlation, threads));
  });
  return bytes;
}

constexpr ConvAlgorithm kDirect{
    .name = "direct",
    .summary = "implicit matrix product, one fma chain per element",
    .reproducibility = Reproducibility::portable,
    .error_bound =
        [](const ConvShape& shape, ConvPass pass) {
          const std::size_t terms = shape.terms(pass);
          return rounding_bound(
              (pass == ConvPass::grad_weight ? long_sum_roundings(terms) : terms) + 1);
        },
    .error_scale = ErrorScale::elementwise,
    .unsupported = [](const ConvShape&, ConvPass) { return std::string(); },
    .estimated_cost = estimated_cost,
    .workspace_bytes = workspace_bytes,
    .forward =
        [](const ConvShape& shape, const float* input, const float* weight, const float* bias,
           float* output, const ConvResources& resources) {
          forward(kAllKernels, shape, input, weight, bias, output, resources);
        },
    .grad_input =
        [](const ConvShape& shape, const float* grad_output, const float* weight, float* gradient,
           const ConvResources& resources) {
          grad_input(kAllKernels, shape, grad_output, weight, gradient, resources);
        },
    .grad_weight =
        [](const ConvShape& shape, const float* grad_output, const float* input, float* gradient,
           const ConvResources& resources) {
          grad_weight(kAllKernels, shape, grad_output, input, gradient, resources);
        },
};

// ---- One kernel alone

/// Whether the kernels of this name evaluate the pass.
bool offers(std::string_view only, const ConvShape& shape, ConvPass pass) {
  const auto offered = [&](const Correlation& correlation, Sum sum) {
    const Kernel* const kernel = direct::find_kernel(only, sum);
    return kernel != nullptr && kernel->offered(correlation);
  };
  const Correlation forward = direct::forward_correlation(shape);
  if (pass == ConvPass::forward) return offered(forward, Sum::correlation);
  if (pass == ConvPass::grad_weight) return offered(forward, Sum::weight_gradient);
  if (offered(forward, Sum::input_gradient)) return true;
  bool all = true;
  for_each_phase(shape,
                 [&](const Correlation& phase) { all = all && offered(phase, Sum::correlation); });
  return all;
}

/// Memory for the kernels of this name and those that stand in for them.
std::size_t named_workspace_bytes(std::string_view only, const ConvShape& shape, ConvPass pass,
                                  std::size_t threads) {
  const Correlation forward = direct::forward_correlation(shape);
  std::size_t bytes = 0;
  const auto add = [&](const Correlation& correlation, Sum sum) {
    const Kernel* const named = direct::find_kernel(only, sum);
    const Kernel* const other = direct::find_kernel("igemm", sum);
    for (const Kernel* const kernel : {named, other}) {
      if (kernel == nullptr || !kernel->offered(correlation)) continue;
      bytes = std::max(bytes, kernel->workspace_bytes(correlation, threads));
    }
  };
  if (pass == ConvPass::forward) add(forward, Sum::correlation);
  if (pass == ConvPass::grad_weight) add(forward, Sum::weight_gradient);
  if (pass == ConvPass::grad_input) {
    add(forward, Sum::input_gradient);
    for_each_phase(shape, [&](const Correlation& phase) { add(phase, Sum::correlation); });
  }
  return std::max(workspace_bytes(shape, pass, threads),
                  bytes + (pass == ConvPass::grad_weight ? runs_bytes(forward) : 0));
}

/// The cost of the kernels of this name with the lanes that "auto" counts with.
double named_cost(std::string_view only, const ConvShape& shape, ConvPass pass) {
  const auto cost = [&](const Correlation& correlation, Sum sum) {
    return direct::whole_cost(*direct::find_kernel(only, sum), correlation);
  };
  const Correlation forward = direct::forward_correlation(shape);
  double sum = cost_of_weights(shape);
  if (pass == ConvPass::forward) return sum + cost(forward, Sum::correlation);
  if (pass == ConvPass::grad_weight) return sum + cost(forward, Sum::weight_gradient);
  if (direct::find_kernel(only, Sum::input_gradient) != nullptr) {
    return sum + cost(forward, Sum::input_gradient);
  }
  for_each_phase(shape, [&](const Correlation& phase) { sum += cost(phase, Sum::correlation); });
  return sum;
}

/// The algorithm that runs the kernels of the name that number `index` has.
template <std::size_t index>
ConvAlgorithm named_algorithm(std::string_view name) {
  static constexpr const Kernel& kernel = *direct::kKernels[index];
  ConvAlgorithm algorithm = kDirect;
  algorithm.name = name;
  algorithm.summary = "one kernel of direct alone, wherever it is offered";
  algorithm.estimated_cost = [](const ConvShape& shape, ConvPass pass) {
    return named_cost(kernel.name, shape, pass);
  };
  algorithm.unsupported = [](const ConvShape& shape, ConvPass pass) {
    return offers(kernel.name, shape, pass)
               ? std::string()
               : std::string("direct has no such kernel for this pass and shape");
  };
  algorithm.workspace_bytes = [](const ConvShape& shape, ConvPass pass, std::size_t threads) {
    return named_workspace_bytes(kernel.name, shape, pass, threads);
  };
  algorithm.forward = [](const ConvShape& shape, const float* input, const float* weight,
                         const float* bias, float* output, const ConvResources& resources) {
    forward(kernel.name, shape, input, weight, bias, output, resources);
  };
  algorithm.grad_input = [](const ConvShape& shape, const float* grad_output, const float* weight,
                            float* gradient, const ConvResources& resources) {
    grad_input(kernel.name, shape, grad_output, weight, gradient, resources);
  };
  algorithm.grad_weight = [](const ConvShape& shape, const float* grad_output, const float* input,
                             float* gradient, const ConvResources& resources) {
    grad_weight(kernel.name, shape, grad_output, input, gradient, resources);
  };
  return algorithm;
}

/// One for each name; kernels of one name evaluate different passes.
class NamedAlgorithms {
 public:
  NamedAlgorithms() { add(std::make_index_sequence<std::size(direct::kKernels)>()); }
  [[nodiscard]] std::span<const ConvAlgorithm> all() const { return algorithms_; }

 private:
  template <std::size_t... index>
  void add(std::index_sequence<index...> /*all*/) {
    (add<index>(), ...);
  }
  template <std::size_t index>
  void add() {
    const std::string name = "direct/" + std::string(direct::kKernels[index]->name);
    if (std::find(names_.begin(), names_.end(), name) != names_.end()) return;
    names_.push_back(name);
    algorithms_.push_back(named_algorithm<index>(names_.back()));
  }
  std::deque<std::string> names_;  ///< which stay where they are
  std::vector<ConvAlgorithm> algorithms_;
};

std::span<const ConvAlgorithm> named_algorithms() {
  static const NamedAlgorithms algorithms;
  return algorithms.all();
}

}  // namespace

const ConvAlgorithm& direct_algorithm() {
  static constexpr ConvAlgorithm algorithm = [] {
    ConvAlgorithm direct = kDirect;
    direct.kernels = named_algorithms;
    return direct;
  }();
  return algorithm;
}

}  // namespace reprise
