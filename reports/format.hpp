/// \file
/// Numbers as the report prints them: sensible digits, units, a true minus sign.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "statistics.hpp"

namespace reprise::reports {

/// "0.253"; a minus sign (U+2212) where negative; "not finite" for NaN and infinities.
std::string fixed(double value, int decimals);

/// A number alone in a table's cell, which pastes as a number: a plain minus sign, no separators,
/// no unit (the column's title has it). "not finite" for NaN and infinities.
std::string cell(double value, int decimals);

/// The shortest decimal text that reads back as the same double: "0.001", "1e-07".
std::string shortest(double value);

/// "60,000".
std::string grouped(std::int64_t value);
inline std::string grouped(std::size_t value) {
  return grouped(static_cast<std::int64_t>(value));
}

/// Three digits that count: "0.0123", "12.3", "1,234".
std::string significant(double value);
/// How many decimals show these.
int decimals_that_count(double value);
/// "0", "512 B", "96 KiB", "1.5 MiB".
std::string bytes_text(double bytes);

/// Zero to twelve as words, the rest as `grouped`.
std::string count_word(std::int64_t count);
inline std::string count_word(std::size_t count) {
  return count_word(static_cast<std::int64_t>(count));
}

/// "1 epoch", "10 epochs"; "2 studies" if the plural is given.
std::string counted(std::int64_t count, std::string_view singular, std::string_view plural = "");
inline std::string counted(std::size_t count, std::string_view singular,
                           std::string_view plural = "") {
  return counted(static_cast<std::int64_t>(count), singular, plural);
}

/// "5", "2 to 5": the least and the largest of them, at least one.
std::string range_text(const std::set<std::int64_t>& counts);

/// 0.0893 with 2 decimals is "8.93%".
std::string percent(double fraction, int decimals);

/// "90.5% to 91.6%".
std::string percent_range(const Interval& fractions, int decimals);

/// "3.1 percentage points".
std::string points(double fraction, int decimals);

/// Decimals of a percentage of `trials` at which one success more is just visible, 1 to 2.
int percent_decimals(std::size_t trials);

/// The integer part, for counts and axes; at most 2^53 in magnitude, and 0 for NaN: a conversion to
/// an integer type is undefined where the number does not fit, and numbers of records may be any.
std::int64_t whole_number(double value);

/// "43.1 s", "2 min 31 s", "1 h 12 min".
std::string duration(double seconds);

/// The first twelve digits of a digest: enough to tell records apart by eye.
std::string short_digest(std::string_view hexadecimal);

}  // namespace reprise::reports
