// record: the process that reads records, what it says, and what becomes of it.
#include "reprise/record_file/reader_process.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>

#include "reprise/core/random.hpp"
#include "reprise/record_file/reader_program.hpp"
#include "reprise/record_file/record_file.hpp"
#include "support/catch.hpp"
#include "support/command.hpp"
#include "support/errors.hpp"
#include "support/sample_record.hpp"
#include "support/temporary_folder.hpp"
#include "support/without_seccomp.hpp"

using namespace reprise;
using namespace reprise::details;
using reprise::test::CommandResult;
using reprise::test::error_of;
using reprise::test::hide_seccomp;
using reprise::test::is_line_with;
using reprise::test::run_command;
using reprise::test::sample_record;
using reprise::test::TemporaryFolder;

namespace {

namespace fs = std::filesystem;

using Stream = std::vector<std::byte>;

Stream encoded(const ReaderMessage& message) {
  Stream stream;
  encode(message, [&](std::span<const std::byte> bytes) {
    stream.insert(stream.end(), bytes.begin(), bytes.end());
  });
  return stream;
}

/// An executable shell script.
std::string script(const TemporaryFolder& folder, const std::string& body) {
  const std::string path = folder / "reader";
  test::write_file(path, "#!/bin/sh\n" + body + "\n");
  chmod(path.c_str(), 0755);
  return path;
}

/// What load_record says of a whole record if this script reads it.
std::string error_with_reader(const TemporaryFolder& folder, const std::string& body) {
  save_record(sample_record(), folder / "record.h5", Overwrite::yes);
  LoadOptions options;
  options.reader = script(folder, body);
  return error_of([&] { load_record(folder / "record.h5", options); });
}

/// What reading gives if this script reads and has half a second.
std::string failure_in_half_a_second(const TemporaryFolder& folder, const std::string& body) {
  ReaderCall call{script(folder, body), true, reading_limits(1)};
  call.limits.wall_seconds = 0.5;
  try {
    read_in_process({}, call);
  } catch (const ReaderFailure& failure) {
    return failure.what();
  }
  return "";
}

std::ptrdiff_t open_descriptors() {
  return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
}

/// Whether this process has a child, ended or not.
bool has_child() {
  return waitpid(-1, nullptr, WNOHANG) >= 0 || errno != ECHILD;
}

/// Whether a process is there and has not ended.
bool runs(const std::string& process) {
  const std::string status = test::read_file("/proc/" + process + "/status");
  return !status.empty() && status.find("State:\tZ") == std::string::npos;
}

/// A program run under a kernel that has no seccomp, as far as the program can tell.
CommandResult run_without_seccomp(const std::string& command) {
  const TemporaryFolder folder;
  const pid_t child = fork();
  if (child == 0) {
    if (!hide_seccomp()) _exit(77);
    const std::string line = command + " >" + (folder / "out") + " 2>" + (folder / "err");
    execl("/bin/sh", "sh", "-c", line.c_str(), static_cast<char*>(nullptr));
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return {WEXITSTATUS(status), test::read_file(folder / "out"), test::read_file(folder / "err")};
}

const std::string kCompare = REPRISE_BINARY_DIR "/experiments/compare_records ";

}  // namespace

// ---- the stream

TEST_CASE("messages come back from their streams") {
  const Record record = sample_record();
  const Stream stream = encoded(record);
  CHECK(stream.size() == stream_size(record));
  const Record back = std::get<Record>(decode(stream));
  CHECK(differences(record, back).empty());
  CHECK(differences(record.group("environment"), back.group("environment")).empty());

  const Refusal refusal = std::get<Refusal>(decode(encoded(Refusal{"given", "expected"})));
  CHECK(refusal.given == "given");
  CHECK(refusal.expected == "expected");
  CHECK(std::get<NotConfined>(decode(encoded(NotConfined{"why"}))).reason == "why");
}

TEST_CASE("every truncation of a stream is refused, and so is a byte more") {
  Stream stream = encoded(sample_record());
  for (std::size_t size = 0; size < stream.size(); size += size < 4000 ? 1 : 101) {
    const auto cut = std::span(stream).first(size);
    if (error_of([&] { decode(cut); }).empty()) FAIL("cut to " << size << " bytes, it decodes");
  }
  stream.push_back(std::byte{0});
  CHECK(is_line_with(error_of([&] { decode(stream); }), "after its end"));
}

TEST_CASE("a mutated stream is refused, or is the stream of the tree that it gives") {
  Record record = sample_record();
  record.groups.erase("evaluation");  // its many values are only ever other values
  const Stream original = encoded(record);
  const RandomStream stream = RandomStream(1).child("mutations of a stream");
  int refused = 0, other = 0;
  for (std::uint64_t i = 0; i < 20000; ++i) {
    const RandomStream draw = stream.child(i);
    Stream bytes = original;
    for (std::uint64_t change = 0; change <= draw.below(4, 0); ++change) {
      const std::uint64_t value = draw.below(3, 3 * change + 2);
      const std::uint64_t byte = value == 0   ? draw.below(256, 3 * change + 3)
                                 : value == 1 ? 0
                                              : 255;
      bytes[draw.below(bytes.size(), 3 * change + 1)] = static_cast<std::byte>(byte);
    }
    try {
      const ReaderMessage message = decode(bytes);
      ++other;
      if (encoded(message) != bytes) FAIL("mutation " << i << " gives another stream");
    } catch (const Error&) {
      ++refused;
    }
  }
  CHECK(refused > 1000);
  CHECK(other > 1000);
}

TEST_CASE("a stream's sizes are believed only as far as it has bytes") {
  // A record with 2^60 attributes, datasets or groups, and a text of 2^60 bytes.
  const std::uint64_t many = std::uint64_t{1} << 60;
  for (const std::size_t counts : {0, 1, 2}) {
    Stream stream(1 + 8 * counts, std::byte{0});
    stream[0] = std::byte{1};
    const auto bytes = std::as_bytes(std::span(&many, 1));
    stream.insert(stream.end(), bytes.begin(), bytes.end());
    CHECK(is_line_with(error_of([&] { decode(stream); }), "too early"));
    stream.resize(stream.size() + 100);
    CHECK(is_line_with(error_of([&] { decode(stream); }), "too early"));
  }
  Stream text = {std::byte{3}};
  const auto bytes = std::as_bytes(std::span(&many, 1));
  text.insert(text.end(), bytes.begin(), bytes.end());
  CHECK(is_line_with(error_of([&] { decode(text); }), "too early"));
  CHECK(is_line_with(error_of([&] { decode(Stream{std::byte{9}}); }), "unknown message"));
}

TEST_CASE("groups too deep are refused when a record is saved, and in a stream") {
  const auto nested = [](int depth) {
    Record record;
    Group* group = &record;
    for (int i = 0; i < depth; ++i) group = &group->groups["g"];
    return record;
  };
  const TemporaryFolder folder;
  save_record(nested(kDeepestGroup), folder / "deep.h5");
  CHECK(differences(load_record(folder / "deep.h5"), nested(kDeepestGroup)).empty());
  const auto save = [&] { save_record(nested(kDeepestGroup + 1), folder / "deeper.h5"); };
  CHECK(is_line_with(error_of(save), "groups in groups"));
  CHECK(folder.names() == std::vector<std::string>{"deep.h5"});

  const Stream level = {std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0},
                        std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0},
                        std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0},
                        std::byte{0}, std::byte{1}, std::byte{0}, std::byte{0}, std::byte{0},
                        std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0},
                        std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0},
                        std::byte{0}, std::byte{0}};  // a group "" in a group
  Stream stream = {std::byte{1}};
  for (int i = 0; i < 1000; ++i) stream.insert(stream.end(), level.begin(), level.end());
  CHECK(is_line_with(error_of([&] { decode(stream); }), "too deep"));
}

