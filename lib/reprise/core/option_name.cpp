#include "reprise/core/option_name.hpp"

#include <algorithm>
#include <atomic>

namespace reprise {
namespace {

std::atomic<OptionStyle> style{OptionStyle::command_line};

}  // namespace

void set_option_style(OptionStyle wanted) {
  style = wanted;
}

std::string option_name(std::string_view words) {
  std::string name(words);
  if (style == OptionStyle::command_line) return "--" + name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name + "=";
}

std::string flag_name(std::string_view words) {
  return style == OptionStyle::command_line ? option_name(words) : option_name(words) + "True";
}

}  // namespace reprise
