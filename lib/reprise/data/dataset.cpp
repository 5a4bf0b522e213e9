#include "reprise/data/dataset.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "reprise/core/error.hpp"
#include "reprise/data/cifar.hpp"
#include "reprise/data/dataset_folder.hpp"
#include "reprise/data/idx.hpp"

namespace reprise {
namespace {

namespace fs = std::filesystem;

const char* const kTrainImages = "train-images-idx3-ubyte";
const char* const kTrainLabels = "train-labels-idx1-ubyte";
const char* const kTestImages = "t10k-images-idx3-ubyte";
const char* const kTestLabels = "t10k-labels-idx1-ubyte";

std::vector<std::string> ten_digits() {
  return {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
}

struct KnownDataset {
  DatasetDescription description;
  std::vector<std::string> sha256;  ///< in the order of ImageDataset::files
  std::size_t training_files;       ///< the first of them
};

/// Where the digests come from: Fashion-MNIST, Debian's package dataset-fashion-mnist; MNIST, the
/// four files first published at yann.lecun.com/exdb/mnist; CIFAR-10, the files in
/// cifar-10-binary.tar.gz as torchvision-ruby lists them (ankane/torchvision-ruby,
/// lib/torchvision/datasets/cifar10.rb). All were computed again from the data, but that of
/// CIFAR-10's test_batch.bin, which is as listed.
const std::vector<KnownDataset>& known_datasets() {
  static const std::vector<KnownDataset> known = {
      {{"Fashion-MNIST",
        {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
         "Ankle boot"}},
       {"c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"},
       2},
      {{"MNIST", ten_digits()},
       {"ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"},
       2},
      {{"CIFAR-10", cifar10_class_names()},
       {"cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
        "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
        "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
        "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
        "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
        "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"},
       5}};
  return known;
}

/// "train-images.idx3-ubyte" for "train-images-idx3-ubyte".
std::string dotted(std::string name) {
  name[name.find("-idx")] = '.';
  return name;
}

/// Appends the file of this path, or else that with ".gz" after it, if it is there.
void append_file(const std::string& path, std::vector<std::string>& found) {
  for (const std::string& candidate : {path, path + ".gz"}) {
    if (!path_exists(candidate) || fs::is_directory(candidate)) continue;
    found.push_back(candidate);
    return;
  }
}

/// Where the folder has the IDX file `name`, in every way that load_idx_dataset allows.
std::vector<std::string> find_files(const std::string& folder, const std::string& name) {
  std::vector<std::string> found;
  for (const std::string& spelling : {name, dotted(name)}) {
    const fs::path path = fs::path(folder) / spelling;
    append_file(path.string(), found);
    if (!fs::is_directory(path)) continue;
    for (const std::string& inner : {name, dotted(name)}) {
      append_file((path / inner).string(), found);
    }
  }
  return found;
}

struct NamedArray {
  std::string file;  ///< its path
  IdxArray array;
};

/// Reads the IDX file `name`.
NamedArray read_named(const std::string& folder, const std::string& name, std::size_t rank) {
  const std::vector<std::string> found = find_files(folder, name);
  if (found.empty()) {
    throw Error((fs::path(folder) / name).string(), "no such file, with or without .gz",
                join({kTrainImages, kTrainLabels, kTestImages, kTestLabels}));
  }
  const std::string& file = found.front();
  IdxArray array = read_idx(file, rank);
  for (auto other = found.begin() + 1; other != found.end(); ++other) {
    if (read_idx(*other, rank).sha256 == array.sha256) continue;
    throw Error(folder, file + " and " + *other + " differ",
                "one file " + name + ", or copies of it");
  }
  return {file, std::move(array)};
}

/// Reads images and their labels; appends both files to `files`.
ImageSet read_image_set(const std::string& folder, const char* images_name, const char* labels_name,
                        std::vector<DataFile>& files) {
  IdxArray labels = read_named(folder, labels_name, 1).array;
  auto [images_file, images] = read_named(folder, images_name, 3);
  if (images.sizes[0] != labels.sizes[0]) {
    throw Error(folder,
                std::to_string(images.sizes[0]) + " images in " + images_name + " but " +
                    std::to_string(labels.sizes[0]) + " labels in " + labels_name,
                "a label for each image");
  }
  if (images.values.empty()) throw Error(images_file, "holds no pixels", "one image or more");
  files.push_back({images_name, images.sha256});
  files.push_back({labels_name, labels.sha256});
  return {images.sizes[0],          images.sizes[1],         images.sizes[2], 1,
          std::move(images.values), std::move(labels.values)};
}

/// The published data set that has these files; null if none has.
const KnownDataset* find_known(const std::vector<DataFile>& files) {
  const auto same = [](const DataFile& file, const std::string& sha256) {
    return file.sha256 == sha256;
  };
  for (const KnownDataset& known : known_datasets()) {
    const auto training_end =
        known.sha256.begin() + static_cast<std::ptrdiff_t>(known.training_files);
    for (const auto end : {known.sha256.end(), training_end}) {
      if (std::equal(files.begin(), files.end(), known.sha256.begin(), end, same)) return &known;
    }
  }
  return nullptr;
}

DatasetDescription describe(const std::string& folder, const std::vector<DataFile>& files) {
  if (const auto described = read_class_names_file(folder)) return *described;
  if (const KnownDataset* known = find_known(files)) return known->description;
  return {folder_name(folder), ten_digits()};
}

std::string size_text(const ImageSet& set) {
  return std::to_string(set.height) + "x" + std::to_string(set.width);
}

}  // namespace

std::string known_dataset(const std::vector<DataFile>& files) {
  const KnownDataset* known = find_known(files);
  return known == nullptr ? "" : known->description.name;
}

std::string default_data_folder() {
  return "/usr/share/datasets/fashion-mnist";
}

void hold_out(std::size_t count, ImageDataset& dataset) {
  ImageSet& train = dataset.train;
  if (count >= train.count) {
    throw Error("setting holdout", std::to_string(count),
                "less than the " + std::to_string(train.count) + " training images there are");
  }
  ImageSet& held = dataset.test;
  held = {count, train.height, train.width, train.channels, {}, {}};
  train.count -= count;
  const auto move_end = [](std::size_t kept, std::vector<std::uint8_t>& from,
                           std::vector<std::uint8_t>& to) {
    to.assign(from.begin() + static_cast<std::ptrdiff_t>(kept), from.end());
    from.resize(kept);
  };
  move_end(train.count * train.image_size(), train.pixels, held.pixels);
  move_end(train.count, train.labels, held.labels);
  dataset.holdout = count;
}

ImageDataset load_idx_dataset(const std::string& folder, std::size_t holdout) {
  check_data_folder(folder);
  ImageDataset dataset;
  dataset.train = read_image_set(folder, kTrainImages, kTrainLabels, dataset.files);
  if (holdout == 0) {
    dataset.test = read_image_set(folder, kTestImages, kTestLabels, dataset.files);
  }
  if (holdout == 0 && size_text(dataset.train) != size_text(dataset.test)) {
    throw Error(folder,
                "training images of " + size_text(dataset.train) + ", test images of " +
                    size_text(dataset.test),
                "one size");
  }
  DatasetDescription description = describe(folder, dataset.files);
  dataset.name = std::move(description.name);
  dataset.class_names = std::move(description.class_names);
  check_labels((fs::path(folder) / kTrainLabels).string(), dataset.train.labels,
               dataset.class_names.size());
  check_labels((fs::path(folder) / kTestLabels).string(), dataset.test.labels,
               dataset.class_names.size());
  if (holdout > 0) hold_out(holdout, dataset);
  return dataset;
}

ImageDataset load_dataset(const std::string& folder, std::size_t holdout) {
  check_data_folder(folder);
  const std::vector<std::string> cifar_files = cifar10_file_names();
  const auto holds_cifar = [&](const std::string& place) {
    return std::any_of(cifar_files.begin(), cifar_files.end(), [&](const std::string& name) {
      return path_exists((fs::path(place) / name).string());
    });
  };
  if (holds_cifar(folder)) return load_cifar10_dataset(folder, holdout);
  for (const char* name : {kTrainImages, kTrainLabels, kTestImages, kTestLabels}) {
    if (!find_files(folder, name).empty()) return load_idx_dataset(folder, holdout);
  }
  const std::string unpacked = (fs::path(folder) / "cifar-10-batches-bin").string();
  if (holds_cifar(unpacked)) return load_cifar10_dataset(unpacked, holdout);
  throw Error(folder, "holds no data set that is known",
              join({kTrainImages, kTrainLabels, kTestImages, kTestLabels}) +
                  " (IDX, plain or .gz), or " + join(cifar_files) + " (CIFAR-10, binary)");
}

}  // namespace reprise
