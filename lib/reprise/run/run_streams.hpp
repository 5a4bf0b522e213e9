/// \file
/// The random numbers of a run by what they decide, each kind from its own seed.
#pragma once

#include <optional>

#include "reprise/core/random.hpp"
#include "reprise/data/dataset.hpp"
#include "reprise/run/configuration.hpp"

namespace reprise {

/// The stream seed / kind, whose seed is the setting of that kind, or the run's where that is -1.
struct RunStreams {
  explicit RunStreams(const TrainingConfiguration& configuration);

  RandomStream parameters;    ///< initial values
  RandomStream order;         ///< of the training images
  RandomStream augmentation;  ///< shifts, crops, reflections, distortion, colour
  RandomStream layers;        ///< dropout
  RandomStream holdout;       ///< which images are held out, if they are drawn
};

/// The data as the run splits it, where it draws the images that are held out; nullopt where the
/// split is as it was loaded. Requires data that was loaded with the run's holdout.
std::optional<ImageDataset> drawn_split(const TrainingConfiguration& configuration,
                                        const ImageDataset& data);

}  // namespace reprise
