/// \file
/// Data sets of few images, for tests that are about other things than images.
#pragma once

#include <cstddef>
#include <string>

#include "reprise/data/dataset.hpp"

namespace reprise::test {

/// fixtures/fashion-mnist, loaded once.
const ImageDataset& fixture();

/// Writes the first training and test images of fixtures/fashion-mnist into the folder, as IDX
/// files, with the names of the classes. Returns the folder.
std::string write_small_data(const std::string& folder, std::size_t train_images,
                             std::size_t test_images);

}  // namespace reprise::test
