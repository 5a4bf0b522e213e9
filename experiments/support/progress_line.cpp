// How far the work is, on a terminal of any width and in a log.
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <string_view>
#include <vector>

#include "reprise/core/parse.hpp"
#include "reprise/core/terminal.hpp"
#include "reprise/core/text.hpp"
#include "support/program.hpp"

namespace reprise {
namespace {

constexpr std::string_view kBetween = "  ";
constexpr double kRewriteSeconds = 0.1;

std::string_view terminal_variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : value;
}

bool rewrites_lines() {
  const std::string_view terminal = terminal_variable("TERM");
  return !terminal.empty() && terminal != "dumb" && isatty(STDOUT_FILENO) != 0;
}

/// Of the terminal as it is now, or fewer if COLUMNS says so.
std::size_t terminal_columns() {
  constexpr std::size_t unknown = std::numeric_limits<std::size_t>::max();
  std::size_t columns = unknown;
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) columns = size.ws_col;
  const auto wanted = parse_integer(std::string(terminal_variable("COLUMNS")));
  if (wanted && *wanted > 0) columns = std::min(columns, static_cast<std::size_t>(*wanted));
  return columns == unknown ? 80 : columns;
}

std::vector<std::string> parts_of(std::string_view text) {
  std::vector<std::string> parts;
  for (std::size_t end = 0; end != std::string_view::npos;) {
    end = text.find(kBetween);
    parts.emplace_back(text.substr(0, end));
    if (end != std::string_view::npos) text.remove_prefix(end + kBetween.size());
  }
  return parts;
}

}  // namespace

std::string progress_text(const std::string& text, std::size_t columns) {
  std::vector<std::string> parts = parts_of(text);
  for (;;) {
    std::string line = parts.front();
    for (std::size_t i = 1; i < parts.size(); ++i) line += std::string(kBetween) + parts[i];
    std::string shown = fitted(line, columns);
    if (parts.size() == 1 || shown == printable(line)) return shown;
    parts.erase(parts.end() - (parts.size() > 2 ? 2 : 1));
  }
}

ProgressLine::ProgressLine(double line_seconds)
    : in_place_(rewrites_lines()),
      seconds_between_(in_place_ ? kRewriteSeconds : line_seconds),
      last_shown_(in_place_ ? 0.0 : steady_seconds()) {}

void ProgressLine::show(const std::string& text) {
  const double now = steady_seconds();
  if (now - last_shown_ < seconds_between_) return;
  last_shown_ = now;
  if (!in_place_) {
    print_line(text);
    return;
  }
  // A terminal may wrap when its last column is written.
  rewrite_line(progress_text(text, terminal_columns() - 1));
}

void ProgressLine::clear() {
  wipe_line();
}

}  // namespace reprise
