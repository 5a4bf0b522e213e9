#include "shell.hpp"

#include <fmt/format.h>

#include <cmath>
#include <sstream>
#include <stdexcept>

#include "reprise/core/text.hpp"

namespace reprise::reports {
namespace {

constexpr std::string_view kPlain =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./,:+@%";

bool is_plain(std::string_view text) {
  return !text.empty() && text.find_first_not_of(kPlain) == std::string_view::npos;
}

/// bash's $'...', in which every byte that is no printable ASCII is a number.
std::string bytes_in_quotes(std::string_view text) {
  std::string quoted = "$'";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7F) {
      quoted += fmt::format("\\{:03o}", byte);
    } else {
      if (c == '\'' || c == '\\') quoted += '\\';
      quoted += c;
    }
  }
  return quoted + "'";
}

/// A name stands bare where TOML lets it.
Toml toml_key(const UntrustedText& name) {
  static constexpr std::string_view kBare =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  if (name.empty() || !name.consists_of(kBare)) return name;
  return Toml::as_it_is(terminal_text(name));
}

Toml toml_value(const Setting& value) {
  if (const auto* text = std::get_if<UntrustedText>(&value)) return *text;
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return Toml::format("{}", *whole);
  const double real = std::get<double>(value);
  if (std::isnan(real)) return Toml::format("nan");
  if (std::isinf(real)) return real < 0 ? Toml::format("-inf") : Toml::format("inf");
  const Toml shortest = Toml::format("{}", real);
  const bool is_real = shortest.str().find_first_of(".e") != std::string::npos;
  return is_real ? shortest : Toml::format("{}.0", shortest);
}

}  // namespace

std::string TomlContext::escaped(const UntrustedText& text) {
  return toml_quoted(printable(text.bytes_));
}

std::string ShellContext::escaped(const UntrustedText& text) {
  const std::string& bytes = text.bytes_;
  if (is_plain(bytes)) return bytes;
  if (printable(bytes) != bytes) return bytes_in_quotes(bytes);
  std::string quoted = "'";
  for (const char c : bytes) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + "'";
}

ShellCommands shell_file(const UntrustedText& path) {
  return path.starts_with("-") ? "./" + path : path;
}

std::vector<UntrustedText> ShellContext::words(const UntrustedText& text) {
  const std::string& line = text.bytes_;
  std::vector<UntrustedText> words;
  std::string word;
  bool in_word = false;
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    const bool blank = c == ' ' || c == '\t' || c == '\n';
    if (quote == 0 && blank) {
      if (in_word) words.emplace_back(word);
      word.clear();
      in_word = false;
      continue;
    }
    in_word = true;
    if (c == '\\' && quote != '\'' && i + 1 < line.size()) {
      word += line[++i];
    } else if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
    } else if (c == quote) {
      quote = 0;
    } else {
      word += c;
    }
  }
  if (in_word) words.emplace_back(word);
  return words;
}

std::vector<UntrustedText> words_of_shell(const UntrustedText& line) {
  return ShellContext::words(line);
}

Toml toml_text(const Settings& settings) {
  Toml text;
  for (const auto& [name, value] : settings) {
    text += Toml::format("{} = {}\n", toml_key(name), toml_value(value));
  }
  return text;
}

ShellCommands write_toml(const UntrustedText& file, const Toml& toml) {
  std::istringstream lines(toml.str());
  for (std::string line; std::getline(lines, line);) {
    if (line.find('=') == std::string::npos) throw std::logic_error("no line of TOML: " + line);
  }
  return ShellCommands::format("cat > {} <<'SETTINGS'\n{}SETTINGS\n", file,
                               ShellCommands::as_it_is(toml.str()));
}

}  // namespace reprise::reports
