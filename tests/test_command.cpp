// The command `reprise`, which starts the other programs, and what they say of themselves.
#include <csignal>
#include <filesystem>
#include <regex>

#include "reprise/core/command_line.hpp"
#include "reprise/record_file/record_file.hpp"
#include "support/catch.hpp"
#include "support/command.hpp"
#include "support/errors.hpp"
#include "support/temporary_folder.hpp"
#include "support/text.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

const std::string kReprise = REPRISE_BINARY_DIR "/bin/reprise";

/// As the command lists them, without "help" and options.
std::vector<std::string> subcommands() {
  std::vector<std::string> names;
  for (const std::string& line : lines_of(run_command(kReprise + " --help=options").out)) {
    if (line[0] != '-' && line != "help") names.push_back(line);
  }
  return names;
}

/// Whether the result is bad usage that is told in one line with all these parts.
template <class... Parts>
bool is_bad_usage(const CommandResult& result, const Parts&... parts) {
  const std::vector<std::string> lines = lines_of(result.err);
  return result.status == kBadUsage && result.out.empty() && lines.size() == 1 &&
         is_line_with(lines[0], parts...);
}

}  // namespace

TEST_CASE("every subcommand goes by its own name in help, errors and manual") {
  const std::vector<std::string> names = subcommands();
  REQUIRE(names.size() >= 7);
  const std::string list = run_command(kReprise + " --help").out;
  for (const std::string& name : names) {
    INFO(name);
    CHECK_THAT(list, Catch::Contains("\n  " + name + " "));
    const CommandResult help = run_command(kReprise + " " + name + " --help");
    CHECK(help.status == 0);
    CHECK_THAT(help.out, Catch::Contains("Usage: reprise " + name + " ") &&
                             Catch::Contains("Example:\n  reprise " + name + " "));
    CHECK(run_command(kReprise + " help " + name).out == help.out);
    CHECK_THAT(run_command(kReprise + " " + name + " --version").out,
               Catch::StartsWith("reprise " + name + " (Reprise "));
    CHECK(is_bad_usage(run_command(kReprise + " " + name + " --nonsense"),
                       "reprise " + name + ": command line: unknown option --nonsense"));
    const std::string manual = run_command(kReprise + " " + name + " --help=man").out;
    // Programs of a build are not in the PATH of those who install the command.
    const std::regex programs(
        "train_lenet5|export_model|compare_records|write_report|compare_convolutions|time_alexnet");
    CHECK_FALSE(std::regex_search(help.out, programs));
    CHECK_FALSE(std::regex_search(manual, programs));
    CHECK_THAT(manual, Catch::StartsWith(".TH \"REPRISE\\-"));
    CHECK_THAT(manual, Catch::Contains("\n.SH NAME\nreprise\\-") &&
                           Catch::Contains("\n.SH EXAMPLES\n.nf\n"));
  }
}

TEST_CASE("the command says what it is, and refuses what it does not know in one line") {
  CHECK(run_command(kReprise + " --help").out == run_command(kReprise + " help").out);
  CHECK(std::regex_match(run_command(kReprise + " --version").out,
                         std::regex("reprise \\d+\\.\\d+\\.\\d+ \\(commit [0-9a-z]+\\)\n")));
  CHECK(
      is_bad_usage(run_command(kReprise), "reprise: command line: no subcommand", "train, study"));
  CHECK(is_bad_usage(run_command(kReprise + " trian"), "reprise: subcommand: \"trian\"",
                     "one of train, study, verify", "nearest is train"));
  CHECK(is_bad_usage(run_command(kReprise + " help trian"), "nearest is train"));
  CHECK(is_bad_usage(run_command(kReprise + " ../train"), "\"../train\""));
  CHECK(run_command(kReprise + " --help >/dev/full").status == kFailed);
}

TEST_CASE("a subcommand's signals, exit status and record are the program's own") {
  const TemporaryFolder folder;
  const std::string run = kReprise + " train --data " + kFixture + " --train-images 256";
  const CommandResult stopped = run_command_until(
      run + " --epochs 50 --threads 1 --output " + (folder / "a.h5"), SIGINT,
      [](const std::string& out) { return out.find("epoch 1/50") != std::string::npos; });
  INFO(stopped.out << stopped.err);
  CHECK(stopped.status == 130);
  CHECK(run_command(kReprise + " verify " + (folder / "none.h5")).status == 4);
  REQUIRE(run_command(run + " --epochs 1 --output " + (folder / "b.h5")).status == 0);
  CHECK(run_command(kReprise + " verify --data " + kFixture + " " + (folder / "b.h5")).status == 0);
  // It can be pasted, and the program has the name that it has everywhere.
  const Record record = load_record(folder / "b.h5", "training");
  const Group& environment = record.group("environment");
  CHECK_THAT(environment.attribute<std::string>("command_line"),
             Catch::StartsWith("reprise train --data "));
  CHECK(environment.attribute<std::string>("program") == "train_lenet5");
}

TEST_CASE("only the command's own names are taken from argv[0]") {
  const auto called = [](const char* word) { return called_name("own", 1, &word); };
  CHECK(called("reprise train") == "reprise train");
  CHECK(called("reprise time-alexnet") == "reprise time-alexnet");
  for (const char* word : {"", "reprise", "reprise ", "reprise a b", "reprise \x1b[2J",
                           "/usr/bin/reprise train", "build/release/experiments/verify"}) {
    INFO(word);
    CHECK(called(word) == "own");
  }
  CHECK(called_name("own", 0, nullptr) == "own");
}

TEST_CASE("what completion asks for names options, forms and values, on every machine the same") {
  std::string text, simd = "best";
  bool flag = false;
  std::vector<std::string> operands;
  CommandLine line("reprise test", "Tests. Or does not.");
  line.add_text("--name", text, "a name");
  line.set_choices("--name", {"a", "b"});
  line.add_flag("--flag", flag, "yes -- or no");
  line.add_text("--simd", simd, "one of: HERE");
  line.set_in_manual("--simd", "what is there", "one of many");
  line.add_operands("FILE", operands, {1, 2}, "files");
  line.set_operand_choices({"x"});
  line.set_footer("Notes flow.\n  as it is\nOn.\n\nExample:\n  test --name a\nAfter.");
  CHECK(line.option_lines() ==
        "--help -\n--version -\n--name TEXT a b\n--flag -\n--simd TEXT\nFILE x\n");
  const std::string manual = line.manual();
  CHECK_THAT(manual, Catch::Contains("reprise\\-test \\- tests\n") &&
                         Catch::Contains(".B reprise test\n[\\fIOPTION\\fR]... FILE...\n") &&
                         Catch::Contains("\\fB\\-\\-flag\\fR\nyes \\-\\- or no\n") &&
                         Catch::Contains("one of many\n[what is there]\n") &&
                         Catch::Contains(".SH NOTES\nNotes flow.\n.PP\n.nf\n  as it is\n.fi\n") &&
                         Catch::Contains(".SH EXAMPLES\n.nf\n  test \\-\\-name a\n.fi\n"));
  CHECK_THAT(manual, !Catch::Contains("HERE"));
}
