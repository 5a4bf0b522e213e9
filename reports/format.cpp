#include "format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
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

std::string counted(std::int64_t count, std::string_view singular, std::string_view plural) {
  if (count == 1 || plural.empty()) {
    return fmt::format("{} {}{}", grouped(count), singular, count == 1 ? "" : "s");
  }
  return fmt::format("{} {}", grouped(count), plural);
}

std::string range_text(const std::set<std::int64_t>& counts) {
  if (counts.size() == 1) return grouped(*counts.begin());
  return grouped(*counts.begin()) + " to " + grouped(*counts.rbegin());
}

int decimals_that_count(double value) {
  if (!std::isfinite(value) || value == 0) return 0;
  const double decimals =
      std::clamp(2 - std::floor(std::log10(std::abs(value) * 1.0005)), 0.0, 6.0);
  return static_cast<int>(decimals);
}

std::string significant(double value) {
  if (!std::isfinite(value)) return fixed(value, 0);
  if (std::abs(value) >= 1e15) return fmt::format("{:.1e}", value);
  return std::abs(value) >= 999.5 ? grouped(whole_number(std::round(value)))
                                  : fixed(value, decimals_that_count(value));
}

std::string bytes_text(double bytes) {
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB"};
  if (bytes <= 0) return "0";
  std::size_t unit = 0;
  for (; bytes >= 1024 && unit < 3; ++unit) bytes /= 1024;
  const bool whole = bytes >= 10 || bytes == std::floor(bytes);
  return fmt::format("{:.{}f} {}", bytes, whole ? 0 : 1, kUnits[unit]);
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
