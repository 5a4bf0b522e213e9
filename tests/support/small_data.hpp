/// \file
/// A data set of a few images, for tests that are about other things than images.
#pragma once

#include <cstddef>
#include <string>

namespace reprise::test {

/// Writes the first training and test images of fixtures/fashion-mnist into the folder, as IDX
/// files, with the names of the classes. Returns the folder.
std::string write_small_data(const std::string& folder, std::size_t train_images,
                             std::size_t test_images);

}  // namespace reprise::test
