/// \file
/// Where oneDNN's interfaces of versions 2 and 3 differ. Version 2 describes an operation first and
/// makes a primitive's description of it; version 3 makes that of the same arguments directly.
/// Version 3's part is written from its documentation and was not compiled.
#pragma once

#include <dnnl.hpp>

namespace reprise::onednn {

using dnnl::memory;

/// A convolution's tensors (gradients stand for what they are gradients of) and geometry. A
/// dilation of 0 is dense.
struct Convolution {
  dnnl::algorithm algorithm;
  memory::desc input, weight, bias, output;
  memory::dims stride, dilation, pad_begin, pad_end;
};

/// Both throw dnnl::error where oneDNN has no implementation.
inline auto forward_primitive(const dnnl::engine& engine, const Convolution& c,
                              const dnnl::primitive_attr& attributes) {
  constexpr auto training = dnnl::prop_kind::forward_training;
  using Description = dnnl::convolution_forward::primitive_desc;
#if DNNL_VERSION_MAJOR >= 3
  return Description(engine, training, c.algorithm, c.input, c.weight, c.bias, c.output, c.stride,
                     c.dilation, c.pad_begin, c.pad_end, attributes);
#else
  return Description({training, c.algorithm, c.input, c.weight, c.bias, c.output, c.stride,
                      c.dilation, c.pad_begin, c.pad_end},
                     attributes, engine);
#endif
}

/// Description: dnnl::convolution_backward_data::primitive_desc, or that of ..._backward_weights.
template <class Description>
Description gradient_primitive(const dnnl::engine& engine, const Convolution& c,
                               const dnnl::primitive_attr& attributes,
                               const dnnl::convolution_forward::primitive_desc& forward) {
#if DNNL_VERSION_MAJOR >= 3
  return Description(engine, c.algorithm, c.input, c.weight, c.output, c.stride, c.dilation,
                     c.pad_begin, c.pad_end, forward, attributes);
#else
  return Description(
      {c.algorithm, c.input, c.weight, c.output, c.stride, c.dilation, c.pad_begin, c.pad_end},
      attributes, engine, forward);
#endif
}

inline memory::dims sizes_of(const memory::desc& description) {
#if DNNL_VERSION_MAJOR >= 3
  return description.get_dims();
#else
  return description.dims();
#endif
}

}  // namespace reprise::onednn
