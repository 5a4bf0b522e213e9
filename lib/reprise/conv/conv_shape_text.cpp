// The one-line text form of a convolution's shape: benchdnn's grammar, read and written.
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
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
  Size g, mb, ic, id, ih, iw, oc, od, oh, ow, kd, kh, kw, sd, sh, sw, pd, ph, pw, pb, pr, dd, dh,
      dw;
  std::string name;
};

struct Key {
  std::string_view letters;
  Fields::Size Fields::*field;
};

constexpr std::array<Key, 24> kKeys{
    {{"mb", &Fields::mb}, {"ic", &Fields::ic}, {"id", &Fields::id}, {"ih", &Fields::ih},
     {"iw", &Fields::iw}, {"oc", &Fields::oc}, {"od", &Fields::od}, {"oh", &Fields::oh},
     {"ow", &Fields::ow}, {"kd", &Fields::kd}, {"kh", &Fields::kh}, {"kw", &Fields::kw},
     {"sd", &Fields::sd}, {"sh", &Fields::sh}, {"sw", &Fields::sw}, {"pd", &Fields::pd},
     {"ph", &Fields::ph}, {"pw", &Fields::pw}, {"pb", &Fields::pb}, {"pr", &Fields::pr},
     {"dd", &Fields::dd}, {"dh", &Fields::dh}, {"dw", &Fields::dw}, {"g", &Fields::g}}};
constexpr std::string_view kGrammar =
    "benchdnn's grammar, such as g1mb128ic3ih227oc96oh55kh11sh4ph0n\"conv1\"";

/// Whether a name can stand in a record and in a table.
bool is_label(std::string_view name) {
  return printable(name) == name;
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
      const Fields::Size before = fields.*key.field;
      fields.*key.field = number(key.letters);
      if (before && before != fields.*key.field) {
        fail(std::string(key.letters) + " given twice, as " + std::to_string(*before) + " and " +
             std::to_string(*(fields.*key.field)));
      }
      return;
    }
    fail("nothing known at \"" + std::string(rest_) + "\"");
  }

  std::size_t number(std::string_view key) {
    std::size_t value = 0;
    const auto [end, status] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (status == std::errc::result_out_of_range ||
        value > std::numeric_limits<std::size_t>::max() / 4) {
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
    if (!is_label(name))
      fail("the name is not UTF-8 text without control characters or unseen ones");
    rest_.remove_prefix(quoted ? end + 1 : end);
    return name;
  }

  std::string_view line_;
  std::string_view rest_;
};

/// What a line says of one axis.
struct AxisFields {
  char letter;
  Fields::Size input, output, kernel, stride, dilation, pad, pad_after;

  /// Whether it says more than what an omitted axis means anyway.
  [[nodiscard]] bool is_described() const {
    return input || output || kernel || stride.value_or(1) != 1 || dilation.value_or(0) != 0 ||
           pad.value_or(0) != 0;
  }
  [[nodiscard]] std::string key(char kind) const { return {kind, letter}; }
};

/// One axis of a problem, with benchdnn's dilation already converted.
struct Axis {
  std::size_t input = 1, kernel = 1, stride = 1, dilation = 1, pad_before = 0, pad_after = 0;

  [[nodiscard]] std::size_t span() const { return dilation * (kernel - 1) + 1; }
  /// With this much padding after; 0 if no window fits.
  [[nodiscard]] std::size_t computed_output(std::size_t after) const {
    const std::size_t padded = input + pad_before + after;
    return padded < span() ? 0 : (padded - span()) / stride + 1;
  }
};

[[noreturn]] void refuse(std::string_view line, const std::string& what,
                         const std::string& expected) {
  throw Error("shape " + std::string(line), what, expected);
}

/// The least padding on both sides together that makes `output` windows, or by how much less than
/// the input they reach, negative.
std::int64_t padding_for(const Axis& axis, std::size_t output) {
  return static_cast<std::int64_t>((output - 1) * axis.stride + axis.span()) -
         static_cast<std::int64_t>(axis.input);
}

/// The padding at the bottom or right that an `output` implies beside a given padding before, if
/// any does.
std::optional<std::size_t> implied_pad_after(const Axis& axis, std::size_t output) {
  if (output == axis.computed_output(axis.pad_before)) return axis.pad_before;
  if (output == 0) return std::nullopt;
  const std::int64_t after = padding_for(axis, output) - static_cast<std::int64_t>(axis.pad_before);
  const std::size_t least = after > 0 ? static_cast<std::size_t>(after) : 0;
  const bool fits =
      axis.computed_output(least) == output && least <= std::max(axis.pad_before, axis.span() - 1);
  return fits ? std::optional(least) : std::nullopt;
}

/// Half of what the output needs, rounded down, as benchdnn has it where no padding is given.
std::size_t omitted_pad(std::string_view line, const AxisFields& f, const Axis& axis) {
  if (!f.output || *f.output == 0 || f.pad_after) return 0;
  const std::int64_t total = padding_for(axis, *f.output);
  if (total / 2 < 0) {
    refuse(line,
           f.key('o') + std::to_string(*f.output) + " without " + f.key('p') +
               ", which means a padding of " + std::to_string(total / 2),
           f.key('p') + " given, as paddings are 0 or more");
  }
  return static_cast<std::size_t>(total / 2);
}

