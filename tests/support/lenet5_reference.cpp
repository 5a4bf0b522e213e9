#include "support/lenet5_reference.hpp"

#include <algorithm>
#include <cmath>

namespace reprise::test {
namespace {

using Values = std::vector<double>;

/// One image (H,W,IC) under 5x5 kernels (5,5,IC,OC) with `pad` cells around, then ReLU.
Values conv_relu(const Values& x, int H, int W, int IC, const double* weight, const double* bias,
                 int OC, int pad) {
  const int OH = H + 2 * pad - 4;
  const int OW = W + 2 * pad - 4;
  Values y(static_cast<std::size_t>(OH * OW * OC));
  for (int oh = 0; oh < OH; ++oh) {
    for (int ow = 0; ow < OW; ++ow) {
      for (int oc = 0; oc < OC; ++oc) {
        double sum = bias[oc];
        for (int kh = 0; kh < 5; ++kh) {
          for (int kw = 0; kw < 5; ++kw) {
            const int ih = oh + kh - pad;
            const int iw = ow + kw - pad;
            if (ih < 0 || ih >= H || iw < 0 || iw >= W) continue;
            for (int ic = 0; ic < IC; ++ic) {
              sum += x[static_cast<std::size_t>((ih * W + iw) * IC + ic)] *
                     weight[((kh * 5 + kw) * IC + ic) * OC + oc];
            }
          }
        }
        y[static_cast<std::size_t>((oh * OW + ow) * OC + oc)] = std::max(sum, 0.0);
      }
    }
  }
  return y;
}

/// 2x2 maximum of (H,W,C).
Values pool(const Values& x, int H, int W, int C) {
  Values y(static_cast<std::size_t>(H / 2 * (W / 2) * C));
  const auto at = [&](int h, int w, int c) {
    return x[static_cast<std::size_t>((h * W + w) * C + c)];
  };
  for (int h = 0; h < H / 2; ++h) {
    for (int w = 0; w < W / 2; ++w) {
      for (int c = 0; c < C; ++c) {
        y[static_cast<std::size_t>((h * (W / 2) + w) * C + c)] =
            std::max({at(2 * h, 2 * w, c), at(2 * h, 2 * w + 1, c), at(2 * h + 1, 2 * w, c),
                      at(2 * h + 1, 2 * w + 1, c)});
      }
    }
  }
  return y;
}

Values dense(const Values& x, const double* weight, const double* bias, std::size_t units) {
  Values y(bias, bias + units);
  for (std::size_t i = 0; i < x.size(); ++i) {
    for (std::size_t o = 0; o < units; ++o) y[o] += x[i] * weight[i * units + o];
  }
  return y;
}

Values relu(Values x) {
  for (double& value : x) value = std::max(value, 0.0);
  return x;
}

}  // namespace

double reference_lenet5_loss(const std::vector<double>& parameters,
                             const std::vector<float>& images,
                             const std::vector<std::uint8_t>& labels) {
  const double* conv1 = parameters.data();
  const double* conv2 = conv1 + 5 * 5 * 6 + 6;
  const double* dense1 = conv2 + 5 * 5 * 6 * 16 + 16;
  const double* dense2 = dense1 + 400 * 120 + 120;
  const double* dense3 = dense2 + 120 * 84 + 84;
  double total = 0.0;
  for (std::size_t n = 0; n < labels.size(); ++n) {
    const auto image = images.begin() + static_cast<std::ptrdiff_t>(n * 784);
    Values x(image, image + 784);
    x = pool(conv_relu(x, 28, 28, 1, conv1, conv1 + 150, 6, 2), 28, 28, 6);
    x = pool(conv_relu(x, 14, 14, 6, conv2, conv2 + 2400, 16, 0), 10, 10, 16);
    x = relu(dense(x, dense1, dense1 + 48000, 120));
    x = relu(dense(x, dense2, dense2 + 10080, 84));
    x = dense(x, dense3, dense3 + 840, 10);
    double sum = 0.0;
    for (const double z : x) sum += std::exp(z);
    total += std::log(sum) - x[labels[n]];
  }
  return total / static_cast<double>(labels.size());
}

}  // namespace reprise::test
