#include "reprise/data/dataset_folder.hpp"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "reprise/core/error.hpp"
#include "reprise/core/file.hpp"
#include "reprise/core/text.hpp"
#include "reprise/data/dataset.hpp"

namespace reprise {
namespace {

namespace fs = std::filesystem;

const char* const kClassNames = "class_names.txt";

}  // namespace

bool path_exists(const std::string& path) {
  std::error_code reason;
  const fs::file_status status = fs::status(path, reason);
  if (fs::status_known(status)) return fs::exists(status);
  throw Error(path, "cannot be read: " + reason.message(),
              "a file in folders that may be searched");
}

void check_data_folder(const std::string& folder) {
  const bool there = path_exists(folder);
  if (there && fs::is_directory(folder)) {
    path_exists(folder + "/.");  // may be searched
    return;
  }
  const bool debian = folder == default_data_folder();
  throw Error(folder, there ? "is not a folder" : "no such data folder",
              debian ? "Debian's package dataset-fashion-mnist to be installed"
                     : "a folder with the four IDX files of MNIST or the like, or with CIFAR-10's "
                       "binary files");
}

std::string folder_name(const std::string& folder) {
  const fs::path path = fs::absolute(folder).lexically_normal();
  const fs::path last = path.has_filename() ? path.filename() : path.parent_path().filename();
  return clean_text(last.string());
}

std::vector<std::string> read_lines(const std::string& file, std::size_t least,
                                    const std::string& expected) {
  const std::vector<std::byte> bytes = read_file(file);
  const std::string text(
      without_byte_order_mark({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
  if (!is_text(text)) throw Error(file, "is not UTF-8 text", expected);
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    line.erase(line.find_last_not_of(" \t\r") + 1);
    if (!line.empty()) lines.push_back(line);
  }
  if (lines.size() < least || lines.size() >= 256 + least) {
    throw Error(file, std::to_string(lines.size()) + " lines", expected + ", 1 to 256 of them");
  }
  return lines;
}

std::optional<DatasetDescription> read_class_names_file(const std::string& folder) {
  const std::string file = (fs::path(folder) / kClassNames).string();
  if (!path_exists(file)) return std::nullopt;
  const std::vector<std::string> lines = read_lines(file, 2, "a name, then one class a line");
  return DatasetDescription{lines.front(), {lines.begin() + 1, lines.end()}};
}

void check_labels(const std::string& file, const std::vector<std::uint8_t>& labels,
                  std::size_t classes) {
  const auto outside = std::find_if(labels.begin(), labels.end(),
                                    [&](std::uint8_t label) { return label >= classes; });
  if (outside == labels.end()) return;
  throw Error(file,
              "label " + std::to_string(*outside) + " of image " +
                  std::to_string(outside - labels.begin()) + " is outside the classes",
              "0 to " + std::to_string(classes - 1) + " (" + kClassNames + " may name others)");
}

}  // namespace reprise
