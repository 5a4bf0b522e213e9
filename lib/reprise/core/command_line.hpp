/// \file
/// A program's command line: its options described once, for reading them and for --help.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "reprise/core/error.hpp"
#include "reprise/core/parse.hpp"

namespace reprise {

/// A command line, or what it names, that cannot be meant. Programs end with kBadUsage for it.
class UsageError : public Error {
 public:
  using Error::Error;
  explicit UsageError(const Error& error) : Error(error) {}
};

constexpr int kFailed = 1;    ///< exit status: an error, told in one line
constexpr int kBadUsage = 2;  ///< exit status: the command line is wrong, told in one line

/// Calls `body`, whose Errors become UsageErrors: for checks of what the command line says.
template <class Body>
decltype(auto) as_usage(Body&& body) {
  try {
    return std::forward<Body>(body)();
  } catch (const Error& error) {
    throw UsageError(error);
  }
}

/// The name that a program goes by in its help and its errors: "reprise train" if the command
/// `reprise` started it, which says so by argv[0], else `own`.
std::string called_name(const std::string& own, int argc, const char* const* argv);

/// The command line as it can be pasted into a POSIX shell, each argument by shell_quoted(); what
/// the command `reprise` started begins with "reprise train" or the like.
std::string command_line_text(int argc, const char* const* argv);

/// Options are written `--name value` or `--name=value`, flags `--name`; what begins with no dash
/// is an operand, and so is everything after `--`. An option may be given once, a list more than
/// once. A value is what the shell passes on, whatever signs it has in it; numbers and lists are
/// read by the rules of parse.hpp. --help, -h and --version go before everything else.
///
/// The same descriptions make the manual page (--help=man) and what completion in a shell needs
/// (--help=options), neither of which depends on the machine.
class CommandLine {
 public:
  /// `description` opens the text of --help.
  CommandLine(std::string program, std::string description);
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  /// Each adds an option; `value` is its default, which --help shows, and takes what is given.
  /// `name` is "--batch-size"; `form` says what a value is, "FILE".
  void add_text(const std::string& name, std::string& value, const std::string& description,
                const std::string& form = "TEXT");
  /// Where empty text is a value like any other.
  void add_text_or_empty(const std::string& name, std::string& value,
                         const std::string& description);
  void add_integer(const std::string& name, std::int64_t& value, IntegerRange range,
                   const std::string& description);
  /// `range.least` is not negative. A default below it stands for "not given" and is not shown.
  void add_size(const std::string& name, std::size_t& value, IntegerRange range,
                const std::string& description);
  void add_real(const std::string& name, double& value, const std::string& description);
  /// The first list that is given replaces the default, further ones add to it.
  void add_list(const std::string& name, std::vector<std::string>& values,
                const std::string& description);
  void add_integers(const std::string& name, std::vector<std::int64_t>& values, IntegerRange range,
                    const std::string& description);
  void add_flag(const std::string& name, bool& value, const std::string& description);
  /// An option of another kind: `take` gets what is given, and where, for errors. `form` says what
  /// a value looks like, "NUMBER".
  using Take = std::function<void(const std::string& where, const std::string& given)>;
  void add_option(const std::string& name, const std::string& form, const std::string& initial,
                  const std::string& description, const Take& take);

  /// An option that was added may be given by a name that it had earlier, which --help does not
  /// list; parse() then says on standard error what it is called now.
  void add_earlier_name(const std::string& earlier, const std::string& name);

  /// Adds operands, from `least` to `most` of them in all; `name` is "RECORD".
  void add_operands(const std::string& name, std::vector<std::string>& values, IntegerRange count,
                    const std::string& description);

  /// The values of an option that was added, for completion; `take` still decides what is right.
  void set_choices(const std::string& name, const std::vector<std::string>& choices);
  /// The same of the operands.
  void set_operand_choices(const std::vector<std::string>& choices);
  /// What the manual page says of an option whose description or default is this machine's.
  void set_in_manual(const std::string& name, const std::string& initial,
                     const std::string& description);

  /// The options added from here on stand under this heading in --help.
  void set_heading(const std::string& heading) { heading_ = heading; }
  /// What stands at the end of --help. Its lines are broken as need be, but for those that begin
  /// with a blank.
  void set_footer(const std::string& footer) { footer_ = footer; }

  /// False if --help or --version was asked for, which is then on standard output. UsageError names
  /// the option, what was given and what was expected; for an unknown option the nearest known one.
  bool parse(int argc, const char* const* argv);
  /// Whether the last parse() met the option.
  [[nodiscard]] bool given(const std::string& name) const;

  [[nodiscard]] std::string help() const;
  /// A manual page of section 1, in roff's man macros.
  [[nodiscard]] std::string manual() const;
  /// A line per option, "--name FORM CHOICE..." with "-" for the form of a flag, and one for the
  /// operands, "RECORD CHOICE...".
  [[nodiscard]] std::string option_lines() const;

 private:
  struct Option {
    std::string name, form, initial, description, heading;
    std::string manual_initial, manual_description;
    std::vector<std::string> choices;
    bool may_repeat = false;
    Take take;  ///< empty for a flag
    bool* flag = nullptr;
    std::size_t count = 0;  ///< how often it was given
  };
  struct Operands {
    std::string name, description;
    std::vector<std::string>* values = nullptr;
    IntegerRange count;
    std::vector<std::string> choices;
  };

  Option& add(const std::string& name, const std::string& form, const std::string& initial,
              const std::string& description);
  Option& find(const std::string& given);
  void take_option(Option& option, const std::string& value);
  [[nodiscard]] bool is_option(const std::string& argument) const;
  /// Takes the option that begins at `at`; where the next argument begins.
  std::size_t parse_option(const std::vector<std::string>& arguments, std::size_t at);
  void take_operand(const std::string& operand);
  void check_operands() const;
  /// Prints what a word before "--" asks for in place of the program's work; false if none does.
  [[nodiscard]] bool prints_about_itself(const std::vector<std::string>& words) const;

  std::string program_, description_, heading_ = "Options", footer_;
  std::vector<Option> options_;
  std::vector<Operands> operands_;                    ///< one or none
  std::map<std::string, std::string> earlier_names_;  ///< what an option was called: its name
  std::vector<std::string> notes_;                    ///< of earlier names that were given
};

}  // namespace reprise
