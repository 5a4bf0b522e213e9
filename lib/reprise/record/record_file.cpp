#include "reprise/record/record_file.hpp"

#include <algorithm>
#include <mutex>
#include <span>
#include <string_view>

#include "reprise/core/digest.hpp"
#include "reprise/core/error.hpp"
#include "reprise/record/format.hpp"
#include "reprise/record/hdf5_image.hpp"

namespace reprise {
namespace {

constexpr std::string_view kSignature = "\x89HDF\r\n\x1a\n";
constexpr std::string_view kDigestPrefix = "sha256:";

// ---- the line after the HDF5 data: "\nsha256:", 64 digits, "\n"

constexpr std::size_t kChecksumSize = 1 + 7 + 64 + 1;

std::string checksum_line(std::span<const std::byte> image) {
  return std::string("\n").append(kDigestPrefix).append(sha256_hex(image)).append("\n");
}

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The HDF5 data in a file that is whole; Error if it is not.
std::span<const std::byte> checked_image(std::span<const std::byte> bytes,
                                         const std::string& path) {
  if (!as_text(bytes).starts_with(kSignature)) {
    throw Error(path, "is no HDF5 file", "a record");
  }
  std::span<const std::byte> image = bytes;
  if (bytes.size() > kChecksumSize) {
    const std::string_view line = as_text(bytes.last(kChecksumSize));
    if (line.substr(1).starts_with(kDigestPrefix)) {
      image = bytes.first(bytes.size() - kChecksumSize);
      if (line != checksum_line(image)) {
        throw Error(path, "is damaged: its bytes do not have the SHA-256 at its end", "a record");
      }
    }
  }
  const std::uint64_t size = details::announced_size(image).value_or(image.size());
  if (image.size() < size) {
    throw Error(path, "is truncated: " + std::to_string(image.size()) + " bytes",
                std::to_string(size) + " or more");
  }
  if (image.size() > size) {
    throw Error(path, std::to_string(image.size() - size) + " stray bytes after the HDF5 data",
                "a record");
  }
  return image;
}

/// HDF5 as it is packaged may be used by one thread at a time.
std::unique_lock<std::mutex> one_at_a_time() {
  static std::mutex mutex;
  return std::unique_lock(mutex);
}

std::vector<std::byte> image_of(const Record& record, const Attributes& attributes,
                                const std::string& path) {
  const auto lock = one_at_a_time();
  return details::to_hdf5(record, attributes, path);
}

Record record_in(std::span<const std::byte> image, const std::string& path) {
  const auto lock = one_at_a_time();
  return details::from_hdf5(image, path);
}

/// Error, naming the file, if what is in it could not have been saved.
void check_contents(const Record& record, const std::string& path) try {
  check_record(record);
} catch (const Error& error) {
  throw Error(path, std::string("is no record: ") + error.what(), "");
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

}  // namespace

std::string hdf5_version() {
  const auto lock = one_at_a_time();
  return details::library_version();
}

std::string save_record(const Record& record, const std::string& path, Overwrite overwrite) {
  check_writable(path, overwrite);
  std::string digest = digest_of(record);
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

Record load_record(const std::string& path) {
  const std::vector<std::byte> bytes = read_file(path);
  Record record = record_in(checked_image(bytes, path), path);
  const std::string format = root_text(record, "format");
  if (format != kRecordFormat && format != kRecordFormat1) {
    throw Error(path, "is no record: its format is \"" + format + "\"",
                std::string(kRecordFormat1).append(" or ").append(kRecordFormat));
  }
  check_contents(record, path);
  const std::string kept = root_text(record, "digest");
  const std::string found = std::string(kDigestPrefix) + digest_of(record);
  if (kept != found) {
    check_settings_known(record, path);
    throw Error(path, "its contents have the digest " + found,
                kept.empty() ? "that of its root, which has none" : kept + ", as its root says");
  }
  return record;
}

}  // namespace reprise
