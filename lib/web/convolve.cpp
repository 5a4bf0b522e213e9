// Convolutions for the page: one algorithm's time, error and digest, and a picture filtered by it.
#include <exception>
#include <string>
#include <vector>

#include "reprise/conv/conv2d.hpp"
#include "reprise/conv/conv_problem.hpp"
#include "reprise/core/error.hpp"
#include "tell.hpp"

namespace reprise {
namespace {

constexpr std::uint64_t kSeed = 1;  // compare_convolutions' own

ConvPass pass_of(const std::string& name) {
  for (const ConvPass pass : kConvPasses) {
    if (name_of(pass) == name) return pass;
  }
  throw Error("pass", name, "forward, grad_input or grad_weight");
}

/// Milliseconds of a run, the mean of half a second or more: a page's clock is coarse.
double mean_ms(ConvProblem& problem, const ConvAlgorithm& algorithm) {
  const double begun = emscripten_get_now();
  double passed = 0.0, runs = 0.0;
  for (; passed < 500.0; ++runs) {
    problem.run(algorithm, 1);
    passed = emscripten_get_now() - begun;
  }
  return passed / runs;
}

}  // namespace

/// Checks and times one pass of a shape (benchdnn's grammar) by an algorithm, on the numbers that
/// compare_convolutions draws. Tells the caller "convolved", or "error" with the line that says
/// why.
extern "C" EMSCRIPTEN_KEEPALIVE void reprise_convolve(const char* line, const char* algorithm_name,
                                                      const char* pass) try {
  const ConvShape shape = parse_conv_shape(line);
  if (shape.flops() > 1e9) throw Error(line, "too large for a page", "at most 1 GFLOP a pass");
  const ConvAlgorithm& algorithm = conv_algorithm(algorithm_name);
  ConvProblem problem(shape, pass_of(pass), kSeed);
  const ConvCheck check = problem.check(algorithm, 1);
  tell("\"kind\":\"convolved\"" + member("status", quoted(check.status)) +
       member("flops", shape.flops()) +
       member("ms", check.is_right() ? mean_ms(problem, algorithm) : 0.0) +
       member("worst_ulp", check.worst_ulp) + member("rms_relative", check.rms_relative) +
       member("result", quoted(check.result_sha256)));
} catch (const std::exception& error) {
  tell_error(error);
}

/// A picture (height, width) under a kernel (3, 3), padded to its size: valid until the next call;
/// null after telling "error".
extern "C" EMSCRIPTEN_KEEPALIVE const float* reprise_filter(const float* picture,
                                                            std::size_t height, std::size_t width,
                                                            const float* kernel,
                                                            const char* algorithm) try {
  static std::vector<float> result;
  Conv2dOptions options;
  options.padding = Padding2d::same();
  const ConvShape shape = make_conv_shape(1, height, width, 1, 1, 3, 3, options);
  const float no_bias = 0.0F;
  result.resize(shape.output_size());
  conv2d_forward(shape, picture, kernel, &no_bias, result.data(), conv_algorithm(algorithm));
  return result.data();
} catch (const std::exception& error) {
  tell_error(error);
  return nullptr;
}

}  // namespace reprise