// ---- the process

TEST_CASE("a reader that dies, says nonsense or nothing is one line that names the record") {
  const TemporaryFolder folder;
  const auto line = [&](const std::string& body) { return error_with_reader(folder, body); };
  const std::string path = folder / "record.h5";
  CHECK(is_line_with(line("kill -SEGV $$"), path, "crashed", "Segmentation fault", "hostile"));
  CHECK(is_line_with(line("kill -ABRT $$"), path, "crashed", "Aborted"));
  CHECK(is_line_with(line("kill -KILL $$"), path, "system end"));
  CHECK(is_line_with(line("kill -XCPU $$"), path, "too much time"));
  CHECK(is_line_with(line("exit 3"), path, "status 3"));
  CHECK(is_line_with(line("exit 0"), path, "no sense"));
  CHECK(is_line_with(line("echo identical"), path, "no sense"));
  CHECK(is_line_with(line("exec cat"), path, "no sense"));
  CHECK(is_line_with(line("exec cat /dev/zero"), path, "more than a file of its size"));
  CHECK(is_line_with(line("printf '\\003\\003\\0\\0\\0\\0\\0\\0\\0why'"), path, "why",
                     "--unconfined"));
  // A refusal's text is not trusted to be short, or text.
  CHECK(
      is_line_with(line("printf '\\002\\003\\0\\0\\0\\0\\0\\0\\0a\\377b\\0\\0\\0\\0\\0\\0\\0\\0'"),
                   path, "a\\xffb"));
}

TEST_CASE("a reader that hangs is ended in time, with all that it started") {
  const TemporaryFolder folder;
  const auto begin = std::chrono::steady_clock::now();
  CHECK(failure_in_half_a_second(folder, "sleep 60 & echo $! >\"${0%/*}/pid\"; exec sleep 60") ==
        "took too long to read");
  // Its output closed, or kept open by what it left behind.
  CHECK(failure_in_half_a_second(folder, "exec >&-; exec sleep 60") ==
        "did not let the reader of records end");
  CHECK(failure_in_half_a_second(folder, "sleep 60 & exit 0") == "took too long to read");
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20));
  const std::string left = test::read_file(folder / "pid");
  REQUIRE(!left.empty());
  CHECK_FALSE(runs(left.substr(0, left.size() - 1)));
}

