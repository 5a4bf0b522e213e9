#include "svg.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <sstream>
#include <stdexcept>
#include <utility>
#include <vector>

namespace reprise::reports {
namespace {

constexpr std::string_view kNamespace = " xmlns=\"http://www.w3.org/2000/svg\"";

/// At most two decimals, no trailing zeros: "12.5", "3".
std::string number(double value) {
  std::string text = fmt::format("{:.2f}", value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text == "-0" ? "0" : text;
}

/// As in style.css; gnuplot writes colours in two ways.
constexpr std::string_view kTheme =
    "<style>@media screen and (prefers-color-scheme: dark) {\n"
    ".themed rect[fill=\"#ffffff\"] { fill: #17181a; }\n"
    ".themed [fill=\"#1a1a1a\"], .themed [fill=\"black\"], .themed [fill=\"rgb(26,26,26)\"] "
    "{ fill: #e4e4e1; }\n"
    ".themed [fill=\"#595959\"], .themed [fill=\"rgb(89,89,89)\"] { fill: #a9a9a5; }\n"
    ".themed [fill=\"#d9d9d9\"] { fill: #46474a; }\n"
    ".themed [stroke=\"rgb( 26,  26,  26)\"] { stroke: #e4e4e1; }\n"
    ".themed [color=\"rgb( 26,  26,  26)\"] { color: #e4e4e1; }\n"
    ".themed [stroke=\"rgb( 89,  89,  89)\"] { stroke: #a9a9a5; }\n"
    ".themed [color=\"rgb( 89,  89,  89)\"] { color: #a9a9a5; }\n"
    ".themed [stroke=\"rgb(217, 217, 217)\"] { stroke: #46474a; }\n"
    ".themed [color=\"rgb(255, 255, 255)\"] { color: #17181a; }\n"
    "}</style>\n";

Svg opening_tag(Size size, const UntrustedText& alt, bool themed) {
  const std::string width = number(size.width);
  const std::string height = number(size.height);
  return Svg::format(
      "<svg{} width=\"{}\" height=\"{}\" viewBox=\"0 0 {} {}\" role=\"img\"{} "
      "aria-label=\"{}\">\n{}",
      Svg::as_it_is(std::string(kNamespace)), width, height, width, height,
      themed ? Svg::literal(" class=\"themed\"") : Svg(), alt,
      Svg::as_it_is(std::string(themed ? kTheme : "")));
}

std::uint8_t channel_value(std::string_view colour, std::size_t channel) {
  return static_cast<std::uint8_t>(
      std::stoi(std::string(colour.substr(1 + 2 * channel, 2)), nullptr, 16));
}

std::uint8_t rounded_level(std::uint8_t level) {
  const double levels = 31;
  return static_cast<std::uint8_t>(std::lround(std::round(level / 255.0 * levels) / levels * 255));
}

Rgb pixel_colour(std::span<const std::uint8_t> pixels, std::size_t pixel, std::size_t channels) {
  Rgb rgb{};
  for (std::size_t c = 0; c < 3; ++c) {
    rgb[c] = rounded_level(pixels[pixel * channels + (channels == 3 ? c : 0)]);
  }
  return rgb;
}

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string result;
  while (true) {
    const std::size_t at = text.find(from);
    if (at == std::string_view::npos) return result.append(text);
    result.append(text, 0, at).append(to);
    text.remove_prefix(at + from.size());
  }
}

/// Calls `take(text, tag)` for each tag and the text before it; at the end with an empty tag.
template <class Take>
void for_tags(std::string_view svg, const Take& take) {
  while (true) {
    const std::size_t begin = svg.find('<');
    const std::size_t end = begin == std::string_view::npos ? begin : svg.find('>', begin);
    if (end == std::string_view::npos) return take(svg, std::string_view());
    take(svg.substr(0, begin), svg.substr(begin, end + 1 - begin));
    svg.remove_prefix(end + 1);
  }
}

constexpr std::string_view kBlanks = " \t\r\n";

bool is_blank(std::string_view text) {
  return text.find_first_not_of(kBlanks) == std::string_view::npos;
}

/// Ids of a tag's own and of what it refers to begin with `name`.
std::string tidy_tag(const std::string& tag, const std::string& name) {
  std::string tidy = replace_all(tag, "xlink:href", "href");
  for (const std::string mark : {" id=\"", " id='", "href=\"#", "href='#", "url(#"}) {
    tidy = replace_all(tidy, mark, mark + name + "_");
  }
  return tidy;
}

/// The lines without blanks at their ends; those that are blank are left out.
std::string without_blank_lines(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const std::size_t begin = std::min(line.find_first_not_of(" \t\r"), line.size());
    const std::size_t end = line.find_last_not_of(" \t\r") + 1;
    if (begin < end) result.append(line, begin, end - begin).append("\n");
  }
  return result;
}

/// Without the groups that hold nothing, nor anything but such groups.
std::string without_empty_groups(std::string_view svg) {
  std::string result;
  std::vector<std::size_t> empty;  // where in it groups begin that hold nothing yet
  bool has_removed = false;        // just now: the blanks after it go as well
  for_tags(svg, [&](std::string_view text, std::string_view tag) {
    if (has_removed) text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
    const bool closes = tag == "</g>";
    const bool opens = tag.starts_with("<g ") && !tag.ends_with("/>");
    if (!is_blank(text) || (!closes && !opens)) empty.clear();
    has_removed = closes && !empty.empty();
    if (has_removed) {
      result.resize(empty.back());
      empty.pop_back();
      return;
    }
    result.append(text);
    if (opens) empty.push_back(result.size());
    result.append(tag);
  });
  return result;
}

/// gnuplot's group of a point with hypertext, which is shown by a script; then the hypertext.
constexpr std::string_view kPointGroup = "<g onmousemove=\"gnuplot_svg.showHypertext(evt,'";

/// The title of that point. std::out_of_range if there is none.
std::string title_of_point(std::string_view tag, const std::vector<UntrustedText>& titles) {
  std::size_t place = titles.size();
  tag.remove_prefix(kPointGroup.size());
  std::from_chars(tag.data(), tag.data() + tag.size(), place);
  return Svg::format("<title>{}</title>", titles.at(place)).str();
}

/// Tags with their own ids, and titles of points; gnuplot's own titles name its commands.
std::string tidy_body(std::string_view svg, const std::string& name,
                      const std::vector<UntrustedText>& titles) {
  std::string body;
  std::string title;  // of the point that begins
  bool in_title = false;
  for_tags(svg, [&](std::string_view text, std::string_view tag) {
    if (!in_title) body.append(text);
    if (tag == "<title>" || tag == "</title>") {
      in_title = tag == "<title>";
      if (!in_title) body.append(std::exchange(title, ""));
    } else if (tag.starts_with(kPointGroup)) {
      title = title_of_point(tag, titles);
      body.append("<g>");
    } else {
      body.append(tidy_tag(std::string(tag), name));
    }
  });
  return body;
}

/// The two numbers of viewBox="0 0 WIDTH HEIGHT". std::logic_error if there are none.
Size view_box(const std::string& svg) {
  static constexpr std::string_view mark = "viewBox=\"0 0 ";
  const std::size_t at = svg.find(mark);
  Size size;
  std::istringstream numbers(at == std::string::npos ? "" : svg.substr(at + mark.size(), 40));
  if (!(numbers >> size.width >> size.height)) throw std::logic_error("gnuplot: SVG without size");
  return size;
}

}  // namespace

