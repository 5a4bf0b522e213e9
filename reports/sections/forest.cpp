// All differences with their intervals as a drawing.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "format.hpp"
#include "sections/sections.hpp"
#include "svg.hpp"

namespace reprise::reports {
namespace {

// The drawing: a row for each contrast, its name and verdict above a bar for the interval.

constexpr double kForestWidth = 385;  // pixels
constexpr double kMargin = 14;
constexpr double kForestRow = 44;
constexpr double kTallRow = 60;  // where a name and its verdict do not fit in one line
constexpr double kAxis = 52;
constexpr double kFirstRow = 26;  // its top
constexpr double kBarBand = 26;   // the lower part of a row, with the bar in its middle
constexpr double kNameSize = 13;

std::string_view colour_of(Verdict verdict) {
  if (verdict == Verdict::supported) return colour::kBlue;
  return verdict == Verdict::contradicted ? colour::kVermilion : colour::kQuiet;
}

/// What a row shows: a difference in points, or the logarithm of a ratio.
struct Effect {
  const Contrast* contrast;
  double mean;
  Interval interval;
  std::vector<double> seeds;  ///< that of each seed
};

class ForestDrawing {
 public:
  ForestDrawing(const std::vector<Effect>& effects, bool is_ratio, const std::string& title)
      : effects_(effects),
        is_ratio_(is_ratio),
        row_(fits_in_lines(effects) ? kForestRow : kTallRow),
        height_(row_ * static_cast<double>(effects.size()) + kAxis + 30),
        canvas_({kForestWidth, height_}) {
    find_range();
    draw_axis(title);
    for (std::size_t i = 0; i < effects_.size(); ++i) {
      draw_row(effects_[i], kFirstRow + row_ * static_cast<double>(i));
    }
  }
  [[nodiscard]] Svg document(const UntrustedText& alt) const { return canvas_.document(alt, true); }

 private:
  void find_range() {
    for (const Effect& effect : effects_) {
      for (const double value : {effect.mean, effect.interval.low, effect.interval.high}) {
        include(value);
      }
      for (const double value : effect.seeds) include(value);
    }
    const double least = is_ratio_ ? std::log(1.5) : 0.1;
    range_.low = std::min(range_.low, -0.25 * least);
    range_.high = std::max(range_.high, 0.25 * least);
    const double margin = 0.06 * (range_.high - range_.low);
    range_ = {range_.low - margin, range_.high + margin};
  }

  void include(double value) {
    if (!std::isfinite(value)) return;
    range_.low = std::min(range_.low, value);
    range_.high = std::max(range_.high, value);
  }

  [[nodiscard]] double place(double value) const {
    const double share = (value - range_.low) / (range_.high - range_.low);
    return kMargin + std::clamp(share, 0.0, 1.0) * (kForestWidth - 2 * kMargin);
  }

  /// Values of the axis and how they are written; at most about seven.
  [[nodiscard]] std::vector<std::pair<double, std::string>> ticks() const {
    std::vector<std::pair<double, std::string>> result;
    if (is_ratio_) return ratio_ticks();
    double step = 0.01;
    for (int i = 0; (range_.high - range_.low) / step > 7; ++i) step *= i % 3 == 1 ? 2.5 : 2;
    const auto decimals =
        static_cast<int>(std::clamp(std::ceil(-std::log10(step) - 1e-9), 0.0, 2.0));
    const std::int64_t first = whole_number(std::ceil(range_.low / step));
    for (std::int64_t i = first; i <= first + 8; ++i) {
      const double value = static_cast<double>(i) * step;
      if (value <= range_.high) result.emplace_back(value, fixed(value, decimals));
    }
    return result;
  }

  /// 1 and its neighbours: powers of two, or closer where the axis is short.
  [[nodiscard]] std::vector<std::pair<double, std::string>> ratio_ticks() const {
    static const std::vector<double> kClose = {0.25, 0.33, 0.5, 0.67, 0.8, 1, 1.25, 1.5, 2, 3, 4};
    std::vector<double> ratios = kClose;
    const double octaves = (range_.high - range_.low) / std::log(2.0);
    if (octaves > 2) {
      ratios.clear();
      const int step =
          std::max(1, static_cast<int>(whole_number(std::ceil(std::min(octaves, 1e4) / 7))));
      for (int power = -12 * step; power <= 12 * step; power += step) {
        ratios.push_back(std::exp2(power));
      }
    }
    std::vector<std::pair<double, std::string>> result;
    for (const double ratio : ratios) {
      const double value = std::log(ratio);
      if (value > range_.low && value < range_.high) result.emplace_back(value, shortest(ratio));
    }
    return result;
  }

  /// A vertical line of the axis, in pieces beside the bars, so that no label lies on it.
  void draw_line(double x, double width, std::string_view ink) {
    for (std::size_t i = 0; i < effects_.size(); ++i) {
      const double bottom = kFirstRow + row_ * static_cast<double>(i + 1);
      canvas_.rect({x - width / 2, bottom - kBarBand}, {width, kBarBand}, ink);
    }
  }

  void draw_axis(const std::string& title) {
    const double bottom = height_ - kAxis;
    for (const auto& [value, text] : ticks()) {
      draw_line(place(value), 1, colour::kGrid);
      canvas_.text({place(value), bottom + 16}, text, {12, "middle", colour::kQuiet});
    }
    draw_line(place(0), 1.5, colour::kQuiet);
    canvas_.text({kForestWidth / 2, height_ - 8}, title, {13, "middle"});
  }

