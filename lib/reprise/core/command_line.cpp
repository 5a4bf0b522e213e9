#include "reprise/core/command_line.hpp"

#include <algorithm>
#include <array>

#include "reprise/core/manual_page.hpp"
#include "reprise/core/terminal.hpp"
#include "reprise/core/text.hpp"
#include "reprise/core/version.hpp"

namespace reprise {
namespace {

constexpr std::size_t kLineWidth = 100;  ///< of --help
constexpr std::size_t kColumn = 34;      ///< of --help, where descriptions begin
constexpr const char* kHelpNames = "-h, --help";
constexpr const char* kHelpDescription = "print this and exit";
constexpr const char* kVersionName = "--version";
constexpr const char* kVersionDescription = "print the version and exit";

std::string where_of(const std::string& name) {
  return "option " + name;
}

/// `text` behind `start`, broken between words; all lines but the first begin at kColumn.
std::string wrapped(std::string start, const std::string& text) {
  const std::string margin(kColumn, ' ');
  if (start.size() + 1 > kColumn) start += "\n" + margin;
  start.resize(std::max(start.size(), kColumn), ' ');
  std::string result = start;
  std::size_t column = kColumn;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::size_t length = end - at;
    if (column > kColumn && column + 1 + length > kLineWidth) {
      result += "\n" + margin;
      column = kColumn;
    }
    if (column > kColumn) {
      result += ' ';
      ++column;
    }
    result.append(text, at, length);
    column += length;
    at = end + 1;
  }
  return result + "\n";
}

/// `text` with its lines broken between words; those that begin with a blank stay as they are.
std::string filled(const std::string& text) {
  std::string result;
  std::size_t column = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find_first_of(" \n", at), text.size());
    const bool is_kept = column == 0 && text[at] == ' ';
    const std::size_t stop = is_kept ? std::min(text.find('\n', at), text.size()) : end;
    if (column > 0 && column + 1 + stop - at > kLineWidth) {
      result += '\n';
      column = 0;
    } else if (column > 0) {
      result += ' ';
      ++column;
    }
    result.append(text, at, stop - at);
    column += stop - at;
    at = stop + 1;
    if (stop < text.size() && text[stop] == '\n') {
      result += '\n';
      column = 0;
    }
  }
  return result;
}

/// "RECORD...", "A B", "[STUDY]".
std::string operands_text(const std::string& name, IntegerRange count) {
  if (count.least == 0) return "[" + name + (count.most > 1 ? "...]" : "]");
  std::string text = name;
  for (std::int64_t i = 1; i < count.least; ++i) text += " " + name;
  return count.most > count.least ? text + "..." : text;
}

constexpr std::string_view kCommand = "reprise ";

/// Whether it is "reprise" and the name of a subcommand.
bool is_command_name(std::string_view word) {
  if (!word.starts_with(kCommand) || word.size() == kCommand.size()) return false;
  return std::all_of(word.begin() + kCommand.size(), word.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; });
}

}  // namespace

std::string called_name(const std::string& own, int argc, const char* const* argv) {
  return argc > 0 && is_command_name(argv[0]) ? argv[0] : own;
}

std::string command_line_text(int argc, const char* const* argv) {
  std::string text;
  for (int i = 0; i < argc; ++i) {
    const std::string word = argv[i];
    if (i > 0) text += " ";
    text += i == 0 && is_command_name(word) ? word : shell_quoted(word);
  }
  return text;
}

CommandLine::CommandLine(std::string program, std::string description)
    : program_(std::move(program)), description_(std::move(description)) {}

CommandLine::Option& CommandLine::add(const std::string& name, const std::string& form,
                                      const std::string& initial, const std::string& description) {
  Option option;
  option.name = name;
  option.form = form;
  option.initial = initial;
  option.description = description;
  option.heading = heading_;
  options_.push_back(option);
  return options_.back();
}

void CommandLine::add_option(const std::string& name, const std::string& form,
                             const std::string& initial, const std::string& description,
                             const Take& take) {
  add(name, form, initial, description).take = take;
}

void CommandLine::add_text(const std::string& name, std::string& value,
                           const std::string& description, const std::string& form) {
  add_option(name, form, value, description, [&value](const auto& where, const auto& given) {
    if (given.empty()) throw Error(where, "\"\"", "text that is not empty");
    value = given;
  });
}

void CommandLine::add_text_or_empty(const std::string& name, std::string& value,
                                    const std::string& description) {
  add_option(name, "TEXT", value, description,
             [&value](const auto& /*where*/, const auto& given) { value = given; });
}

void CommandLine::add_integer(const std::string& name, std::int64_t& value, IntegerRange range,
                              const std::string& description) {
  add_option(name, "INTEGER", std::to_string(value), description,
             [&value, range](const auto& where, const auto& given) {
               value = integer_of(where, given, range);
             });
}

