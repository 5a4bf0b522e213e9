/// \file
/// Images changed at random on their way into training, so that labels stay true: translations,
/// reflections, affine distortions and changes of colour.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "reprise/core/random.hpp"
#include "reprise/data/dataset.hpp"
#include "reprise/data/image_input.hpp"

namespace reprise {

/// All off by default.
struct AugmentationOptions {
  /// Random translation by up to this many pixels each way, zeros moving in: a random crop of the
  /// image padded with zeros. 0 or more, less than the image's height and width.
  std::int64_t random_shift = 0;
  /// Mirrors each image left to right with probability 1/2.
  bool horizontal_flip = false;
  /// Planar affine distortions as in LeCun et al. 1998, section III.B: scaling, squeezing, shearing
  /// and rotation by fractions drawn uniformly up to this one; bilinear interpolation, zeros
  /// outside. 0 to 0.5. 0.1 is up to 10% of size, or about 6 degrees.
  double distortion = 0.0;
  /// Colour noise along the principal components of the training set's colours (Krizhevsky et al.
  /// 2012, section 4.1): standard deviation of the components' multipliers, 0.1 in the paper. Three
  /// channels only; values may leave [0, 1]. The paper multiplies by a covariance's eigenvalues,
  /// whose effect depends on the unit of the pixels; here by their square roots, the standard
  /// deviations along the components, as reimplementations do.
  double pca_color_noise = 0.0;

  bool operator==(const AugmentationOptions&) const = default;
};

class Augmentation {
 public:
  /// For images like those of `train`, which is looked at for its colours, and only here. Error if
  /// an option is out of its range or does not fit the images, or both the input is smaller than
  /// they are, which asks for crops at random places, and `shift` is above 0.
  Augmentation(const AugmentationOptions& options, const ImageSet& train,
               const RandomStream& stream, ImageInput input);
  /// The same for whole images as pixel / 255.
  Augmentation(const AugmentationOptions& options, const ImageSet& train,
               const RandomStream& stream);

  /// As gather_images, changed at random: a function of (stream, epoch, index of the image), so
  /// that batches and threads cannot show. With all options off and a plain input it is
  /// gather_images. Any number of threads may call it. The set's images are of the size of
  /// `train`'s. A mean image is subtracted last, from what was changed.
  void gather(const ImageSet& set, std::span<const std::uint32_t> indices, std::uint64_t epoch,
              float* output) const;

 private:
  AugmentationOptions options_;
  ImageInput input_;
  RandomStream stream_;
  /// The noise of channel c is the sum over k of normal(k) * components_[k][c].
  std::array<std::array<float, 3>, 3> components_{};
};

/// Images as gather_images has them, moved dy down and dx to the right (zeros moving in), then
/// reflected if asked: with the four corners and the centre (+-s, +-s; 0, 0), reflected or not, the
/// ten fixed views that Krizhevsky et al. 2012, section 4.1, average at test time.
void gather_view(const ImageSet& set, std::span<const std::uint32_t> indices, int dy, int dx,
                 bool reflect, float* output);

}  // namespace reprise
