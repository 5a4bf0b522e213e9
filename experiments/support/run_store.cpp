#include "support/run_store.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <span>
#include <system_error>

#include "reprise/core/digest.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/file.hpp"
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
    if (!fs::exists(path(name))) continue;
    throw Error(folder_, std::string("has ") + name + " but no " + kStoreMark,
                "a store of runs, or another folder");
  }
}

void RunStore::make() const {
  make_folder(path(kRunsFolder));
  make_folder(path(kPlansFolder));
  if (!fs::exists(path(kStoreMark))) write_text(path(kStoreMark), kStoreText, Overwrite::yes);
}

std::string RunStore::path(const std::string& file) const {
  return (fs::path(folder_) / file).string();
}

std::optional<RunFailure> RunStore::failure(const std::string& digest) const {
  const std::string file = path(failure_file(digest));
  if (!fs::exists(file)) return std::nullopt;
  return failure_from(file, text_of(file, kMaxFailureBytes));
}

void RunStore::set_failure(const std::string& digest, const RunFailure& failure) const {
  write_text(path(failure_file(digest)), failure_text(failure), Overwrite::yes);
}

void RunStore::remove_failure(const std::string& digest) const {
  fs::remove(path(failure_file(digest)));
}

void RunStore::note(const std::string& digest, const std::string& event, double thread_seconds,
                    const std::string& reason) const {
  const std::string line =
      journal_line({iso_time(unix_now()), event, digest, thread_seconds, reason});
  const std::string file = path(kJournal);
  const int opened = open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
  const bool written =
      opened >= 0 && write(opened, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  const int error = errno;
  if (opened >= 0) close(opened);
  if (!written) {
    throw Error(file, "cannot be written: " + std::generic_category().message(error),
                "room for a line");
  }
}

std::vector<JournalEntry> RunStore::journal() const {
  const std::string file = path(kJournal);
  if (!fs::exists(file)) return {};
  return journal_from(file, text_of(file, kMaxJournalBytes));
}

void RunStore::keep_plan(const std::string& file, const std::string& text) const {
  const std::string kept = path(file);
  if (fs::exists(kept)) {
    const std::optional<std::string> there = plan(file);
    if (*there == text) return;
    throw Error(kept, "is another plan of this study: " + first_difference(*there, text),
                "the command that made it, or --store with another folder");
  }
  // First what vouches for the plan, so that no plan is without it.
  write_text(kept + ".sha256", checksum_line(kept, text), Overwrite::yes);
  write_text(kept, text, Overwrite::no);
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
