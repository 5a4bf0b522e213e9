/// \file
/// A run's record as a tree in memory: groups with attributes and datasets. What HDF5 makes of it
/// is record_file.hpp's matter.
///
/// Layout of a run's record (all outside /environment is determined by code, configuration, data):
///   /configuration  every setting as a typed attribute; dataset "toml": the whole as text
///   /data           attributes; names and SHA-256 of the input files, class names
///   /history        per epoch: losses, errors, learning rate, digest of the parameters
///   /model          a group per layer in order, with its parameters; the summary
///   /evaluation     logits, five likeliest labels, confusion matrix, sample images, ...
///   /environment    where, when and with what it ran
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace reprise {

using AttributeValue = std::variant<std::int64_t, double, std::string>;

/// The element types that records use. Text is UTF-8.
using DatasetValues =
    std::variant<std::vector<float>, std::vector<double>, std::vector<std::uint8_t>,
                 std::vector<std::uint32_t>, std::vector<std::int64_t>, std::vector<std::string>>;

/// A dense row-major array with a name for each axis. An empty shape is a scalar.
struct Dataset {
  std::vector<std::size_t> shape;
  DatasetValues values;
  std::vector<std::string> dimensions;  ///< one name per axis, e.g. {"epoch"}; not unique per file
  std::map<std::string, AttributeValue> attributes;
};

struct Group {
  std::map<std::string, AttributeValue> attributes;
  std::map<std::string, Dataset> datasets;
  std::map<std::string, Group> groups;

  /// The dataset or group at a path such as "history/test_error"; Error if there is none.
  [[nodiscard]] const Dataset& dataset(std::string_view path) const;
  [[nodiscard]] const Group& group(std::string_view path) const;
  /// An attribute's value; Error if it is missing or of another type.
  template <class T>
  [[nodiscard]] const T& attribute(const std::string& name) const;
  /// A dataset's values; Error if it is missing or of another type.
  template <class T>
  [[nodiscard]] const std::vector<T>& values(std::string_view path) const;
};

/// A scalar, or a list along one named axis.
Dataset scalar_text(std::string text);
template <class T>
Dataset list(std::vector<T> values, std::string dimension);

using Record = Group;

/// SHA-256 over names, types, shapes, axis names and values of all outside /environment, groups and
/// datasets in the order of their names; 64 hexadecimal digits. The root's attribute "digest",
/// where the file keeps it, does not count.
std::string digest_of(const Record& record);

/// One place where two trees differ.
struct RecordDifference {
  std::string path;  ///< "/history/train_loss[3]"
  std::string what;  ///< "0.51234 against 0.51235, 3 ulp apart", "missing in the second", ...
};
/// The first `most` differences outside /environment, in the order of the digest's walk.
std::vector<RecordDifference> differences(const Record& a, const Record& b, std::size_t most = 20);

}  // namespace reprise
