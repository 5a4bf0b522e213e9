// Numbers, lists and names as people give them: what parse.hpp reads, what CommandLine makes of it,
// and every program's options against spellings that mean nothing.
#include "reprise/core/command_line.hpp"

#include <algorithm>
#include <clocale>
#include <filesystem>
#include <regex>
#include <sstream>

#include "support/catch.hpp"
#include "support/command.hpp"
#include "support/errors.hpp"
#include "support/sanitized.hpp"
#include "support/skip.hpp"
#include "support/temporary_folder.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

/// What is neither an integer nor a real number, nor a list of them.
const std::vector<std::string> kNoNumbers = {
    "",      " ",   " 1",   "1 ",  "1\n", "\t1",  "+1",
    "--1",   "-",   "0x10", "0b1", "0o7", "1_0",  "1'0",
    "1,,2",  ",1",  "1,",   "one", "1a",  "nan",  "inf",
    "-inf",  "1e",  "1e+",  "e1",  ".",   "-.",   "1..2",
    "1.2.3", "1;2", "٣",    "[1]", "1f",  "true", "99999999999999999999e400"};
/// Real numbers, or integers of more than 64 bits.
const std::vector<std::string> kNoIntegers = {"1.5",
                                              "1.0",
                                              "1.",
                                              ".5",
                                              "1e3",
                                              "9223372036854775808",
                                              "18446744073709551617",
                                              "-9223372036854775809"};
const std::vector<std::string> kNoReals = {"1e400", "-1e400", "1e-400", "0x1p-3", "1,5"};

/// Reads the words as `describe` has described them; the error's line, "" for none.
template <class Describe>
std::string parse_error(const Describe& describe, std::vector<const char*> words) {
  CommandLine line("program", "Does something.");
  describe(line);
  words.insert(words.begin(), "program");
  return error_of([&] { line.parse(static_cast<int>(words.size()), words.data()); });
}

std::string in_quotes(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? "'\\''" : std::string(1, c);
  return result + "'";
}

void check_reals() {
  const std::vector<std::pair<std::string, double>> good = {
      {"0", 0.0},      {"0.1", 0.1},       {"-0.25", -0.25}, {".5", 0.5},
      {"5.", 5.0},     {"1e-3", 1e-3},     {"1E+2", 100.0},  {"007", 7.0},
      {"0e-999", 0.0}, {"5e-324", 5e-324}, {"0.000", 0.0},   {"1e308", 1e308}};
  for (const auto& [text, value] : good) {
    INFO(text);
    CHECK(parse_real(text) == value);
  }
  for (const auto* list : {&kNoNumbers, &kNoReals}) {
    for (const std::string& text : *list) {
      INFO(text);
      CHECK(!parse_real(text));
    }
  }
}

struct Program {
  std::string path;
  std::string operands;  ///< enough of them, so that only an option can be wrong
};

const std::vector<Program> kAllPrograms = {
    {"experiments/train_lenet5", ""},     {"experiments/verify", "r.h5"},
    {"experiments/evaluate", "r.h5"},     {"experiments/compare_records", "a.h5 b.h5"},
    {"experiments/time_alexnet", ""},     {"experiments/compare_convolutions", ""},
    {"experiments/study", "dropout"},     {"reports/write_report", "r.h5"},
    {"experiments/export_model", "r.h5"}, {"reports/audit", "store"},
    {"tests/portable_digest", ""}};

struct OptionForm {
  std::string name, form;
};

/// The options of a program, as its --help lists them.
std::vector<OptionForm> options_in(const std::string& help) {
  std::vector<OptionForm> options;
  const std::regex pattern(R"((^|\n)  (--[a-z0-9-]+)( ([A-Z]+))?)");
  for (std::sregex_iterator i(help.begin(), help.end(), pattern), end; i != end; ++i) {
    options.push_back({(*i)[2], (*i)[4]});
  }
  return options;
}

}  // namespace

TEST_CASE("integers are decimal, whole and of 64 bits") {
  CHECK(parse_integer("0") == 0);
  CHECK(parse_integer("-7") == -7);
  CHECK(parse_integer("010") == 10);
  CHECK(parse_integer("08") == 8);
  CHECK(parse_integer("9223372036854775807") == std::numeric_limits<std::int64_t>::max());
  CHECK(parse_integer("-9223372036854775808") == std::numeric_limits<std::int64_t>::min());
  for (const auto* list : {&kNoNumbers, &kNoIntegers}) {
    for (const std::string& text : *list) {
      INFO(text);
      CHECK(!parse_integer(text));
    }
  }
  CHECK(!parse_integer(std::string("1\0", 2)));
}

