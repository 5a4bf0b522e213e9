// Augmentation: exact small cases, what it depends on, its distributions, principal components.
#include <cmath>
#include <numeric>
#include <set>

#include "reprise/core/parallel.hpp"
#include "reprise/data/augmentation.hpp"
#include "reprise/data/batches.hpp"
#include "reprise/data/colour_components.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

/// Images of distinct pixels, not square.
ImageSet some_images(std::size_t count, std::size_t channels, std::size_t height = 5,
                     std::size_t width = 7) {
  ImageSet set{count, height, width, channels, {}, std::vector<std::uint8_t>(count)};
  const RandomStream stream = RandomStream(3).child("pixels");
  set.pixels.resize(count * set.image_size());
  for (std::size_t i = 0; i < set.pixels.size(); ++i) {
    set.pixels[i] = static_cast<std::uint8_t>(1 + stream.below(255, i));
  }
  return set;
}

std::vector<std::uint32_t> all_of(const ImageSet& set) {
  std::vector<std::uint32_t> indices(set.count);
  std::iota(indices.begin(), indices.end(), 0U);
  return indices;
}

std::vector<float> view(const ImageSet& set, int dy, int dx, bool reflect) {
  std::vector<float> output(set.pixels.size(), -1.0F);
  gather_view(set, all_of(set), dy, dx, reflect, output.data());
  return output;
}

std::vector<float> augmented(const ImageSet& set, const AugmentationOptions& options,
                             std::uint64_t epoch = 2, std::uint64_t seed = 1) {
  const Augmentation augmentation(options, set, RandomStream(seed).child("augmentation"));
  std::vector<float> output(set.pixels.size(), -1.0F);
  augmentation.gather(set, all_of(set), epoch, output.data());
  return output;
}

AugmentationOptions everything() {
  AugmentationOptions options;
  options.random_shift = 2;
  options.horizontal_flip = true;
  options.distortion = 0.2;
  options.pca_color_noise = 0.1;
  return options;
}

}  // namespace

TEST_CASE("a view is the image moved and reflected") {
  ImageSet set{1, 2, 3, 1, {51, 102, 153, 204, 255, 0}, {0}};
  const auto check = [&](int dy, int dx, bool reflect, std::vector<float> fifths) {
    for (float& value : fifths) value = 51.0F * value / 255.0F;
    CAPTURE(dy, dx, reflect);
    CHECK(view(set, dy, dx, reflect) == fifths);
  };
  check(0, 0, false, {1, 2, 3, 4, 5, 0});
  check(0, 0, true, {3, 2, 1, 0, 5, 4});
  check(1, 0, false, {0, 0, 0, 1, 2, 3});
  check(-1, 1, false, {0, 4, 5, 0, 0, 0});
  check(0, -2, false, {3, 0, 0, 0, 0, 0});
  check(0, -2, true, {0, 0, 3, 0, 0, 0});
  check(0, 3, false, {0, 0, 0, 0, 0, 0});
  check(5, -9, true, {0, 0, 0, 0, 0, 0});
}

TEST_CASE("with all options off an augmentation is gather_images") {
  const ImageSet set = some_images(4, 3);
  std::vector<float> plain(set.pixels.size());
  gather_images(set, all_of(set), plain.data());
  CHECK(augmented(set, {}) == plain);
  CHECK(view(set, 0, 0, false) == plain);
}

TEST_CASE("shifts and reflections are views, and each occurs") {
  const ImageSet set = some_images(1, 3);
  AugmentationOptions options;
  options.random_shift = 1;
  options.horizontal_flip = true;
  std::set<std::size_t> seen;
  for (std::uint64_t epoch = 0; epoch < 300; ++epoch) {
    const std::vector<float> image = augmented(set, options, epoch);
    std::size_t found = 99;
    for (std::size_t number = 0; number < 18; ++number) {
      const auto place = static_cast<int>(number / 2);
      if (image == view(set, place / 3 - 1, place % 3 - 1, number % 2 == 1)) found = number;
    }
    REQUIRE(found < 18);
    seen.insert(found);
  }
  CHECK(seen.size() == 18);
}