void CommandLine::add_size(const std::string& name, std::size_t& value, IntegerRange range,
                           const std::string& description) {
  const bool is_default = static_cast<std::int64_t>(value) >= range.least;
  const std::string initial = is_default ? std::to_string(value) : "";
  add_option(name, "INTEGER", initial, description,
             [&value, range](const auto& where, const auto& given) {
               value = static_cast<std::size_t>(integer_of(where, given, range));
             });
}

void CommandLine::add_real(const std::string& name, double& value, const std::string& description) {
  add_option(name, "NUMBER", shortest(value), description,
             [&value](const auto& where, const auto& given) { value = real_of(where, given); });
}

void CommandLine::add_list(const std::string& name, std::vector<std::string>& values,
                           const std::string& description) {
  Option& option = add(name, "LIST", join(values, ","), description);
  option.may_repeat = true;
  option.take = [this, name, &values](const auto& where, const auto& given) {
    const std::vector<std::string> more = list_of(where, given);
    if (!this->given(name)) values.clear();
    values.insert(values.end(), more.begin(), more.end());
  };
}

void CommandLine::add_integers(const std::string& name, std::vector<std::int64_t>& values,
                               IntegerRange range, const std::string& description) {
  std::vector<std::string> texts;
  for (const std::int64_t value : values) texts.push_back(std::to_string(value));
  Option& option = add(name, "LIST", join(texts, ","), description);
  option.may_repeat = true;
  option.take = [this, name, &values, range](const auto& where, const auto& given) {
    const std::vector<std::int64_t> more = integers_of(where, given, range);
    if (!this->given(name)) values.clear();
    values.insert(values.end(), more.begin(), more.end());
  };
}

void CommandLine::add_flag(const std::string& name, bool& value, const std::string& description) {
  add(name, "", "", description).flag = &value;
}

void CommandLine::add_earlier_name(const std::string& earlier, const std::string& name) {
  earlier_names_[earlier] = name;
}

void CommandLine::add_operands(const std::string& name, std::vector<std::string>& values,
                               IntegerRange count, const std::string& description) {
  operands_ = {{name, description, &values, count, {}}};
}

void CommandLine::set_choices(const std::string& name, const std::vector<std::string>& choices) {
  find(name).choices = choices;
}

void CommandLine::set_operand_choices(const std::vector<std::string>& choices) {
  for (Operands& operands : operands_) operands.choices = choices;
}

void CommandLine::set_in_manual(const std::string& name, const std::string& initial,
                                const std::string& description) {
  Option& option = find(name);
  option.manual_initial = initial;
  option.manual_description = description;
}

bool CommandLine::given(const std::string& name) const {
  return std::any_of(options_.begin(), options_.end(),
                     [&](const Option& option) { return option.name == name && option.count > 0; });
}

CommandLine::Option& CommandLine::find(const std::string& given) {
  const auto earlier = earlier_names_.find(given);
  const std::string& name = earlier == earlier_names_.end() ? given : earlier->second;
  if (earlier != earlier_names_.end()) {
    notes_.push_back("note: " + given + " is called " + name + " now");
  }
  std::vector<std::string> names;
  for (Option& option : options_) {
    if (option.name == name) return option;
    names.push_back(option.name);
  }
  throw UsageError("command line", "unknown option " + name,
                   "one that --help lists, such as " + nearest_name(name, names));
}

void CommandLine::take_option(Option& option, const std::string& value) {
  if (option.count > 0 && !option.may_repeat) {
    throw UsageError(where_of(option.name), "given twice", "one value");
  }
  as_usage([&] { option.take(where_of(option.name), value); });
  ++option.count;
}

bool CommandLine::is_option(const std::string& argument) const {
  const std::string name = argument.substr(0, argument.find('='));
  return earlier_names_.count(name) > 0 ||
         std::any_of(options_.begin(), options_.end(),
                     [&](const Option& option) { return option.name == name; });
}

std::size_t CommandLine::parse_option(const std::vector<std::string>& arguments, std::size_t at) {
  const std::string& argument = arguments[at];
  const std::size_t equals = argument.find('=');
  const bool has_value = equals != std::string::npos;
  Option& option = find(argument.substr(0, equals));
  if (option.flag != nullptr) {
    if (has_value) throw UsageError(where_of(option.name), "\"" + argument + "\"", "no value");
    *option.flag = true;
    ++option.count;
    return at + 1;
  }
  if (has_value) {
    take_option(option, argument.substr(equals + 1));
    return at + 1;
  }
  if (at + 1 == arguments.size() || is_option(arguments[at + 1])) {
    throw UsageError(where_of(option.name), "no value", option.name + " " + option.form);
  }
  take_option(option, arguments[at + 1]);
  return at + 2;
}

