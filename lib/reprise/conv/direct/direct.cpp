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
// Which kernel runs (direct_*.cpp; lanes across channels, positions or images), vector widths,
// blocks and threads change the speed only. Cost: 2*N*OH*OW*OC*KH*KW*IC/G operations, less those in
// the padding. Workspace: packed weights or gradients and tables, less than 4 MiB per thread; and
// for more than one run of positions one array of weights for each doubling of their number.
// Gradients of a grad_output that is mostly 0 leave out the steps that change nothing. A gradient
// of the weights that comes out infinite or NaN is worked again by the kernel that reads no
// padding.
// Error: each term passes through at most terms + 1 rounded operations: (1 + u)^(terms + 1). Of
// grad_weight, through min(terms, 16384) in its run, log2 of the number of runs, rounded up, and 1.
#include <algorithm>

#include "reprise/conv/conv_algorithm.hpp"
#include "reprise/conv/direct/kernels.hpp"
#include "reprise/core/long_sum.hpp"

namespace reprise {
namespace {

/// Calls visit(correlation) for the phases of grad_input.
template <class Visit>
void for_each_phase(const ConvShape& s, const Visit& visit) {
  for (std::size_t h = 0; h < std::min(s.stride_h, s.IH); ++h) {
    for (std::size_t w = 0; w < std::min(s.stride_w, s.IW); ++w) {
      visit(direct::grad_input_correlation(s, h, w));
    }
  }
}

void correlate(const ConvShape& shape, const direct::Correlation& correlation,
               const direct::CorrelationData& data, const ConvResources& resources) {
  auto kernel = direct::correlate_by_columns;
  if (direct::is_depthwise(correlation)) {
    kernel = direct::correlate_depthwise;
  } else if (direct::images_pay(correlation)) {
    kernel = direct::correlate_by_images;
  } else if (direct::pixels_pay(correlation) &&
             direct::all_finite(data.weight, shape.weight_size())) {
    kernel = direct::correlate_by_pixels;
  }
  kernel(correlation, data, resources.workspace.data(), resources.threads);
}

std::size_t correlate_bytes(const direct::Correlation& correlation, std::size_t threads) {
  return std::max({direct::columns_workspace_bytes(correlation, threads),
                   direct::pixels_workspace_bytes(correlation, threads),
                   direct::images_workspace_bytes(correlation, threads)});
}

void forward(const ConvShape& shape, const float* input, const float* weight, const float* bias,
             float* output, const ConvResources& resources) {
  correlate(shape, direct::forward_correlation(shape), {input, weight, bias, output}, resources);
}

double least_cost(const direct::Correlation& correlation) {
  return std::min(direct::estimated_cost(correlation),
                  direct::estimated_cost_by_images(correlation));
}

double estimated_cost(const ConvShape& shape, ConvPass pass) {
  const direct::Correlation forward = direct::forward_correlation(shape);
  // Each weight comes from memory and is packed, or is written: about a cycle; two transposed.
  double cost =
      (pass == ConvPass::grad_input ? 30.0 : 15.0) * static_cast<double>(shape.weight_size());
  if (pass == ConvPass::forward) return cost + least_cost(forward);
  if (pass == ConvPass::grad_weight) return cost + direct::estimated_weight_gradient_cost(forward);
  for_each_phase(shape, [&](const direct::Correlation& phase) { cost += least_cost(phase); });
  return cost;
}

/// Whether grad_output is finite and so sparse that pays(nonzeros).
template <class Pays>
bool is_sparse(const ConvShape& shape, const float* grad_output, const Pays& pays) {
  const std::size_t size = shape.output_size();
  if (!pays(direct::estimated_nonzeros(grad_output, size))) return false;
  const direct::Survey values = direct::survey(grad_output, size);
  return values.finite && pays(values.nonzeros);
}

void grad_input(const ConvShape& shape, const float* grad_output, const float* weight,
                float* grad_input, const ConvResources& resources) {
  double cost = 0.0;
  for_each_phase(shape, [&](const direct::Correlation& phase) { cost += least_cost(phase); });
  const auto pays = [&](std::size_t nonzeros) {
    return direct::sparse_grad_input_pays(shape, nonzeros, cost);
  };
  if (is_sparse(shape, grad_output, pays) && direct::all_finite(weight, shape.weight_size())) {
    direct::grad_input_of_sparse(shape, grad_output, weight, grad_input, resources.workspace.data(),
                                 resources.threads);
    return;
  }
  for_each_phase(shape, [&](const direct::Correlation& phase) {
    correlate(shape, phase, {grad_output, weight, nullptr, grad_input}, resources);
  });
}

void grad_weight(const ConvShape& shape, const float* grad_output, const float* input,
                 float* grad_weight, const ConvResources& resources) {
  const direct::Correlation correlation = direct::forward_correlation(shape);
  if (shape.N == 0) {
    std::fill_n(grad_weight, shape.weight_size(), 0.0F);
    return;
  }
  const auto run = [&](direct::WeightGradientKernel kernel) {
    direct::weight_gradient_in_runs(kernel, correlation,
                                    {input, grad_output, grad_weight, 0, correlation.positions()},
                                    resources.workspace.data(), resources.threads);
  };
  if (direct::is_depthwise(correlation)) return run(direct::weight_gradient_depthwise);
  const auto pays = [&](std::size_t nonzeros) {
    return direct::sparse_weight_gradient_pays(correlation, nonzeros);
  };
  if (is_sparse(shape, grad_output, pays) && direct::all_finite(input, shape.input_size())) {
    return run(direct::weight_gradient_of_sparse);
  }
  const double windows = direct::weight_cost_by_windows(correlation);
  const double bands = direct::weight_cost_by_bands(correlation);
  if (std::min(windows, bands) < direct::weight_cost_by_columns(correlation)) {
    run(windows < bands ? direct::weight_gradient_by_windows : direct::weight_gradient_by_bands);
    if (direct::all_finite(grad_weight, shape.weight_size())) return;
  }
  run(direct::weight_gradient_by_columns);
}

std::size_t workspace_bytes(const ConvShape& shape, ConvPass pass, std::size_t threads) {
  const direct::Correlation forward = direct::forward_correlation(shape);
  const bool depthwise = direct::is_depthwise(forward);
  if (pass == ConvPass::grad_weight) {
    const std::size_t runs = direct::weight_runs_bytes(forward);
    if (depthwise) return runs;
    return runs + std::max({direct::weight_gradient_columns_bytes(forward, threads),
                            direct::weight_gradient_windows_bytes(forward, threads),
                            direct::weight_gradient_bands_bytes(forward, threads),
                            direct::weight_gradient_sparse_bytes(forward, threads)});
  }
  if (depthwise) return 0;
  if (pass == ConvPass::forward) return correlate_bytes(forward, threads);
  std::size_t bytes = direct::grad_input_sparse_bytes(shape, threads);
  for_each_phase(shape, [&](const direct::Correlation& phase) {
    bytes = std::max(bytes, correlate_bytes(phase, threads));
  });
  return bytes;
}

}  // namespace

const ConvAlgorithm& direct_algorithm() {
  static constexpr ConvAlgorithm algorithm{
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
      .forward = forward,
      .grad_input = grad_input,
      .grad_weight = grad_weight,
  };
  return algorithm;
}

}  // namespace reprise
