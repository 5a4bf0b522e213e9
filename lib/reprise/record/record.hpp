/// \file
/// A run's record as a tree in memory: groups with attributes and datasets. What HDF5 makes of it
/// is record_file.hpp's matter.
///
/// Layout of a run's record (all outside /environment is determined by code, configuration, data):
///   /configuration  every setting as a typed attribute; dataset "toml": the whole as text
///   /data           attributes; names and SHA-256 of the input files, class names
///   /history        per epoch: losses, errors, learning rate, digest of the parameters
///   /model          a group per layer in order, with its parameters; the summary
///   /evaluation     logits, five most probable labels, confusion matrix, sample images, ...
///   /environment    where, when and with what it ran: the program, machine, times
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace reprise {

using AttributeValue = std::variant<std::int64_t, double, std::string>;
using Attributes = std::map<std::string, AttributeValue>;

/// The element types that records use: "float32", "float64", "uint8", "uint32", "int64", "text".
/// Text is UTF-8 without zero bytes (core/text.hpp).
using DatasetValues =
    std::variant<std::vector<float>, std::vector<double>, std::vector<std::uint8_t>,
                 std::vector<std::uint32_t>, std::vector<std::int64_t>, std::vector<std::string>>;

/// A dense row-major array with a name for each axis. An empty shape is a scalar.
struct Dataset {
  std::vector<std::size_t> shape;
  DatasetValues values;                 ///< as many as the shape says
  std::vector<std::string> dimensions;  ///< one name per axis, e.g. {"epoch"}; not unique per file
  Attributes attributes{};
};

struct Group {
  Attributes attributes;
  std::map<std::string, Dataset> datasets;
  std::map<std::string, Group> groups;

  /// The dataset or group at a path such as "history/test_error" (a "/" before it is ignored; ""
  /// is this group); Error if there is none.
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

/// Error if the tree cannot be kept: a dataset's values or axis names do not fit its shape, a name
/// is empty, ".", ".." or has a slash, two have one name, text is not UTF-8 (core/text.hpp). All
/// functions below check it.
void check_record(const Record& record);

/// The SHA-256 of what code, configuration and data determine; 64 hexadecimal digits. It hashes
/// what this walk writes; docs/record_format.md is the specification, with the tables of settings:
///
///   record    = text("reprise record 2") group(root)
///   group     = attributes, the number of datasets, each as text(name) dataset,
///               the number of groups, each as text(name) group
///   dataset   = text(type), the number of axes, each as text(name) and its size,
///               the number of values, the values, attributes
///   attributes = the number of attributes, each as text(name) text(type) value
///   text(s)   = the number of bytes of s, then s in UTF-8
///
/// Attributes, datasets and groups go in the order of their names' bytes. Numbers of things, and
/// sizes, are unsigned 64-bit; types are the names above; every number is little-endian, floats are
/// their IEEE 754 bits (NaN: positive, quiet, no payload); a value of type text is text(value).
/// Left out are the root's group "environment" and the root's attributes "digest" and "format",
/// which belong to the file; the dataset /configuration/toml; and of /configuration's attributes
/// those that have their format's default (format.hpp). The others go under their format's names.
///
/// A record of format 1 ("reprise record 1") has all of /configuration in its digest.
std::string digest_of(const Record& record);

/// One place where two trees differ.
struct RecordDifference {
  std::string path;  ///< "/history/train_loss[3]", "/configuration@seed" (an attribute)
  std::string what;  ///< "0.51234 against 0.51235, 168 ulp apart", "missing in the second", ...
};
/// The first `most` differences in what the digest counts, in the order of its walk; settings under
/// today's names. Empty exactly if the digests are equal, where both records are of one
/// format; a record of format 1 and one of format 2 are compared as format 2 counts.
std::vector<RecordDifference> differences(const Record& a, const Record& b, std::size_t most = 20);

}  // namespace reprise