void CommandLine::take_operand(const std::string& operand) {
  if (operands_.empty()) {
    throw UsageError("command line", "\"" + operand + "\"", "options only, see --help");
  }
  if (operand.empty()) {
    throw UsageError("command line", "\"\"", operands_.front().name + " that is not empty");
  }
  operands_.front().values->push_back(operand);
}

void CommandLine::check_operands() const {
  if (operands_.empty()) return;
  const Operands& operands = operands_.front();
  const auto count = static_cast<std::int64_t>(operands.values->size());
  if (count >= operands.count.least && count <= operands.count.most) return;
  throw UsageError("command line", count_of(operands.values->size(), "operand"),
                   operands_text(operands.name, operands.count));
}

bool CommandLine::prints_about_itself(const std::vector<std::string>& words) const {
  for (const std::string& word : words) {
    if (word == "--help" || word == "-h") {
      print_lines(help());
    } else if (word == "--help=man") {
      print_lines(manual());
    } else if (word == "--help=options") {
      print_lines(option_lines());
    } else if (word == "--version") {
      print_line(program_ + " (Reprise " + std::string(version()) + ")");
    } else {
      continue;
    }
    return true;
  }
  return false;
}

bool CommandLine::parse(int argc, const char* const* argv) {
  const std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  for (Option& option : options_) option.count = 0;
  const auto end = std::find(arguments.begin(), arguments.end(), "--");
  if (prints_about_itself({arguments.begin(), end})) return false;
  bool only_operands = false;
  for (std::size_t i = 0; i < arguments.size();) {
    if (!only_operands && arguments[i] == "--") {
      only_operands = true;
      ++i;
    } else if (only_operands || arguments[i].size() < 2 || arguments[i][0] != '-') {
      take_operand(arguments[i++]);
    } else {
      i = parse_option(arguments, i);
    }
  }
  check_operands();
  for (const std::string& note : notes_) print_error_line(note);
  return true;
}

std::string CommandLine::help() const {
  std::string text = filled(description_) + "\n\nUsage: " + program_ + " [OPTIONS]";
  if (!operands_.empty()) {
    const Operands& operands = operands_.front();
    text += " " + operands_text(operands.name, operands.count);
    text += "\n\n" + wrapped("  " + operands.name, operands.description);
  } else {
    text += "\n";
  }
  std::string heading;
  for (const Option& option : options_) {
    if (option.heading != heading) {
      text += "\n" + option.heading + ":\n";
      if (heading.empty()) {
        text += wrapped(std::string("  ") + kHelpNames, kHelpDescription);
        text += wrapped(std::string("  ") + kVersionName, kVersionDescription);
      }
      heading = option.heading;
    }
    std::string start = "  " + option.name;
    if (option.flag == nullptr) start += " " + option.form;
    const std::string initial = option.initial.empty() ? "" : " [" + option.initial + "]";
    text += wrapped(start, option.description + initial);
  }
  return footer_.empty() ? text : text + "\n" + filled(footer_) + "\n";
}

std::string CommandLine::option_lines() const {
  std::string text = "--help -\n--version -\n";
  const auto add_line = [&text](std::vector<std::string> words,
                                const std::vector<std::string>& choices) {
    words.insert(words.end(), choices.begin(), choices.end());
    text += join(words, " ") + "\n";
  };
  for (const Option& option : options_) {
    add_line({option.name, option.flag == nullptr ? option.form : "-"}, option.choices);
  }
  for (const Operands& operands : operands_) add_line({operands.name}, operands.choices);
  return text;
}

std::string CommandLine::manual() const {
  std::string text = manual_head(program_, description_);
  text += "[\\fIOPTION\\fR]...";
  for (const Operands& operands : operands_) {
    text += " " + roff_text(operands_text(operands.name, operands.count));
  }
  text += "\n.SH DESCRIPTION\n" + roff_lines(description_);
  for (const Operands& operands : operands_) {
    text += manual_item("\\fI" + operands.name + "\\fR", operands.description, "");
  }
  std::string heading;
  for (const Option& option : options_) {
    if (option.heading != heading) {
      text += ".SH " + roff_heading(option.heading) + "\n";
      if (heading.empty()) {
        text += manual_item("\\fB\\-h\\fR, \\fB\\-\\-help\\fR", kHelpDescription, "");
        text += manual_item("\\fB\\-\\-version\\fR", kVersionDescription, "");
      }
      heading = option.heading;
    }
    const bool own = !option.manual_description.empty();
    std::string tag = "\\fB" + roff_text(option.name) + "\\fR";
    if (option.flag == nullptr) tag += " \\fI" + option.form + "\\fR";
    text += manual_item(tag, own ? option.manual_description : option.description,
                        own ? option.manual_initial : option.initial);
  }
  return text + manual_footer(footer_);
}

}  // namespace reprise
