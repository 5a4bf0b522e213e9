/// \file
/// What all forms of data sets have in common: the folder, the names of the classes, the labels.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reprise/data/dataset.hpp"

namespace reprise {

struct DatasetDescription {
  std::string name;
  std::vector<std::string> class_names;
};

/// Whether there is a file or folder; Error if that cannot be told, as in a folder that this user
/// may not search.
bool path_exists(const std::string& path);

/// Error if there is no such folder, or this user may not search it.
void check_data_folder(const std::string& folder);

/// The last part of the folder's path.
std::string folder_name(const std::string& folder);

/// A text file's lines without blanks at their ends, empty ones and a byte order mark. Error if it
/// is not UTF-8 text, or does not have `least` to 256 + least - 1 of them; `expected` says what
/// they are.
std::vector<std::string> read_lines(const std::string& file, std::size_t least,
                                    const std::string& expected);

/// What the folder's class_names.txt says, if there is one.
std::optional<DatasetDescription> read_class_names_file(const std::string& folder);

/// Error if a label is not below the number of classes.
void check_labels(const std::string& file, const std::vector<std::uint8_t>& labels,
                  std::size_t classes);

/// Makes the last `count` images of dataset.train its test set. Error if that leaves none to train
/// on.
void hold_out(std::size_t count, ImageDataset& dataset);

}  // namespace reprise
