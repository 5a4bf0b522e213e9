// Times "auto" and oneDNN in turns on the three passes of one shape, for tests/compare_with_onednn:
//
//   time_against_onednn LINE [--simd NAME] [--seconds S]
//
// Prints a line of JSON for each pass. oneDNN has its tensors in the layouts that it chooses for
// itself, and its reorders are not timed; "auto" has NHWC tensors in and out, as always. The two,
// and oneDNN's direct and Winograd algorithms by themselves, take turns of a few milliseconds, so
// that what else runs on the machine slows all of them alike. One thread each.
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <dnnl.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>

#include "reprise/conv/conv_algorithm.hpp"
#include "reprise/conv/conv_reference.hpp"
#include "reprise/conv/conv_workspace.hpp"
#include "reprise/conv/onednn/versions.hpp"
#include "reprise/core/aligned_buffer.hpp"
#include "reprise/core/command_line.hpp"
#include "reprise/core/random.hpp"
#include "reprise/core/terminal.hpp"
#include "reprise/linalg/blas.hpp"
#include "reprise/linalg/simd.hpp"
#include "support/machine_peak.hpp"
#include "support/program.hpp"

extern "C" void omp_set_num_threads(int threads);  // oneDNN's threads are OpenMP's

namespace reprise {
namespace {

using dnnl::memory;

struct Options {
  std::string line;
  std::string simd = "best";
  double seconds = 0.5;  ///< of timing, for each pass
};

/// The tensors of a pass, uniform in [-1, 1): the operands by the names of conv_shape.hpp.
struct Tensors {
  Tensors(const ConvShape& s, ConvPass p)
      : shape(s),
        pass(p),
        input(make_aligned_buffer<float>(s.input_size())),
        weight(make_aligned_buffer<float>(s.weight_size())),
        bias(make_aligned_buffer<float>(s.OC)),
        output(make_aligned_buffer<float>(s.output_size())) {
    const RandomStream stream(1);
    fill(stream.child("input"), s.input_size(), input.get());
    fill(stream.child("weight"), s.weight_size(), weight.get());
    fill(stream.child("bias"), s.OC, bias.get());
    fill(stream.child("output"), s.output_size(), output.get());
  }
  static void fill(const RandomStream& stream, std::size_t count, float* values) {
    for (std::size_t i = 0; i < count; ++i) {
      values[i] = static_cast<float>(2.0 * stream.uniform(i) - 1.0);
    }
  }
  [[nodiscard]] float* result() const {
    return pass == ConvPass::forward      ? output.get()
           : pass == ConvPass::grad_input ? input.get()
                                          : weight.get();
  }
  [[nodiscard]] std::size_t size() const { return result_size(shape, pass); }

