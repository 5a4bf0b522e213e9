// Pooling: the public functions on numpy's memory.
#include "pooling.hpp"

#include <string>

#include "arguments.hpp"
#include "parts.hpp"
#include "reprise/core/error.hpp"
#include "reprise/pool/pool2d.hpp"

namespace reprise::python {
Pool2dOptions window_options(std::string_view where, PoolMode mode, const py::object& kernel,
                             const py::object& stride, const py::object& padding,
                             const py::object& rounding, const py::object& dilation) {
  Pool2dOptions options;
  options.mode = mode;
  options.kernel = extent_argument(where, "kernel", kernel);
  options.stride = stride.is_none() ? options.kernel : extent_argument(where, "stride", stride);
  options.padding = padding_argument(where, padding);
  options.dilation = extent_argument(where, "dilation", dilation);
  const std::string name = text_argument(where, "rounding", rounding);
  if (name != "floor" && name != "ceil") {
    throw Error(where, "rounding = \"" + name + "\"", "floor or ceil");
  }
  options.rounding = name == "ceil" ? Rounding::ceil : Rounding::floor;
  return options;
}

MaxTies ties_argument(std::string_view where, const py::object& value) {
  const std::string name = text_argument(where, "ties", value);
  if (name != "first" && name != "all") {
    throw Error(where, "ties = \"" + name + "\"", "first or all");
  }
  return name == "all" ? MaxTies::all : MaxTies::first;
}

namespace {

PoolShape shape_of(const ArrayArgument<float>& input, const Pool2dOptions& options) {
  const auto [N, IH, IW, C] = input.sizes4();
  return make_pool_shape(N, IH, IW, C, options);
}

py::object forward(std::string_view where, const py::object& input_value,
                   const Pool2dOptions& options, const py::object& threads_wanted) {
  const ArrayArgument<float> input(where, "input", input_value, "N,IH,IW,C");
  const PoolShape shape = shape_of(input, options);
  const std::size_t threads = threads_argument(where, threads_wanted);
  auto output = result_array<float>(where, {shape.N, shape.OH, shape.OW, shape.C});
  float* const result = output.mutable_data();
  {
    const py::gil_scoped_release release;
    pool2d_forward(shape, options, input.data(), result, threads);
  }
  return output;
}

py::object backward(std::string_view where, const py::object& grad_value,
                    const py::object& input_value, const Pool2dOptions& options,
                    const py::object& threads_wanted) {
  const ArrayArgument<float> input(where, "input", input_value, "N,IH,IW,C");
  const ArrayArgument<float> grad(where, "grad_output", grad_value, "N,OH,OW,C");
  const PoolShape shape = shape_of(input, options);
  grad.check_sizes({shape.N, shape.OH, shape.OW, shape.C});
  const std::size_t threads = threads_argument(where, threads_wanted);
  auto grad_input = result_array<float>(where, input.sizes());
  float* const result = grad_input.mutable_data();
  {
    const py::gil_scoped_release release;
    pool2d_backward(shape, options, grad.data(), input.data(), result, threads);
  }
  return grad_input;
}

py::object max_pool2d(const py::object& input, const py::object& kernel, const py::object& stride,
                      const py::object& padding, const py::object& rounding,
                      const py::object& dilation, const py::object& threads) {
  constexpr std::string_view where = "max_pool2d";
  return forward(where, input,
                 window_options(where, PoolMode::max, kernel, stride, padding, rounding, dilation),
                 threads);
}

py::object max_pool2d_backward(const py::object& grad_output, const py::object& input,
                               const py::object& kernel, const py::object& stride,
                               const py::object& padding, const py::object& rounding,
                               const py::object& ties, const py::object& dilation,
                               const py::object& threads) {
  constexpr std::string_view where = "max_pool2d_backward";
  Pool2dOptions options =
      window_options(where, PoolMode::max, kernel, stride, padding, rounding, dilation);
  options.ties = ties_argument(where, ties);
  return backward(where, grad_output, input, options, threads);
}

py::object avg_pool2d(const py::object& input, const py::object& kernel, const py::object& stride,
                      const py::object& padding, const py::object& rounding,
                      const py::object& count_include_padding, const py::object& dilation,
                      const py::object& threads) {
  constexpr std::string_view where = "avg_pool2d";
  Pool2dOptions options =
      window_options(where, PoolMode::average, kernel, stride, padding, rounding, dilation);
  options.count_include_padding =
      flag_argument(where, "count_include_padding", count_include_padding);
  return forward(where, input, options, threads);
}

py::object avg_pool2d_backward(const py::object& grad_output, const py::object& input,
                               const py::object& kernel, const py::object& stride,
                               const py::object& padding, const py::object& rounding,
                               const py::object& count_include_padding, const py::object& dilation,
                               const py::object& threads) {
  constexpr std::string_view where = "avg_pool2d_backward";
  Pool2dOptions options =
      window_options(where, PoolMode::average, kernel, stride, padding, rounding, dilation);
  options.count_include_padding =
      flag_argument(where, "count_include_padding", count_include_padding);
  return backward(where, grad_output, input, options, threads);
}

}  // namespace

void add_pooling(py::module_& module) {
  module.def("pool_sizes",
             [](const py::object& input, const py::object& kernel, const py::object& stride) {
               const auto [N, IH, IW, C] = sizes_argument("pooling", "input", input);
               const PoolShape s =
                   make_pool_shape(N, IH, IW, C,
                                   window_options("pooling", PoolMode::max, kernel, stride,
                                                  py::str("valid"), py::str("floor"), py::int_(1)));
               return py::make_tuple(s.N, s.OH, s.OW, s.C);
             });
  module.def("max_pool2d", &max_pool2d);
  module.def("max_pool2d_backward", &max_pool2d_backward);
  module.def("avg_pool2d", &avg_pool2d);
  module.def("avg_pool2d_backward", &avg_pool2d_backward);
}

}  // namespace reprise::python
