#include "reprise/conv/conv_reference.hpp"

#include <cmath>
#include <optional>

namespace reprise {
namespace {

struct ReferenceSum {
  ReferenceElement element;
  void add(float a, float b) {
    const double product = static_cast<double>(a) * b;
    element.value += product;
    element.magnitude += std::abs(product);
  }
};

/// The input cell that output cell o sees through kernel cell k, if it is inside the image.
std::optional<std::size_t> input_cell(std::size_t o, std::size_t stride, std::size_t k,
                                      std::size_t dilation, std::size_t pad, std::size_t size) {
  const std::size_t padded = o * stride + k * dilation;
  if (padded < pad || padded - pad >= size) return std::nullopt;
  return padded - pad;
}

/// The output cell that sees input cell i through kernel cell k, if there is one.
std::optional<std::size_t> output_cell(std::size_t i, std::size_t stride, std::size_t k,
                                       std::size_t dilation, std::size_t pad, std::size_t size) {
  const std::size_t padded = i + pad;
  if (padded < k * dilation) return std::nullopt;
  const std::size_t distance = padded - k * dilation;
  if (distance % stride != 0 || distance / stride >= size) return std::nullopt;
  return distance / stride;
}

ReferenceElement forward(const ConvShape& s, const float* input, const float* weight,
                         const float* bias, std::size_t index) {
  const std::size_t oc = index % s.OC;
  const std::size_t ow = index / s.OC % s.OW;
  const std::size_t oh = index / s.OC / s.OW % s.OH;
  const std::size_t n = index / s.OC / s.OW / s.OH;
  const std::size_t channels = s.IC / s.G;
  const std::size_t first = oc / (s.OC / s.G) * channels;
  ReferenceSum sum;
  if (bias != nullptr) sum.add(bias[oc], 1.0F);
  for (std::size_t kh = 0; kh < s.KH; ++kh) {
    const auto ih = input_cell(oh, s.stride_h, kh, s.dilation_h, s.pad_top, s.IH);
    for (std::size_t kw = 0; ih && kw < s.KW; ++kw) {
      const auto iw = input_cell(ow, s.stride_w, kw, s.dilation_w, s.pad_left, s.IW);
      for (std::size_t ic = 0; iw && ic < channels; ++ic) {
        sum.add(input[((n * s.IH + *ih) * s.IW + *iw) * s.IC + first + ic],
                weight[((kh * s.KW + kw) * channels + ic) * s.OC + oc]);
      }
    }
  }
  return sum.element;
}

ReferenceElement grad_input(const ConvShape& s, const float* grad_output, const float* weight,
                            std::size_t index) {
  const std::size_t c = index % s.IC;
  const std::size_t iw = index / s.IC % s.IW;
  const std::size_t ih = index / s.IC / s.IW % s.IH;
  const std::size_t n = index / s.IC / s.IW / s.IH;
  const std::size_t channels = s.IC / s.G;
  const std::size_t outputs = s.OC / s.G;
  const std::size_t first = c / channels * outputs;
  ReferenceSum sum;
  for (std::size_t kh = 0; kh < s.KH; ++kh) {
    const auto oh = output_cell(ih, s.stride_h, kh, s.dilation_h, s.pad_top, s.OH);
    for (std::size_t kw = 0; oh && kw < s.KW; ++kw) {
      const auto ow = output_cell(iw, s.stride_w, kw, s.dilation_w, s.pad_left, s.OW);
      for (std::size_t oc = first; ow && oc < first + outputs; ++oc) {
        sum.add(grad_output[((n * s.OH + *oh) * s.OW + *ow) * s.OC + oc],
                weight[((kh * s.KW + kw) * channels + c % channels) * s.OC + oc]);
      }
    }
  }
  return sum.element;
}

ReferenceElement grad_weight(const ConvShape& s, const float* grad_output, const float* input,
                             std::size_t index) {
  const std::size_t channels = s.IC / s.G;
  const std::size_t oc = index % s.OC;
  const std::size_t ic = index / s.OC % channels + oc / (s.OC / s.G) * channels;
  const std::size_t kw = index / s.OC / channels % s.KW;
  const std::size_t kh = index / s.OC / channels / s.KW;
  ReferenceSum sum;
  for (std::size_t n = 0; n < s.N; ++n) {
    for (std::size_t oh = 0; oh < s.OH; ++oh) {
      const auto ih = input_cell(oh, s.stride_h, kh, s.dilation_h, s.pad_top, s.IH);
      for (std::size_t ow = 0; ih && ow < s.OW; ++ow) {
        const auto iw = input_cell(ow, s.stride_w, kw, s.dilation_w, s.pad_left, s.IW);
        if (!iw) continue;
        sum.add(grad_output[((n * s.OH + oh) * s.OW + ow) * s.OC + oc],
                input[((n * s.IH + *ih) * s.IW + *iw) * s.IC + ic]);
      }
    }
  }
  return sum.element;
}

}  // namespace

ReferenceElement reference_element(const ConvShape& shape, ConvPass pass, const float* a,
                                   const float* b, const float* bias, std::size_t index) {
  switch (pass) {
    case ConvPass::forward:
      return forward(shape, a, b, bias, index);
    case ConvPass::grad_input:
      return grad_input(shape, a, b, index);
    case ConvPass::grad_weight:
      return grad_weight(shape, a, b, index);
  }
  return {};
}

std::size_t result_size(const ConvShape& shape, ConvPass pass) {
  if (pass == ConvPass::forward) return shape.output_size();
  return pass == ConvPass::grad_input ? shape.input_size() : shape.weight_size();
}

std::size_t operand_a_size(const ConvShape& shape, ConvPass pass) {
  return pass == ConvPass::forward ? shape.input_size() : shape.output_size();
}

std::size_t operand_b_size(const ConvShape& shape, ConvPass pass) {
  return pass == ConvPass::grad_weight ? shape.input_size() : shape.weight_size();
}

}  // namespace reprise
