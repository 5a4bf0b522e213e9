/// \file
/// Which images are held out, drawn at random.
#pragma once

#include "reprise/core/random.hpp"
#include "reprise/data/dataset.hpp"

namespace reprise {

/// The same images, of which as many are held out, drawn by the stream: of those that were left for
/// training and then those that were held out, n together, the last data.holdout of the stream's
/// permutation of n. Both parts keep the images' order. Requires data.holdout above 0.
ImageDataset with_drawn_holdout(const ImageDataset& data, const RandomStream& stream);

}  // namespace reprise
