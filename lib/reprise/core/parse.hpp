/// \file
/// Numbers and lists read from text, by one rule wherever a person writes them: command lines,
/// settings, shapes, the environment.
///
/// An integer is decimal digits, with a minus sign in front if it is negative; leading zeros change
/// nothing. A real number is decimal digits with at most one point, and an exponent if need be.
/// Nothing else is a number: no other base, no blanks, no plus sign, no separators, no infinity, no
/// empty text, and nothing that does not fit its type. The locale has no say.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reprise {

/// Parses the whole text as an integer; nullopt if it is not one or does not fit.
std::optional<std::int64_t> parse_integer(std::string_view text);

/// Parses the whole text as a number, rounded to the nearest double; nullopt if it is not a number,
/// too large for a double, or so small that it would become 0.
std::optional<double> parse_real(std::string_view text);

/// The items between commas; nullopt if one of them is empty, as in "a,,b", "a," and "".
std::optional<std::vector<std::string>> parse_list(std::string_view text);

/// Both ends are allowed values.
struct IntegerRange {
  std::int64_t least = std::numeric_limits<std::int64_t>::min();
  std::int64_t most = std::numeric_limits<std::int64_t>::max();
};
/// "an integer", "an integer, 1 or more", "an integer from 1 to 1024".
std::string expected_integer(IntegerRange range);

/// As above; Error says that `where` was given `text`, and what was expected.
std::int64_t integer_of(std::string_view where, std::string_view text, IntegerRange range = {});
double real_of(std::string_view where, std::string_view text);
std::vector<std::string> list_of(std::string_view where, std::string_view text);
std::vector<std::int64_t> integers_of(std::string_view where, std::string_view text,
                                      IntegerRange range = {});

}  // namespace reprise
