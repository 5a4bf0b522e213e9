#include "svg.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <regex>

#include "markdown.hpp"

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

std::string opening_tag(Size size, std::string_view alt) {
  const std::string width = number(size.width);
  const std::string height = number(size.height);
  return fmt::format(
      "<svg{} width=\"{}\" height=\"{}\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n",
      kNamespace, width, height, width, height, html_text(alt));
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

std::string replace_all(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at)) {
    text.replace(at, from.size(), to);
    at += to.size();
  }
  return text;
}

/// `change` of each tag; what stands between them stays.
template <class Change>
std::string with_tags(const std::string& svg, const Change& change) {
  std::string result;
  std::size_t at = 0;
  while (true) {
    const std::size_t begin = svg.find('<', at);
    const std::size_t end = begin == std::string::npos ? begin : svg.find('>', begin);
    if (end == std::string::npos) return result + svg.substr(at);
    result.append(svg, at, begin - at).append(change(svg.substr(begin, end + 1 - begin)));
    at = end + 1;
  }
}

/// Ids of a tag's own and of what it refers to begin with `name`.
std::string tidy_tag(const std::string& tag, const std::string& name) {
  static const std::regex id(R"re((\bid=['"]|href=['"]#|url\(#)(\w+))re");
  return std::regex_replace(replace_all(tag, "xlink:href", "href"), id, "$1" + name + "_$2");
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

Rgb diverging_colour(double value) {
  if (std::isnan(value)) return {0, 0, 0};
  return value < 0 ? tint(colour::kBlue, -value) : tint(colour::kVermilion, value);
}

SvgCanvas::SvgCanvas(Size size) : size_(size) {
  rect({0, 0}, size, colour::kPaper);
}

void SvgCanvas::rect(Point corner, Size size, std::string_view fill) {
  body_ += fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\"/>\n",
                       number(corner.x), number(corner.y), number(size.width), number(size.height),
                       fill);
}

void SvgCanvas::outline(Point corner, Size size, std::string_view stroke) {
  body_ += fmt::format(
      "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"none\" stroke=\"{}\"/>\n",
      number(corner.x), number(corner.y), number(size.width), number(size.height), stroke);
}

void SvgCanvas::text(Point at, std::string_view content, const TextStyle& style) {
  body_ += fmt::format(
      "<text x=\"{}\" y=\"{}\" font-family=\"sans-serif\" font-size=\"{}\" text-anchor=\"{}\" "
      "fill=\"{}\"{}>{}</text>\n",
      number(at.x), number(at.y), number(style.size), style.anchor, style.fill,
      style.bold ? " font-weight=\"bold\"" : "", html_text(content));
}

void SvgCanvas::upward_text(Point at, std::string_view content, const TextStyle& style) {
  body_ +=
      fmt::format("<g transform=\"translate({},{}) rotate(-90)\">", number(at.x), number(at.y));
  text({0, 0}, content, style);
  body_ += "</g>\n";
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
      fmt::format("<g transform=\"translate({},{}) scale({})\" shape-rendering=\"crispEdges\">\n",
                  number(corner.x), number(corner.y), number(scale));
  for (const auto& [rgb, path] : runs) {
    body_ += fmt::format("<path fill=\"{}\" d=\"{}\"/>\n", hex_colour(rgb), path);
  }
  body_ += "</g>\n";
}

std::string SvgCanvas::document(std::string_view alt) const {
  return opening_tag(size_, alt) + body_ + "</svg>\n";
}

std::string tidy_gnuplot(const std::string& svg, const std::string& name, std::string_view alt) {
  static const std::regex view_box(R"re(viewBox="0 0 (\d+) (\d+)")re");
  static const std::regex empty_group(R"re(<g [^>]*>\s*</g>\s*)re");
  std::smatch size;
  if (!std::regex_search(svg, size, view_box)) throw std::logic_error("gnuplot: SVG without size");

  std::string body = svg.substr(svg.find("<g id=\"gnuplot_canvas\">"));
  for (std::string shorter; (shorter = std::regex_replace(body, empty_group, "")) != body;) {
    body = shorter;
  }
  body = with_tags(body, [&](const std::string& tag) { return tidy_tag(tag, name); });
  body = std::regex_replace(body, std::regex(R"re([ \t]*\n\s*)re"), "\n");
  return opening_tag({std::stod(size[1]), std::stod(size[2])}, alt) + body;
}

std::string inline_svg(const std::string& document) {
  return replace_all(document, std::string(kNamespace), "");
}

}  // namespace reprise::reports
