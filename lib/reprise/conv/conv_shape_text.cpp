// The one-line text form of a convolution's shape: benchdnn's grammar, read and written.
#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <optional>
#include <sstream>
#include <utility>

#include "reprise/conv/conv_shape.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/text.hpp"

namespace reprise {
namespace {

/// What a line says, field by field; unset where it says nothing.
struct Fields {
  using Size = std::optional<std::size_t>;
  Size g, mb, ic, ih, iw, oc, oh, ow, kh, kw, sh, sw, ph, pw, pb, pr, dh, dw;
  std::string name;
};

struct Key {
  std::string_view letters;
  Fields::Size Fields::*field;
};

constexpr std::array<Key, 18> kKeys{{{"mb", &Fields::mb},
                                     {"ic", &Fields::ic},
                                     {"ih", &Fields::ih},
                                     {"iw", &Fields::iw},
                                     {"oc", &Fields::oc},
                                     {"oh", &Fields::oh},
                                     {"ow", &Fields::ow},
                                     {"kh", &Fields::kh},
                                     {"kw", &Fields::kw},
                                     {"sh", &Fields::sh},
                                     {"sw", &Fields::sw},
                                     {"ph", &Fields::ph},
                                     {"pw", &Fields::pw},
                                     {"pb", &Fields::pb},
                                     {"pr", &Fields::pr},
                                     {"dh", &Fields::dh},
                                     {"dw", &Fields::dw},
                                     {"g", &Fields::g}}};
constexpr std::string_view kGrammar =
    "benchdnn's grammar, such as g1mb128ic3ih227oc96oh55kh11sh4ph0n\"conv1\"";

/// Whether a name can stand in a record and in a table.
bool is_label(std::string_view name) {
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  return is_text(name) && std::none_of(name.begin(), name.end(), control);
}

/// Reads a line from left to right.
class Parser {
 public:
  explicit Parser(std::string_view line) : line_(line), rest_(line) {}

  Fields fields() {
    Fields fields;
    for (skip_separators(); !rest_.empty(); skip_separators()) {
      if (rest_.front() == 'n') {
        fields.name = name();
      } else {
        size_field(fields);
      }
    }
    return fields;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error("shape " + std::string(line_), what, kGrammar);
  }

  void skip_separators() {
    while (!rest_.empty() && std::string_view("_ \t\r").find(rest_.front()) != rest_.npos) {
      rest_.remove_prefix(1);
    }
  }

  void size_field(Fields& fields) {
    for (const Key& key : kKeys) {
      if (!rest_.starts_with(key.letters)) continue;
      rest_.remove_prefix(key.letters.size());
      if ((fields.*key.field).has_value()) fail(std::string(key.letters) + " given twice");
      fields.*key.field = number(key.letters);
      return;
    }
    fail("nothing known at \"" + std::string(rest_) + "\"");
  }

  std::size_t number(std::string_view key) {
    std::size_t value = 0;
    const auto [end, status] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (status == std::errc::result_out_of_range || value >= std::size_t{1} << 62) {
      fail("the number after " + std::string(key) + " overflows");
    }
    if (status != std::errc{}) fail("no number after " + std::string(key));
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return value;
  }

  /// n"..." or, as older benchdnn files have it, n and the rest of the line.
  std::string name() {
    rest_.remove_prefix(1);
    const bool quoted = rest_.starts_with('"');
    if (quoted) rest_.remove_prefix(1);
    const std::size_t end = quoted ? rest_.find('"') : rest_.size();
    if (end == std::string_view::npos) fail("the name's closing quote is missing");
    std::string name(rest_.substr(0, end));
    if (name.find('"') != name.npos) fail("the name has a quote in it");
    if (!is_label(name)) fail("the name is not UTF-8 text without control characters");
    rest_.remove_prefix(quoted ? end + 1 : end);
    return name;
  }

  std::string_view line_;
  std::string_view rest_;
};

/// One axis of a line, with benchdnn's dilation already converted.
struct Axis {
  char letter;
  std::size_t input, kernel, stride, dilation, pad_before;
  std::optional<std::size_t> pad_after, output;