TEST_CASE("real numbers are decimal and fit a double") {
  check_reals();
}

TEST_CASE("a locale with a decimal comma changes no number") {
  const TemporaryFolder folder;
  const std::string made = folder / "de_DE.UTF-8";
  if (run_command("localedef -i de_DE -f UTF-8 " + made).status != 0) {
    REPRISE_SKIP("the package locales is not installed");
  }
  setenv("LOCPATH", folder.path().c_str(), 1);
  REQUIRE(std::setlocale(LC_ALL, "de_DE.UTF-8") != nullptr);
  REQUIRE(std::string(std::localeconv()->decimal_point) == ",");
  check_reals();
  std::setlocale(LC_ALL, "C");
  unsetenv("LOCPATH");
}

TEST_CASE("lists have no empty item, and keep everything else as it is") {
  using Items = std::vector<std::string>;
  CHECK(parse_list("a") == Items{"a"});
  CHECK(parse_list("a,[b c],'d'") == Items{"a", "[b c]", "'d'"});
  for (const char* wrong : {"", ",", "a,", ",a", "a,,b"}) CHECK(!parse_list(wrong));
  CHECK(integers_of("x", "3,010,-1") == std::vector<std::int64_t>{3, 10, -1});
  CHECK(is_line_with(error_of([] { integers_of("x", "3,two", {1}); }), "x: \"two\"",
                     "expected an integer, 1 or more"));
}

TEST_CASE("an integer out of its range is told with the range") {
  CHECK(is_line_with(error_of([] {
                       integer_of("n", "0", {1, 9});
                     }),
                     "n: \"0\"", "an integer from 1 to 9"));
  CHECK(is_line_with(error_of([] { integer_of("n", "9223372036854775808", {0}); }),
                     "from 0 to 9223372036854775807"));
  CHECK(is_line_with(error_of([] { integer_of("n", "x"); }), "n: \"x\"; expected an integer"));
  CHECK(is_line_with(error_of([] { real_of("r", "1e999"); }), "r: \"1e999\"", "range of a double"));
  CHECK(is_line_with(error_of([] { real_of("r", "fast"); }), "expected a decimal number"));
}

TEST_CASE("a command line's values are what the shell passes on") {
  std::string name = "default", other = "o";
  std::int64_t number = 1;
  double real = 0.5;
  bool flag = false;
  std::vector<std::string> items = {"x"}, operands;
  CommandLine line("program", "Does something.");
  line.add_text("--name", name, "a name");
  line.add_text_or_empty("--other", other, "a name or none");
  line.add_integer("--number", number, {-9, 9}, "a number");
  line.add_real("--real", real, "a real number");
  line.add_flag("--flag", flag, "yes or no");
  line.add_list("--items", items, "several");
  line.add_operands("FILE", operands, {1}, "files");
  const std::vector<const char*> words = {"program",  "[a,b]",   "--name",     "[runs]/a[1],b.h5",
                                          "--number", "-3",      "--real=.25", "--other=",
                                          "--flag",   "--items", "a,b",        "--items=c",
                                          "-",        "--",      "--name",     "--help"};
  REQUIRE(line.parse(static_cast<int>(words.size()), words.data()));
  CHECK(name == "[runs]/a[1],b.h5");
  CHECK(other.empty());
  CHECK(number == -3);
  CHECK(real == 0.25);
  CHECK(flag);
  CHECK(items == std::vector<std::string>{"a", "b", "c"});
  CHECK(operands == std::vector<std::string>{"[a,b]", "-", "--name", "--help"});
  CHECK(line.given("--flag"));
  const std::string help = line.help();
  for (const char* part : {"Does something.", "program [OPTIONS] FILE...", "--name TEXT",
                           "[default]", "--number INTEGER", "--flag", "--items LIST", "--help"}) {
    CHECK_THAT(help, Catch::Contains(part));
  }
  line.set_footer("Words " + std::string(120, 'x') + " and " + std::string(90, 'y') +
                  " more.\n  kept  as it is\nEnd");
  CHECK_THAT(line.help(),
             Catch::EndsWith("\nWords\n" + std::string(120, 'x') + "\nand " + std::string(90, 'y') +
                             " more.\n  kept  as it is\nEnd\n"));
}