std::string hex_colour(const Rgb& colour) {
  return fmt::format("#{:02x}{:02x}{:02x}", colour[0], colour[1], colour[2]);
}

Rgb tint(std::string_view full_colour, double strength) {
  const double share = std::clamp(strength, 0.0, 1.0);
  Rgb rgb{};
  for (std::size_t c = 0; c < 3; ++c) {
    rgb[c] =
        static_cast<std::uint8_t>(std::lround(255 - share * (255 - channel_value(full_colour, c))));
  }
  return rgb;
}

std::string_view ink_on(const Rgb& rgb) {
  constexpr std::array<double, 3> kWeights = {0.2126, 0.7152, 0.0722};  // WCAG's relative luminance
  double luminance = 0;
  for (std::size_t c = 0; c < 3; ++c) {
    const double level = rgb[c] / 255.0;
    luminance +=
        kWeights[c] * (level <= 0.04045 ? level / 12.92 : std::pow((level + 0.055) / 1.055, 2.4));
  }
  const double black = (luminance + 0.05) / 0.05;
  return black > 1.05 / (luminance + 0.05) ? colour::kOnColour : colour::kPaper;
}

Rgb diverging_colour(double value) {
  if (std::isnan(value)) return {0, 0, 0};
  return value < 0 ? tint(colour::kBlue, -value) : tint(colour::kVermilion, value);
}

