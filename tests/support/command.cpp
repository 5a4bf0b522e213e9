#include "support/command.hpp"

#include <sys/wait.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "support/temporary_folder.hpp"

namespace reprise::test {

std::string CommandResult::last_line() const {
  std::string text = out;
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

CommandResult run_command(const std::string& command) {
  const TemporaryFolder folder;
  const std::string line =
      "( " + command + " ) >" + (folder / "out") + " 2>" + (folder / "err") + " </dev/null";
  const int raw = std::system(line.c_str());
  CommandResult result;
  result.status = WIFSIGNALED(raw) ? 128 + WTERMSIG(raw) : WEXITSTATUS(raw);
  result.out = read_file(folder / "out");
  result.err = read_file(folder / "err");
  return result;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::string& path, const std::string& contents) {
  std::ofstream(path, std::ios::binary) << contents;
}

}  // namespace reprise::test
