// The header is a dictionary as Python writes it:
//   {'descr': '<f4', 'fortran_order': False, 'shape': (5, 5, 1, 6), }
#include "reprise/exchange/npy.hpp"

#include <algorithm>
#include <cctype>
#include <limits>
#include <optional>
#include <set>
#include <string_view>

#include "reprise/core/byte_order.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/core/parse.hpp"

namespace reprise::details {
namespace {

constexpr std::string_view kMagic("\x93NUMPY", 6);
constexpr std::size_t kAlignment = 64;
constexpr std::size_t kMaxRank = 32;  // NumPy's own

[[noreturn]] void refuse(const std::string& given) {
  throw Error("npy header", given, "one as numpy.save writes");
}

/// Takes the dictionary apart from its front.
class Dictionary {
 public:
  explicit Dictionary(std::string_view text) : text_(text) {}

  NpyHeader parse() {
    expect('{');
    std::set<std::string> keys;
    while (!next_is('}')) {
      const std::string key = quoted();
      if (!keys.insert(key).second) refuse("\"" + key + "\" twice");
      expect(':');
      take_value(key);
      if (!next_is('}')) expect(',');
    }
    expect('}');
    if (!skip_blanks().empty()) refuse("something after its dictionary");
    if (keys.size() != 3) refuse("fewer keys than three");
    return header_;
  }

 private:
  std::string_view skip_blanks() {
    while (!text_.empty() && (text_.front() == ' ' || text_.front() == '\n')) {
      text_.remove_prefix(1);
    }
    return text_;
  }
  bool next_is(char wanted) { return skip_blanks().starts_with(wanted); }
  void expect(char wanted) {
    if (!next_is(wanted)) refuse(std::string("no '") + wanted + "' where one belongs");
    text_.remove_prefix(1);
  }

  std::string quoted() {
    const char quote = next_is('"') ? '"' : '\'';
    expect(quote);
    const std::size_t end = text_.find(quote);
    if (end == std::string_view::npos) refuse("a text without an end");
    std::string text(text_.substr(0, end));
    text_.remove_prefix(end + 1);
    return text;
  }

  /// Letters and digits.
  std::string word() {
    skip_blanks();
    std::size_t size = 0;
    while (size < text_.size() && std::isalnum(static_cast<unsigned char>(text_[size])) != 0) {
      ++size;
    }
    std::string found(text_.substr(0, size));
    text_.remove_prefix(size);
    return found;
  }

  void take_value(const std::string& key) {
    if (key == "descr") {
      if (next_is('[')) refuse("a type of several fields");
      header_.type = quoted();
    } else if (key == "fortran_order") {
      const std::string value = word();
      if (value != "True" && value != "False") refuse("fortran_order \"" + value + "\"");
      header_.is_fortran_order = value == "True";
    } else if (key == "shape") {
      take_shape();
    } else {
      refuse("the key \"" + key + "\"");
    }
  }

  void take_shape() {
    expect('(');
    while (!next_is(')')) {
      const std::string digits = word();
      const std::optional<std::int64_t> size = parse_integer(digits);
      if (!size || *size < 0 || header_.shape.size() == kMaxRank) {
        refuse("a shape with \"" + digits + "\"");
      }
      header_.shape.push_back(static_cast<std::size_t>(*size));
      if (!next_is(')')) expect(',');
    }
    expect(')');
  }

  std::string_view text_;
  NpyHeader header_;
};

}  // namespace

NpyHeader npy_header(std::span<const std::byte> file) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  if (!text.starts_with(kMagic) || text.size() < 10) refuse("no npy file");
  const int major = std::to_integer<int>(file[6]), minor = std::to_integer<int>(file[7]);
  if (major < 1 || major > 3 || minor != 0) {
    refuse("version " + std::to_string(major) + "." + std::to_string(minor));
  }
  const std::size_t begin = major == 1 ? 10 : 12;
  if (text.size() < begin) refuse("cut short");
  std::size_t size = 0;
  for (std::size_t i = begin; i-- > 8;) size = size << 8 | std::to_integer<std::size_t>(file[i]);
  if (begin + size > kMaxNpyHeader) refuse(std::to_string(size) + " bytes long");
  if (text.size() - begin < size) refuse("cut short");
  NpyHeader header = Dictionary(text.substr(begin, size)).parse();
  header.size = begin + size;
  return header;
}

std::vector<std::byte> npy_file(const std::vector<std::size_t>& shape,
                                std::span<const float> values) {
  std::string dictionary = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
  for (const std::size_t size : shape) dictionary += std::to_string(size) + ", ";
  if (shape.size() > 1) dictionary.resize(dictionary.size() - 2);
  if (shape.size() == 1) dictionary.pop_back();
  dictionary += "), }";
  const std::size_t size = round_up(10 + dictionary.size() + 1, kAlignment) - 10;
  dictionary.resize(size - 1, ' ');
  dictionary += "\n";
  std::string head(kMagic);
  head += {'\1', '\0', static_cast<char>(size & 0xFF), static_cast<char>(size >> 8)};
  head += dictionary;
  std::vector<std::byte> file;
  file.reserve(head.size() + values.size_bytes());
  const auto append = [&](std::span<const std::byte> bytes) {
    file.insert(file.end(), bytes.begin(), bytes.end());
  };
  append(std::as_bytes(std::span(head)));
  to_little_endian(values, append);
  return file;
}

}  // namespace reprise::details
