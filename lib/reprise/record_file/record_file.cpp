// Records as files: what surrounds the HDF5 data, and who reads it.
#include "reprise/record_file/record_file.hpp"

#include <algorithm>
#include <mutex>
#include <span>
#include <string_view>
#include <utility>

#include "reprise/core/digest.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/option_name.hpp"
#include "reprise/record/format.hpp"
#include "reprise/record/schema.hpp"
#include "reprise/record/summary.hpp"
#include "reprise/record_file/hdf5_image.hpp"
#include "reprise/record_file/reader_process.hpp"
#include "reprise/record_file/reader_program.hpp"
#include "reprise/record_file/superblock.hpp"

namespace reprise {
namespace {

constexpr std::string_view kDigestPrefix = "sha256:";

// ---- the line after the HDF5 data: "\nsha256:", 64 digits, "\n"

constexpr std::size_t kChecksumSize = 1 + 7 + 64 + 1;

std::string checksum_line(std::span<const std::byte> image) {
  return std::string("\n").append(kDigestPrefix).append(sha256_hex(image)).append("\n");
}

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool has_checksum_line(std::span<const std::byte> bytes) {
  return bytes.size() >= kChecksumSize &&
         as_text(bytes.last(kChecksumSize)).substr(1).starts_with(kDigestPrefix);
}

/// What `function` returns; an Error that it throws becomes a DamagedRecord.
template <class Function>
auto as_damage(const Function& function) -> decltype(function()) {
  try {
    return function();
  } catch (const DamagedRecord&) {
    throw;
  } catch (const NoRecordReader&) {
    throw;
  } catch (const Error& error) {
    throw DamagedRecord(error);
  }
}

/// The HDF5 data in a file that is whole and begins as records do; DamagedRecord if it is not.
std::span<const std::byte> checked_image(std::span<const std::byte> bytes, const std::string& path,
                                         bool needs_checksum) {
  std::span<const std::byte> image = bytes;
  const bool has_checksum = has_checksum_line(bytes);
  if (has_checksum) {
    image = bytes.first(bytes.size() - kChecksumSize);
    if (as_text(bytes.last(kChecksumSize)) != checksum_line(image)) {
      throw DamagedRecord(path, "is damaged: its bytes do not have the SHA-256 at its end",
                          "a record");
    }
  }
  as_damage([&] { details::check_superblock(image, path); });
  if (needs_checksum && !has_checksum) {
    throw DamagedRecord(path,
                        "is cut short or changed: the line with the SHA-256 at its end is missing",
                        "a whole record, or " + flag_name("no-checksum") + " to read it anyway");
  }
  return image;
}

/// HDF5 as it is packaged may be used by one thread at a time.
std::unique_lock<std::mutex> one_at_a_time() {
  static std::mutex mutex;
  return std::unique_lock(mutex);
}

/// The file's HDF5 data. Integers are not compressed where that would leave more values for the
/// bytes than a reader takes.
std::vector<std::byte> image_of(const Record& record, const Attributes& attributes,
                                const std::string& path) {
  const std::uint64_t tree_bytes = details::stream_size(record);
  const auto lock = one_at_a_time();
  std::vector<std::byte> image = details::to_hdf5(record, attributes, path);
  if (tree_bytes <= details::reading_limits(image.size()).tree_bytes) return image;
  return details::to_hdf5(record, attributes, path, details::Compression::no);
}

/// What comes from a file, short enough to read. Error writes out what is no text.
std::string quoted(const std::string& text) {
  constexpr std::size_t most = 500;
  return text.size() > most ? text.substr(0, most) + "..." : text;
}

/// Whether the file must be a record, or may be another HDF5 file with weights.
enum class HoldsRecord { yes, maybe };
constexpr const char* kPlainFile = "a weights file (.weights.h5) or a record";

/// The reader's refusal, which speaks of records, in words for any HDF5 file.
details::Refusal of_plain_hdf5(const details::Refusal& refusal) {
  constexpr std::string_view start = "no record: ";
  if (!refusal.given.starts_with(start)) return {refusal.given, kPlainFile};
  return {"no weights file: " + refusal.given.substr(start.size()), kPlainFile};
}

[[noreturn]] void refuse(const std::string& path, const details::Refusal& refusal) {
  throw Error(path, quoted(refusal.given), quoted(refusal.expected));
}

[[noreturn]] void refuse(const std::string& path, const details::NotConfined& refusal) {
  throw NoRecordReader(
      path,
      "not read: the kernel does not confine the reader of records (" + quoted(refusal.reason) +
          ")",
      "a kernel with seccomp filters, or " + flag_name("unconfined") + ", which trusts the file");
}

/// What the reader says of an image. NoRecordReader if there is none or it cannot be started.
details::ReaderMessage message_on(std::span<const std::byte> image,
                                  const LoadOptions& options) try {
  const details::ReaderCall call = {options.reader.empty()
                                        ? details::reader_program()
                                        : details::checked_reader_program(options.reader),
                                    !options.unconfined, details::reading_limits(image.size())};
  return details::read_in_process(image, call);
} catch (const Error& error) {
  throw NoRecordReader(error);
}

/// The record in an image, read by a process of its own.
Record record_in(std::span<const std::byte> image, const std::string& path,
                 const LoadOptions& options, HoldsRecord holds = HoldsRecord::yes) try {
  details::ReaderMessage message = message_on(image, options);
  if (auto* record = std::get_if<Record>(&message)) return std::move(*record);
  if (const auto* refusal = std::get_if<details::Refusal>(&message)) {
    refuse(path, holds == HoldsRecord::yes ? *refusal : of_plain_hdf5(*refusal));
  }
  refuse(path, std::get<details::NotConfined>(message));
} catch (const details::ReaderFailure& failure) {
  throw Error(path, std::string(failure.what()) + ": it is damaged or hostile",
              holds == HoldsRecord::yes ? "a record" : kPlainFile);
}

/// Error, naming the file, if an axis has no name: files of other programs may have such.
void check_axis_names(const Group& group, const std::string& at, const std::string& path) {
  for (const auto& [name, dataset] : group.datasets) {
    for (std::size_t axis = 0; axis < dataset.dimensions.size(); ++axis) {
      if (!dataset.dimensions[axis].empty()) continue;
      throw Error(path,
                  "no record: " + quoted(at + "/" + name) + ": axis " + std::to_string(axis) +
                      " has no name",
                  "what save_record writes");
    }
  }
  for (const auto& [name, inner] : group.groups) check_axis_names(inner, at + "/" + name, path);
}

/// Error, naming the file, if what is in it could not have been saved.
void check_contents(const Record& record, const std::string& path) try {
  check_record(record);
} catch (const Error& error) {
  throw Error(path, std::string("is not a Reprise record: ") + error.what(), "");
}

/// Error if there are settings of a later release: their defaults in the format are unknown here,
/// and so is the digest.
void check_settings_known(const Record& record, const std::string& path) {
  const auto configuration = record.groups.find("configuration");
  const auto rows = format_settings(kind_of(record));
  if (configuration == record.groups.end() || rows.empty()) return;
  for (const auto& [setting, value] : configuration->second.attributes) {
    const auto is_named = [name = &setting](const FormatSetting& row) {
      return row.setting == *name;
    };
    if (std::any_of(rows.begin(), rows.end(), is_named)) continue;
    throw Error(path, "has a setting \"" + setting + "\", which this release does not know",
                "a record of this release or an earlier one");
  }
}

/// The text of a root attribute that the file adds to the record; "" if there is none.
std::string root_text(const Record& record, const std::string& name) {
  const auto found = record.attributes.find(name);
  if (found == record.attributes.end()) return "";
  const auto* text = std::get_if<std::string>(&found->second);
  return text == nullptr ? "" : *text;
}

/// The tree in a file whose digest is that of its contents; what it holds is not checked.
Record read_record(const std::string& path, const LoadOptions& options) {
  const std::vector<std::byte> bytes = read_file(path);
  const std::span<const std::byte> image = checked_image(bytes, path, !options.no_checksum);
  const auto read = [&] {
    Record record = record_in(image, path, options);
    check_axis_names(record, "", path);
    return record;
  };
  // What has its SHA-256 is as somebody wrote it.
  Record record = has_checksum_line(bytes) ? read() : as_damage(read);
  const std::string format = root_text(record, "format");
  if (format != kRecordFormat && format != kRecordFormat1) {
    throw Error(path, "is not a Reprise record: its format is \"" + quoted(format) + "\"",
                std::string(kRecordFormat1).append(" or ").append(kRecordFormat));
  }
  check_contents(record, path);
  const std::string kept = root_text(record, "digest");
  const std::string found =
      std::string(kDigestPrefix) + errors_naming(path, [&] { return digest_of(record); });
  if (kept != found) {
    check_settings_known(record, path);
    throw DamagedRecord(
        path, "its contents have the digest " + found,
        kept.empty() ? "that of its root, which has none" : quoted(kept) + ", as its root says");
  }
  return record;
}

/// Whether a text says that it is a summary of a format unknown here.
bool is_of_another_format(const std::string& text) {
  const std::string start = "\nformat = \"reprise summary ";
  const std::string own = "\nformat = \"" + std::string(kSummaryFormat) + "\"\n";
  return text.find(start) != text.npos && text.find(own) == text.npos;
}

}  // namespace

std::string hdf5_version() {
  const auto lock = one_at_a_time();
  return details::library_version();
}

std::vector<std::byte> plain_hdf5(const Group& tree, const std::string& where) {
  const auto lock = one_at_a_time();
  return details::to_hdf5(tree, tree.attributes, where, details::Compression::no,
                          details::AxisNames::no);
}

Group tree_of_plain_hdf5(std::span<const std::byte> file, const std::string& where,
                         const LoadOptions& options) {
  return record_in(file, where, options, HoldsRecord::maybe);
}

void add_load_options(CommandLine& line, LoadOptions& options) {
  line.add_flag("--no-checksum", options.no_checksum,
                "also read records without the SHA-256 line at their end");
  line.add_flag(
      "--unconfined", options.unconfined,
      "also read records where the kernel cannot confine the process that reads them; only "
      "for records that you trust");
}

std::string save_record(const Record& record, const std::string& path, Overwrite overwrite) {
  check_writable(path, overwrite);
  std::string digest = errors_naming(path, [&] { return digest_of(record); });
  Attributes attributes = record.attributes;
  attributes["digest"] = std::string(kDigestPrefix) + digest;
  attributes["format"] = std::string(format_of(record) == 1 ? kRecordFormat1 : kRecordFormat);
  std::vector<std::byte> bytes = image_of(record, attributes, path);
  const std::string line = checksum_line(bytes);
  std::transform(line.begin(), line.end(), std::back_inserter(bytes),
                 [](char c) { return static_cast<std::byte>(c); });
  write_file(path, bytes, overwrite);
  return digest;
}

Record load_record(const std::string& path, const LoadOptions& options) {
  Record record = read_record(path, options);
  check_schema(record, path);
  return record;
}

Record load_record(const std::string& path, std::string_view kind, const LoadOptions& options) {
  Record record = read_record(path, options);
  check_schema(record, kind, path);
  return record;
}

Record load_summary(const std::string& path) {
  const std::vector<std::byte> bytes = read_file(path, kMaxSummaryBytes);
  const std::string text(as_text(bytes));
  const auto read = [&] { return summary_from_text(path, text); };
  return is_of_another_format(text) ? read() : as_damage(read);
}

Record load_run(const std::string& path, const LoadOptions& options) {
  return path.ends_with(".toml") ? load_summary(path) : load_record(path, "training", options);
}

bool is_whole_run(const std::string& path, const Error& refused, const LoadOptions& options) {
  if (dynamic_cast<const DamagedRecord*>(&refused) == nullptr) {
    try {
      return kind_of(load_record(path, options)) == "training";
    } catch (const Error&) {
      return true;
    }
  }
  if (options.no_checksum) return false;
  LoadOptions trusting = options;  // other programs leave records without that line
  trusting.no_checksum = true;
  try {
    load_run(path, trusting);
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace reprise
