// An image goes through distortion, translation or crop, reflection and colour noise, in this
// order; then the mean image is subtracted.
//
// Its random numbers are counters kDrawsPerImage * index and up of the stream numbered by the
// epoch. Distortion maps a cell (y, x) of the output, measured from the image's centre, to
//   (y', x') = (1 + s + q) y + r x, (h - r) y + (1 + s - q) x
// of the input, where s scales, q squeezes, h shears and r rotates (by an angle whose tangent is r,
// to first order: no sine, so no bits that depend on a library).
#include "reprise/data/augmentation.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "reprise/core/error.hpp"
#include "reprise/core/float_environment.hpp"
#include "reprise/data/batches.hpp"
#include "reprise/data/colour_components.hpp"
#include "reprise/data/image_view.hpp"

namespace reprise {
namespace {

using details::Image;

constexpr std::uint64_t kDrawsPerImage = 16;
constexpr std::uint64_t kShiftDraw = 0, kReflectDraw = 2, kDistortionDraw = 3, kColourDraw = 7;
constexpr double kMaxDistortion = 0.5;

/// The matrix of a distortion: (y', x') = (yy y + yx x, xy y + xx x).
struct Affine {
  double yy, yx, xy, xx;
};

/// An image as floats 0..255 in a frame of zeros: one cell at the top and left, two at the bottom
/// and right, so that every point from (-1, -1) to (height, width) has four neighbours.
class FramedImage {
 public:
  FramedImage(const Image& image, float unit)
      : unit_(unit),
        row_(static_cast<std::size_t>((image.width + 3) * image.channels)),
        channels_(static_cast<std::size_t>(image.channels)),
        values_(row_ * static_cast<std::size_t>(image.height + 3)) {
    for (int y = 0; y < image.height; ++y) {
      std::copy_n(image.pixels + image.at(y, 0), image.at(0, image.width),
                  values_.data() + static_cast<std::size_t>(y + 1) * row_ + channels_);
    }
  }

  /// The channels at a point between the pixels in the input's unit, bilinear; -1 <= y <= height,
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
      output[c] = ((1.0F - down) * above + down * below) / unit_;
    }
  }

 private:
  float unit_;
  std::size_t row_, channels_;
  std::vector<float> values_;
};

/// output(y, x) = the distorted image at (y + top, x + left); bilinear, 0 outside.
void distort(const Image& image, const Affine& a, int top, int left, const ImageInput& input,
             float* output) {
  const FramedImage framed(image, input.unit);
  const double centre_y = 0.5 * (image.height - 1);
  const double centre_x = 0.5 * (image.width - 1);
  for (int y = 0; y < static_cast<int>(input.height); ++y) {
    for (int x = 0; x < static_cast<int>(input.width); ++x, output += input.channels) {
      const double from_y = (y + top) - centre_y;
      const double from_x = (x + left) - centre_x;
      framed.sample(std::clamp(a.yy * from_y + a.yx * from_x + centre_y, -1.0, image.height + 0.0),
                    std::clamp(a.xy * from_y + a.xx * from_x + centre_x, -1.0, image.width + 0.0),
                    output);
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

  /// Where a crop begins along an axis that leaves `rest` cells beside it.
  [[nodiscard]] int crop(std::size_t rest, std::uint64_t axis) const {
    return static_cast<int>(epoch_.below(rest + 1, first_ + kShiftDraw + axis));
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

bool is_crop(const ImageInput& input, const ImageSet& set) {
  return input.height != set.height || input.width != set.width;
}

void check_options(const AugmentationOptions& options, const ImageInput& input,
                   const ImageSet& train) {
  const auto size = static_cast<std::int64_t>(std::min(train.height, train.width));
  if (options.random_shift < 0 || options.random_shift >= size) {
    throw Error("augmentation", "random_shift " + std::to_string(options.random_shift),
                "0 to " + std::to_string(size - 1) + ", less than the images' sides");
  }
  if (options.random_shift > 0 && is_crop(input, train)) {
    throw Error("augmentation",
                "random_shift " + std::to_string(options.random_shift) + " of random crops",
                "0: crops lie at random places already");
  }
  if (!(options.distortion >= 0.0 && options.distortion <= kMaxDistortion)) {
    throw Error("augmentation", "distortion " + std::to_string(options.distortion), "0 to 0.5");
  }
  if (!(options.pca_color_noise >= 0.0 && options.pca_color_noise <= 100.0)) {
    throw Error("augmentation", "pca_color_noise " + std::to_string(options.pca_color_noise),
                "0 to 100");
  }
  if (options.pca_color_noise > 0.0 && train.channels != 3) {
    throw Error("augmentation",
                "pca_color_noise for images of " + std::to_string(train.channels) +
                    (train.channels == 1 ? " channel" : " channels"),
                "images of three");
  }
}

}  // namespace

Augmentation::Augmentation(const AugmentationOptions& options, const ImageSet& train,
                           const RandomStream& stream, ImageInput input)
    : options_(options), input_(std::move(input)), stream_(stream) {
  const FloatEnvironment environment;
  check_options(options, input_, train);
  if (options.pca_color_noise == 0.0) return;
  const SymmetricEigen eigen = symmetric_eigen(colour_covariance(train));
  const double scale = 255.0 / static_cast<double>(input_.unit);
  for (std::size_t k = 0; k < 3; ++k) {
    const double deviation =
        options.pca_color_noise * std::sqrt(std::max(0.0, eigen.values[k])) * scale;
    for (std::size_t c = 0; c < 3; ++c) {
      components_[k][c] = static_cast<float>(deviation * eigen.vectors[k][c]);
    }
  }
}

Augmentation::Augmentation(const AugmentationOptions& options, const ImageSet& train,
                           const RandomStream& stream)
    : Augmentation(options, train, stream, plain_input(train)) {}

void Augmentation::gather(const ImageSet& set, std::span<const std::uint32_t> indices,
                          std::uint64_t epoch, float* output) const {
  const FloatEnvironment environment;
  if (options_ == AugmentationOptions{} && is_plain(input_, set)) {
    return gather_images(set, indices, output);
  }
  const RandomStream epoch_stream = stream_.child(epoch);
  const bool crops = is_crop(input_, set);
  for (const std::uint32_t index : indices) {
    const Image image(set, index);
    const Draws draws(epoch_stream, index);
    const int top =
        crops ? draws.crop(set.height - input_.height, 0) : -draws.shift(options_.random_shift, 0);
    const int left =
        crops ? draws.crop(set.width - input_.width, 1) : -draws.shift(options_.random_shift, 1);
    if (options_.distortion > 0.0) {
      distort(image, draws.affine(options_.distortion), top, left, input_, output);
    } else {
      details::copy_part(image, top, left, input_, output);
    }
    if (options_.horizontal_flip && draws.reflects()) details::reflect(input_, output);
    if (options_.pca_color_noise > 0.0) add_noise(draws.noise(components_), input_.size(), output);
    subtract_mean(input_, output);
    output += input_.size();
  }
}

void gather_view(const ImageSet& set, std::span<const std::uint32_t> indices, int dy, int dx,
                 bool reflect, float* output) {
  gather_view(set, indices, {-dy, -dx, reflect}, plain_input(set), output);
}

}  // namespace reprise
