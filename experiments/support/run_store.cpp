#include "support/run_store.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <map>
#include <span>
#include <system_error>
#include <thread>

#include "reprise/core/digest.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/file.hpp"
#include "reprise/core/file_descriptor.hpp"
#include "reprise/core/text.hpp"
#include "reprise/record/plan.hpp"
#include "reprise/run/provenance.hpp"

namespace reprise {
namespace {

namespace fs = std::filesystem;

std::string text_of(const std::string& path, std::size_t most) {
  const std::vector<std::byte> bytes = read_file(path, most);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void write_text(const std::string& path, const std::string& text, Overwrite overwrite) {
  write_file(path, std::as_bytes(std::span(text)), overwrite);
}

/// A line as sha256sum writes it and checks it, from the plan's folder.
std::string checksum_line(const std::string& path, const std::string& text) {
  return sha256_hex(std::as_bytes(std::span(text))) + "  " + fs::path(path).filename().string() +
         "\n";
}

/// Whether the lock is there after at most a second; its holder may be a process that was stopped,
/// for which nobody shall wait.
bool lock_soon(int file) {
  for (int tries = 0; tries < 100; ++tries) {
    if (uninterrupted([&] { return flock(file, LOCK_EX | LOCK_NB); }) == 0) return true;
    if (errno != EWOULDBLOCK) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

off_t size_of(int file) {
  struct stat status {};
  return fstat(file, &status) == 0 ? status.st_size : 0;
}

/// Where the last whole line of a text file ends.
off_t end_of_lines(int file) {
  off_t end = size_of(file);
  for (char last = 0; end > 0 && pread(file, &last, 1, end - 1) == 1 && last != '\n';) --end;
  return end;
}

/// Appends a line; all or nothing of it, if nobody else appends.
bool append_line(const std::string& path, const std::string& line) {
  const FileDescriptor file(uninterrupted(
      [&] { return open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666); }));
  if (file.get() < 0) return false;
  const bool alone = lock_soon(file.get());
  const off_t end = end_of_lines(file.get());
  if (alone && end != size_of(file.get()) && ftruncate(file.get(), end) != 0) return false;
  if (write(file.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size())) return true;
  const int reason = errno;
  if (alone && ftruncate(file.get(), end) != 0) return false;
  errno = reason;
  return false;
}

void make_folder(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) throw Error(path, "cannot be made: " + error.message(), "a folder for the store");
}

}  // namespace

RunStore::RunStore(std::string folder) : folder_(std::move(folder)) {
  const std::string mark = path(kStoreMark);
  if (fs::exists(mark)) {
    const std::string text = text_of(mark, 4096);
    if (text == kStoreText) return;
    throw Error(mark, "\"" + text.substr(0, text.find('\n')) + "\"",
                "a store of this version: " + std::string(kStoreText, sizeof("format")) + "...");
  }
  for (const char* name : {kRunsFolder, kPlansFolder, kJournal}) {
    std::error_code none;  // an empty folder is nobody's: a workflow makes one for its outputs
    if (!fs::exists(path(name)) || fs::is_empty(path(name), none)) continue;
    if (fs::exists(mark)) return;  // another process has just made the store
    throw Error(folder_, std::string("has ") + name + " but no " + kStoreMark,
                "a store of runs, or another folder");
  }
}

void RunStore::make() const {
  make_folder(folder_);
  // The mark first: a folder with runs and without it is no store.
  if (!fs::exists(path(kStoreMark))) write_text(path(kStoreMark), kStoreText, Overwrite::yes);
  make_folder(path(kRunsFolder));
  make_folder(path(kPlansFolder));
}

std::string RunStore::path(const std::string& file) const {
  return (fs::path(folder_) / file).string();
}

bool RunStore::has_run(const std::string& digest) const {
  const auto is_taken = [](const std::string& path) {  // by a link to nothing as well
    return fs::exists(fs::symlink_status(path));
  };
  return is_taken(path(run_file(digest))) || is_taken(path(summary_file(digest)));
}

std::string RunStore::run_path(const std::string& digest) const {
  const std::string record = path(run_file(digest));
  const std::string summary = path(summary_file(digest));
  return !fs::exists(record) && fs::exists(summary) ? summary : record;
}

std::optional<RunFailure> RunStore::failure(const std::string& digest) const {
  const std::string file = path(failure_file(digest));
  try {
    return failure_from(file, text_of(file, kMaxFailureBytes));
  } catch (const FileMissing&) {
    return std::nullopt;  // also where another worker has just removed it
  }
}

void RunStore::set_failure(const std::string& digest, const RunFailure& failure) const {
  write_text(path(failure_file(digest)), failure_text(failure), Overwrite::yes);
}

void RunStore::remove_failure(const std::string& digest) const {
  fs::remove(path(failure_file(digest)));
}

void RunStore::note(const std::string& digest, const std::string& event, const RunCost& cost,
                    const std::string& reason) const {
  const std::string line = journal_line(
      {iso_time(unix_now()), event, digest, cost.thread_seconds, reason, cost.cpu_seconds});
  const std::string file = path(kJournal);
  if (append_line(file, line)) return;
  throw Error(file, "cannot be written: " + std::generic_category().message(errno),
              "room for a line");
}

void RunStore::add_to_journal(const std::vector<JournalEntry>& entries) const {
  std::map<std::string, std::size_t> here;  // two runs may begin and end alike
  for (const JournalEntry& entry : journal()) ++here[journal_line(entry)];
  std::string missing;
  for (const JournalEntry& entry : entries) {
    const std::string line = journal_line(entry);
    std::size_t& known = here[line];
    if (known > 0) {
      --known;
    } else {
      missing += line;
    }
  }
  if (missing.empty() || append_line(path(kJournal), missing)) return;
  throw Error(path(kJournal), "cannot be written: " + std::generic_category().message(errno),
              "room for " + count_of(entries.size(), "line"));
}

std::vector<JournalEntry> RunStore::journal() const {
  const std::string file = path(kJournal);
  if (!fs::exists(file)) return {};
  return journal_from(file, text_of(file, kMaxJournalBytes));
}

void RunStore::keep_plan(const std::string& file, const std::string& text) const {
  const std::string kept = path(file);
  if (!fs::exists(kept)) {
    // First what vouches for the plan, so that no plan is without it.
    write_text(kept + ".sha256", checksum_line(kept, text), Overwrite::yes);
    try {
      write_text(kept, text, Overwrite::no);
      return;
    } catch (const FileExists&) {
      // Nothing to do: compared below.
    }
    // Another process has just kept one. If it is not this one, it is vouched for again.
    const std::string theirs = text_of(kept, kMaxPlanBytes);
    write_text(kept + ".sha256", checksum_line(kept, theirs), Overwrite::yes);
  }
  const std::optional<std::string> there = plan(file);
  if (*there == text) return;
  throw Error(kept, "is another plan of this study: " + first_difference(*there, text),
              "the command that made it, or --store with another folder");
}

std::optional<std::string> RunStore::plan(const std::string& file) const {
  const std::string kept = path(file);
  if (!fs::exists(kept)) return std::nullopt;
  std::string text = text_of(kept, kMaxPlanBytes);
  const std::string expected = text_of(kept + ".sha256", 4096);
  if (expected == checksum_line(kept, text)) return text;
  throw Error(kept, "is not the plan that " + kept + ".sha256 was made for",
              "the plan as it was written");
}

}  // namespace reprise