TEST_CASE("a command line that cannot be meant is refused in one line") {
  std::string name;
  std::int64_t number = 1;
  bool flag = false;
  const auto options = [&](CommandLine& line) {
    line.add_text("--name", name, "a name");
    line.add_integer("--number", number, {0}, "a number");
    line.add_flag("--flag", flag, "yes or no");
  };
  using Words = std::vector<const char*>;
  const auto refused = [&](const Words& words, const auto&... parts) {
    CHECK(is_line_with(parse_error(options, words), parts...));
  };
  refused({"--nmae", "x"}, "unknown option --nmae", "such as --name");
  refused({"--nam=x"}, "unknown option --nam", "--name");
  refused({"-n"}, "unknown option -n");
  refused({"--number"}, "option --number: no value", "INTEGER");
  refused({"--name", "--flag"}, "option --name: no value");
  refused({"--name", "--number=3"}, "option --name: no value");
  refused({"--name", ""}, "option --name: \"\"", "not empty");
  refused({"--name="}, "option --name: \"\"", "not empty");
  refused({"--number=", "3"}, "option --number: \"\"", "an integer, 0 or more");
  refused({"--number", "1", "--number", "1"}, "option --number: given twice");
  refused({"--flag=no"}, "option --flag", "no value");
  refused({"stray"}, "\"stray\"", "options only");
  const auto with_operands = [&](CommandLine& line) {
    static std::vector<std::string> files;
    files.clear();
    line.add_operands("FILE", files, {2, 2}, "two files");
  };
  CHECK(is_line_with(parse_error(with_operands, {"a"}), "1 operand", "FILE FILE"));
  CHECK(is_line_with(parse_error(with_operands, {"a", "b", "c"}), "3 operands", "FILE FILE"));
  CHECK(is_line_with(parse_error(with_operands, {"a", ""}), "FILE that is not empty"));
  CHECK(parse_error(with_operands, {"a", "b"}).empty());
}

TEST_CASE("no program takes a number for another one, or lets bad usage pass") {
  std::size_t tried = 0;
  for (const Program& program : kAllPrograms) {
    const std::string path = std::string(REPRISE_BINARY_DIR "/") + program.path;
    const std::string name = std::filesystem::path(program.path).filename();
    const CommandResult help = run_command(path + " --help");
    INFO(path << "\n" << help.err);
    REQUIRE(help.status == 0);
    std::istringstream lines(help.out);
    for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 100);
    const TemporaryFolder folder;
    const auto refused = [&](const OptionForm& option, const std::string& value) {
      const CommandResult result =
          run_command("cd " + folder.path() + " && " + path + " " + option.name + "=" +
                      in_quotes(value) + " " + program.operands);
      INFO(option.name << "='" << value << "': " << result.err << result.out);
      CHECK(result.status == kBadUsage);
      CHECK_THAT(result.err, Catch::StartsWith(name + ": option " + option.name + ": \"") &&
                                 Catch::Contains("\"; expected "));
      CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
      CHECK(result.out.empty());
      ++tried;
    };
    for (const OptionForm& option : options_in(help.out)) {
      const bool number =
          option.form == "INTEGER" || option.form == "NUMBER" || option.name == "--seeds";
      if (!number) continue;
      if (kSanitized) {  // one spelling an option: all go the same way through the program
        refused(option, "0x10");
        continue;
      }
      for (const char* value : {"", " 1", "1 ", "0x10", "+1", "one", "1_0", "nan", "99e999"}) {
        refused(option, value);
      }
      if (option.form == "NUMBER") {
        refused(option, "1e-400");
      } else {
        for (const char* value : {"1.5", "1e3", "9223372036854775808", "18446744073709551617"}) {
          refused(option, value);
        }
      }
    }
    for (const char* wrong : {"--nonsense 1", "--thread", "-x"}) {
      const CommandResult result = run_command(path + " " + wrong + " " + program.operands);
      INFO(wrong << "\n" << result.err);
      CHECK(result.status == kBadUsage);
      CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
    }
    CHECK(folder.names().empty());
  }
  CHECK(tried > (kSanitized ? 25 : 300));
}
