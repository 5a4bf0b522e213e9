// core: text, and files written whole or not at all.
#include "reprise/core/file.hpp"

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "reprise/core/text.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/file_size_limit.hpp"
#include "support/skip.hpp"
#include "support/temporary_folder.hpp"

using namespace reprise;
using reprise::test::bytes_of;
using reprise::test::error_of;
using reprise::test::FileBytes;
using reprise::test::FileSizeLimit;
using reprise::test::is_line_with;
using reprise::test::TemporaryFolder;
using reprise::test::write_bytes;

namespace {

std::span<const std::byte> as_bytes(const FileBytes& bytes) {
  return std::as_bytes(std::span(bytes));
}

/// Until its end, a process of root's has the rights of nobody.
class NoPrivileges {
 public:
  NoPrivileges() : was_root_(geteuid() == 0) {
    if (was_root_) REQUIRE(seteuid(65534) == 0);
  }
  ~NoPrivileges() {
    if (was_root_) [[maybe_unused]]
      const int restored = seteuid(0);
  }
  NoPrivileges(const NoPrivileges&) = delete;
  NoPrivileges& operator=(const NoPrivileges&) = delete;

 private:
  bool was_root_;
};

}  // namespace

TEST_CASE("text is well-formed UTF-8 without zero bytes") {
  using namespace std::string_literals;
  for (const auto& text :
       {""s, "abc\n"s, "Größe"s, "\u20AC"s, "\U0001F600"s, "\xF4\x8F\xBF\xBF"s}) {
    CHECK(is_text(text));
    CHECK(clean_text(text) == text);
  }
  // a zero byte; a lone continuation; cut short; overlong; a surrogate; beyond U+10FFFF
  for (const auto& bytes : {"a\0b"s, "\x80"s, "\xE2\x82"s, "\xC0\xAF"s, "\xE0\x80\x80"s,
                            "\xED\xA0\x80"s, "\xF4\x90\x80\x80"s, "\xFF"s,
                            "Gr\xF6\xDF"s
                            "e"}) {
    CHECK_FALSE(is_text(bytes));
    CHECK(is_text(clean_text(bytes)));
  }
  CHECK(clean_text("Gr\xF6\xDF"s
                   "e") == "Gr\uFFFD\uFFFDe");
}

TEST_CASE("a file reads back as it was written, whatever its size") {
  const TemporaryFolder folder;
  for (const std::size_t size : {0, 1, 65536, 65537, 1000000}) {
    const FileBytes bytes(size, 7);
    write_file(folder / "file", as_bytes(bytes), Overwrite::yes);
    CHECK(bytes_of(folder / "file") == bytes);
    const std::vector<std::byte> read = read_file(folder / "file");
    CHECK(std::equal(read.begin(), read.end(), as_bytes(bytes).begin(), as_bytes(bytes).end()));
    CHECK(folder.names() == std::vector<std::string>{"file"});
  }
}

TEST_CASE("files without a size are read to their end") {
  CHECK(read_file("/proc/self/status").size() > 100);
}

TEST_CASE("reading says what is in the way") {
  const TemporaryFolder folder;
  CHECK(
      is_line_with(error_of([&] { read_file(folder / "none"); }), folder / "none", "No such file"));
  CHECK(is_line_with(error_of([&] { read_file(folder.path()); }), "Is a directory"));
}

TEST_CASE("a named pipe or a device is refused at once, and a pipe that is open is read") {
  const TemporaryFolder folder;
  REQUIRE(mkfifo((folder / "pipe").c_str(), 0600) == 0);
  for (const std::string& path : {folder / "pipe", std::string("/dev/zero")}) {
    CHECK(is_line_with(error_of([&] { read_file(path); }), path, "is not a regular file"));
  }
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  REQUIRE(write(ends[1], "abc", 3) == 3);
  close(ends[1]);
  CHECK(read_file("/dev/fd/" + std::to_string(ends[0])).size() == 3);
  close(ends[0]);
}

TEST_CASE("a file that is not there, and one that is, are errors of their own") {
  const TemporaryFolder folder;
  CHECK_THROWS_AS(read_file(folder / "none"), FileMissing);
  write_bytes(folder / "file", {1});
  CHECK_THROWS_AS(read_file(folder / "file" + "/below"), Error);
  CHECK_THROWS_AS(write_file(folder / "file", {}), FileExists);
}

TEST_CASE("a file that exists is kept unless it may be overwritten") {
  const TemporaryFolder folder;
  const std::string path = folder / "file";
  write_bytes(path, {1});
  const auto write = [&](Overwrite overwrite) {
    return error_of([&] { write_file(path, as_bytes({2, 3}), overwrite); });
  };
  CHECK(is_line_with(write(Overwrite::no), path, "exists already"));
  CHECK(is_line_with(error_of([&] { check_writable(path, Overwrite::no); }), "exists already"));
  CHECK(bytes_of(path) == FileBytes{1});
  CHECK_NOTHROW(check_writable(path, Overwrite::yes));
  CHECK(bytes_of(path) == FileBytes{1});
  CHECK(write(Overwrite::yes).empty());
  CHECK(bytes_of(path) == FileBytes{2, 3});
  CHECK(folder.names() == std::vector<std::string>{"file"});
}