TEST_CASE("a reader has a group of its own, three descriptors, no environment, default signals") {
  const TemporaryFolder folder;
  REQUIRE(fcntl(STDIN_FILENO, F_GETFD) >= 0);
  const int leaked = fcntl(STDIN_FILENO, F_DUPFD, 57);
  REQUIRE(leaked >= 57);
  setenv("REPRISE_TEST_SECRET", "x", 1);
  signal(SIGUSR1, SIG_IGN);
  CHECK(is_line_with(error_with_reader(folder, "kill -KILL 0"), "system end"));
  const std::string descriptor = "/proc/$$/fd/" + std::to_string(leaked);
  CHECK(is_line_with(error_with_reader(folder, "[ -e " + descriptor + " ] || exit 5"), "status 5"));
  CHECK(is_line_with(error_with_reader(folder, "env | grep -q SECRET || exit 5"), "status 5"));
  CHECK(is_line_with(error_with_reader(folder, "kill -USR1 $$"), "User defined signal 1"));
  signal(SIGUSR1, SIG_DFL);
  close(leaked);
}

TEST_CASE("loading leaves no process and no descriptor, whatever the reader does") {
  const TemporaryFolder folder;
  save_record(sample_record(), folder / "record.h5");
  const std::ptrdiff_t before = open_descriptors();
  for (int i = 0; i < 3; ++i) load_record(folder / "record.h5");
  for (const char* body : {"exit 0", "kill -SEGV $$", "exec cat /dev/zero"}) {
    CHECK_FALSE(error_with_reader(folder, body).empty());
  }
  CHECK_FALSE(failure_in_half_a_second(folder, "exec sleep 60").empty());
  CHECK_FALSE(failure_in_half_a_second(folder, "exec >&-; exec sleep 60").empty());
  LoadOptions none;
  none.reader = folder / "none";
  CHECK(is_line_with(error_of([&] { load_record(folder / "record.h5", none); }), "none"));
  CHECK_FALSE(has_child());
  CHECK(open_descriptors() == before);
}

TEST_CASE("records load where nobody is told how a child ends, and without standard descriptors") {
  const TemporaryFolder folder;
  save_record(sample_record(), folder / "record.h5");
  signal(SIGCHLD, SIG_IGN);
  CHECK(differences(load_record(folder / "record.h5"), sample_record()).empty());
  signal(SIGCHLD, SIG_DFL);
  const std::string record = folder / "record.h5";
  CHECK(run_command(kCompare + record + " " + record + " <&- 2>&-").status == 0);
}

TEST_CASE("the reader can open, start, signal and reach nothing, and has little memory") {
  const CommandResult result = run_command(reader_program() + " --self-test | cat");
  CAPTURE(result.out, result.err);
  CHECK(result.out.find("ALLOWED") == std::string::npos);
  for (const char* what : {"openat", "fork", "clone3", "execve", "socket", "kill", "mapped file",
                           "executable memory", "write elsewhere"}) {
    CHECK(result.out.find(std::string("refused ") + what + "\n") != std::string::npos);
  }
#ifndef REPRISE_SANITIZED
  CHECK(result.out.find("refused memory\n") != std::string::npos);
#endif
}

TEST_CASE("where the kernel does not confine the reader, a record is read on request only") {
  const TemporaryFolder folder;
  save_record(sample_record(), folder / "r.h5");
  const std::string records = (folder / "r.h5") + " " + (folder / "r.h5");
  const CommandResult refused = run_without_seccomp(kCompare + records);
  CHECK(refused.status == 1);
  CHECK(std::count(refused.err.begin(), refused.err.end(), '\n') == 1);
  CHECK(refused.err.find("--unconfined") != std::string::npos);
  const CommandResult read = run_without_seccomp(kCompare + "--unconfined " + records);
  CHECK(read.status == 0);
  CHECK(read.err.empty());
}

TEST_CASE("the reader is found beside a program, and must be its owner's alone to change") {
  const TemporaryFolder folder;
  save_record(sample_record(), folder / "r.h5");
  const std::string command =
      (folder / "compare") + " " + (folder / "r.h5") + " " + (folder / "r.h5");
  fs::copy_file(REPRISE_BINARY_DIR "/experiments/compare_records", folder / "compare");
  const CommandResult alone = run_command(command);
  CHECK(alone.status == 1);
  CHECK(std::count(alone.err.begin(), alone.err.end(), '\n') == 1);
  CHECK(alone.err.find("reprise_record_reader") != std::string::npos);

  const std::string beside = folder / "reprise_record_reader";
  fs::copy_file(reader_program(), beside);
  CHECK(run_command(command).status == 0);
  chmod(beside.c_str(), 0757);
  CHECK(run_command(command).status == 1);
}
