// Progress on terminals of any width and in logs, and command lines that are kept to be pasted.
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <thread>

#include "reprise/core/terminal.hpp"
#include "reprise/core/text.hpp"
#include "reprise/record_file/record_file.hpp"
#include "support/catch.hpp"
#include "support/command.hpp"
#include "support/program.hpp"
#include "support/temporary_folder.hpp"
#include "support/text.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

constexpr double kLineSeconds = 0.25;
constexpr const char* kProgress = "epoch 1/12  step 999/1000  12345 images/s  12 min 30 s left";

struct Terminal {
  unsigned short columns = 80;
  const char* type = "xterm";
  const char* columns_variable = nullptr;
};

/// What `work` writes to such a terminal. `meanwhile` gets the terminal's descriptor and what was
/// written so far, again and again.
std::string on_terminal(
    const Terminal& terminal, const std::function<void()>& work,
    const std::function<void(int, const std::string&)>& meanwhile = [](int, const auto&) {}) {
  const winsize size{40, terminal.columns, 0, 0};
  int descriptor = -1;
  std::fflush(stdout);  // what Catch has not written yet would be the child's too
  const pid_t child = forkpty(&descriptor, nullptr, nullptr, &size);
  if (child < 0) throw std::runtime_error("no terminal");
  if (child == 0) {
    setenv("TERM", terminal.type, 1);
    unsetenv("COLUMNS");
    if (terminal.columns_variable != nullptr) setenv("COLUMNS", terminal.columns_variable, 1);
    work();
    _exit(0);
  }
  std::string written;
  char buffer[4096];
  for (ssize_t count = 0; (count = read(descriptor, buffer, sizeof buffer)) > 0;) {
    written.append(buffer, static_cast<std::size_t>(count));
    meanwhile(descriptor, written);
  }
  close(descriptor);
  int status = 0;
  waitpid(child, &status, 0);
  if (status != 0) throw std::runtime_error("the child failed: " + written);
  return written;
}

/// The columns that the cursor was moved to at most, from `begin` on.
std::size_t widest(const std::string& written, std::size_t begin = 0) {
  std::size_t column = 0, most = 0;
  for (std::size_t i = begin; i < written.size(); ++i) {
    if (written.compare(i, 3, "\x1b[K") == 0) {
      i += 2;
    } else if (written[i] == '\r' || written[i] == '\n') {
      column = 0;
    } else {
      most = std::max(most, ++column);
    }
  }
  return most;
}

/// Progress for `count` times a tenth of a second.
void show_progress(int count) {
  ProgressLine progress(kLineSeconds);
  for (int i = 0; i < count; ++i) {
    progress.show(kProgress);
    std::this_thread::sleep_for(std::chrono::milliseconds(110));
  }
}

}  // namespace

TEST_CASE("progress leaves out its middle on a narrow terminal, and is then cut") {
  CHECK(progress_text(kProgress, 100) == kProgress);
  CHECK(progress_text(kProgress, 45) == "epoch 1/12  step 999/1000  12 min 30 s left");
  CHECK(progress_text(kProgress, 30) == "epoch 1/12  12 min 30 s left");
  CHECK(progress_text(kProgress, 20) == "epoch 1/12");
  CHECK(progress_text(kProgress, 4) == "epoc");
  CHECK(progress_text(kProgress, 0).empty());
}

TEST_CASE("progress is never as wide as the terminal, whatever says how wide that is") {
  for (const unsigned short columns : std::initializer_list<unsigned short>{1, 2, 20, 40, 60, 80}) {
    const std::string written = on_terminal({columns}, [] { show_progress(2); });
    INFO(columns << ": " << printable(written));
    CHECK(widest(written) < columns);
    CHECK(count_of(written, "\n") == 0);
    if (columns >= 20) CHECK(count_of(written, "epoch 1/12") == 2);
  }
  CHECK(widest(on_terminal({80, "xterm", "30"}, [] { show_progress(1); })) == 28);
  CHECK(widest(on_terminal({30, "xterm", "200"}, [] { show_progress(1); })) == 28);
  CHECK(widest(on_terminal({0, "xterm", "30"}, [] { show_progress(1); })) == 28);
  CHECK(widest(on_terminal({0, "xterm", "x"}, [] { show_progress(1); })) ==
        std::string(kProgress).size());
}

TEST_CASE("progress follows a terminal that is made narrower") {
  std::size_t narrow_from = 0;
  const std::string written = on_terminal(
      {80}, [] { show_progress(8); },
      [&](int terminal, const std::string& so_far) {
        if (narrow_from > 0) return;
        const winsize size{40, 20, 0, 0};
        ioctl(terminal, TIOCSWINSZ, &size);
        narrow_from = so_far.size();
      });
  INFO(printable(written));
  CHECK(widest(written.substr(0, narrow_from)) == std::string(kProgress).size());
  const std::size_t next = written.find('\r', narrow_from);
  REQUIRE(next != std::string::npos);
  CHECK(count_of(written.substr(next), "epoch 1/12") > 1);
  // One line may have been under way when the size changed.
  const std::size_t after = written.find('\r', next + 1);
  CHECK(widest(written.substr(after)) == 10);
}

