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

/// An input file, named and hashed as if it were not compressed, so that the same data count as the
/// same whether gzipped or not, and by whatever gzip.
struct DataFile {
  std::string name;    ///< without its folder and ".gz"
  std::string sha256;  ///< of the contents without compression: `zcat FILE | sha256sum`
};

/// A training and a test set with the same classes.
struct ImageDataset {
  std::string name;  ///< "Fashion-MNIST", "MNIST", or the folder's name
  std::vector<std::string> class_names;
  ImageSet train;
  ImageSet test;
  std::vector<DataFile> files;  ///< training images and labels, then test images and labels
};

/// Where Debian's package dataset-fashion-mnist keeps its files.
std::string default_data_folder();

/// Reads train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and
/// t10k-labels-idx1-ubyte, each plain or with ".gz" (plain if there are both), from a folder.
///
/// Name and classes are what a file class_names.txt there says (first line the name, then one class
/// a line); else those of Fashion-MNIST or MNIST if all four files are known by their SHA-256; else
/// the folder's name and "0" to "9".
///
/// Error if the folder or a file is missing or damaged, images and labels differ in number, a set
/// is empty, train and test differ in size, or a label is outside the classes.
ImageDataset load_idx_dataset(const std::string& folder);

}  // namespace reprise