  ConvShape shape;
  ConvPass pass;
  AlignedBuffer<float> input, weight, bias, output;
};

// ---- The two sides

/// One that takes part: what it calls, and its times in milliseconds.
struct Contender {
  std::string name;
  std::function<void()> run;
  std::size_t calls = 1;  ///< of a turn
  std::vector<double> times = {};
};

void run_auto(const Tensors& t, ConvWorkspace& workspace) {
  const ConvAlgorithm& algorithm = auto_conv_algorithm();
  const ConvResources resources{
      workspace.require(algorithm.workspace_bytes(t.shape, t.pass, 1), algorithm.name), 1};
  switch (t.pass) {
    case ConvPass::forward:
      return algorithm.forward(t.shape, t.input.get(), t.weight.get(), t.bias.get(), t.output.get(),
                               resources);
    case ConvPass::grad_input:
      return algorithm.grad_input(t.shape, t.output.get(), t.weight.get(), t.input.get(),
                                  resources);
    case ConvPass::grad_weight:
      return algorithm.grad_weight(t.shape, t.output.get(), t.input.get(), t.weight.get(),
                                   resources);
  }
}

memory::dim dim(std::size_t size) {
  return static_cast<memory::dim>(size);
}

/// A pass by oneDNN, in its own layouts; throws dnnl::error where it offers none.
class OneDnnPass {
 public:
  OneDnnPass(const Tensors& tensors, dnnl::algorithm algorithm)
      : engine_(dnnl::engine::kind::cpu, 0), stream_(engine_) {
    const ConvShape& s = tensors.shape;
    const memory::dims stride{dim(s.stride_h), dim(s.stride_w)};
    const memory::dims dilation{dim(s.dilation_h) - 1, dim(s.dilation_w) - 1};  // 0 is dense
    const memory::dims pad_begin{dim(s.pad_top), dim(s.pad_left)};
    const memory::dims pad_end{dim(s.pad_bottom), dim(s.pad_right)};
    const memory::desc x = plain({dim(s.N), dim(s.IC), dim(s.IH), dim(s.IW)});
    const memory::desc y = plain({dim(s.N), dim(s.OC), dim(s.OH), dim(s.OW)});
    const memory::desc w = weights_of(s);
    const memory::desc bias({dim(s.OC)}, memory::data_type::f32, memory::format_tag::x);
    const onednn::Convolution convolution{algorithm, any(x),   any(w),    bias,   any(y),
                                          stride,    dilation, pad_begin, pad_end};
    const auto forward = onednn::forward_primitive(engine_, convolution, {});
    if (tensors.pass == ConvPass::forward) {
      primitive_ = dnnl::convolution_forward(forward);
      implementation_ = forward.impl_info_str();
      take(DNNL_ARG_SRC, x, forward.src_desc(), tensors.input.get());
      take(DNNL_ARG_WEIGHTS, w, forward.weights_desc(), tensors.weight.get());
      take(DNNL_ARG_BIAS, bias, bias, tensors.bias.get());
      give(DNNL_ARG_DST, y, forward.dst_desc());
    } else if (tensors.pass == ConvPass::grad_input) {
      const auto pd = onednn::gradient_primitive<dnnl::convolution_backward_data::primitive_desc>(
          engine_, convolution, {}, forward);
      primitive_ = dnnl::convolution_backward_data(pd);
      implementation_ = pd.impl_info_str();
      take(DNNL_ARG_DIFF_DST, y, pd.diff_dst_desc(), tensors.output.get());
      take(DNNL_ARG_WEIGHTS, w, pd.weights_desc(), tensors.weight.get());
      give(DNNL_ARG_DIFF_SRC, x, pd.diff_src_desc());
    } else {
      const auto pd =
          onednn::gradient_primitive<dnnl::convolution_backward_weights::primitive_desc>(
              engine_, convolution, {}, forward);
      primitive_ = dnnl::convolution_backward_weights(pd);
      implementation_ = pd.impl_info_str();
      take(DNNL_ARG_SRC, x, pd.src_desc(), tensors.input.get());
      take(DNNL_ARG_DIFF_DST, y, pd.diff_dst_desc(), tensors.output.get());
      give(DNNL_ARG_DIFF_WEIGHTS, w, pd.diff_weights_desc());
    }
  }

  void run() {
    primitive_.execute(stream_, arguments_);
    stream_.wait();
  }
  /// The result of the last run, in this library's layout.
  void copy_result(float* to) {
    memory ours(ours_, engine_, to);
    dnnl::reorder(theirs_, ours).execute(stream_, theirs_, ours);
    stream_.wait();
  }
  [[nodiscard]] const std::string& implementation() const { return implementation_; }

 private:
  static memory::desc plain(const memory::dims& dims) {
    return {dims, memory::data_type::f32, memory::format_tag::nhwc};
  }
  static memory::desc any(const memory::desc& desc) {
    return {onednn::sizes_of(desc), memory::data_type::f32, memory::format_tag::any};
  }
  static memory::desc weights_of(const ConvShape& s) {
    const memory::dim in = dim(s.IC / s.G), out = dim(s.OC / s.G), all = dim(s.OC);
    const memory::dim height = dim(s.KH), width = dim(s.KW);
    if (s.G == 1) {
      return {{out, in, height, width},
              memory::data_type::f32,
              memory::dims{1, all, width * in * all, in * all}};
    }
    return {{dim(s.G), out, in, height, width},
            memory::data_type::f32,
            memory::dims{out, 1, all, width * in * all, in * all}};
  }
  void take(int argument, const memory::desc& ours, const memory::desc& theirs, float* values) {
    memory from(ours, engine_, values);
    memory to(theirs, engine_);
    dnnl::reorder(from, to).execute(stream_, from, to);
    stream_.wait();
    arguments_.emplace(argument, to);
  }
  void give(int argument, const memory::desc& ours, const memory::desc& theirs) {
    ours_ = ours;
    theirs_ = memory(theirs, engine_);
    arguments_.emplace(argument, theirs_);
  }