TEST_CASE("where no line can be rewritten, progress is whole lines at intervals") {
  for (const char* type : {"dumb", ""}) {
    const double started = steady_seconds();
    const std::string written = on_terminal({20, type}, [] { show_progress(8); });
    const double seconds = steady_seconds() - started;
    INFO(printable(written));
    const std::size_t lines = count_of(written, "\n");
    CHECK(lines >= 2);
    CHECK(static_cast<double>(lines) * kLineSeconds <= seconds);
    CHECK(count_of(written, std::string(kProgress) + "\r\n") == lines);  // the terminal adds \r
    CHECK(written.size() == lines * (std::string(kProgress).size() + 2));
  }
  const TemporaryFolder folder;
  const std::string file = folder / "log";
  on_terminal({80}, [&] {
    if (std::freopen(file.c_str(), "w", stdout) == nullptr) _exit(1);
    show_progress(8);
  });
  const std::string log = test::read_file(file);
  const std::size_t lines = count_of(log, std::string(kProgress) + "\n");
  CHECK(lines >= 2);
  CHECK(log.size() == lines * (std::string(kProgress).size() + 1));
}

TEST_CASE("a line that is printed over progress, or an error, wipes it first") {
  const std::string written = on_terminal({80}, [] {
    ProgressLine progress;
    progress.show(kProgress);
    print_error_line("a warning");
    print_line("a line");
  });
  INFO(printable(written));
  CHECK(written == std::string("\r\x1b[K") + kProgress + "\r\x1b[Ka warning\r\na line\r\n");
}

TEST_CASE("train_lenet5 wraps nothing on a narrow terminal and draws nothing on a dumb one") {
  const TemporaryFolder folder;
  const std::string output = folder / "a.h5";
  const std::string program = kPrograms + "train_lenet5";
  for (const char* type : {"xterm", "dumb"}) {
    const std::string written = on_terminal({40, type}, [&] {
      execl(program.c_str(), program.c_str(), "--data", kFixture.c_str(), "--epochs", "3",
            "--batch-size", "4", "--force", "--output", output.c_str(), nullptr);
      _exit(127);
    });
    INFO(type << ": " << printable(written));
    const bool in_place = std::string(type) == "xterm";
    CHECK((count_of(written, "\x1b[K") > 3) == in_place);
    CHECK((count_of(written, "\r\x1b[Kepoch 1/3  step") > 0) == in_place);
    CHECK(count_of(written, " left") == count_of(written, " left\r"));
    for (std::size_t at = written.find("\x1b[K"); at != written.npos;
         at = written.find("\x1b[K", at + 1)) {
      const std::string drawn = written.substr(at + 3, written.find('\r', at) - at - 3);
      if (drawn.find(" left") != drawn.npos) CHECK(drawn.size() < 40);
    }
  }
}

TEST_CASE("the command line in a record runs again when it is pasted") {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "my runs");
  const std::string name = "my runs/it's $HOME *.h5";
  const std::string word = "'my runs/it'\\''s $HOME *.h5'";
  const std::string in_folder = "cd " + folder.path() + " && ";
  const auto kept = [&](const std::string& path) {
    return load_record(folder / path).group("environment").attribute<std::string>("command_line");
  };
  const std::string train = kPrograms + "train_lenet5 --data " + kFixture +
                            " --epochs 1 --train-images 128 --force --output " + word;
  const std::string compare = kPrograms +
                              "compare_convolutions --algorithms direct --passes forward "
                              "--check-only '--benchmark_filter=(conv1|conv2)/' --force --record " +
                              word;
  for (const std::string& command : {train, compare}) {
    const CommandResult first = run_command(in_folder + command);
    INFO(first.err);
    REQUIRE(first.status == 0);
    CHECK(kept(name) == command);
    const CommandResult again = run_command(in_folder + kept(name));
    CHECK(again.status == 0);
    CHECK(again.last_line() == first.last_line());
  }
  const std::string study = kPrograms + "study dropout --data " + kFixture +
                            " --quick --seeds 1 --force --store " + "'my runs/a $study'";
  const CommandResult result = run_command(in_folder + study);
  INFO(result.err);
  REQUIRE(result.status == 0);
  int records = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "my runs/a $study/runs")) {
    CHECK(kept("my runs/a $study/runs/" + entry.path().filename().string()) == study);
    ++records;
  }
  CHECK(records > 1);
}
