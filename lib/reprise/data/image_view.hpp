/// \file
/// Parts of single images, moved and reflected. For the sources of this folder alone.
#pragma once

#include <algorithm>
#include <cstdint>

#include "reprise/data/image_input.hpp"

namespace reprise::details {

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

  int height, width, channels;
  const std::uint8_t* pixels;
};

/// output(y, x) = image(y + top, x + left) / unit, 0 outside the image; of the input's size.
inline void copy_part(const Image& image, int top, int left, const ImageInput& input,
                      float* output) {
  const int width = static_cast<int>(input.width);
  const std::size_t row_size = input.width * input.channels;
  const int begin = std::clamp(-left, 0, width);
  const int end = std::clamp(image.width - left, 0, width);
  const float unit = input.unit;
  for (int y = 0; y < static_cast<int>(input.height); ++y, output += row_size) {
    if (y + top < 0 || y + top >= image.height || begin >= end) {
      std::fill_n(output, row_size, 0.0F);
      continue;
    }
    const auto cells = [&](int count) { return static_cast<std::size_t>(count) * input.channels; };
    std::fill_n(output, cells(begin), 0.0F);
    const std::uint8_t* const pixels = image.pixels + image.at(y + top, begin + left);
    std::transform(pixels, pixels + cells(end - begin), output + cells(begin),
                   [unit](std::uint8_t pixel) { return static_cast<float>(pixel) / unit; });
    std::fill(output + cells(end), output + row_size, 0.0F);
  }
}

/// Left and right of an input change places.
inline void reflect(const ImageInput& input, float* output) {
  for (std::size_t y = 0; y < input.height; ++y) {
    float* const row = output + y * input.width * input.channels;
    for (std::size_t x = 0; x < input.width / 2; ++x) {
      std::swap_ranges(row + x * input.channels, row + (x + 1) * input.channels,
                       row + (input.width - 1 - x) * input.channels);
    }
  }
}

}  // namespace reprise::details