TEST_CASE("of writers at one time to one new file, exactly one succeeds") {
  const TemporaryFolder folder;
  for (int round = 0; round < 20; ++round) {
    const std::string path = folder / std::to_string(round);
    std::atomic<int> winner = -1;
    std::atomic<int> written = 0;
    std::vector<std::thread> writers;
    for (std::uint8_t i = 0; i < 4; ++i) {
      writers.emplace_back([&, i] {
        if (!error_of([&] { write_file(path, as_bytes({i})); }).empty()) return;
        winner = i;
        ++written;
      });
    }
    for (std::thread& writer : writers) writer.join();
    CHECK(written == 1);
    CHECK(bytes_of(path) == FileBytes{static_cast<std::uint8_t>(winner.load())});
  }
  CHECK(folder.names().size() == 20);
}

TEST_CASE("what is no regular file is never replaced") {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "inner");
  REQUIRE(mkfifo((folder / "pipe").c_str(), 0600) == 0);
  std::filesystem::create_symlink("nowhere", folder / "link");
  for (const std::string name : {"inner", "pipe", "link"}) {
    for (const Overwrite overwrite : {Overwrite::no, Overwrite::yes}) {
      const auto write = [&] { write_file(folder / name, {}, overwrite); };
      CHECK(is_line_with(error_of(write), folder / name));
      CHECK(is_line_with(error_of([&] { check_writable(folder / name, overwrite); }), name));
    }
  }
  CHECK(folder.names() == std::vector<std::string>{"inner", "link", "pipe"});
}

TEST_CASE("an output needs a folder that exists") {
  const TemporaryFolder folder;
  write_bytes(folder / "file", {1});
  for (const std::string& path : {folder / "none/file", folder / "file/file", std::string()}) {
    CHECK(is_line_with(error_of([&] { write_file(path, {}); }), path));
    CHECK(is_line_with(error_of([&] { check_writable(path, Overwrite::no); }), path));
    CHECK(is_line_with(error_of([&] { const OutputLock lock(path); }), "expected a path"));
  }
  CHECK(is_line_with(error_of([&] { write_file(folder / "none/file", {}); }), "does not exist"));
  CHECK(is_line_with(error_of([&] { const OutputLock lock(folder / "none/file"); }),
                     "does not exist"));
}

TEST_CASE("an output needs a folder that one may write to") {
  const TemporaryFolder folder;
  REQUIRE(chmod(folder.path().c_str(), 0555) == 0);
  {
    const NoPrivileges guard;
    CHECK(is_line_with(error_of([&] { write_file(folder / "file", {}); }), "Permission denied"));
    CHECK(is_line_with(error_of([&] { check_writable(folder / "file", Overwrite::no); }),
                       "Permission denied"));
  }
  chmod(folder.path().c_str(), 0755);
  CHECK(folder.names().empty());
}

TEST_CASE("a name that the system refuses is an error") {
  const TemporaryFolder folder;
  const std::string path = folder / std::string(300, 'x');
  CHECK(is_line_with(error_of([&] { check_writable(path, Overwrite::no); }), "too long"));
}

TEST_CASE("a file that cannot be written whole leaves nothing and replaces nothing") {
  const TemporaryFolder folder;
  write_bytes(folder / "old", {1});
  {
    const FileSizeLimit limit(1000);
    for (const std::string name : {"new", "old"}) {
      const auto write = [&] {
        write_file(folder / name, as_bytes(FileBytes(1001)), Overwrite::yes);
      };
      CHECK(is_line_with(error_of(write), folder / name, "File too large"));
    }
    CHECK_NOTHROW(write_file(folder / "small", as_bytes(FileBytes(1000))));
  }
  CHECK(folder.names() == std::vector<std::string>{"old", "small"});
  CHECK(bytes_of(folder / "old") == FileBytes{1});
}

TEST_CASE("a full disk leaves nothing, where this process may mount one") {
  const TemporaryFolder folder;
  if (mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=64k") != 0) {
    REPRISE_SKIP("cannot mount a small disk here: " + std::generic_category().message(errno));
  }
  write_bytes(folder / "old", {1});
  const auto write = [&] {
    write_file(folder / "old", as_bytes(FileBytes(70000)), Overwrite::yes);
  };
  CHECK(is_line_with(error_of(write), folder / "old", "No space left on device"));
  CHECK(folder.names() == std::vector<std::string>{"old"});
  CHECK(bytes_of(folder / "old") == FileBytes{1});
  CHECK(umount(folder.path().c_str()) == 0);
}

TEST_CASE("what a killed program left half-written is removed, what a living one writes is not") {
  const TemporaryFolder folder;
  const std::string file = folder / "file";
  const pid_t child = fork();
  if (child == 0) _exit(0);
  waitpid(child, nullptr, 0);
  write_bytes(file + ".part-" + std::to_string(child) + "-0", {1, 2, 3});
  const std::string living = "file.part-" + std::to_string(getppid()) + "-0";
  write_bytes(folder / living, {1, 2, 3});
  // Another host's or container's: whether its process lives cannot be seen here.
  const std::string elsewhere = "file.part-" + std::to_string(child) + "-0-elsewhere";
  write_bytes(folder / elsewhere, {1, 2, 3});
  write_file(file, as_bytes({7}));
  std::vector<std::string> expected{"file", elsewhere, living};
  std::sort(expected.begin(), expected.end());
  CHECK(folder.names() == expected);
}
