// An image goes through distortion, translation, reflection and colour noise, in this order.
//
// Its random numbers are counters kDrawsPerImage * index and up of the stream numbered by the
// epoch. Distortion maps a cell (y, x) of the output, measured from the image's centre, to
//   (y', x') = (1 + s + q) y + r x, (h - r) y + (1 + s - q) x
// of the input, where s scales, q squeezes, h shears and r rotates (by an angle whose tangent is r,
// to first order: no sine, so no bits that depend on a library).
#include "reprise/data/augmentation.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "reprise/core/error.hpp"
#include "reprise/core/float_environment.hpp"
#include "reprise/data/batches.hpp"
#include "reprise/data/colour_components.hpp"

namespace reprise {
namespace {

constexpr std::uint64_t kDrawsPerImage = 16;
constexpr std::uint64_t kShiftDraw = 0, kReflectDraw = 2, kDistortionDraw = 3, kColourDraw = 7;
constexpr double kMaxDistortion = 0.5;

/// One image of a set.
struct Image {
  Image(const ImageSet& set, std::uint32_t index)
      : height(static_cast<int>(set.height)),
        width(static_cast<int>(set.width)),
        channels(static_cast<int>(set.channels)),
        pixels(set.pixels.data() + index * set.image_size()) {}

  [[nodiscard]] std::size_t at(int y, int x) const {
    return (static_cast<std::size_t>(y) * static_cast<std::size_t>(width) +
            static_cast<std::size_t>(x)) *
           static_cast<std::size_t>(channels);
  }
  [[nodiscard]] std::size_t size() const { return at(height, 0); }

  int height, width, channels;
  const std::uint8_t* pixels;
};

float value_of(std::uint8_t pixel) {
  return static_cast<float>(pixel) / 255.0F;
}

/// output(y, x) = image(y - dy, x - dx), 0 outside.
void translate(const Image& image, int dy, int dx, float* output) {
  const int begin = std::clamp(dx, 0, image.width);
  const int end = std::clamp(image.width + dx, 0, image.width);
  for (int y = 0; y < image.height; ++y) {
    float* const row = output + image.at(y, 0);
    if (y - dy < 0 || y - dy >= image.height || begin >= end) {
      std::fill_n(row, image.at(1, 0), 0.0F);
      continue;
    }
    std::fill(row, row + image.at(0, begin), 0.0F);
    const std::uint8_t* const pixels = image.pixels + image.at(y - dy, begin - dx);
    std::transform(pixels, pixels + image.at(0, end - begin), row + image.at(0, begin), value_of);
    std::fill(row + image.at(0, end), row + image.at(1, 0), 0.0F);
  }
}

void reflect(const Image& image, float* output) {
  const auto channels = static_cast<std::size_t>(image.channels);
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width / 2; ++x) {
      std::swap_ranges(output + image.at(y, x), output + image.at(y, x) + channels,
                       output + image.at(y, image.width - 1 - x));
    }
  }
}

/// The matrix of a distortion: (y', x') = (yy y + yx x, xy y + xx x).
struct Affine {
  double yy, yx, xy, xx;
};

/// An image as floats 0..255 in a frame of zeros: one cell at the top and left, two at the bottom
/// and right, so that every point from (-1, -1) to (height, width) has four neighbours.
class FramedImage {
 public:
  explicit FramedImage(const Image& image)
      : row_(static_cast<std::size_t>((image.width + 3) * image.channels)),
        channels_(static_cast<std::size_t>(image.channels)),
        values_(row_ * static_cast<std::size_t>(image.height + 3)) {
    for (int y = 0; y < image.height; ++y) {
      std::copy_n(image.pixels + image.at(y, 0), image.at(0, image.width),
                  values_.data() + static_cast<std::size_t>(y + 1) * row_ + channels_);
    }
  }

  /// The channels at a point between the pixels as share of 255, bilinear; -1 <= y <= height,
  /// -1 <= x <= width.
  void sample(double y, double x, float* output) const {
    const int top = static_cast<int>(y + 1.0);
    const int left = static_cast<int>(x + 1.0);
    const auto down = static_cast<float>(y + 1.0 - top);
    const auto right = static_cast<float>(x + 1.0 - left);
    const float* const upper = values_.data() + static_cast<std::size_t>(top) * row_ +
                               static_cast<std::size_t>(left) * channels_;
    const float* const lower = upper + row_;
    for (std::size_t c = 0; c < channels_; ++c) {
      const float above = (1.0F - right) * upper[c] + right * upper[channels_ + c];
      const float below = (1.0F - right) * lower[c] + right * lower[channels_ + c];
      output[c] = ((1.0F - down) * above + down * below) / 255.0F;
    }
  }

 private:
  std::size_t row_, channels_;
  std::vector<float> values_;
};

/// output(y, x) = the distorted image at (y - dy, x - dx); bilinear, 0 outside.
void distort(const Image& image, const Affine& a, int dy, int dx, float* output) {
  const FramedImage framed(image);
  const double centre_y = 0.5 * (image.height - 1);
  const double centre_x = 0.5 * (image.width - 1);
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      const double from_y = (y - dy) - centre_y;
      const double from_x = (x - dx) - centre_x;
      framed.sample(std::clamp(a.yy * from_y + a.yx * from_x + centre_y, -1.0, image.height + 0.0),
                    std::clamp(a.xy * from_y + a.xx * from_x + centre_x, -1.0, image.width + 0.0),
                    output + image.at(y, x));
    }
  }
}

