// CIFAR-10's binary files: the input takes the place of one file of a valid folder.
#include <algorithm>
#include <filesystem>

#include "reprise/data/cifar.hpp"
#include "reprise/data/dataset.hpp"
#include "support/fuzz.hpp"

using namespace reprise;
using namespace reprise::fuzz;

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t kImage = 3072;  // bytes, without the label

/// One image with label 0; the two classes of the folder.
void write_valid(const std::string& name) {
  const std::string classes = "first\nsecond\n";
  write_scratch(
      name, name == "batches.meta.txt" ? Bytes(classes.begin(), classes.end()) : Bytes(1 + kImage));
}

void write_valid_folder() {
  for (const std::string& name : cifar10_file_names()) write_valid(name);
}

void check_set(const ImageSet& set, std::size_t classes) {
  require(set.labels.size() == set.count && set.pixels.size() == set.count * kImage,
          "an image has a label and 3,072 bytes");
  require(std::all_of(set.labels.begin(), set.labels.end(),
                      [&](std::uint8_t label) { return label < classes; }),
          "labels are below the number of classes");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const bool written = (write_valid_folder(), true);
  require(written, "the folder is written");
  constexpr const char* kReplaced[] = {"data_batch_1.bin", "test_batch.bin", "batches.meta.txt",
                                       "class_names.txt"};
  Input input(bytes, size);
  const std::string name = kReplaced[input.below(std::size(kReplaced))];
  const std::string path = write_scratch(name, input.rest());
  accepted([&] {
    const ImageDataset dataset = load_dataset(std::filesystem::path(path).parent_path().string());
    check_set(dataset.train, dataset.class_names.size());
    check_set(dataset.test, dataset.class_names.size());
    require(dataset.files.size() == 6, "a CIFAR-10 folder has six files of images");
  });
  if (name == "class_names.txt") {
    std::filesystem::remove(path);
  } else {
    write_valid(name);
  }
  return 0;
}
