// oneDNN's direct convolution: a yardstick in the tables and an independent oracle in the tests.
//
// Equation: that of conv_shape.hpp. Tensors stay in the layouts of this library where oneDNN has
// vectorised kernels for them; where it prefers layouts of its own, they are reordered inside the
// call, and the time and the memory of that count.
// Cost: 2*N*OH*OW*OC*KH*KW*IC/G operations. Workspace: the reordered tensors and oneDNN's
// scratchpad. Error: each term passes through its product, at most terms additions in any order and
// that of the bias: (1 + u)^(terms + 2). oneDNN splits sums by thread: class machine, and bits
// that depend on the number of threads. Domain: finite values; padding may be multiplied.
#ifdef REPRISE_HAVE_ONEDNN

#include <algorithm>
#include <array>
#include <dnnl.hpp>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "reprise/conv/conv_algorithm.hpp"
#include "reprise/conv/conv_workspace.hpp"
#include "reprise/conv/onednn/versions.hpp"

extern "C" {
// oneDNN's threads are OpenMP's; these two set their number for the calling thread alone.
void omp_set_num_threads(int threads);
int omp_get_max_threads();
}

namespace reprise::onednn {
namespace {

using dnnl::memory;

const dnnl::engine& engine() {
  static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

memory::dim dim(std::size_t size) {
  return static_cast<memory::dim>(size);
}

/// For a scope, oneDNN uses this many threads.
class OpenMpThreads {
 public:
  explicit OpenMpThreads(std::size_t threads) : before_(omp_get_max_threads()) {
    omp_set_num_threads(static_cast<int>(std::max<std::size_t>(threads, 1)));
  }
  ~OpenMpThreads() { omp_set_num_threads(before_); }
  OpenMpThreads(const OpenMpThreads&) = delete;
  OpenMpThreads& operator=(const OpenMpThreads&) = delete;

 private:
  int before_;
};

/// One of a pass's three tensors (the bias needs no reordering).
struct Operand {
  int argument = 0;  ///< DNNL_ARG_...
  bool is_result = false;
  memory::desc ours, theirs;
  dnnl::reorder reorder;  ///< before the pass, or after it for the result; if ours != theirs
  [[nodiscard]] bool reordered() const { return ours != theirs; }
};

/// Everything about a pass of a shape that does not depend on the tensors' values.
struct Plan {
  dnnl::primitive primitive;
  std::array<Operand, 3> operands;  ///< input, weight, output or their gradients
  memory::desc scratchpad;
  std::string implementation;
};

/// The sizes of a shape as oneDNN counts them.
struct Geometry {
  explicit Geometry(const ConvShape& s)
      : stride{dim(s.stride_h), dim(s.stride_w)},
        dilation{dim(s.dilation_h) - 1, dim(s.dilation_w) - 1},  // 0 is dense
        pad_begin{dim(s.pad_top), dim(s.pad_left)},
        pad_end{dim(s.pad_bottom), dim(s.pad_right)},
        input({dim(s.N), dim(s.IC), dim(s.IH), dim(s.IW)}, memory::data_type::f32,
              memory::format_tag::nhwc),
        bias({dim(s.OC)}, memory::data_type::f32, memory::format_tag::x),
        output({dim(s.N), dim(s.OC), dim(s.OH), dim(s.OW)}, memory::data_type::f32,
               memory::format_tag::nhwc) {
    const memory::dim ICg = dim(s.IC / s.G);
    const memory::dim OCg = dim(s.OC / s.G);
    const memory::dim OC = dim(s.OC);
    const memory::dim KW = dim(s.KW);
    weight = s.G == 1 ? memory::desc({OC, ICg, dim(s.KH), KW}, memory::data_type::f32,
                                     memory::dims{1, OC, KW * ICg * OC, ICg * OC})
                      : memory::desc({dim(s.G), OCg, ICg, dim(s.KH), KW}, memory::data_type::f32,
                                     memory::dims{OCg, 1, OC, KW * ICg * OC, ICg * OC});
  }
  memory::dims stride, dilation, pad_begin, pad_end;
  memory::desc input, weight, bias, output;
};

memory::desc in_layout(const memory::desc& ours, memory::format_tag tag) {
  return {onednn::sizes_of(ours), memory::data_type::f32, tag};
}

memory::desc any_layout(const memory::desc& ours) {
  return in_layout(ours, memory::format_tag::any);
}

dnnl::primitive_attr attributes() {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

/// The convolution with activations in layouts x and y.
onednn::Convolution convolution_in(const Geometry& g, const memory::desc& x,
                                   const memory::desc& y) {
  return {dnnl::algorithm::convolution_direct,
          x,
          any_layout(g.weight),
          g.bias,
          y,
          g.stride,
          g.dilation,
          g.pad_begin,
          g.pad_end};
}

template <class PrimitiveDesc>
Plan describe(const PrimitiveDesc& pd, dnnl::primitive primitive, Operand input, Operand weight,
              Operand output) {
  Plan plan{std::move(primitive),
            {std::move(input), std::move(weight), std::move(output)},
            pd.scratchpad_desc(),
            pd.impl_info_str()};
  for (Operand& operand : plan.operands) {
    if (!operand.reordered()) continue;
    const memory::desc& from = operand.is_result ? operand.theirs : operand.ours;
    const memory::desc& to = operand.is_result ? operand.ours : operand.theirs;
    operand.reorder = dnnl::reorder({engine(), from, engine(), to});
  }
  return plan;
}

Plan make_plan_in(const Geometry& g, ConvPass pass, const memory::desc& x, const memory::desc& y) {
  const onednn::Convolution convolution = convolution_in(g, x, y);
  const auto forward = onednn::forward_primitive(engine(), convolution, attributes());
  if (pass == ConvPass::forward) {
    return describe(forward, dnnl::convolution_forward(forward),
                    {DNNL_ARG_SRC, false, g.input, forward.src_desc(), {}},
                    {DNNL_ARG_WEIGHTS, false, g.weight, forward.weights_desc(), {}},
                    {DNNL_ARG_DST, true, g.output, forward.dst_desc(), {}});
  }
  if (pass == ConvPass::grad_input) {
    const auto pd = onednn::gradient_primitive<dnnl::convolution_backward_data::primitive_desc>(
        engine(), convolution, attributes(), forward);
    return describe(pd, dnnl::convolution_backward_data(pd),
                    {DNNL_ARG_DIFF_SRC, true, g.input, pd.diff_src_desc(), {}},
                    {DNNL_ARG_WEIGHTS, false, g.weight, pd.weights_desc(), {}},
                    {DNNL_ARG_DIFF_DST, false, g.output, pd.diff_dst_desc(), {}});
  }
  const auto pd = onednn::gradient_primitive<dnnl::convolution_backward_weights::primitive_desc>(
      engine(), convolution, attributes(), forward);
  return describe(pd, dnnl::convolution_backward_weights(pd),
                  {DNNL_ARG_SRC, false, g.input, pd.src_desc(), {}},
                  {DNNL_ARG_DIFF_WEIGHTS, true, g.weight, pd.diff_weights_desc(), {}},
                  {DNNL_ARG_DIFF_DST, false, g.output, pd.diff_dst_desc(), {}});
}

bool is_vectorised(const Plan& plan) {
  return plan.implementation.find("ref") == std::string::npos &&
         plan.implementation.find("gemm") == std::string::npos;
}

/// oneDNN's fault (its issue 6035, in 2.6.3 to 3.12 at least): the 1x1 kernels for grad_weight
/// gather a strided input in nhwc into a scratchpad of IC channels a pixel, but step through it by
/// their block of 8 or 16 channels. With fewer channels they write behind its end.
bool leaves_scratchpad(const Plan& plan, const ConvShape& s, ConvPass pass) {
  constexpr std::size_t widest_block = 16;
  return pass == ConvPass::grad_weight && (s.stride_h > 1 || s.stride_w > 1) &&
         s.IC / s.G < widest_block && !plan.operands[0].reordered() &&
         plan.implementation.find("1x1") != std::string::npos;
}

/// In our layouts if oneDNN has vectorised kernels for them, else in those it prefers; in blocks of
/// channels if the fault above leaves no other. Throws dnnl::error if there is no plan.
Plan make_plan(const ConvShape& shape, ConvPass pass) {
  using Tag = memory::format_tag;
  const Geometry g(shape);
  std::optional<Plan> first;
  std::exception_ptr reason;
  bool faulty = false;
  for (const Tag tag : {Tag::nhwc, Tag::any, Tag::nChw16c, Tag::nChw8c}) {
    const bool last_resort = tag != Tag::nhwc && tag != Tag::any;
    if (last_resort && !faulty) break;
    try {
      Plan plan = make_plan_in(g, pass, in_layout(g.input, tag), in_layout(g.output, tag));
      if (leaves_scratchpad(plan, shape, pass)) {
        faulty = true;
        continue;
      }
      if (is_vectorised(plan)) return plan;
      if (!first) first = std::move(plan);
    } catch (const dnnl::error&) {
      if (!reason) reason = std::current_exception();
    }
  }
  if (first) return *first;
  if (faulty || !reason) {
    throw dnnl::error(dnnl_unimplemented,
                      "its 1x1 kernels write outside their scratchpad for strided inputs of fewer "
                      "than 16 channels");
  }
  std::rethrow_exception(reason);
}

constexpr std::size_t kMaxPlans = 256;

/// Plans that were made before, or why there is none.
struct PlanOrReason {
  std::shared_ptr<const Plan> plan;
  std::string reason;
};

PlanOrReason find_plan(const ConvShape& shape, ConvPass pass, std::size_t threads) {
  static std::mutex mutex;
  static std::map<std::tuple<std::string, ConvPass, std::size_t>, PlanOrReason> plans;
  ConvShape unnamed = shape;
  unnamed.name.clear();
  const std::string line = to_line(unnamed);
  const std::lock_guard<std::mutex> lock(mutex);
  if (plans.size() >= kMaxPlans) plans.clear();
  PlanOrReason& entry = plans[{line, pass, threads}];
  if (entry.plan == nullptr && entry.reason.empty()) {
    const OpenMpThreads scope(threads);
    try {
      entry.plan = std::make_shared<const Plan>(make_plan(shape, pass));
    } catch (const dnnl::error& error) {
      entry.reason = std::string("oneDNN: ") + error.what();
    }
  }
  return entry;
}

/// oneDNN's kernels hold sizes and offsets in 32 bits, and results are wrong without a word where
/// these overflow. The limits lie far from there, and as far from shapes that anybody means.
std::string beyond_32_bits(const ConvShape& s) {
  constexpr std::size_t most_cells = std::size_t{1} << 12;
  constexpr std::size_t most_values = std::size_t{1} << 28;  // 2^30 bytes
  for (const auto& [name, cells] :
       {std::pair{"stride", std::max(s.stride_h, s.stride_w)},
        std::pair{"dilation", std::max(s.dilation_h, s.dilation_w)},
        std::pair{"padding", std::max({s.pad_top, s.pad_bottom, s.pad_left, s.pad_right})}}) {
    if (cells <= most_cells) continue;
    return std::string(name) + " " + std::to_string(cells) + ": oneDNN, which counts in 32 bits, " +
           "is given up to " + std::to_string(most_cells);
  }
  const std::size_t images = std::max<std::size_t>(s.N, 1);
  for (const std::size_t size :
       {s.input_size() / images, s.output_size() / images, s.weight_size()}) {
    if (size <= most_values) continue;
    return "an image or kernels of " + std::to_string(size) + " values: oneDNN, which counts in " +
           "32 bits, is given up to " + std::to_string(most_values);
  }
  return "";
}

std::string unsupported(const ConvShape& shape, ConvPass pass) {
  if (shape.N == 0) return "";
  const std::string reason = beyond_32_bits(shape);
  return reason.empty() ? find_plan(shape, pass, 1).reason : reason;
}

/// The plan for that number of threads or, where there is none, for one; null if unsupported.
std::shared_ptr<const Plan> usable_plan(const ConvShape& shape, ConvPass pass,
                                        std::size_t threads) {
  std::shared_ptr<const Plan> plan = find_plan(shape, pass, threads).plan;
  return plan != nullptr ? plan : find_plan(shape, pass, 1).plan;
}

std::size_t workspace_bytes(const ConvShape& shape, ConvPass pass, std::size_t threads) {
  if (shape.N == 0) return 0;
  const std::shared_ptr<const Plan> plan = usable_plan(shape, pass, threads);
  if (plan == nullptr) return 0;
  std::size_t bytes = piece_bytes<std::byte>(plan->scratchpad.get_size());
  for (const Operand& operand : plan->operands) {
    if (operand.reordered()) bytes += piece_bytes<std::byte>(operand.theirs.get_size());
  }
  return bytes;
}

memory memory_at(const memory::desc& desc, const void* data) {
  return {desc, engine(), const_cast<void*>(data)};
}

/// Runs the plan on the tensors in the order of its operands; bias may be null.
void run(const ConvShape& shape, ConvPass pass, const std::array<const float*, 3>& tensors,
         const float* bias, const ConvResources& resources) {
  const OpenMpThreads scope(resources.threads);
  const std::shared_ptr<const Plan> plan = usable_plan(shape, pass, resources.threads);
  dnnl::stream stream(engine());
  WorkspacePieces pieces(resources.workspace);
  std::unordered_map<int, memory> arguments;
  arguments[DNNL_ARG_SCRATCHPAD] =
      memory_at(plan->scratchpad, pieces.take<std::byte>(plan->scratchpad.get_size()));
  for (std::size_t i = 0; i < 3; ++i) {
    const Operand& operand = plan->operands[i];
    const memory ours = memory_at(operand.ours, tensors[i]);
    memory& argument = arguments[operand.argument];
    argument = ours;
    if (!operand.reordered()) continue;
    argument = memory_at(operand.theirs, pieces.take<std::byte>(operand.theirs.get_size()));
    if (!operand.is_result) {
      operand.reorder.execute(stream, {{DNNL_ARG_FROM, ours}, {DNNL_ARG_TO, argument}});
    }
  }
  if (bias != nullptr) {
    arguments[DNNL_ARG_BIAS] = memory_at(Geometry(shape).bias, bias);
  }
  plan->primitive.execute(stream, arguments);
  for (std::size_t i = 0; i < 3; ++i) {
    const Operand& operand = plan->operands[i];
    if (!operand.reordered() || !operand.is_result) continue;
    operand.reorder.execute(stream, {{DNNL_ARG_FROM, arguments[operand.argument]},
                                     {DNNL_ARG_TO, memory_at(operand.ours, tensors[i])}});
  }
  stream.wait();
}

void forward(const ConvShape& shape, const float* input, const float* weight, const float* bias,
             float* output, const ConvResources& resources) {
  if (shape.N == 0) return;
  run(shape, ConvPass::forward, {input, weight, output}, bias, resources);
}

void grad_input(const ConvShape& shape, const float* grad_output, const float* weight,
                float* grad_input, const ConvResources& resources) {
  if (shape.N == 0) return;
  run(shape, ConvPass::grad_input, {grad_input, weight, grad_output}, nullptr, resources);
}

void grad_weight(const ConvShape& shape, const float* grad_output, const float* input,
                 float* grad_weight, const ConvResources& resources) {
  if (shape.N == 0) {
    std::fill_n(grad_weight, shape.weight_size(), 0.0F);
    return;
  }
  run(shape, ConvPass::grad_weight, {input, grad_weight, grad_output}, nullptr, resources);
}

}  // namespace

}  // namespace reprise::onednn

namespace reprise {

const ConvAlgorithm& onednn_algorithm() {
  static constexpr ConvAlgorithm algorithm{
      .name = "onednn",
      .summary = "oneDNN's direct convolution, reorders counted",
      .reproducibility = Reproducibility::machine,
      .threads_may_show = true,
      .error_bound = [](const ConvShape& shape,
                        ConvPass pass) { return rounding_bound(shape.terms(pass) + 2); },
      .error_scale = ErrorScale::elementwise,
      .domain = {.finite_only = true},
      .unsupported = onednn::unsupported,
      .estimated_cost = nullptr,
      .workspace_bytes = onednn::workspace_bytes,
      .forward = onednn::forward,
      .grad_input = onednn::grad_input,
      .grad_weight = onednn::grad_weight,
  };
  return algorithm;
}

}  // namespace reprise

#endif  // REPRISE_HAVE_ONEDNN
