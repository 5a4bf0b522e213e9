#include "reprise/core/parse.hpp"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <string>
#include <type_traits>

#include "reprise/core/error.hpp"

namespace reprise {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Takes the digits that `rest` begins with; how many they were.
std::size_t take_digits(std::string_view& rest) {
  std::size_t count = 0;
  while (count < rest.size() && is_digit(rest[count])) ++count;
  rest.remove_prefix(count);
  return count;
}

bool take(std::string_view& rest, std::string_view any_of) {
  if (rest.empty() || any_of.find(rest.front()) == std::string_view::npos) return false;
  rest.remove_prefix(1);
  return true;
}

/// Digits, a minus sign in front or not.
bool is_integer(std::string_view text) {
  take(text, "-");
  return take_digits(text) > 0 && text.empty();
}

/// An integer, or digits with a point somewhere; then an exponent or none.
bool is_real(std::string_view text) {
  take(text, "-");
  std::size_t digits = take_digits(text);
  if (take(text, ".")) digits += take_digits(text);
  if (digits == 0) return false;
  if (!take(text, "eE")) return text.empty();
  take(text, "+-");
  return take_digits(text) > 0 && text.empty();
}

/// Whether a digit of the number before its exponent is not 0.
bool has_nonzero_digit(std::string_view text) {
  return text.substr(0, text.find_first_of("eE")).find_first_of("123456789") !=
         std::string_view::npos;
}

template <class T>
std::from_chars_result read_number(const std::string& text, T& value) {
#ifndef __cpp_lib_to_chars  // a library that reads whole numbers alone so
  if constexpr (std::is_floating_point_v<T>) {
    char* end = nullptr;
    value = std::strtod(text.c_str(), &end);
    return {end, std::isfinite(value) ? std::errc() : std::errc::result_out_of_range};
  } else
#endif
    return std::from_chars(text.data(), text.data() + text.size(), value);
}

template <class T>
std::optional<T> converted(std::string_view given) {
  const std::string text(given);
  T value{};
  const auto [end, status] = read_number(text, value);
  if (status != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string quoted(std::string_view text) {
  return "\"" + std::string(text) + "\"";
}

}  // namespace

std::optional<std::int64_t> parse_integer(std::string_view text) {
  return is_integer(text) ? converted<std::int64_t>(text) : std::nullopt;
}

std::optional<double> parse_real(std::string_view text) {
  if (!is_real(text)) return std::nullopt;
  const std::optional<double> value = converted<double>(text);
  if (!value || !std::isfinite(*value)) return std::nullopt;
  return *value == 0.0 && has_nonzero_digit(text) ? std::nullopt : value;
}

std::optional<std::vector<std::string>> parse_list(std::string_view text) {
  std::vector<std::string> items;
  while (true) {
    const std::size_t comma = text.find(',');
    if (comma == 0 || text.empty()) return std::nullopt;
    items.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return items;
    text.remove_prefix(comma + 1);
  }
}

std::string expected_integer(IntegerRange range) {
  const IntegerRange all;
  const std::string least = std::to_string(range.least);
  if (range.most != all.most)
    return "an integer from " + least + " to " + std::to_string(range.most);
  return range.least != all.least ? "an integer, " + least + " or more" : "an integer";
}

std::int64_t integer_of(std::string_view where, std::string_view text, IntegerRange range) {
  const std::optional<std::int64_t> value = parse_integer(text);
  if (value && *value >= range.least && *value <= range.most) return *value;
  const bool too_large = !value && is_integer(text);
  throw Error(where, quoted(text),
              too_large ? "an integer from " + std::to_string(range.least) + " to " +
                              std::to_string(range.most)
                        : expected_integer(range));
}

double real_of(std::string_view where, std::string_view text) {
  if (const std::optional<double> value = parse_real(text)) return *value;
  throw Error(where, quoted(text),
              is_real(text) ? "a number in the range of a double" : "a decimal number");
}

std::vector<std::string> list_of(std::string_view where, std::string_view text) {
  if (std::optional<std::vector<std::string>> items = parse_list(text)) return *std::move(items);
  throw Error(where, quoted(text), "items separated by commas, none of them empty");
}

std::vector<std::int64_t> integers_of(std::string_view where, std::string_view text,
                                      IntegerRange range) {
  std::vector<std::int64_t> values;
  for (const std::string& item : list_of(where, text)) {
    values.push_back(integer_of(where, item, range));
  }
  return values;
}

}  // namespace reprise