using Colour = std::array<float, 3>;

/// Adds the colour to each of an image's pixels.
void add_noise(const Colour& noise, std::size_t size, float* output) {
  for (std::size_t i = 0; i < size; i += 3) {
    for (std::size_t c = 0; c < 3; ++c) output[i + c] += noise[c];
  }
}

/// The random numbers of one image.
class Draws {
 public:
  Draws(const RandomStream& epoch, std::uint32_t index)
      : epoch_(epoch), first_(kDrawsPerImage * index) {}

  /// A translation by up to `most` pixels; axis 0 is down, 1 to the right.
  [[nodiscard]] int shift(std::int64_t most, std::uint64_t axis) const {
    if (most == 0) return 0;
    const auto choices = 2 * static_cast<std::uint64_t>(most) + 1;
    return static_cast<int>(
        static_cast<std::int64_t>(epoch_.below(choices, first_ + kShiftDraw + axis)) - most);
  }

  [[nodiscard]] bool reflects() const { return epoch_.words(first_ + kReflectDraw)[0] >> 31 != 0; }

  [[nodiscard]] Affine affine(double most) const {
    const auto share = [&](std::uint64_t i) {
      return most * (2.0 * epoch_.uniform(first_ + kDistortionDraw + i) - 1.0);
    };
    const double s = share(0), q = share(1), h = share(2), r = share(3);
    return {1.0 + s + q, r, h - r, 1.0 + s - q};
  }

  /// Nearly a standard normal number: twelve uniform ones less 6 (mean 0, variance 1, within +-6),
  /// which takes no logarithm.
  [[nodiscard]] float normal(std::uint64_t component) const {
    double sum = -6.0;
    for (std::uint64_t i = 0; i < 3; ++i) {
      for (const std::uint32_t word : epoch_.words(first_ + kColourDraw + 3 * component + i)) {
        sum += (word + 0.5) * 0x1p-32;
      }
    }
    return static_cast<float>(sum);
  }

  /// What colour noise adds to each channel.
  [[nodiscard]] Colour noise(const std::array<Colour, 3>& components) const {
    Colour sum{};
    for (std::size_t k = 0; k < 3; ++k) {
      const float factor = normal(k);
      for (std::size_t c = 0; c < 3; ++c) sum[c] += factor * components[k][c];
    }
    return sum;
  }

 private:
  const RandomStream& epoch_;
  std::uint64_t first_;
};

void check_options(const AugmentationOptions& options, const ImageSet& train) {
  const auto size = static_cast<std::int64_t>(std::min(train.height, train.width));
  if (options.shift < 0 || options.shift >= size) {
    throw Error("augmentation", "shift " + std::to_string(options.shift),
                "0 to " + std::to_string(size - 1) + ", less than the images' sides");
  }
  if (!(options.distortion >= 0.0 && options.distortion <= kMaxDistortion)) {
    throw Error("augmentation", "distortion " + std::to_string(options.distortion), "0 to 0.5");
  }
  if (!(options.colour >= 0.0 && options.colour <= 100.0)) {
    throw Error("augmentation", "colour " + std::to_string(options.colour), "0 to 100");
  }
  if (options.colour > 0.0 && train.channels != 3) {
    throw Error("augmentation",
                "colour noise for images of " + std::to_string(train.channels) +
                    (train.channels == 1 ? " channel" : " channels"),
                "images of three");
  }
}

}  // namespace

Augmentation::Augmentation(const AugmentationOptions& options, const ImageSet& train,
                           const RandomStream& stream)
    : options_(options), stream_(stream) {
  const FloatEnvironment environment;
  check_options(options, train);
  if (options.colour == 0.0) return;
  const SymmetricEigen eigen = symmetric_eigen(colour_covariance(train));
  for (std::size_t k = 0; k < 3; ++k) {
    const double deviation = options.colour * std::sqrt(std::max(0.0, eigen.values[k]));
    for (std::size_t c = 0; c < 3; ++c) {
      components_[k][c] = static_cast<float>(deviation * eigen.vectors[k][c]);
    }
  }
}

void Augmentation::gather(const ImageSet& set, std::span<const std::uint32_t> indices,
                          std::uint64_t epoch, float* output) const {
  const FloatEnvironment environment;
  if (options_ == AugmentationOptions{}) return gather_images(set, indices, output);
  const RandomStream epoch_stream = stream_.child(epoch);
  for (const std::uint32_t index : indices) {
    const Image image(set, index);
    const Draws draws(epoch_stream, index);
    const int dy = draws.shift(options_.shift, 0);
    const int dx = draws.shift(options_.shift, 1);
    if (options_.distortion > 0.0) {
      distort(image, draws.affine(options_.distortion), dy, dx, output);
    } else {
      translate(image, dy, dx, output);
    }
    if (options_.reflect && draws.reflects()) reflect(image, output);
    if (options_.colour > 0.0) add_noise(draws.noise(components_), image.size(), output);
    output += image.size();
  }
}

void gather_view(const ImageSet& set, std::span<const std::uint32_t> indices, int dy, int dx,
                 bool reflect_it, float* output) {
  const FloatEnvironment environment;
  for (const std::uint32_t index : indices) {
    const Image image(set, index);
    translate(image, dy, dx, output);
    if (reflect_it) reflect(image, output);
    output += image.size();
  }
}

}  // namespace reprise