  void draw_row(const Effect& effect, double top) {
    const Contrast& contrast = *effect.contrast;
    const Verdict verdict = contrast.judgement.verdict;
    const std::string_view ink = colour_of(verdict);
    const bool tall = row_ > kForestRow;
    const double middle = top + row_ - kBarBand / 2;
    canvas_.text({kMargin, top + 14}, contrast_name(contrast).capitalized(),
                 {kNameSize, "start", colour::kText});
    canvas_.text({tall ? kMargin : kForestWidth - kMargin, top + (tall ? 30 : 14)},
                 short_verdict(contrast),
                 {12, tall ? "start" : "end", colour::kText,
                  verdict == Verdict::supported || verdict == Verdict::contradicted});
    if (!std::isfinite(effect.mean)) return;
    canvas_.begin_titled(plain_text("{}: {}, {}", contrast_name(contrast).capitalized(),
                                    value_text(effect.mean), verdict_text(contrast)));
    if (std::isfinite(effect.interval.low)) {
      const double left = place(effect.interval.low);
      const double right = place(effect.interval.high);
      canvas_.rect({left, middle - 1.25}, {right - left, 2.5}, ink);
      for (const double end : {left, right}) {
        canvas_.rect({end - 0.75, middle - 5}, {1.5, 10}, ink);
      }
    }
    for (const double value : effect.seeds) {  // dots, so that a run far from the others shows
      if (!std::isfinite(value)) continue;
      canvas_.rect({place(value) - 1.5, middle + 7}, {3, 3}, colour::kText);
    }
    const bool hollow = verdict != Verdict::supported && verdict != Verdict::contradicted;
    canvas_.rect({place(effect.mean) - 5, middle - 5}, {10, 10}, ink);
    if (hollow) canvas_.rect({place(effect.mean) - 3, middle - 3}, {6, 6}, colour::kPaper);
    canvas_.end_titled();
  }

  [[nodiscard]] std::string value_text(double mean) const {
    return is_ratio_ ? fixed(std::exp(mean), 2) + " times" : fixed(mean, 2) + " points";
  }

  static double width_of(const UntrustedText& text) {
    return 0.56 * kNameSize * static_cast<double>(text.size());
  }

  static bool fits_in_lines(const std::vector<Effect>& effects) {
    return std::all_of(effects.begin(), effects.end(), [](const Effect& effect) {
      const std::string verdict = short_verdict(*effect.contrast);
      return width_of(contrast_name(*effect.contrast)) + width_of(verdict) + 3 * kMargin <
             kForestWidth;
    });
  }

  static std::string short_verdict(const Contrast& contrast) {
    const Verdict verdict = contrast.judgement.verdict;
    if (verdict == Verdict::supported) return "supported";
    if (verdict == Verdict::contradicted) return "contradicted";
    if (verdict == Verdict::out_of_scale) return "not at the paper's scale";
    if (verdict == Verdict::inconclusive) return "inconclusive";
    return contrast.identical ? "compared by digest" : "no claim";
  }

  const std::vector<Effect>& effects_;
  bool is_ratio_;
  double row_, height_;
  Interval range_{0, 0};
  SvgCanvas canvas_;
};

Panel forest_panel(const std::vector<Effect>& effects, bool is_ratio, const std::string& name) {
  const std::string title = is_ratio ? "Ratio of epochs or time, variant over baseline"
                                     : "Difference in error (percentage points)";
  std::vector<UntrustedText> rows;
  for (const Effect& effect : effects) {
    const Contrast& contrast = *effect.contrast;
    const std::string value = is_ratio ? fmt::format("{} times", fixed(std::exp(effect.mean), 2))
                                       : difference_text(*contrast.study, contrast.test.mean);
    rows.push_back(plain_text("{} against {} {}, {}", contrast.variant->name,
                              contrast.baseline->name, value, verdict_text(contrast)));
  }
  const UntrustedText alt =
      plain_text("{}, with {} intervals: {}.", title, percent(kConfidence, 0), joined(rows, "; "));
  return {name, alt, ForestDrawing(effects, is_ratio, title).document(alt)};
}

}  // namespace

std::vector<Panel> forest_panels(const std::vector<Contrast>& contrasts) {
  std::vector<Effect> errors;
  std::vector<Effect> ratios;
  for (const Contrast& contrast : contrasts) {
    if (contrast.seeds.empty()) continue;
    const PairedTest& test = contrast.test;
    if (is_share(contrast.study->measure)) {
      std::vector<double> seeds;
      for (const double difference : contrast.differences) seeds.push_back(100 * difference);
      errors.push_back(
          {&contrast, 100 * test.mean, {100 * test.interval.low, 100 * test.interval.high}, seeds});
    } else if (contrast.ratio) {
      const Ratio& ratio = *contrast.ratio;
      ratios.push_back({&contrast,
                        std::log(ratio.mean),
                        {std::log(ratio.interval.low), std::log(ratio.interval.high)},
                        ratio.logarithms});
    }
  }
  std::vector<Panel> panels;
  if (!errors.empty()) panels.push_back(forest_panel(errors, false, "differences"));
  if (!ratios.empty()) panels.push_back(forest_panel(ratios, true, "ratios"));
  return panels;
}

}  // namespace reprise::reports
