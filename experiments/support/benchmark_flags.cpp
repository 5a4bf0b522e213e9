#include "support/benchmark_flags.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "reprise/core/command_line.hpp"
#include "reprise/core/parse.hpp"

namespace reprise {
namespace {

constexpr std::string_view kPrefix = "--benchmark_";

/// By name, "filter"; the last ones first.
class GivenFlags {
 public:
  explicit GivenFlags(std::vector<std::string>& arguments) {
    const auto end = std::find(arguments.begin(), arguments.end(), "--");
    const auto first = std::stable_partition(arguments.begin(), end, [](const std::string& text) {
      return text.rfind(kPrefix, 0) != 0;
    });
    flags_.assign(first, end);
    arguments.erase(first, end);
    std::reverse(flags_.begin(), flags_.end());
  }

  /// The flag's text after the '=', nullopt if it is not there. It is taken out.
  std::optional<std::string> take(const std::string& name, const char* if_bare = nullptr) {
    const std::string flag = std::string(kPrefix) + name;
    std::optional<std::string> value;
    for (auto i = flags_.begin(); i != flags_.end();) {
      const std::size_t equals = i->find('=');
      if (i->substr(0, equals) != flag) {
        ++i;
        continue;
      }
      if (equals == std::string::npos && if_bare == nullptr) {
        throw UsageError("command line", *i, flag + "=VALUE");
      }
      if (!value) value = equals == std::string::npos ? if_bare : i->substr(equals + 1);
      i = flags_.erase(i);
    }
    return value ? value : from_environment(name);
  }

  bool take_switch(const std::string& name) {
    const std::string value = take(name, "true").value_or("false");
    for (const char* yes : {"true", "t", "yes", "y", "on", "1"}) {
      if (value == yes) return true;
    }
    for (const char* no : {"false", "f", "no", "n", "off", "0"}) {
      if (value == no) return false;
    }
    throw UsageError(std::string(kPrefix) + name, "\"" + value + "\"", "true or false");
  }

  /// In the order in which they were given.
  [[nodiscard]] std::vector<std::string> rest() const { return {flags_.rbegin(), flags_.rend()}; }

 private:
  static std::optional<std::string> from_environment(const std::string& name) {
    std::string variable = "BENCHMARK_" + name;
    for (char& c : variable) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    const char* value = std::getenv(variable.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  }

  std::vector<std::string> flags_;
};

std::string where_of(const std::string& name) {
  return std::string(kPrefix) + name;
}

BenchmarkFormat format_of(const std::string& name, const std::string& value) {
  if (value == "console") return BenchmarkFormat::console;
  if (value == "json") return BenchmarkFormat::json;
  if (value == "csv") return BenchmarkFormat::csv;
  throw UsageError(where_of(name), "\"" + value + "\"", "console, json or csv");
}

std::string repetitions(GivenFlags& given) {
  std::string value = given.take("repetitions").value_or("5");
  as_usage([&] { integer_of(where_of("repetitions"), value, {1, 1000000}); });
  return value;
}

/// Later versions of the library want an "s" behind the number.
std::string min_time(GivenFlags& given) {
  std::string value = given.take("min_time").value_or("0.1");
  if (!value.empty() && value.back() == 's') value.pop_back();
  const double seconds = as_usage([&] { return real_of(where_of("min_time"), value); });
  if (seconds >= 0) return value;
  throw UsageError(where_of("min_time"), "\"" + value + "\"", "seconds, 0 or more");
}

std::string time_unit(GivenFlags& given) {
  std::string value = given.take("time_unit").value_or("ms");
  for (const char* unit : {"ns", "us", "ms", "s"}) {
    if (value == unit) return value;
  }
  throw UsageError(where_of("time_unit"), "\"" + value + "\"", "ns, us, ms or s");
}

}  // namespace

BenchmarkFlags take_benchmark_flags(std::vector<std::string>& arguments) {
  GivenFlags given(arguments);
  BenchmarkFlags flags;
  flags.filter = given.take("filter").value_or("");
  flags.list_tests = given.take_switch("list_tests");
  flags.format = format_of("format", given.take("format").value_or("console"));
  flags.out = given.take("out").value_or("");
  flags.out_format = format_of("out_format", given.take("out_format").value_or("json"));
  flags.report_aggregates_only = given.take_switch("report_aggregates_only");
  flags.display_aggregates_only = given.take_switch("display_aggregates_only");
  flags.others = {where_of("repetitions=") + repetitions(given),
                  where_of("min_time=") + min_time(given),
                  where_of("time_unit=") + time_unit(given)};
  for (const std::string& flag : given.rest()) {
    if (flag.back() == '=') throw UsageError("command line", flag, flag + "VALUE");
    flags.others.push_back(flag);
  }
  return flags;
}

}  // namespace reprise
