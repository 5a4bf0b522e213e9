// A convolution forward and backward by two algorithms, and how far apart their results are.
#include <algorithm>
#include <cmath>
#include <exception>
#include <string>

#include "reprise/conv/conv2d.hpp"
#include "reprise/core/terminal.hpp"

using namespace reprise;

template <class Array>
void compare(const std::string& what, const Array& a, const Array& b) {
  float most = 0.0F;
  for (std::size_t i = 0; i < a.size(); ++i) {
    most = std::max(most, std::abs(a.data()[i] - b.data()[i]));
  }
  print_line(what + ": largest difference " + std::to_string(most));
}

int main() try {
  auto input = make_tensor<4>({2, 27, 27, 16}, 0.0F);  // N,H,W,C
  auto weight = make_tensor<4>({5, 5, 16, 32}, 0.0F);  // KH,KW,IC,OC
  const auto bias = make_tensor<1>({32}, 0.5F);
  for (std::size_t i = 0; i < input.size(); ++i) input.data()[i] = i % 7 == 0 ? 1.0F : 0.0F;
  for (std::size_t i = 0; i < weight.size(); ++i) weight.data()[i] = i % 5 == 0 ? 0.5F : -0.1F;
  Conv2dOptions options;
  options.padding = Padding2d::same();
  const auto &direct = conv_algorithm("direct"), &fft = conv_algorithm("fft");
  const auto output = conv2d_forward(input, weight, bias, options, direct);
  compare("output", output, conv2d_forward(input, weight, bias, options, fft));
  const auto gradients = conv2d_backward(output, input, weight, options, direct);
  const auto others = conv2d_backward(output, input, weight, options, fft);
  compare("gradient of the input", gradients.input, others.input);
  compare("gradient of the weights", gradients.weight, others.weight);
} catch (const std::exception& error) {
  print_error_line(error.what());
  return 1;
}