SvgCanvas::SvgCanvas(Size size) : size_(size) {
  rect({0, 0}, size, colour::kPaper);
}

void SvgCanvas::rect(Point corner, Size size, std::string_view fill) {
  body_ += Svg::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\"/>\n",
                       number(corner.x), number(corner.y), number(size.width), number(size.height),
                       fill);
}

void SvgCanvas::outline(Point corner, Size size, std::string_view stroke) {
  body_ += Svg::format(
      "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"none\" stroke=\"{}\"/>\n",
      number(corner.x), number(corner.y), number(size.width), number(size.height), stroke);
}

void SvgCanvas::text(Point at, const UntrustedText& content, const TextStyle& style) {
  body_ += Svg::format(
      "<text x=\"{}\" y=\"{}\" font-family=\"sans-serif\" font-size=\"{}\" text-anchor=\"{}\" "
      "fill=\"{}\"{}>{}</text>\n",
      number(at.x), number(at.y), number(style.size), style.anchor, style.fill,
      style.bold ? Svg::format(" font-weight=\"bold\"") : Svg(), content);
}

void SvgCanvas::picture(Point corner, double scale, std::span<const std::uint8_t> pixels,
                        const std::array<std::size_t, 3>& shape) {
  const auto [height, width, channels] = shape;
  std::map<Rgb, std::string> runs;  // by colour: one path of horizontal runs each
  for (std::size_t row = 0; row < height; ++row) {
    for (std::size_t column = 0; column < width;) {
      const Rgb rgb = pixel_colour(pixels, row * width + column, channels);
      std::size_t end = column + 1;
      while (end < width && pixel_colour(pixels, row * width + end, channels) == rgb) ++end;
      runs[rgb] += fmt::format("M{} {}h{}v1h-{}z", column, row, end - column, end - column);
      column = end;
    }
  }
  body_ +=
      Svg::format("<g transform=\"translate({},{}) scale({})\" shape-rendering=\"crispEdges\">\n",
                  number(corner.x), number(corner.y), number(scale));
  for (const auto& [rgb, path] : runs) {
    body_ += Svg::format("<path fill=\"{}\" d=\"{}\"/>\n", hex_colour(rgb), path);
  }
  body_ += Svg::format("</g>\n");
}

Svg SvgCanvas::document(const UntrustedText& alt, bool themed) const {
  return Svg::format("{}{}</svg>\n", opening_tag(size_, alt, themed), body_);
}

Svg tidy_gnuplot(const std::string& svg, const std::string& name, const UntrustedText& alt,
                 const std::vector<UntrustedText>& titles, bool themed) {
  const std::size_t canvas = svg.find("<g id=\"gnuplot_canvas\">");
  if (canvas == std::string::npos) throw std::logic_error("gnuplot: SVG without a canvas");
  const std::string body =
      tidy_body(without_empty_groups(std::string_view(svg).substr(canvas)), name, titles);
  return Svg::format("{}{}", opening_tag(view_box(svg), alt, themed),
                     Svg::as_it_is(without_blank_lines(body)));
}

Html inline_svg(const Svg& document) {
  return Html::as_it_is(replace_all(replace_all(document.str(), kNamespace, ""), kTheme, ""));
}

}  // namespace reprise::reports
