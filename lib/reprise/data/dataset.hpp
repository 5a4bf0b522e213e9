/// \file
/// Labelled images, kept as bytes, and the folders they come from.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace reprise {

/// Labelled images of one size.
struct ImageSet {
  std::size_t count = 0, height = 0, width = 0, channels = 0;
  std::vector<std::uint8_t> pixels;  ///< count,height,width,channels; 0..255
  std::vector<std::uint8_t> labels;  ///< count; each below the number of classes

  [[nodiscard]] std::size_t image_size() const { return height * width * channels; }
};

struct DataFile {
  std::string name;    ///< without its folder
  std::string sha256;  ///< of the file as it lies on disk
};

/// A training and a test set with the same classes.
struct ImageDataset {
  std::string name;  ///< "Fashion-MNIST", "MNIST", or the folder's name
  std::vector<std::string> class_names;
  ImageSet train;
  ImageSet test;
  std::vector<DataFile> files;
};

/// Where Debian's package dataset-fashion-mnist keeps its files.
std::string default_data_folder();

/// Reads train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and
/// t10k-labels-idx1-ubyte, each plain or with ".gz", from a folder. The data set's name and class
/// names are those of Fashion-MNIST or MNIST where the files' digests are known, or where a file
/// class_names.txt (first line the name, then one class a line) says so; else the folder's name and
/// "0" to "9". Error if the folder or a file is missing or damaged, images and labels differ in
/// number, train and test differ in size, a label is outside the classes, or a set is empty.
ImageDataset load_idx_dataset(const std::string& folder);

}  // namespace reprise