std::size_t pad_after(std::string_view line, const AxisFields& f, const Axis& axis) {
  std::optional<std::size_t> after = f.pad_after;
  if (!after && f.output && !f.pad && *f.output != 0) {  // what omitted_pad left
    const std::int64_t total = padding_for(axis, *f.output);
    after = static_cast<std::size_t>(std::max<std::int64_t>(total, 0)) - axis.pad_before;
  } else if (!after && f.output) {
    after = implied_pad_after(axis, *f.output);
  } else if (!after) {
    after = axis.pad_before;
  }
  const std::size_t computed = axis.computed_output(after.value_or(axis.pad_before));
  if (after && (!f.output || *f.output == computed)) return *after;
  refuse(line, f.key('o') + std::to_string(*f.output),
         f.key('o') + std::to_string(computed) + " by the other sizes");
}

/// An axis that the line describes.
Axis described_axis(std::string_view line, const AxisFields& f) {
  for (const auto& [kind, size] : {std::pair{'i', f.input}, std::pair{'k', f.kernel}}) {
    if (size) continue;
    refuse(line,
           "no " + f.key(kind) + " beside other sizes of the " +
               (f.letter == 'h' ? "height" : "width"),
           f.key('i') + " and " + f.key('k') +
               (f.letter == 'h' ? "" : ", or no width at all, which copies the height"));
  }
  Axis axis{*f.input, *f.kernel, f.stride.value_or(1), f.dilation.value_or(0) + 1};
  if (axis.kernel == 0 || axis.stride == 0) return axis;  // make_conv_shape says so
  axis.pad_before = f.pad ? *f.pad : omitted_pad(line, f, axis);
  axis.pad_after = pad_after(line, f, axis);
  return axis;
}

/// The width of a line that describes the height alone.
Axis copied_axis(std::string_view line, const AxisFields& f, const Axis& height) {
  const std::pair<char, std::pair<Fields::Size, std::size_t>> given[] = {
      {'s', {f.stride, height.stride}},
      {'p', {f.pad, height.pad_before}},
      {'d', {f.dilation, height.dilation - 1}}};
  for (const auto& [kind, sizes] : given) {
    if (sizes.first.value_or(sizes.second) == sizes.second) continue;
    refuse(line,
           f.key(kind) + std::to_string(*sizes.first) + " beside a width that copies the " +
               "height's " + std::to_string(sizes.second),
           "iw and kw as well");
  }
  Axis width = height;
  if (f.pad_after) width.pad_after = *f.pad_after;
  return width;
}

void check_limits(std::string_view line, const Fields& f) {
  constexpr std::size_t most = std::size_t{1} << 31;
  for (const Key& key : kKeys) {
    if ((f.*key.field).value_or(0) < most) continue;
    refuse(line, std::string(key.letters) + std::to_string(*(f.*key.field)), "less than 2^31");
  }
}

void check_flat(std::string_view line, const Fields& f) {
  const AxisFields depth{'d', f.id, f.od, f.kd, f.sd, f.dd, f.pd, {}};
  if (depth.is_described()) {
    refuse(line, "a depth", "two dimensions: no id, od, kd, sd, pd or dd");
  }
}

ConvShape shape_of(std::string_view line, const Fields& f) {
  check_limits(line, f);
  check_flat(line, f);
  const AxisFields rows{'h', f.ih, f.oh, f.kh, f.sh, f.dh, f.ph, f.pb};
  const AxisFields columns{'w', f.iw, f.ow, f.kw, f.sw, f.dw, f.pw, f.pr};
  const bool one_dimensional = columns.is_described() && !rows.is_described() && !f.pb;
  const Axis h = one_dimensional ? Axis{} : described_axis(line, rows);
  const Axis w =
      columns.is_described() ? described_axis(line, columns) : copied_axis(line, columns, h);
  Conv2dOptions options;
  options.stride = {h.stride, w.stride};
  options.dilation = {h.dilation, w.dilation};
  options.groups = f.g.value_or(1);
  options.padding = Padding2d::sides(h.pad_before, h.pad_after, w.pad_before, w.pad_after);
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
  const Axis h{s.IH, s.KH, s.stride_h, s.dilation_h, s.pad_top, s.pad_bottom};
  const Axis w{s.IW, s.KW, s.stride_w, s.dilation_w, s.pad_left, s.pad_right};
  std::ostringstream line;
  line << 'g' << s.G << "mb" << s.N << "ic" << s.IC << "ih" << s.IH << "iw" << s.IW << "oc" << s.OC
       << "oh" << s.OH << "ow" << s.OW << "kh" << s.KH << "kw" << s.KW << "sh" << s.stride_h << "sw"
       << s.stride_w << "ph" << s.pad_top << "pw" << s.pad_left;
  if (implied_pad_after(h, s.OH) != s.pad_bottom) line << "pb" << s.pad_bottom;
  if (implied_pad_after(w, s.OW) != s.pad_right) line << "pr" << s.pad_right;
  line << "dh" << s.dilation_h - 1 << "dw" << s.dilation_w - 1;
  if (!s.name.empty()) line << "n\"" << s.name << '"';
  return line.str();
}

std::vector<ConvShape> parse_conv_shapes(std::string_view where, const std::string& text) {
  std::istringstream stream{std::string(without_byte_order_mark(text))};
  std::vector<ConvShape> shapes;
  std::string line;
  for (std::size_t number = 1; std::getline(stream, line); ++number) {
    const std::string shape = content(std::move(line));
    if (shape.empty()) continue;
    errors_naming(std::string(where) + ":" + std::to_string(number),
                  [&] { shapes.push_back(parse_conv_shape(shape)); });
  }
  return shapes;
}

}  // namespace reprise