TEST_CASE("an image's changes depend on stream, epoch and index alone") {
  const ImageSet set = some_images(40, 3);
  const Augmentation augmentation(everything(), set, RandomStream(1).child("augmentation"));
  const std::vector<float> all = augmented(set, everything());
  CHECK(all != augmented(set, everything(), 3));
  CHECK(all != augmented(set, everything(), 2, 5));
  std::vector<float> pieces(all.size());
  parallel_for(3, set.count, [&](std::size_t task, std::size_t) {
    const auto index = static_cast<std::uint32_t>(set.count - 1 - task);
    augmentation.gather(set, {&index, 1}, 2, pieces.data() + index * set.image_size());
  });
  CHECK(pieces == all);
}

TEST_CASE("a distortion maps coordinates by one matrix, and zeros come in at the edges") {
  // Channels 0 and 1 are linear in y and x, which an affine map and interpolation keep; channel 2
  // is 1 everywhere.
  constexpr int H = 11, W = 13;
  ImageSet set = some_images(20, 3, H, W);
  for (std::size_t i = 0; i < set.pixels.size(); i += 3) {
    set.pixels[i] = static_cast<std::uint8_t>(10 * (i / 3 / W % H));
    set.pixels[i + 1] = static_cast<std::uint8_t>(10 * (i / 3 % W));
    set.pixels[i + 2] = 255;
  }
  AugmentationOptions options;
  options.distortion = 0.2;
  const std::vector<float> images = augmented(set, options);
  // How much of a cell at t lies on 0 .. size-1.
  const auto inside = [](double t, int size) {
    return std::clamp(std::min(1.0 + t, size - t), 0.0, 1.0);
  };
  std::set<float> slopes;
  for (std::size_t n = 0; n < set.count; ++n) {
    const auto at = [&](int y, int x, std::size_t c) {
      return static_cast<double>(
          images[n * set.image_size() + static_cast<std::size_t>((y * W + x) * 3) + c]);
    };
    const auto coordinate = [&](int y, int x, std::size_t c) { return 25.5 * at(y, x, c); };
    constexpr int cy = H / 2, cx = W / 2;
    const double yy = coordinate(cy + 1, cx, 0) - cy, yx = coordinate(cy, cx + 1, 0) - cy;
    const double xy = coordinate(cy + 1, cx, 1) - cx, xx = coordinate(cy, cx + 1, 1) - cx;
    for (const double own : {yy, xx}) CHECK(std::abs(own - 1.0) < 0.4001);
    CHECK(std::abs(yx) < 0.2001);
    CHECK(std::abs(xy) < 0.4001);
    for (int y = 0; y < H; ++y) {
      for (int x = 0; x < W; ++x) {
        const double from_y = cy + yy * (y - cy) + yx * (x - cx);
        const double from_x = cx + xy * (y - cy) + xx * (x - cx);
        const double expected = inside(from_y, H) * inside(from_x, W);
        CHECK(at(y, x, 2) == Approx(expected).margin(2e-4));
        if (expected < 0.9999) continue;
        CHECK(coordinate(y, x, 0) == Approx(from_y).margin(2e-4));
        CHECK(coordinate(y, x, 1) == Approx(from_x).margin(2e-4));
      }
    }
    slopes.insert({static_cast<float>(yy), static_cast<float>(xx)});
  }
  CHECK(slopes.size() == 40);
}

TEST_CASE("Jacobi's rotations find eigenvalues and eigenvectors") {
  const auto check = [](const Matrix3& matrix, const std::array<double, 3>& values) {
    const SymmetricEigen eigen = symmetric_eigen(matrix);
    for (std::size_t k = 0; k < 3; ++k) {
      CHECK(eigen.values[k] == Approx(values[k]).margin(1e-14));
      for (std::size_t i = 0; i < 3; ++i) {
        double product = 0.0;
        for (std::size_t j = 0; j < 3; ++j) product += matrix[i][j] * eigen.vectors[k][j];
        CHECK(product == Approx(values[k] * eigen.vectors[k][i]).margin(1e-14));
        double dot = 0.0;
        for (std::size_t j = 0; j < 3; ++j) dot += eigen.vectors[k][j] * eigen.vectors[i][j];
        CHECK(dot == Approx(k == i ? 1.0 : 0.0).margin(1e-14));
      }
    }
  };
  check({{{1, 0, 0}, {0, 3, 0}, {0, 0, 2}}}, {3, 2, 1});
  check({{{2, 1, 0}, {1, 2, 0}, {0, 0, -5}}}, {3, 1, -5});
  check({{{2, -1, 0}, {-1, 2, -1}, {0, -1, 2}}}, {2 + std::sqrt(2.0), 2, 2 - std::sqrt(2.0)});
  check({{{1, 1, 1}, {1, 1, 1}, {1, 1, 1}}}, {3, 0, 0});
  check({{{0, 0, 0}, {0, 0, 0}, {0, 0, 0}}}, {0, 0, 0});
}

