// The readable loop nest.
//
// Equation: the formula of conv_shape.hpp, loop by loop; the gradients gather what the formula
// scatters. Each element of a result is one chain of additions in double, in the order of the
// loops; cells in the padding are left out. Cost: 2*N*OH*OW*OC*KH*KW*IC/G operations in double.
// Workspace: none. Error: a product of two floats is exact in double; t terms and the bias take t
// additions of relative error 2^-53 = 2^-29 u each, then one rounding to float: 1 + t * 2^-29 (1 +
// small). The double accumulator of a sum needs no fused multiply-add to be the same everywhere.
#include "reprise/conv/naive/naive.hpp"

#include <vector>

#include "reprise/conv/conv_algorithm.hpp"
#include "reprise/core/parallel.hpp"

namespace reprise {
namespace {

/// The coordinate output*stride + kernel*dilation - pad along one axis, and whether it is inside.
struct Tap {
  Tap(std::size_t output, std::size_t kernel, std::size_t stride, std::size_t dilation,
      std::size_t pad, std::size_t input_size)
      : at(output * stride + kernel * dilation - pad), inside(at < input_size) {}
  std::size_t at;  ///< wraps to a huge number in the padding before
  bool inside;
};

/// The output coordinate whose window's `kernel` cell lies on `input`, if there is one.
struct Window {
  Window(std::size_t input, std::size_t kernel, std::size_t stride, std::size_t dilation,
         std::size_t pad, std::size_t output_size)
      : offset(input + pad - kernel * dilation),
        at(offset / stride),
        exists(input + pad >= kernel * dilation && offset % stride == 0 && at < output_size) {}
  std::size_t offset;
  std::size_t at;
  bool exists;
};

}  // namespace

template <class T>
void naive_forward(const ConvShape& s, const T* input, const T* weight, const T* bias, T* output,
                   std::size_t threads) {
  const std::size_t ICg = s.IC / s.G;
  const std::size_t OCg = s.OC / s.G;
  parallel_for(threads, s.N * s.OH, [&](std::size_t row, std::size_t) {
    const std::size_t n = row / s.OH;
    const std::size_t oh = row % s.OH;
    std::vector<double> sum(OCg);
    for (std::size_t ow = 0; ow < s.OW; ++ow) {
      T* out = output + (row * s.OW + ow) * s.OC;  // (OC)
      for (std::size_t g = 0; g < s.G; ++g) {
        for (std::size_t oc = 0; oc < OCg; ++oc) {
          sum[oc] = bias[g * OCg + oc];
        }
        for (std::size_t kh = 0; kh < s.KH; ++kh) {
          const Tap ih(oh, kh, s.stride_h, s.dilation_h, s.pad_top, s.IH);
          for (std::size_t kw = 0; kw < s.KW; ++kw) {
            const Tap iw(ow, kw, s.stride_w, s.dilation_w, s.pad_left, s.IW);
            if (!ih.inside || !iw.inside) continue;
            for (std::size_t ic = 0; ic < ICg; ++ic) {
              const double in = input[((n * s.IH + ih.at) * s.IW + iw.at) * s.IC + g * ICg + ic];
              const T* w = weight + ((kh * s.KW + kw) * ICg + ic) * s.OC + g * OCg;  // (OC/G)
              for (std::size_t oc = 0; oc < OCg; ++oc) sum[oc] += in * static_cast<double>(w[oc]);
            }
          }
        }
        for (std::size_t oc = 0; oc < OCg; ++oc) out[g * OCg + oc] = static_cast<T>(sum[oc]);
      }
    }
  });
}

template <class T>
void naive_grad_input(const ConvShape& s, const T* grad_output, const T* weight, T* grad_input,
                      std::size_t threads) {
  const std::size_t ICg = s.IC / s.G;
  const std::size_t OCg = s.OC / s.G;
  parallel_for(threads, s.N * s.IH, [&](std::size_t row, std::size_t) {
    const std::size_t n = row / s.IH;
    const std::size_t ih = row % s.IH;
    for (std::size_t iw = 0; iw < s.IW; ++iw) {
      for (std::size_t c = 0; c < s.IC; ++c) {
        const std::size_t g = c / ICg;
        double sum = 0.0;
        for (std::size_t kh = 0; kh < s.KH; ++kh) {
          const Window oh(ih, kh, s.stride_h, s.dilation_h, s.pad_top, s.OH);
          for (std::size_t kw = 0; kw < s.KW; ++kw) {
            const Window ow(iw, kw, s.stride_w, s.dilation_w, s.pad_left, s.OW);
            if (!oh.exists || !ow.exists) continue;
            const T* grad = grad_output + ((n * s.OH + oh.at) * s.OW + ow.at) * s.OC + g * OCg;
            const T* w = weight + ((kh * s.KW + kw) * ICg + c % ICg) * s.OC + g * OCg;
            for (std::size_t oc = 0; oc < OCg; ++oc) {
              sum += static_cast<double>(grad[oc]) * static_cast<double>(w[oc]);
            }
          }
        }
        grad_input[(row * s.IW + iw) * s.IC + c] = static_cast<T>(sum);
      }
    }
  });
}

template <class T>
void naive_grad_weight(const ConvShape& s, const T* grad_output, const T* input, T* grad_weight,
                       std::size_t threads) {
  const std::size_t ICg = s.IC / s.G;
  const std::size_t OCg = s.OC / s.G;
  parallel_for(threads, s.KH * s.KW * ICg, [&](std::size_t row, std::size_t) {
    const std::size_t kh = row / (s.KW * ICg);
    const std::size_t kw = row / ICg % s.KW;
    const std::size_t ic = row % ICg;
    std::vector<double> sum(s.OC, 0.0);
    for (std::size_t n = 0; n < s.N; ++n) {
      for (std::size_t oh = 0; oh < s.OH; ++oh) {
        const Tap ih(oh, kh, s.stride_h, s.dilation_h, s.pad_top, s.IH);
        for (std::size_t ow = 0; ow < s.OW; ++ow) {
          const Tap iw(ow, kw, s.stride_w, s.dilation_w, s.pad_left, s.IW);
          if (!ih.inside || !iw.inside) continue;
          const T* grad = grad_output + ((n * s.OH + oh) * s.OW + ow) * s.OC;     // (OC)
          const T* in = input + ((n * s.IH + ih.at) * s.IW + iw.at) * s.IC + ic;  // (G), ICg apart
          for (std::size_t g = 0; g < s.G; ++g) {
            const double factor = in[g * ICg];
            for (std::size_t oc = g * OCg; oc < (g + 1) * OCg; ++oc) {
              sum[oc] += factor * static_cast<double>(grad[oc]);
            }
          }
        }
      }
    }
    for (std::size_t oc = 0; oc < s.OC; ++oc) {
      grad_weight[row * s.OC + oc] = static_cast<T>(sum[oc]);
    }
  });
}

template void naive_forward(const ConvShape&, const float*, const float*, const float*, float*,
                            std::size_t);
template void naive_forward(const ConvShape&, const double*, const double*, const double*, double*,
                            std::size_t);
template void naive_grad_input(const ConvShape&, const float*, const float*, float*, std::size_t);
template void naive_grad_input(const ConvShape&, const double*, const double*, double*,
                               std::size_t);
template void naive_grad_weight(const ConvShape&, const float*, const float*, float*, std::size_t);
template void naive_grad_weight(const ConvShape&, const double*, const double*, double*,
                                std::size_t);

const ConvAlgorithm& naive_algorithm() {
  static constexpr ConvAlgorithm algorithm{
      .name = "naive",
      .summary = "the readable loop nest, sums in double",
      .reproducibility = Reproducibility::portable,
      .error_bound =
          [](const ConvShape& shape, ConvPass pass) {
            return 1.0 + 0x1p-28 * static_cast<double>(shape.terms(pass) + 1);
          },
      .error_scale = ErrorScale::elementwise,
      .unsupported = [](const ConvShape&, ConvPass) { return std::string(); },
      .estimated_cost = nullptr,  // direct is always faster
      .workspace_bytes = [](const ConvShape&, ConvPass, std::size_t) { return std::size_t{0}; },
      .forward =
          [](const ConvShape& shape, const float* input, const float* weight, const float* bias,
             float* output, const ConvResources& resources) {
            naive_forward(shape, input, weight, bias, output, resources.threads);
          },
      .grad_input =
          [](const ConvShape& shape, const float* grad_output, const float* weight,
             float* grad_input, const ConvResources& resources) {
            naive_grad_input(shape, grad_output, weight, grad_input, resources.threads);
          },
      .grad_weight =
          [](const ConvShape& shape, const float* grad_output, const float* input,
             float* grad_weight, const ConvResources& resources) {
            naive_grad_weight(shape, grad_output, input, grad_weight, resources.threads);
          },
  };
  return algorithm;
}

}  // namespace reprise
