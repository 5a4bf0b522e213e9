// linalg/fft: small real transforms against sums in double, and round trips.
#include <cmath>
#include <complex>
#include <numbers>
#include <vector>

#include "reprise/core/integer.hpp"
#include "reprise/core/random.hpp"
#include "reprise/linalg/fft.hpp"
#include "reprise/linalg/simd.hpp"
#include "support/catch.hpp"

using namespace reprise;

namespace {

constexpr std::size_t kSides[] = {8, 16, 32};

std::vector<float> random_values(std::size_t count, std::uint64_t seed) {
  const RandomStream stream = RandomStream(seed).child("test_fft");
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = static_cast<float>(stream.uniform(i) * 2.0 - 1.0);
  }
  return values;
}

/// A tile's cells and all channels in memory, (tile.h / step, tile.w / step, channels) dense.
template <class Float>
FftCells<Float> dense_cells(FftTile tile, std::size_t channels, std::size_t step, Float* data) {
  return {data, tile.w / step * channels, channels, 0, 0, tile.h / step, tile.w / step, step, step};
}

struct Points {
  std::size_t channels_padded;
  std::vector<float> values;  // point, (re, im), channel

  Points(FftTile tile, std::size_t channels)
      : channels_padded(round_up(channels, kFftChannelMultiple)),
        values(fft_points(tile) * 2 * channels_padded, NAN) {}

  FftPoints<float> view() {
    return {values.data(), values.data() + channels_padded, 2 * channels_padded};
  }
  FftPoints<const float> const_view() const {
    return {values.data(), values.data() + channels_padded, 2 * channels_padded};
  }
  [[nodiscard]] std::complex<double> at(std::size_t point, std::size_t channel) const {
    const std::size_t i = point * 2 * channels_padded + channel;
    return {values[i], values[i + channels_padded]};
  }
};

std::complex<double> turn(std::size_t turns, std::size_t of) {
  const double angle =
      -2.0 * std::numbers::pi * static_cast<double>(turns % of) / static_cast<double>(of);
  return {std::cos(angle), std::sin(angle)};
}

/// F(u, v) of one channel: cells that are multiples of `step` hold `data`, others 0.
std::complex<double> direct_point(FftTile tile, std::size_t channels, std::size_t step,
                                  const std::vector<float>& data, std::size_t c, std::size_t u,
                                  std::size_t v) {
  std::complex<double> sum = 0.0;
  for (std::size_t i = 0; i < tile.h / step; ++i) {
    for (std::size_t j = 0; j < tile.w / step; ++j) {
      sum += static_cast<double>(data[(i * (tile.w / step) + j) * channels + c]) *
             turn(u * i * step, tile.h) * turn(v * j * step, tile.w);
    }
  }
  return 2.0 * sum;
}

/// The 2-norm of the worst channel's cells.
double norm(const std::vector<float>& data, std::size_t channels) {
  double worst = 0.0;
  for (std::size_t c = 0; c < channels; ++c) {
    double sum = 0.0;
    for (std::size_t i = c; i < data.size(); i += channels) sum += double(data[i]) * data[i];
    worst = std::max(worst, std::sqrt(sum));
  }
  return worst;
}

double stages(FftTile tile) {
  return std::log2(static_cast<double>(tile.h * tile.w));
}

}  // namespace

TEST_CASE("small transforms equal the sum that defines them, for every size and sparse cells") {
  for (const std::size_t h : kSides) {
    for (const std::size_t w : kSides) {
      for (const std::size_t step : {1, 2, 4}) {
        const FftTile tile{h, w};
        const std::size_t channels = 3;
        CAPTURE(h, w, step);
        const std::vector<float> data =
            random_values(h / step * (w / step) * channels, h * 100 + w);
        Points points(tile, channels);
        fft2d(tile, channels, dense_cells(tile, channels, step, data.data()), points.view());
        double worst = 0.0;
        for (std::size_t v = 0; v <= w / 2; ++v) {
          for (std::size_t u = 0; u < fft_column_points(tile, v); ++u) {
            for (std::size_t c = 0; c < channels; ++c) {
              const auto exact = direct_point(tile, channels, step, data, c, u, v);
              worst =
                  std::max(worst, std::abs(points.at(fft_column_begin(tile, v) + u, c) - exact));
            }
          }
        }
        // The 2-norm over the tile bounds each point: |F|_2 = 2 * sqrt(h*w) * |cells|_2.
        const double scale = 2.0 * std::sqrt(static_cast<double>(h * w)) * norm(data, channels);
        CHECK(worst <= kFftStageError * stages(tile) * 0x1p-24 * scale);
        CHECK(worst > 0.0);
      }
    }
  }
}

