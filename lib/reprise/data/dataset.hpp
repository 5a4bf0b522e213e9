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
  ImageSet test;                ///< what is judged
  std::vector<DataFile> files;  ///< that were read, in the order in which the form lists them
  std::size_t holdout = 0;      ///< above 0: `test` is the last N training images
};

/// The published data set whose files, in the order of ImageDataset::files, have these SHA-256:
/// "Fashion-MNIST", "MNIST", "CIFAR-10"; "" for others. All its files, or those of the training set
/// alone.
std::string known_dataset(const std::vector<DataFile>& files);

/// Where Debian's package dataset-fashion-mnist keeps its files.
std::string default_data_folder();

// With `holdout` above 0 each function below takes that many last images of the training set as the
// test set and leaves the others for training; the files of the test set itself are not opened, and
// need not be there. Error if no image is left for training.

/// Reads train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and
/// t10k-labels-idx1-ubyte, each plain or with ".gz" (plain if there are both), from a folder. As
/// some sites offer them, the names may have a dot for the dash before "idx", and a file may lie in
/// a folder of its own name. A file that is there in several of these ways must be the same in
/// each.
///
/// Name and classes are what a file class_names.txt there says (first line the name, then one class
/// a line); else those of Fashion-MNIST or MNIST if all four files are known by their SHA-256; else
/// the folder's name and "0" to "9".
///
/// Error if the folder or a file is missing or damaged, two files of one name differ, images and
/// labels differ in number, a set is empty, train and test differ in size, or a label is outside
/// the classes.
ImageDataset load_idx_dataset(const std::string& folder, std::size_t holdout = 0);

/// Reads CIFAR-10's binary form (https://www.cs.toronto.edu/~kriz/cifar.html): data_batch_1.bin to
/// data_batch_5.bin are the training set, test_batch.bin the test set, any number of images each.
/// An image is its label, one byte, then the red, green and blue plane of 32x32 bytes, which become
/// height,width,channels here. batches.meta.txt names the classes, one a line. The data set goes by
/// "CIFAR-10" if they are that set's ten, else by the folder's name; class_names.txt may name both
/// otherwise, as for IDX.
///
/// Error if the folder or a file is missing, a file does not hold one whole image or more, or a
/// label is outside the classes.
ImageDataset load_cifar10_dataset(const std::string& folder, std::size_t holdout = 0);

/// The data set in a folder, of the form that its files show: IDX or CIFAR-10, which may lie in a
/// folder cifar-10-batches-bin there, as its archive unpacks. Error names both if it is neither.
ImageDataset load_dataset(const std::string& folder, std::size_t holdout = 0);

}  // namespace reprise
