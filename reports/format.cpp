#include "format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

namespace reprise::reports {

std::string fixed(double value, int decimals) {
  if (!std::isfinite(value)) return "not finite";
  const std::string digits = fmt::format("{:.{}f}", std::abs(value), decimals);
  const bool is_zero = digits.find_first_not_of("0.") == std::string::npos;
  return value < 0 && !is_zero ? "\u2212" + digits : digits;
}

std::string cell(double value, int decimals) {
  const std::string shown = fixed(std::abs(value), decimals);
  const bool is_negative = std::isfinite(value) && fixed(value, decimals) != shown;
  return (is_negative ? "-" : "") + shown;
}

std::string or_dash(double value, const std::string& cell) {
  return std::isfinite(value) ? cell : "–";
}

std::string percent_cell(double fraction, int decimals) {
  return cell(100 * fraction, decimals);
}

std::string interval_end(std::string_view which) {
  return fmt::format("{} interval {}", percent(kConfidence, 0), which);
}

std::string shortest(double value) {
  return fmt::format("{}", value);
}

std::string grouped(std::int64_t value) {
  std::string digits = std::to_string(value);
  const std::ptrdiff_t first = value < 0 ? 1 : 0;
  for (auto place = static_cast<std::ptrdiff_t>(digits.size()) - 3; place > first; place -= 3) {
    digits.insert(static_cast<std::size_t>(place), 1, ',');
  }
  return digits;
}

std::string count_word(std::int64_t count) {
  static constexpr std::array kWords = {"no",    "one",   "two",  "three", "four",   "five",  "six",
                                        "seven", "eight", "nine", "ten",   "eleven", "twelve"};
  const bool has_word = count >= 0 && count < static_cast<std::int64_t>(kWords.size());
  return has_word ? kWords.at(static_cast<std::size_t>(count)) : grouped(count);
}

std::string times_word(std::int64_t count) {
  if (count == 1) return "once";
  return count == 2 ? "twice" : count_word(count) + " times";
}

std::string capitalized(std::string word) {
  if (!word.empty()) {
    word[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(word[0])));
  }
  return word;
}

std::string counted(std::int64_t count, std::string_view singular) {
  return fmt::format("{} {}{}", grouped(count), singular, count == 1 ? "" : "s");
}

std::string percent(double fraction, int decimals) {
  return std::isfinite(fraction) ? fixed(100 * fraction, decimals) + "%" : fixed(fraction, 0);
}

std::string percent_range(const Interval& fractions, int decimals) {
  return percent(fractions.low, decimals) + " to " + percent(fractions.high, decimals);
}

std::string points(double fraction, int decimals) {
  return fixed(100 * fraction, decimals) + " percentage points";
}

int percent_decimals(std::size_t trials) {
  return trials >= 5000 ? 2 : 1;
}

std::int64_t whole_number(double value) {
  constexpr double kMax = 0x1p53;
  return std::isnan(value) ? 0 : static_cast<std::int64_t>(std::clamp(value, -kMax, kMax));
}

std::string duration(double seconds) {
  if (!std::isfinite(seconds)) return fixed(seconds, 0);
  if (seconds < 60) return fixed(seconds, 1) + " s";
  const auto whole = whole_number(std::round(seconds));
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string short_digest(std::string_view hexadecimal) {
  return std::string(hexadecimal.substr(0, 12));
}

}  // namespace reprise::reports
