#include "gnuplot.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "reprise/core/error.hpp"

extern char** environ;

namespace reprise::reports {
namespace {

namespace fs = std::filesystem;

/// A private folder that goes with the object.
class ScratchFolder {
 public:
  ScratchFolder() : path_((fs::temp_directory_path() / "write_report-XXXXXX").string()) {
    if (mkdtemp(path_.data()) == nullptr) {
      throw Error(path_, std::strerror(errno), "a place for temporary files");
    }
  }
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

std::string contents(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

/// Runs `program argument`, its output and errors into files; its exit status, or Error.
int run_program(const char* program, const std::string& argument, const std::string& output,
                const std::string& errors) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const int flags = O_WRONLY | O_CREAT | O_TRUNC;
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output.c_str(), flags, 0600);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errors.c_str(), flags, 0600);
  std::string name = program;
  std::string no_user_settings = "-d";
  std::string script = argument;
  char* arguments[] = {name.data(), no_user_settings.data(), script.data(), nullptr};
  pid_t child = 0;
  const int failure = posix_spawnp(&child, program, &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failure != 0) {
    throw Error(program, std::strerror(failure),
                "it on the PATH (Debian's package gnuplot-nox has it)");
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

std::string preamble(const Plot& plot) {
  return fmt::format(
      "set encoding utf8\n"
      "set terminal svg size {},{} fixed noenhanced font 'sans-serif,13' background '{}' name "
      "'{}'\n"
      "set border 3 lc rgb '{}' lw 1\n"
      "set tics nomirror out scale 0.5\n"
      "set grid y lt 1 lc rgb '{}' lw 1\n"
      "set key outside top center horizontal samplen 2.5\n",
      plot.size.width, plot.size.height, colour::kPaper, plot.name, colour::kQuiet, colour::kGrid);
}

}  // namespace

Panel draw(const Plot& plot) {
  const ScratchFolder folder;
  std::ofstream(folder.file("commands")) << preamble(plot) << plot.commands;
  const int status =
      run_program("gnuplot", folder.file("commands"), folder.file("output"), folder.file("errors"));
  const std::string svg = contents(folder.file("output"));
  if (status != 0 || svg.find("</svg>") == std::string::npos) {
    throw Error("gnuplot, figure " + plot.name, contents(folder.file("errors")), "an SVG drawing");
  }
  return {plot.name, tidy_gnuplot(svg, plot.name, plot.alt), plot.alt};
}

std::string data_block(std::string_view name, const std::vector<std::vector<std::string>>& rows) {
  std::string block = fmt::format("${} << EOD\n", name);
  for (const std::vector<std::string>& row : rows) {
    block += fmt::format("{}\n", fmt::join(row, " "));
  }
  return block + "EOD\n";
}

std::string plot_number(double value) {
  return std::isfinite(value) ? fmt::format("{}", value) : "NaN";
}

std::string plot_text(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c == '\n' ? ' ' : c;
  }
  return quoted + "\"";
}

std::int64_t tick_step(std::int64_t range) {
  for (std::int64_t power = 1;; power *= 10) {
    for (const std::int64_t factor : {1, 2, 5}) {
      if (range <= 10 * factor * power) return factor * power;
    }
  }
}

}  // namespace reprise::reports