TEST_CASE("the covariance of colours is that of its definition") {
  const ImageSet set{2, 1, 2, 3, {0, 255, 51, 255, 255, 51, 0, 0, 51, 255, 0, 51}, {0, 0}};
  const Matrix3 covariance = colour_covariance(set);
  CHECK(covariance[0][0] == Approx(0.25));
  CHECK(covariance[1][1] == Approx(0.25));
  CHECK(covariance[0][1] == Approx(0.0).margin(1e-15));
  CHECK(covariance[2][2] == Approx(0.0).margin(1e-15));
  CHECK(covariance[0][2] == Approx(0.0).margin(1e-15));
}

TEST_CASE("colour noise is one colour per image, along the components, with their deviations") {
  // Red and green vary together, blue by itself and less.
  ImageSet set = some_images(3000, 3, 1, 2);
  for (std::size_t i = 0; i < set.pixels.size(); i += 3) {
    set.pixels[i + 1] = set.pixels[i];
    set.pixels[i + 2] = static_cast<std::uint8_t>(100 + set.pixels[i + 2] / 8);
  }
  AugmentationOptions options;
  options.pca_color_noise = 0.1;
  const std::vector<float> noisy = augmented(set, options);
  const std::vector<float> plain = augmented(set, {});
  const Matrix3 covariance = colour_covariance(set);
  double squares[3] = {};
  double means[3] = {};
  double red_times_blue = 0.0;
  for (std::size_t n = 0; n < set.count; ++n) {
    double noise[3];
    for (std::size_t c = 0; c < 3; ++c) {
      noise[c] = static_cast<double>(noisy[6 * n + c]) - static_cast<double>(plain[6 * n + c]);
      CHECK(noisy[6 * n + 3 + c] - plain[6 * n + 3 + c] == Approx(noise[c]).margin(1e-6));
      squares[c] += noise[c] * noise[c];
      means[c] += noise[c];
    }
    CHECK(noise[0] == Approx(noise[1]).margin(1e-6));
    red_times_blue += noise[0] * noise[2];
  }
  const auto count = static_cast<double>(set.count);
  for (std::size_t c = 0; c < 3; ++c) {
    const double deviation = 0.1 * std::sqrt(covariance[c][c]);
    CHECK(std::sqrt(squares[c] / count) == Approx(deviation).epsilon(0.06));
    CHECK(std::abs(means[c] / count) < 4.0 * deviation / std::sqrt(count));
  }
  CHECK(std::abs(red_times_blue / count) < 0.1 * 0.01 * covariance[0][0]);
}

TEST_CASE("augmentations that do not fit are refused") {
  const ImageSet grey = some_images(1, 1);
  const auto error = [&](auto set) {
    AugmentationOptions options;
    set(options);
    return error_of([&] { Augmentation(options, grey, RandomStream(1)); });
  };
  using O = AugmentationOptions;
  CHECK(is_line_with(error([](O& o) { o.random_shift = -1; }), "random_shift -1", "0 to 4"));
  CHECK(is_line_with(error([](O& o) { o.random_shift = 5; }), "random_shift 5", "0 to 4"));
  CHECK(is_line_with(error([](O& o) { o.distortion = 0.6; }), "distortion 0.6", "0 to 0.5"));
  CHECK(is_line_with(error([](O& o) { o.distortion = std::nan(""); }), "distortion nan"));
  CHECK(is_line_with(error([](O& o) { o.pca_color_noise = -1.0; }), "pca_color_noise -1"));
  CHECK(is_line_with(error([](O& o) { o.pca_color_noise = 0.1; }), "pca_color_noise for",
                     "1 channel", "three"));
}