  dnnl::engine engine_;
  dnnl::stream stream_;
  dnnl::primitive primitive_;
  std::unordered_map<int, memory> arguments_;
  memory::desc ours_;
  memory theirs_;
  std::string implementation_;
};

// ---- Taking turns

/// The processor's time for this thread: other programs that take turns with it do not count.
double thread_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

double milliseconds_of(const Contender& contender) {
  const double start = thread_seconds();
  for (std::size_t i = 0; i < contender.calls; ++i) contender.run();
  return (thread_seconds() - start) * 1e3 / static_cast<double>(contender.calls);
}

void take_turns(std::vector<Contender>& contenders, double seconds) {
  constexpr double turn_ms = 2.0;
  constexpr std::size_t fewest = 5, most = 41;  // rounds
  double round_ms = 0.0;
  for (Contender& contender : contenders) {
    milliseconds_of(contender);
    const double once = std::max(milliseconds_of(contender), 1e-4);
    contender.calls = static_cast<std::size_t>(std::ceil(turn_ms / once));
    round_ms += once * static_cast<double>(contender.calls);
  }
  const auto fitting = static_cast<std::size_t>(seconds * 1e3 / round_ms);
  const std::size_t rounds = std::clamp(fitting, fewest, most);
  for (std::size_t round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < contenders.size(); ++i) {
      Contender& contender = contenders[(i + round) % contenders.size()];
      contender.run();  // its data comes back to the caches that the others have used
      contender.times.push_back(milliseconds_of(contender));
    }
  }
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// The largest difference, as a share of the largest magnitude.
double difference(const float* a, const std::vector<float>& b) {
  double largest = 0.0, magnitude = 0.0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
    magnitude = std::max(magnitude, std::abs(static_cast<double>(b[i])));
  }
  return magnitude > 0.0 ? largest / magnitude : largest;
}

/// The pass's line of JSON.
std::string time_pass(const ConvShape& shape, ConvPass pass, double seconds) {
  const Tensors tensors(shape, pass);
  ConvWorkspace workspace;
  std::vector<Contender> contenders;
  contenders.push_back({"auto", [&] { run_auto(tensors, workspace); }});
  run_auto(tensors, workspace);
  std::vector<std::unique_ptr<OneDnnPass>> passes;
  std::string text;
  for (const auto& [name, algorithm] :
       {std::pair{"onednn_direct", dnnl::algorithm::convolution_direct},
        std::pair{"onednn_winograd", dnnl::algorithm::convolution_winograd}}) {
    try {
      passes.push_back(std::make_unique<OneDnnPass>(tensors, algorithm));
    } catch (const dnnl::error& error) {
      text += fmt::format(", \"{}_unsupported\": \"{}\"", name, error.what());
      continue;
    }
    OneDnnPass& theirs = *passes.back();
    theirs.run();
    std::vector<float> result(tensors.size());
    theirs.copy_result(result.data());
    text += fmt::format(", \"{}_implementation\": \"{}\", \"{}_difference\": {:.2e}", name,
                        theirs.implementation(), name, difference(tensors.result(), result));
    contenders.push_back({name, [&theirs] { theirs.run(); }});
  }
  const double before = measured_peak_flops() / 1e9;
  take_turns(contenders, seconds);
  const double after = measured_peak_flops() / 1e9;
  for (const Contender& contender : contenders) {
    text += fmt::format(", \"{}_ms\": {:.6g}, \"{}_min_ms\": {:.6g}", contender.name,
                        median(contender.times), contender.name,
                        *std::min_element(contender.times.begin(), contender.times.end()));
  }
  return fmt::format(
      "{{\"pass\": \"{}\", \"simd\": \"{}\", \"algorithm\": \"{}\", \"flops\": {:.0f}, "
      "\"rounds\": {}, \"peak_gflops\": [{:.1f}, {:.1f}]{}}}",
      name_of(pass), simd_target(), resolve(auto_conv_algorithm(), shape, pass).name, shape.flops(),
      contenders.front().times.size(), before, after, text);
}

int time_against_onednn(const std::string& name, int argc, const char* const* argv) {
  Options options;
  std::vector<std::string> operands;
  CommandLine line(name, "Times auto and oneDNN in turns on the three passes of one shape.");
  line.add_operands("LINE", operands, {1, 1}, "a shape in benchdnn's grammar");
  add_simd(line, options.simd, "of auto; oneDNN goes by DNNL_MAX_CPU_ISA in the environment");
  line.add_real("--seconds", options.seconds, "how long to time each pass");
  line.set_footer("Example:\n  " + name + " g64mb8ic64ih56oc64kh3ph1");
  if (!line.parse(argc, argv)) return 0;
  ConvShape shape;
  as_usage([&] {
    select_simd_target(options.simd);
    shape = parse_conv_shape(operands.front());
  });
  omp_set_num_threads(1);
  set_blas_threads(1);
  for (const ConvPass pass : kConvPasses) print_line(time_pass(shape, pass, options.seconds));
  return 0;
}

}  // namespace
}  // namespace reprise

int main(int argc, char** argv) {
  return reprise::run_program("time_against_onednn", argc, argv, [&](const std::string& name) {
    return reprise::time_against_onednn(name, argc, argv);
  });
}
