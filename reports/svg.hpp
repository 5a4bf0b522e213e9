/// \file
/// Drawings as SVG text: a small canvas, images as pixels, and what becomes of gnuplot's output.
/// All is a function of its arguments: no dates, no counters.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fragment.hpp"

namespace reprise::reports {

/// Colours that colour-blind readers tell apart (M. Okabe, K. Ito 2008).
namespace colour {
inline constexpr std::string_view kBlue = "#0072b2";
inline constexpr std::string_view kVermilion = "#d55e00";
inline constexpr std::string_view kGreen = "#009e73";
inline constexpr std::string_view kPurple = "#a3568a";  // the palette's, darkened for thin lines
inline constexpr std::string_view kOrange = "#b07800";  // likewise
inline constexpr std::string_view kSky = "#56b4e9";
inline constexpr std::string_view kText = "#1a1a1a";
inline constexpr std::string_view kQuiet = "#595959";
inline constexpr std::string_view kGrid = "#d9d9d9";
// On colours; black itself is what the dark scheme turns light.
inline constexpr std::string_view kOnColour = "#000001";
inline constexpr std::string_view kPaper = "#ffffff";
}  // namespace colour

using Rgb = std::array<std::uint8_t, 3>;

/// "#0072b2" and back.
std::string hex_colour(const Rgb& colour);

/// White at 0, vermilion at 1, blue at -1; values beyond are cut.
Rgb diverging_colour(double value);

/// White at 0, the full colour at 1.
Rgb tint(std::string_view full_colour, double strength);

/// White or nearly black, whichever has more contrast on this colour: at least WCAG AA's 4.5.
std::string_view ink_on(const Rgb& rgb);

struct Point {
  double x = 0;
  double y = 0;
};
struct Size {
  double width = 0;
  double height = 0;
};

struct TextStyle {
  double size = 13;                   ///< pixels
  std::string_view anchor = "start";  ///< or "middle", "end"
  std::string_view fill = colour::kText;
  bool bold = false;
};

/// Units are pixels, the origin is the top left.
class SvgCanvas {
 public:
  explicit SvgCanvas(Size size);
  void rect(Point corner, Size size, std::string_view fill);
  void outline(Point corner, Size size, std::string_view stroke);
  /// `at` is the text's baseline.
  void text(Point at, const UntrustedText& content, const TextStyle& style = {});
  /// A picture of pixels is (height,width,channels), channels 1 (grey, 0 is black) or 3; each pixel
  /// a square of `scale`. Levels are rounded to 32, which the eye hardly sees, so that runs merge.
  void picture(Point corner, double scale, std::span<const std::uint8_t> pixels,
               const std::array<std::size_t, 3>& shape);
  /// The whole document; `alt` says what it shows. One that is themed has no other greys than those
  /// of `colour`, and shows them light on dark where the reader prefers that.
  [[nodiscard]] Svg document(const UntrustedText& alt, bool themed = false) const;

 private:
  Size size_;
  Svg body_;
};

/// gnuplot's SVG with its ids made unique by `name`, its version and empty groups left out, and
/// `alt` added. A point whose hypertext is a number has that one of the titles in place of
/// gnuplot's script. std::logic_error if it is not gnuplot's, or there is no such title.
Svg tidy_gnuplot(const std::string& svg, const std::string& name, const UntrustedText& alt,
                 const std::vector<UntrustedText>& titles = {}, bool themed = true);

/// An SVG document as an element of an HTML page, whose style.css has the theme.
Html inline_svg(const Svg& document);

}  // namespace reprise::reports
