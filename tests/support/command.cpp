#include "support/command.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

#include "support/temporary_folder.hpp"

namespace reprise::test {
namespace {

std::string redirected(const std::string& command, const TemporaryFolder& folder) {
  return command + " >" + (folder / "out") + " 2>" + (folder / "err") + " </dev/null";
}

CommandResult collect(int wait_status, const TemporaryFolder& folder) {
  CommandResult result;
  result.status = WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
  result.out = read_file(folder / "out");
  result.err = read_file(folder / "err");
  return result;
}

}  // namespace

std::string CommandResult::last_line() const {
  std::string text = out;
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

CommandResult run_command(const std::string& command) {
  const TemporaryFolder folder;
  return collect(std::system(redirected("( " + command + " )", folder).c_str()), folder);
}

CommandResult run_command_until(const std::string& command, int signal,
                                const std::function<bool(const std::string& out)>& when) {
  const TemporaryFolder folder;
  const std::string line = "exec " + redirected(command, folder);
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("cannot start " + command);
  if (child == 0) {
    execl("/bin/sh", "sh", "-c", line.c_str(), static_cast<char*>(nullptr));
    _exit(127);
  }
  bool sent = false;
  int status = 0;
  while (waitpid(child, &status, sent ? 0 : WNOHANG) == 0) {
    sent = when(read_file(folder / "out"));
    if (sent) {
      kill(child, signal);
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  return collect(status, folder);
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::string& path, const std::string& contents) {
  std::ofstream(path, std::ios::binary) << contents;
}

}  // namespace reprise::test
