#include "reprise/data/cifar.hpp"

#include <filesystem>
#include <span>

#include "reprise/core/digest.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/file.hpp"
#include "reprise/data/dataset.hpp"
#include "reprise/data/dataset_folder.hpp"

namespace reprise {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSide = 32, kChannels = 3, kPlane = kSide * kSide;
constexpr std::size_t kRecord = 1 + kChannels * kPlane;  // bytes of an image and its label

const char* const kTestBatch = "test_batch.bin";
const char* const kClasses = "batches.meta.txt";

std::string batch_name(std::size_t number) {
  return "data_batch_" + std::to_string(number) + ".bin";
}

/// The file's path; Error if it is not there.
std::string find_file(const std::string& folder, const std::string& name) {
  std::string path = (fs::path(folder) / name).string();
  if (!path_exists(path)) throw Error(path, "no such file", join(cifar10_file_names()));
  return path;
}

/// Planes of red, green and blue as channels of each pixel.
void append_pixels(std::span<const std::byte> planes, std::vector<std::uint8_t>& pixels) {
  for (std::size_t i = 0; i < kPlane; ++i) {
    for (std::size_t c = 0; c < kChannels; ++c) {
      pixels.push_back(static_cast<std::uint8_t>(planes[c * kPlane + i]));
    }
  }
}

/// Appends a batch's images to `set` and the file to `files`.
void read_batch(const std::string& folder, const std::string& name, std::size_t classes,
                ImageSet& set, std::vector<DataFile>& files) {
  const std::string file = find_file(folder, name);
  const std::vector<std::byte> bytes = read_file(file);
  if (bytes.empty() || bytes.size() % kRecord != 0) {
    throw Error(file, "holds " + std::to_string(bytes.size()) + " bytes",
                "one image or more, each of " + std::to_string(kRecord) + " bytes");
  }
  std::vector<std::uint8_t> labels;
  for (std::size_t at = 0; at < bytes.size(); at += kRecord) {
    labels.push_back(static_cast<std::uint8_t>(bytes[at]));
    append_pixels(std::span(bytes).subspan(at + 1, kChannels * kPlane), set.pixels);
  }
  check_labels(file, labels, classes);
  set.labels.insert(set.labels.end(), labels.begin(), labels.end());
  set.count = set.labels.size();
  files.push_back({name, sha256_hex(bytes)});
}

ImageSet empty_set() {
  return {0, kSide, kSide, kChannels, {}, {}};
}

DatasetDescription describe(const std::string& folder) {
  const std::string file = find_file(folder, kClasses);
  std::vector<std::string> classes = read_lines(file, 1, "one class a line");
  if (auto described = read_class_names_file(folder)) return *described;
  return {classes == cifar10_class_names() ? "CIFAR-10" : folder_name(folder), std::move(classes)};
}

}  // namespace

std::vector<std::string> cifar10_class_names() {
  return {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};
}

std::vector<std::string> cifar10_file_names() {
  std::vector<std::string> names;
  for (std::size_t number = 1; number <= 5; ++number) names.push_back(batch_name(number));
  names.emplace_back(kTestBatch);
  names.emplace_back(kClasses);
  return names;
}

ImageDataset load_cifar10_dataset(const std::string& folder, std::size_t holdout) {
  check_data_folder(folder);
  ImageDataset dataset;
  DatasetDescription description = describe(folder);
  dataset.name = std::move(description.name);
  dataset.class_names = std::move(description.class_names);
  dataset.train = empty_set();
  dataset.test = empty_set();
  const std::size_t classes = dataset.class_names.size();
  for (std::size_t number = 1; number <= 5; ++number) {
    read_batch(folder, batch_name(number), classes, dataset.train, dataset.files);
  }
  if (holdout > 0) {
    hold_out(holdout, dataset);
  } else {
    read_batch(folder, kTestBatch, classes, dataset.test, dataset.files);
  }
  return dataset;
}

}  // namespace reprise
