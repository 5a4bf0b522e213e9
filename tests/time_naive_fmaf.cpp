// Times plain loops with fmaf under OpenMP beside "auto", for tests/performance_figures:
//
//   time_naive_fmaf LINE [--threads N] [--simd NAME] [--seconds S]
//
// This is what convolutions with the same bits everywhere cost where nothing else is done for it,
// as in RepDL by its description: each element of a result is one thread's, a sum in a fixed order
// by fused multiply-adds, each rounded once. Prints a line of JSON for each pass, with the SHA-256
// of the loops' result. A call that takes longer than S is timed once.
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <cmath>

#include "reprise/conv/conv_algorithm.hpp"
#include "reprise/conv/conv_reference.hpp"
#include "reprise/conv/conv_workspace.hpp"
#include "reprise/core/aligned_buffer.hpp"
#include "reprise/core/command_line.hpp"
#include "reprise/core/digest.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/random.hpp"
#include "reprise/core/terminal.hpp"
#include "reprise/linalg/simd.hpp"
#include "support/machine_peak.hpp"
#include "support/program.hpp"

extern "C" void omp_set_num_threads(int threads);

namespace reprise {
namespace {

// ---- The loops. Names of sizes as in conv_shape.hpp; tensors as PyTorch has them, so that the
// innermost loops walk through memory: x (N, IC, IH, IW), w (OC, IC/G, KH, KW), y (N, OC, OH, OW).

/// The place of an element in a dense tensor of sizes (*, a, b, c).
struct Place {
  Place(std::size_t i, std::size_t a, std::size_t b, std::size_t c)
      : first(i / c / b / a), second(i / c / b % a), third(i / c % b), last(i % c) {}
  std::size_t first, second, third, last;
};

void forward(const ConvShape& s, const float* x, const float* w, const float* bias, float* y) {
  const std::size_t ICg = s.IC / s.G, OCg = s.OC / s.G;
#pragma omp parallel for
  for (std::size_t i = 0; i < s.output_size(); ++i) {
    const Place at(i, s.OC, s.OH, s.OW);
    float sum = bias[at.second];
    for (std::size_t ic = 0; ic < ICg; ++ic) {
      const float* from = x + (at.first * s.IC + at.second / OCg * ICg + ic) * s.IH * s.IW;
      const float* by = w + (at.second * ICg + ic) * s.KH * s.KW;
      for (std::size_t kh = 0; kh < s.KH; ++kh) {
        const std::size_t ih = at.third * s.stride_h + kh * s.dilation_h - s.pad_top;
        if (ih >= s.IH) continue;
        for (std::size_t kw = 0; kw < s.KW; ++kw) {
          const std::size_t iw = at.last * s.stride_w + kw * s.dilation_w - s.pad_left;
          if (iw < s.IW) sum = std::fma(from[ih * s.IW + iw], by[kh * s.KW + kw], sum);
        }
      }
    }
    y[i] = sum;
  }
}

void grad_input(const ConvShape& s, const float* y, const float* w, float* x) {
  const std::size_t ICg = s.IC / s.G, OCg = s.OC / s.G;
#pragma omp parallel for
  for (std::size_t i = 0; i < s.input_size(); ++i) {
    const Place at(i, s.IC, s.IH, s.IW);
    float sum = 0.0F;
    for (std::size_t oc = at.second / ICg * OCg; oc < (at.second / ICg + 1) * OCg; ++oc) {
      const float* from = y + (at.first * s.OC + oc) * s.OH * s.OW;
      const float* by = w + (oc * ICg + at.second % ICg) * s.KH * s.KW;
      for (std::size_t kh = 0; kh < s.KH; ++kh) {
        const std::size_t h = at.third + s.pad_top - kh * s.dilation_h, oh = h / s.stride_h;
        if (oh >= s.OH || h % s.stride_h != 0) continue;
        for (std::size_t kw = 0; kw < s.KW; ++kw) {
          const std::size_t v = at.last + s.pad_left - kw * s.dilation_w, ow = v / s.stride_w;
          if (ow >= s.OW || v % s.stride_w != 0) continue;
          sum = std::fma(from[oh * s.OW + ow], by[kh * s.KW + kw], sum);
        }
      }
    }
    x[i] = sum;
  }
}

void grad_weight(const ConvShape& s, const float* y, const float* x, float* w) {
  const std::size_t ICg = s.IC / s.G, OCg = s.OC / s.G;
#pragma omp parallel for
  for (std::size_t i = 0; i < s.weight_size(); ++i) {
    const Place at(i, ICg, s.KH, s.KW);
    float sum = 0.0F;
    for (std::size_t n = 0; n < s.N; ++n) {
      const float* from = x + (n * s.IC + at.first / OCg * ICg + at.second) * s.IH * s.IW;
      const float* by = y + (n * s.OC + at.first) * s.OH * s.OW;
      for (std::size_t oh = 0; oh < s.OH; ++oh) {
        const std::size_t ih = oh * s.stride_h + at.third * s.dilation_h - s.pad_top;
        if (ih >= s.IH) continue;
        for (std::size_t ow = 0; ow < s.OW; ++ow) {
          const std::size_t iw = ow * s.stride_w + at.last * s.dilation_w - s.pad_left;
          if (iw < s.IW) sum = std::fma(from[ih * s.IW + iw], by[oh * s.OW + ow], sum);
        }
      }
    }
    w[i] = sum;
  }
}

/// From this library's layouts: (N, cells, C) to (N, C, cells).
AlignedBuffer<float> channels_first(const float* from, std::size_t n, std::size_t cells,
                                    std::size_t c) {
  AlignedBuffer<float> to = make_aligned_buffer<float>(n * cells * c);
  for (std::size_t i = 0; i < n * cells * c; ++i) {
    to[(i / c / cells * c + i % c) * cells + i / c % cells] = from[i];
  }
  return to;
}

AlignedBuffer<float> input_of(const ConvShape& s, const float* from) {
  return channels_first(from, s.N, s.IH * s.IW, s.IC);
}
AlignedBuffer<float> output_of(const ConvShape& s, const float* from) {
  return channels_first(from, s.N, s.OH * s.OW, s.OC);
}
/// (taps, IC/G, OC) to (OC, IC/G, taps).
AlignedBuffer<float> weight_of(const ConvShape& s, const float* from) {
  const auto channels = channels_first(from, s.KH * s.KW, s.IC / s.G, s.OC);  // (taps, OC, IC/G)
  return channels_first(channels.get(), 1, s.KH * s.KW, s.OC * s.IC / s.G);
}

// ---- Timing

struct Options {
  std::size_t threads = 1;
  std::string simd = "best";
  double seconds = 1.0;
};

/// The processor's time where one thread works, so that other programs do not count.
double seconds_now(std::size_t threads) {
  if (threads > 1) return steady_seconds();
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// The least of as many calls as fit.
template <class Call>
double milliseconds_of(const Options& options, const Call& call) {
  double best = 0.0;
  const double begin = seconds_now(options.threads);
  for (int calls = 0; calls == 0 || seconds_now(options.threads) - begin < options.seconds;
       ++calls) {
    const double start = seconds_now(options.threads);
    call();
    const double ms = (seconds_now(options.threads) - start) * 1e3;
    best = calls == 0 ? ms : std::min(best, ms);
  }
  return best;
}

AlignedBuffer<float> filled(const char* name, std::size_t size) {
  AlignedBuffer<float> values = make_aligned_buffer<float>(size);
  const RandomStream stream = RandomStream(1).child(name);
  for (std::size_t i = 0; i < size; ++i) {
    values[i] = static_cast<float>(2.0 * stream.uniform(i) - 1.0);
  }
  return values;
}

/// The pass's line of JSON.
std::string time_pass(const ConvShape& s, ConvPass pass, const Options& options) {
  const auto a = filled("a", operand_a_size(s, pass));
  const auto b = filled("b", operand_b_size(s, pass));
  const auto bias = filled("bias", s.OC);
  const std::size_t size = result_size(s, pass);
  const auto plain = make_aligned_buffer<float>(size);
  const auto ours = make_aligned_buffer<float>(size);
  const ConvAlgorithm& algorithm = auto_conv_algorithm();
  ConvWorkspace workspace;
  const ConvResources resources{
      workspace.require(algorithm.workspace_bytes(s, pass, options.threads), algorithm.name),
      options.threads};
  const bool is_forward = pass == ConvPass::forward;
  const auto first = is_forward ? input_of(s, a.get()) : output_of(s, a.get());
  const auto second = pass == ConvPass::grad_weight ? input_of(s, b.get()) : weight_of(s, b.get());
  const auto run_plain = [&] {
    if (is_forward) return forward(s, first.get(), second.get(), bias.get(), plain.get());
    (pass == ConvPass::grad_input ? grad_input : grad_weight)(s, first.get(), second.get(),
                                                              plain.get());
  };
  const auto run_ours = [&] {
    if (pass == ConvPass::forward) {
      return algorithm.forward(s, a.get(), b.get(), bias.get(), ours.get(), resources);
    }
    (pass == ConvPass::grad_input ? algorithm.grad_input : algorithm.grad_weight)(
        s, a.get(), b.get(), ours.get(), resources);
  };
  const double peak = measured_peak_flops();
  const double ours_ms = milliseconds_of(options, run_ours);
  const double plain_ms = milliseconds_of(options, run_plain);
  const auto expected = is_forward                     ? output_of(s, ours.get())
                        : pass == ConvPass::grad_input ? input_of(s, ours.get())
                                                       : weight_of(s, ours.get());
  double apart = 0.0, largest = 0.0;
  for (std::size_t i = 0; i < size; ++i) {
    apart =
        std::max(apart, std::abs(static_cast<double>(plain[i]) - static_cast<double>(expected[i])));
    largest = std::max(largest, std::abs(static_cast<double>(plain[i])));
  }
  if (!(apart <= 1e-3 * largest)) {
    throw Error(to_line(s) + ", " + std::string(name_of(pass)),
                fmt::format("results differ by {:.1e} of the largest", apart / largest),
                "the same but for rounding");
  }
  Sha256 digest;
  digest.update_floats({plain.get(), size});
  return fmt::format(
      "{{\"pass\": \"{}\", \"threads\": {}, \"naive_fmaf_ms\": {:.6g}, \"auto_ms\": {:.6g}, "
      "\"algorithm\": \"{}\", \"flops\": {:.0f}, \"peak_gflops\": {:.1f}, \"sha256\": \"{}\"}}",
      name_of(pass), options.threads, plain_ms, ours_ms, resolve(algorithm, s, pass).name,
      s.flops(), peak / 1e9, digest.finish_hex());
}

int time_naive_fmaf(const std::string& name, int argc, const char* const* argv) {
  Options options;
  std::vector<std::string> operands;
  CommandLine line(name, "Times plain loops with fmaf under OpenMP beside auto.");
  line.add_operands("LINE", operands, {1, 1}, "a shape in benchdnn's grammar");
  line.add_size("--threads", options.threads, kThreads, "of both");
  add_simd(line, options.simd, "of auto");
  line.add_real("--seconds", options.seconds, "how long to call each of them");
  line.set_footer("Example:\n  " + name + " g64mb8ic64ih56oc64kh3ph1");
  if (!line.parse(argc, argv)) return 0;
  ConvShape shape;
  as_usage([&] {
    select_simd_target(options.simd);
    shape = parse_conv_shape(operands.front());
  });
  omp_set_num_threads(static_cast<int>(options.threads));
  for (const ConvPass pass : kConvPasses) print_line(time_pass(shape, pass, options));
  return 0;
}

}  // namespace
}  // namespace reprise

int main(int argc, char** argv) {
  return reprise::run_program("time_naive_fmaf", argc, argv, [&](const std::string& name) {
    return reprise::time_naive_fmaf(name, argc, argv);
  });
}
