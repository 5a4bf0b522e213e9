/// \file
/// The order in which a training run sees its images, and their conversion to floats.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "reprise/core/random.hpp"
#include "reprise/data/dataset.hpp"

namespace reprise {

/// The order of `count` (below 2^32) images in an epoch: a function of (stream, epoch).
std::vector<std::uint32_t> epoch_order(const RandomStream& stream, std::uint64_t epoch,
                                       std::size_t count);

/// Copies the images `indices`, each below set.count, into `output`
/// (indices.size(),height,width,channels) as pixel / 255, in [0, 1].
void gather_images(const ImageSet& set, std::span<const std::uint32_t> indices, float* output);

/// Copies the labels of the images `indices`, each below set.count, into `output`
/// (indices.size()).
void gather_labels(const ImageSet& set, std::span<const std::uint32_t> indices,
                   std::uint8_t* output);

}  // namespace reprise
