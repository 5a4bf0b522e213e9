#include "support/small_data.hpp"

#include <filesystem>
#include <vector>

#include "support/command.hpp"

namespace reprise::test {
namespace {

/// An IDX file of bytes: its magic number, the sizes, the values.
std::string idx_file(const std::vector<std::size_t>& sizes, const std::vector<std::uint8_t>& values,
                     std::size_t count) {
  std::string text = {'\0', '\0', '\x08', static_cast<char>(sizes.size())};
  for (const std::size_t size : sizes) {
    for (const unsigned shift : {24U, 16U, 8U, 0U}) text += static_cast<char>(size >> shift & 255U);
  }
  text.append(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(count));
  return text;
}

void write_set(const std::string& name, const ImageSet& set, std::size_t count) {
  write_file(name + "-images-idx3-ubyte",
             idx_file({count, set.height, set.width}, set.pixels, count * set.image_size()));
  write_file(name + "-labels-idx1-ubyte", idx_file({count}, set.labels, count));
}

}  // namespace

const ImageDataset& fixture() {
  static const ImageDataset data = load_dataset(kFixture);
  return data;
}

std::string write_small_data(const std::string& folder, std::size_t train_images,
                             std::size_t test_images) {
  const std::string fixture = REPRISE_FIXTURES "/fashion-mnist";
  const ImageDataset data = load_dataset(fixture);
  std::filesystem::create_directories(folder);
  write_set(folder + "/train", data.train, train_images);
  write_set(folder + "/t10k", data.test, test_images);
  std::filesystem::copy(fixture + "/class_names.txt", folder);
  return folder;
}

}  // namespace reprise::test