TEST_CASE("the inverse transform undoes the transform, for any number of channels") {
  for (const std::size_t h : kSides) {
    for (const std::size_t w : kSides) {
      for (const std::size_t channels : {1, 7, 8, 16, 37}) {
        const FftTile tile{h, w};
        CAPTURE(h, w, channels);
        const std::vector<float> data = random_values(h * w * channels, h + w + channels);
        const std::vector<float> bias = random_values(channels, 5);
        std::vector<float> back(data.size(), NAN);
        Points points(tile, channels);
        fft2d(tile, channels, dense_cells(tile, channels, 1, data.data()), points.view());
        inverse_fft2d(tile, channels, points.const_view(), 0.5F / static_cast<float>(h * w),
                      bias.data(), dense_cells(tile, channels, 1, back.data()));
        double worst = 0.0;
        for (std::size_t i = 0; i < data.size(); ++i) {
          worst = std::max(worst, std::abs(double(back[i]) - data[i] - bias[i % channels]));
        }
        // There and back; the last fused multiply-add rounds a value below 2.
        const double bound = 2.0 * kFftStageError * stages(tile) * norm(data, channels) + 2.0;
        CHECK(worst <= bound * 0x1p-24);
      }
    }
  }
}

TEST_CASE("a window of cells is placed in the tile, and a window of the result is taken out") {
  const FftTile tile{16, 8};
  const std::size_t channels = 2;
  const std::vector<float> data = random_values(5 * 3 * channels, 8);
  Points points(tile, channels);
  const FftCells<const float> in{data.data(), 3 * channels, channels, 4, 1, 5, 3, 2, 3};
  fft2d(tile, channels, in, points.view());
  std::vector<float> all(tile.h * tile.w * channels, NAN);
  inverse_fft2d(tile, channels, points.const_view(), 1.0F / 256, nullptr,
                dense_cells(tile, channels, 1, all.data()));
  std::vector<float> some(data.size(), NAN);
  const FftCells<float> out{some.data(), 3 * channels, channels, 4, 1, 5, 3, 2, 3};
  inverse_fft2d(tile, channels, points.const_view(), 1.0F / 256, nullptr, out);
  std::vector<float> expected(all.size(), 0.0F);
  for (std::size_t i = 0; i < 5; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      for (std::size_t c = 0; c < channels; ++c) {
        const std::size_t cell = ((4 + 2 * i) * tile.w + 1 + 3 * j) * channels + c;
        expected[cell] = data[(i * 3 + j) * channels + c];
        CHECK(some[(i * 3 + j) * channels + c] == Approx(all[cell]).margin(1e-6));
      }
    }
  }
  for (std::size_t i = 0; i < all.size(); ++i) CHECK(all[i] == Approx(expected[i]).margin(1e-6));
}

TEST_CASE("every vector target transforms to the same bits") {
  for (const std::size_t h : kSides) {
    for (const std::size_t w : kSides) {
      const FftTile tile{h, w};
      const std::size_t channels = 21;
      const std::vector<float> data = random_values(h * w * channels, 9);
      std::vector<std::vector<float>> transformed;
      std::vector<std::vector<float>> inverted;
      for (const std::string& target : simd_targets()) {
        select_simd_target(target);
        Points points(tile, channels);
        fft2d(tile, channels, dense_cells(tile, channels, 1, data.data()), points.view());
        std::vector<float> back(data.size());
        inverse_fft2d(tile, channels, points.const_view(), 0.37F, nullptr,
                      dense_cells(tile, channels, 1, back.data()));
        std::vector<float> kept;
        for (std::size_t p = 0; p < fft_points(tile); ++p) {
          for (std::size_t c = 0; c < channels; ++c) {
            kept.push_back(points.view().re[p * points.view().stride + c]);
            kept.push_back(points.view().im[p * points.view().stride + c]);
          }
        }
        transformed.push_back(kept);
        inverted.push_back(back);
      }
      select_simd_target("best");
      for (std::size_t i = 1; i < transformed.size(); ++i) {
        CHECK(transformed[i] == transformed[0]);
        CHECK(inverted[i] == inverted[0]);
      }
    }
  }
}
