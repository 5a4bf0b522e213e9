// What a message between two ranks takes, and the addition of what it carries:
// mpirun -n 2 time_ranks FLOATS...
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reprise/core/error.hpp"
#include "reprise/run/joined_ranks.hpp"
#include "support/program.hpp"

using namespace reprise;

namespace {

constexpr int kRepetitions = 15;

std::size_t floats_of(std::string_view word) {
  std::size_t count = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), count);
  if (error == std::errc() && end == word.data() + word.size() && count > 0) return count;
  throw Error("time_ranks", "\"" + std::string(word) + "\"", "a number of floats");
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// Seconds of one message there and one back, halved.
double message_seconds(Ranks& ranks, std::vector<float>& values) {
  const std::span<std::byte> bytes = std::as_writable_bytes(std::span(values));
  std::vector<double> seconds;
  for (int i = 0; i < kRepetitions; ++i) {
    const double start = steady_seconds();
    if (ranks.is_first()) {
      ranks.send(1, bytes);
      ranks.receive(1, bytes);
    } else {
      ranks.receive(0, bytes);
      ranks.send(0, bytes);
    }
    seconds.push_back((steady_seconds() - start) / 2.0);
  }
  return median(seconds);
}

double addition_seconds(std::vector<float>& values) {
  std::vector<float> others(values.size(), 1.0F);
  std::vector<double> seconds;
  for (int i = 0; i < kRepetitions; ++i) {
    const double start = steady_seconds();
    for (std::size_t j = 0; j < values.size(); ++j) values[j] += others[j];
    seconds.push_back(steady_seconds() - start);
  }
  return median(seconds);
}

void time_messages(Ranks& ranks, int argc, char** argv) {
  if (ranks.size() != 2) throw Error("time_ranks", std::to_string(ranks.size()) + " ranks", "2");
  for (int i = 1; i < argc; ++i) {
    std::vector<float> values(floats_of(argv[i]));
    const double message = message_seconds(ranks, values);
    if (!ranks.is_first()) continue;
    fmt::print("{} floats: message {:.9f} s, addition {:.9f} s\n", values.size(), message,
               addition_seconds(values));
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const auto variable = [](const std::string& name) -> std::string {
      const char* const value = std::getenv(name.c_str());
      return value == nullptr ? "" : value;
    };
    const auto ranks = join_ranks(launcher_of(variable), "auto", [](const std::string& what) {
      fmt::print(stderr, "{}\n", what);
    });
    time_messages(*ranks, argc, argv);
    ranks->leave();
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
