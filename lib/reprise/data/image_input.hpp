/// \file
/// What a network is given of an image: which part of it, in which unit, less the mean image; and
/// the views of it that are averaged at test time.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "reprise/data/dataset.hpp"

namespace reprise {

/// All off by default: pixel / 255 of the whole image.
struct ImageInputOptions {
  std::int64_t crop = 0;       ///< side of the square that the network sees; 0: the whole image
  std::int64_t pixel_max = 1;  ///< what a pixel of 255 counts as: 1 or 255
  bool subtract_mean = false;  ///< less the mean image of the images trained on
};

struct ImageInput {
  std::size_t height = 0, width = 0, channels = 0;  ///< that the network is given
  float unit = 255.0F;                              ///< a pixel counts as pixel / unit
  /// height,width,channels, in the same unit; empty: nothing is subtracted.
  std::vector<float> mean;

  [[nodiscard]] std::size_t size() const { return height * width * channels; }
};

/// The whole images of such a set, as pixel / 255.
ImageInput plain_input(const ImageSet& set);

/// Whether it is plain_input(set).
bool is_plain(const ImageInput& input, const ImageSet& set);

/// The input for images like those of `train`. The mean is that of its first `count` images, one or
/// more, by whole numbers: [sum / (count * unit)], one division in double, rounded to float; where
/// there is a crop, it is that of the images' centre, subtracted from any crop (as cuda-convnet
/// does). Error if the crop is larger than the images or another option is out of its range.
ImageInput image_input(const ImageInputOptions& options, const ImageSet& train, std::size_t count);

/// The part of an image whose upper left cell is (top, left), which may lie outside it; zeros
/// where the image has no pixels. Reflected: left and right of the part changed places.
struct View {
  int top = 0, left = 0;
  bool reflect = false;

  bool operator==(const View&) const = default;
};

/// The centre of images of this size: (difference / 2) rounded down, from above and from the left.
View centre_view(const ImageInput& input, const ImageSet& set);

/// The ten views that Krizhevsky et al. 2012, section 4.1, average at test time: the four corners,
/// the centre, and the same reflected. Where the input is smaller than the images, the corners are
/// theirs; else the images are moved by `shift` cells up or down and left or right.
std::vector<View> ten_views(const ImageInput& input, const ImageSet& set, int shift);

/// Views of the images `indices`, one after the other, each as the input has it:
/// (indices.size(),height,width,channels), each value pixel / unit, less the mean. With a plain
/// input and View{} it has the bits of gather_images.
void gather_view(const ImageSet& set, std::span<const std::uint32_t> indices, const View& view,
                 const ImageInput& input, float* output);

/// Subtracts the mean, if there is one, from one input.
void subtract_mean(const ImageInput& input, float* values);

}  // namespace reprise