  [[nodiscard]] std::size_t span() const { return dilation * (kernel - 1) + 1; }
  /// With this much padding after; 0 if no window fits.
  [[nodiscard]] std::size_t computed_output(std::size_t after) const {
    const std::size_t padded = input + pad_before + after;
    return padded < span() ? 0 : (padded - span()) / stride + 1;
  }
};

/// The padding at the bottom or right that `axis.output` implies (parse_conv_shape says how), if
/// any does.
std::optional<std::size_t> implied_pad_after(const Axis& axis) {
  if (!axis.output || *axis.output == axis.computed_output(axis.pad_before)) {
    return axis.pad_before;
  }
  if (*axis.output == 0) return std::nullopt;
  const std::size_t reached = (*axis.output - 1) * axis.stride + axis.span();
  const std::size_t without = axis.input + axis.pad_before;
  const std::size_t least = reached > without ? reached - without : 0;
  const bool fits = axis.computed_output(least) == *axis.output &&
                    least <= std::max(axis.pad_before, axis.span() - 1);
  return fits ? std::optional(least) : std::nullopt;
}

/// The padding at the bottom or right of a line's axis.
std::size_t pad_after(std::string_view line, const Axis& axis) {
  if (axis.kernel == 0 || axis.stride == 0) return 0;  // make_conv_shape says so
  const std::optional<std::size_t> after =
      axis.pad_after ? axis.pad_after : implied_pad_after(axis);
  const std::size_t computed = axis.computed_output(after.value_or(axis.pad_before));
  if (after && (!axis.output || *axis.output == computed)) return *after;
  const std::string name = std::string("o") + axis.letter;
  throw Error("shape " + std::string(line), name + std::to_string(*axis.output),
              name + std::to_string(computed) + " by the other sizes");
}

ConvShape shape_of(std::string_view line, const Fields& f) {
  constexpr std::size_t most = std::size_t{1} << 31;
  for (const Key& key : kKeys) {
    if ((f.*key.field).value_or(0) >= most) {
      throw Error("shape " + std::string(line),
                  std::string(key.letters) + std::to_string(*(f.*key.field)), "less than 2^31");
    }
  }
  const bool no_width = !f.iw && !f.kw && !f.sw && !f.pw && !f.dw;
  const Axis h{'h',
               f.ih.value_or(1),
               f.kh.value_or(1),
               f.sh.value_or(1),
               f.dh.value_or(0) + 1,
               f.ph.value_or(0),
               f.pb,
               f.oh};
  const Axis w{'w',
               f.iw.value_or(h.input),
               f.kw.value_or(h.kernel),
               f.sw.value_or(h.stride),
               f.dw.value_or(h.dilation - 1) + 1,
               f.pw.value_or(h.pad_before),
               f.pr || !no_width ? f.pr : f.pb,
               no_width && !f.ow ? f.oh : f.ow};
  const std::size_t bottom = pad_after(line, h);
  const std::size_t right = pad_after(line, w);
  Conv2dOptions options;
  options.stride = {h.stride, w.stride};
  options.dilation = {h.dilation, w.dilation};
  options.groups = f.g.value_or(1);
  options.padding = Padding2d::sides(h.pad_before, bottom, w.pad_before, right);
  ConvShape shape = make_conv_shape(f.mb.value_or(1), h.input, w.input, f.ic.value_or(1),
                                    f.oc.value_or(1), h.kernel, w.kernel, options);
  shape.name = f.name;
  return shape;
}

/// The line without its comment and the blanks around it.
std::string content(std::string line) {
  line.resize(std::min(line.find('#'), line.size()));
  const std::size_t begin = line.find_first_not_of(" \t\r");
  if (begin == std::string::npos) return "";
  return line.substr(begin, line.find_last_not_of(" \t\r") - begin + 1);
}

}  // namespace

ConvShape parse_conv_shape(std::string_view line) {
  return shape_of(line, Parser(line).fields());
}

std::string to_line(const ConvShape& s) {
  const Axis h{'h', s.IH, s.KH, s.stride_h, s.dilation_h, s.pad_top, {}, s.OH};
  const Axis w{'w', s.IW, s.KW, s.stride_w, s.dilation_w, s.pad_left, {}, s.OW};
  std::ostringstream line;
  line << 'g' << s.G << "mb" << s.N << "ic" << s.IC << "ih" << s.IH << "iw" << s.IW << "oc" << s.OC
       << "oh" << s.OH << "ow" << s.OW << "kh" << s.KH << "kw" << s.KW << "sh" << s.stride_h << "sw"
       << s.stride_w << "ph" << s.pad_top << "pw" << s.pad_left;
  if (implied_pad_after(h) != s.pad_bottom) line << "pb" << s.pad_bottom;
  if (implied_pad_after(w) != s.pad_right) line << "pr" << s.pad_right;
  line << "dh" << s.dilation_h - 1 << "dw" << s.dilation_w - 1;
  if (!s.name.empty()) line << "n\"" << s.name << '"';
  return line.str();
}

std::vector<ConvShape> read_conv_shapes(const std::string& file) {
  std::ifstream stream(file);
  if (!stream) throw Error("shapes file " + file, "cannot be opened", "a readable file");
  std::vector<ConvShape> shapes;
  std::string line;
  for (std::size_t number = 1; std::getline(stream, line); ++number) {
    const std::string text =
        content(number == 1 ? std::string(without_byte_order_mark(line)) : std::move(line));
    if (text.empty()) continue;
    try {
      shapes.push_back(parse_conv_shape(text));
    } catch (const Error& error) {
      throw Error(file + ":" + std::to_string(number), error.what(), "");
    }
  }
  return shapes;
}

}  // namespace reprise
