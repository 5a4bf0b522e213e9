/// \file
/// A tree as a stream of bytes: how the process that reads a record hands over what it found. The
/// process may have been taken over by the file that it read, so the stream is not trusted.
///
///   message   = byte 1, group: the record
///             | byte 2, text, text: the record is refused; what was given, what was expected
///             | byte 3, text: the process could not give up its rights, for this reason
///   group     = attributes, number of datasets, each as text (its name) and dataset,
///               number of groups, each as text (its name) and group
///   dataset   = byte (its type), number of axes, each as text (its name) and size,
///               number of values, the values, attributes
///   attributes = number of attributes, each as text (its name), byte (its type), value
///   text      = number of bytes, the bytes
///
/// Types are bytes from 0 in the order of DatasetValues and AttributeValue. Numbers of things, and
/// sizes, are unsigned 64-bit. All is little-endian. Names within a group ascend.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <variant>

#include "reprise/record/record.hpp"

namespace reprise::details {

/// The process found no record in the file. Both texts come from the process: not trusted.
struct Refusal {
  std::string given, expected;
};

/// The process could not give up its rights, so it read nothing.
struct NotConfined {
  std::string reason;
};

using ReaderMessage = std::variant<Record, Refusal, NotConfined>;

/// Takes the stream's bytes, piece by piece.
using ByteSink = std::function<void(std::span<const std::byte>)>;
void encode(const ReaderMessage& message, const ByteSink& sink);

/// The size of a record's stream. Error if it has more groups in groups than a stream may.
std::uint64_t stream_size(const Record& record);

/// The message that the bytes are, to the last one. Error if they are none: cut short, longer,
/// sizes beyond them, unknown types, names twice, groups too deep. The tree may hold names and
/// texts that a record may not (check_record). Takes memory in proportion to the bytes, whatever
/// they say.
ReaderMessage decode(std::span<const std::byte> bytes);

}  // namespace reprise::details
