#include "reprise/data/image_input.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "reprise/core/error.hpp"
#include "reprise/core/float_environment.hpp"
#include "reprise/data/image_view.hpp"

namespace reprise {
namespace {

/// The mean of the first `count` images where the input sees them, in the input's unit.
std::vector<float> mean_image(const ImageInput& input, const ImageSet& train, std::size_t count) {
  const View centre = centre_view(input, train);
  const std::size_t row = input.width * input.channels;
  std::vector<std::uint64_t> sums(input.size());  // whole numbers: exact in any order
  for (std::size_t image = 0; image < count; ++image) {
    for (std::size_t y = 0; y < input.height; ++y) {
      const std::size_t from_row = static_cast<std::size_t>(centre.top) + y;
      const std::size_t from =
          (from_row * train.width + static_cast<std::size_t>(centre.left)) * train.channels;
      const std::uint8_t* pixels = train.pixels.data() + image * train.image_size() + from;
      for (std::size_t i = 0; i < row; ++i) sums[y * row + i] += pixels[i];
    }
  }
  const double divisor = static_cast<double>(count) * static_cast<double>(input.unit);
  std::vector<float> mean(sums.size());
  std::transform(sums.begin(), sums.end(), mean.begin(), [&](std::uint64_t sum) {
    return static_cast<float>(static_cast<double>(sum) / divisor);
  });
  return mean;
}

}  // namespace

ImageInput plain_input(const ImageSet& set) {
  return {set.height, set.width, set.channels, 255.0F, {}};
}

bool is_plain(const ImageInput& input, const ImageSet& set) {
  return input.height == set.height && input.width == set.width && input.unit == 255.0F &&
         input.mean.empty();
}

ImageInput image_input(const ImageInputOptions& options, const ImageSet& train, std::size_t count) {
  const FloatEnvironment environment;
  const auto most = static_cast<std::int64_t>(std::min(train.height, train.width));
  if (options.crop < 0 || options.crop > most) {
    throw Error("setting crop", std::to_string(options.crop),
                "at most " + std::to_string(most) + ", the images' side, or 0 for all of it");
  }
  if (options.pixel_max != 1 && options.pixel_max != 255) {
    throw Error("setting pixel_max", std::to_string(options.pixel_max), "1 or 255");
  }
  ImageInput input = plain_input(train);
  if (options.crop > 0) input.height = input.width = static_cast<std::size_t>(options.crop);
  if (options.pixel_max == 255) input.unit = 1.0F;
  if (options.subtract_mean) input.mean = mean_image(input, train, count);
  return input;
}

View centre_view(const ImageInput& input, const ImageSet& set) {
  return {static_cast<int>((set.height - input.height) / 2),
          static_cast<int>((set.width - input.width) / 2), false};
}

std::vector<View> ten_views(const ImageInput& input, const ImageSet& set, int shift) {
  const View centre = centre_view(input, set);
  const int below = static_cast<int>(set.height - input.height);
  const int right = static_cast<int>(set.width - input.width);
  std::vector<View> views;
  for (const bool reflect : {false, true}) {
    for (const int top : {-shift, below + shift}) {
      for (const int left : {-shift, right + shift}) views.push_back({top, left, reflect});
    }
    views.push_back({centre.top, centre.left, reflect});
  }
  return views;
}

void gather_view(const ImageSet& set, std::span<const std::uint32_t> indices, const View& view,
                 const ImageInput& input, float* output) {
  const FloatEnvironment environment;
  for (const std::uint32_t index : indices) {
    details::copy_part(details::Image(set, index), view.top, view.left, input, output);
    if (view.reflect) details::reflect(input, output);
    subtract_mean(input, output);
    output += input.size();
  }
}

void subtract_mean(const ImageInput& input, float* values) {
  for (std::size_t i = 0; i < input.mean.size(); ++i) values[i] -= input.mean[i];
}

}  // namespace reprise
