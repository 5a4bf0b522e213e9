#include "reprise/core/terminal.hpp"

#include <algorithm>
#include <cstdio>
#include <string>

#include "reprise/core/text.hpp"

namespace reprise {
namespace {

void write_to(std::FILE* stream, const std::string& bytes) {
  std::fwrite(bytes.data(), 1, bytes.size(), stream);
  std::fflush(stream);
}

}  // namespace

void print_line(std::string_view line) {
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
  write_to(stderr, printable(line) + "\n");
}

void rewrite_line(std::string_view line) {
  write_to(stdout, "\r\033[K" + printable(line));
}

bool output_is_written() {
  return std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
}

}  // namespace reprise
