// Convolutions for the page: one algorithm's time, error and digest, and a picture filtered by it.
#include <cstring>
#include <exception>
#include <fstream>
#include <string>

#include "reprise/conv/conv2d.hpp"
#include "reprise/conv/conv_problem.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/file.hpp"
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
  while (passed < 500.0) {
    problem.run(algorithm, 1);
    passed = emscripten_get_now() - begun;
    ++runs;
  }
  return passed / runs;
}

void convolve(const std::string& line, const std::string& algorithm_name, const std::string& pass) {
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
}

/// In a file of floats: height, width, a kernel of 3x3, a picture. In another: the picture
/// filtered.
void filter(const std::string& from, const std::string& to, const std::string& algorithm) {
  const std::vector<std::byte> bytes = read_file(from, std::size_t{1} << 24);
  std::vector<float> numbers(bytes.size() / sizeof(float));
  std::memcpy(numbers.data(), bytes.data(), numbers.size() * sizeof(float));
  Conv2dOptions options;
  options.padding = Padding2d::same();
  const ConvShape shape =
      make_conv_shape(1, static_cast<std::size_t>(numbers.at(0)),
                      static_cast<std::size_t>(numbers.at(1)), 1, 1, 3, 3, options);
  if (numbers.size() != 11 + shape.input_size()) throw Error(from, "of another size", "a picture");
  const float no_bias = 0.0F;
  std::vector<float> result(shape.output_size());
  conv2d_forward(shape, &numbers[11], &numbers[2], &no_bias, result.data(),
                 conv_algorithm(algorithm));
  std::ofstream(to, std::ios::binary)
      .write(reinterpret_cast<const char*>(result.data()),
             static_cast<std::streamsize>(result.size() * sizeof(float)));
}

}  // namespace
}  // namespace reprise

/// Checks and times one pass of a shape (benchdnn's grammar) by an algorithm, on the numbers that
/// compare_convolutions draws. Tells the caller "convolved", or "error" with the line that says
/// why.
extern "C" EMSCRIPTEN_KEEPALIVE void reprise_convolve(const char* shape, const char* algorithm,
                                                      const char* pass) {
  try {
    reprise::convolve(shape, algorithm, pass);
  } catch (const std::exception& error) {
    reprise::tell_error(error);
  }
}

/// Filters the picture in a file of the module's file system into another.
extern "C" EMSCRIPTEN_KEEPALIVE void reprise_filter(const char* from, const char* to,
                                                    const char* algorithm) {
  try {
    reprise::filter(from, to, algorithm);
  } catch (const std::exception& error) {
    reprise::tell_error(error);
  }
}
