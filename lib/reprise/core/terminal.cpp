#include "reprise/core/terminal.hpp"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <string>

#include "reprise/core/text.hpp"

namespace reprise {
namespace {

constexpr const char* kWipe = "\r\033[K";

/// Whether the cursor stands behind a line of rewrite_line().
std::atomic<bool> line_is_open = false;
std::atomic<bool> is_silent = false;

void write_to(std::FILE* stream, const std::string& bytes) {
  if (is_silent) return;
  std::fwrite(bytes.data(), 1, bytes.size(), stream);
  std::fflush(stream);
}

}  // namespace

void print_line(std::string_view line) {
  wipe_line();
  write_to(stdout, printable(line) + "\n");
}

void print_lines(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    print_line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

void print_error_line(std::string_view line) {
  wipe_line();
  write_to(stderr, printable(line) + "\n");
}

void rewrite_line(std::string_view line) {
  line_is_open = true;
  write_to(stdout, kWipe + printable(line));
}

void wipe_line() {
  if (line_is_open.exchange(false)) write_to(stdout, kWipe);
}

void be_silent(bool silent) {
  is_silent = silent;
}

bool output_is_written() {
  return std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
}

}  // namespace reprise
