// The command on the PATH: `reprise train ...` becomes the program train_lenet5, and so on.
//
// The programs are in libexec/reprise beside bin, where this command is. Each takes this process'
// place, so that signals, exit status and output are its own, and goes by "reprise train" in what
// it prints.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "reprise/core/command_line.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/terminal.hpp"
#include "reprise/core/version.hpp"
#include "reprise/run/provenance.hpp"

namespace reprise {
namespace {

struct Subcommand {
  const char* name;
  const char* program;
  const char* summary;
};
constexpr std::array kSubcommands = {
    Subcommand{"train", "train_lenet5", "train a network and save the record of the run"},
    Subcommand{"study", "study", "train the variants of a study, a record per run"},
    Subcommand{"verify", "verify", "run a record's configuration again and compare to the bit"},
    Subcommand{"evaluate", "evaluate", "apply the trained network of a record to other images"},
    Subcommand{"export", "export_model",
               "export a record's trained network to ONNX, npz, safetensors or Keras"},
    Subcommand{"compare", "compare_records", "say whether two records agree, or where they differ"},
    Subcommand{"report", "write_report", "write a report from records"},
    Subcommand{"audit", "audit", "check a store of runs and its report against their plans"},
    Subcommand{"bench", "compare_convolutions", "check and time the convolution algorithms"},
    Subcommand{"time-alexnet", "time_alexnet", "time training steps of AlexNet"}};

std::vector<std::string> names() {
  std::vector<std::string> result;
  for (const Subcommand& subcommand : kSubcommands) result.emplace_back(subcommand.name);
  return result;
}

std::string help() {
  std::string text =
      "Reproducible experiments with convolutional networks.\n\n"
      "Usage: reprise SUBCOMMAND [OPTIONS]\n\nSubcommands:\n";
  for (const Subcommand& subcommand : kSubcommands) {
    std::string start = std::string("  ") + subcommand.name;
    start.resize(std::max<std::size_t>(start.size() + 2, 18), ' ');
    text += start + subcommand.summary + "\n";
  }
  return text +
         "\n  help SUBCOMMAND (or SUBCOMMAND --help) describes one with all its options.\n"
         "  --version prints the version and the commit that it was built from.\n\n"
         "Example:\n  reprise train --seed 1 --epochs 5 --output lenet5.h5\n"
         "  reprise verify lenet5.h5\n  reprise report --output report lenet5.h5\n";
}

/// A manual page like those of the subcommands.
std::string manual() {
  std::string about = "Each subcommand has a manual page of its own:\n";
  CommandLine line("reprise", "Runs reproducible experiments with convolutional networks.");
  std::vector<std::string> operands;
  for (const Subcommand& subcommand : kSubcommands) {
    about += std::string("  reprise-") + subcommand.name + "(1)  " + subcommand.summary + "\n";
  }
  line.add_operands("SUBCOMMAND", operands, {1}, "what to do, with its options and operands");
  line.set_footer(about +
                  "\n\"reprise help SUBCOMMAND\" prints its options. The exit status is the "
                  "subcommand's; 2 if there is none\nof that name.\n\nExample:\n"
                  "  reprise train --seed 1 --epochs 5 --output lenet5.h5\n"
                  "  reprise verify lenet5.h5");
  return line.manual();
}

/// Where the programs are, seen from this command: as installed, or in the folder of a build.
std::filesystem::path program_path(const std::string& program) {
  namespace fs = std::filesystem;
  std::error_code none;
  const fs::path command = fs::read_symlink("/proc/self/exe", none);
  if (command.empty()) throw Error("/proc", "does not say where this command is", "/proc mounted");
  const fs::path folder = command.parent_path();
  for (const char* place : {REPRISE_PROGRAMS_FROM_COMMAND, "../libexec/reprise"}) {
    fs::path path = (folder / place / program).lexically_normal();
    if (fs::exists(path, none)) return path;
  }
  throw Error((folder / REPRISE_PROGRAMS_FROM_COMMAND / program).lexically_normal().string(),
              "is not there", "the programs that were installed with this command");
}

/// Becomes the program of the subcommand.
[[noreturn]] void become(const Subcommand& subcommand, const std::vector<std::string>& arguments) {
  const std::string program = program_path(subcommand.program).string();
  std::vector<std::string> words = {std::string("reprise ") + subcommand.name};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  execv(program.c_str(), pointers.data());
  throw Error(program, "cannot be started: " + std::generic_category().message(errno),
              "the programs that were installed with this command");
}

const Subcommand& find(const std::string& name) {
  for (const Subcommand& subcommand : kSubcommands) {
    if (subcommand.name == name) return subcommand;
  }
  throw UsageError("subcommand", "\"" + name + "\"",
                   "one of " + join(names()) + "; nearest is " + nearest_name(name, names()));
}

int run(const std::vector<std::string>& words) {
  if (words.empty()) {
    throw UsageError("command line", "no subcommand", "one of " + join(names()) + ", or --help");
  }
  const std::string& first = words.front();
  if (first == "--version") {
    print_line("reprise " + std::string(version()) + " (commit " + source_version().commit + ")");
  } else if (first == "--help=man") {
    print_lines(manual());
  } else if (first == "--help=options") {
    print_lines(join(names(), "\n") + "\nhelp\n--help\n--version\n");
  } else if (first == "--help" || first == "-h" || (first == "help" && words.size() == 1)) {
    print_lines(help());
  } else if (first == "help") {
    become(find(words[1]), {"--help"});
  } else {
    become(find(first), {words.begin() + 1, words.end()});
  }
  if (!output_is_written()) {
    throw Error("standard output", "cannot be written", "room for what is printed");
  }
  return 0;
}

}  // namespace
}  // namespace reprise

int main(int argc, char** argv) {
  try {
    return reprise::run({argv + std::min(argc, 1), argv + argc});
  } catch (const reprise::UsageError& error) {
    reprise::print_error_line(std::string("reprise: ") + error.what());
    return reprise::kBadUsage;
  } catch (const std::exception& error) {
    reprise::print_error_line(std::string("reprise: ") + error.what());
    return reprise::kFailed;
  }
}
