#include "support/lease.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <random>
#include <span>

#include "reprise/core/error.hpp"
#include "reprise/core/file.hpp"
#include "reprise/core/parse.hpp"
#include "reprise/core/text.hpp"
#include "support/program.hpp"

namespace reprise {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxLeaseBytes = 4096;
constexpr double kBeatsInItsSeconds = 4.0;

std::string host_name() {
  char name[256] = {};
  return gethostname(name, sizeof(name) - 1) == 0 ? name : "unknown";
}

/// What all processes of a running system have in common, containers included.
std::string running_system() {
  std::string boot;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
  return boot.empty() ? host_name() : boot;
}

/// Differs from that of every other lease.
std::string new_mark() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}", random(), random());
}

/// Always of the same length, but for a cost beyond all bounds.
std::string beat_lines(std::size_t beat, const RunCost& cost) {
  return fmt::format("beat = {:012}\nthread_seconds = {:016.3f}\ncpu_seconds = {:016.3f}\n", beat,
                     cost.thread_seconds, cost.cpu_seconds);
}

std::string lease_text(std::size_t seconds, bool locked) {
  return fmt::format("worker = {}:{}\nhost = {}\nlocked = {}\nseconds = {}\nmark = {}\n",
                     host_name(), getpid(), running_system(), locked ? "yes" : "no", seconds,
                     new_mark());
}

/// The file's whole text; nullopt if there is none.
std::optional<std::string> text_of_lease(const std::string& path) {
  try {
    const std::vector<std::byte> bytes = read_file(path, kMaxLeaseBytes);
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  } catch (const FileMissing&) {
    return std::nullopt;
  }
}

/// A file that is no lease is one of nobody known, and expires like any other.
LeaseText lease_from(const std::string& text) {
  LeaseText lease{"a worker that its lease does not name", "", false, 30};
  std::optional<double> thread_seconds, cpu_seconds;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    const std::size_t equals = line.find(" = ");
    begin = end + 1;
    if (equals == std::string::npos) continue;
    const std::string name = line.substr(0, equals);
    const std::string value = line.substr(equals + 3);
    if (name == "worker") lease.worker = printable(value);
    if (name == "host") lease.host = value;
    if (name == "locked") lease.locked = value == "yes";
    if (name == "thread_seconds") thread_seconds = parse_real(value);
    if (name == "cpu_seconds") cpu_seconds = parse_real(value);
    const std::int64_t number = parse_integer(value).value_or(0);
    if (name == "seconds" && number > 0 && number <= 86400) {
      lease.seconds = static_cast<std::size_t>(number);
    }
  }
  if (thread_seconds.value_or(-1.0) >= 0.0 && cpu_seconds.value_or(-1.0) >= 0.0) {
    lease.cost = {*thread_seconds, *cpu_seconds};
  }
  return lease;
}

/// Takes a dead holder's lease away. Of several observers one does; whoever finds that it has taken
/// another lease than the one it saw puts that back.
bool take_away(const std::string& path, const std::string& seen) {
  const std::string away = path + ".expired-" + new_mark();
  if (::rename(path.c_str(), away.c_str()) != 0) return false;
  if (text_of_lease(away) == seen) {
    unlink(away.c_str());
    return true;
  }
  // Where yet another lease is there by now, this one's holder finds its own lost.
  if (link(away.c_str(), path.c_str()) == 0 || errno == EEXIST) unlink(away.c_str());
  return false;
}

}  // namespace

std::unique_ptr<Lease> Lease::take(const std::string& path, std::size_t seconds, bool locked,
                                   CostSoFar cost) {
  const std::string text = lease_text(seconds, locked);
  const std::string whole = text + beat_lines(0, {});
  try {
    write_file(path, std::as_bytes(std::span(whole)), Overwrite::no);
  } catch (const FileExists&) {
    return nullptr;
  }
  FileDescriptor file(uninterrupted([&] { return open(path.c_str(), O_RDWR | O_CLOEXEC); }));
  std::string there(whole.size(), '\0');
  if (file.get() < 0 ||
      pread(file.get(), there.data(), there.size(), 0) != static_cast<ssize_t>(there.size())) {
    return nullptr;
  }
  if (there != whole) return nullptr;
  const double between = static_cast<double>(seconds) / kBeatsInItsSeconds;
  return std::unique_ptr<Lease>(new Lease(path, std::move(file), text, between, std::move(cost)));
}

Lease::Lease(std::string path, FileDescriptor file, std::string text, double between_beats,
             CostSoFar cost)
    : path_(std::move(path)),
      file_(std::move(file)),
      text_(std::move(text)),
      between_beats_(between_beats),
      cost_(std::move(cost)),
      heart_([this] { beat_on(); }) {}

Lease::~Lease() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ended_ = true;
  }
  end_.notify_all();
  heart_.join();
  if (is_own_file()) unlink(path_.c_str());
}

bool Lease::is_lost_now() {
  if (!is_own_file()) lost_ = true;
  return lost_;
}

RunCost Lease::told() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return told_;
}

bool Lease::is_own_file() const {
  struct stat own {};
  struct stat named {};
  return fstat(file_.get(), &own) == 0 && stat(path_.c_str(), &named) == 0 &&
         own.st_ino == named.st_ino && own.st_dev == named.st_dev;
}

/// A beat that cannot be written is no reason to stop: at worst the lease expires.
void Lease::beat_on() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (std::size_t beat = 1; !ended_; ++beat) {
    end_.wait_for(lock, std::chrono::duration<double>(between_beats_), [this] { return ended_; });
    if (ended_) return;
    if (!is_own_file()) {
      lost_ = true;
      return;
    }
    const RunCost cost = cost_ ? cost_() : RunCost();
    const std::string lines = beat_lines(beat, cost);
    if (pwrite(file_.get(), lines.data(), lines.size(), static_cast<off_t>(text_.size())) > 0) {
      told_ = cost;
      fdatasync(file_.get());
    }
  }
}

std::optional<LeaseText> LeaseWatch::holder(const std::string& path, bool has_lock) {
  const std::optional<std::string> text = text_of_lease(path);
  if (!text) {
    seen_.erase(path);
    return std::nullopt;
  }
  const LeaseText lease = lease_from(*text);
  const double now = steady_seconds();
  const auto [found, is_new] = seen_.try_emplace(path, Seen{*text, 0.0, now, false});
  Seen& seen = found->second;
  if (!is_new && seen.text != *text) {
    seen = {*text, 0.0, now, true};
  } else {
    // However long the observer itself was stopped, it then looks a few times more.
    const double most = static_cast<double>(lease.seconds) / kBeatsInItsSeconds;
    seen.unchanged += std::min(now - seen.looked, most);
    seen.looked = now;
  }
  if (has_lock && lease.locked && lease.host == running_system()) return std::nullopt;
  if (seen.unchanged >= static_cast<double>(lease.seconds)) return std::nullopt;
  return lease;
}

bool LeaseWatch::beats(const std::string& path) const {
  const auto found = seen_.find(path);
  return found != seen_.end() && found->second.changed;
}

TakenLease LeaseWatch::take(const std::string& path, std::size_t seconds, bool has_lock,
                            CostSoFar cost) {
  if (holder(path, has_lock)) return {};
  TakenLease taken;
  const auto found = seen_.find(path);
  if (found != seen_.end()) {
    const std::string text = found->second.text;
    seen_.erase(found);
    if (!take_away(path, text)) return {};
    const LeaseText before = lease_from(text);
    taken.from = before.worker;
    taken.cost = before.cost;
  }
  taken.lease = Lease::take(path, seconds, has_lock, std::move(cost));
  return taken;
}

std::optional<std::string> lease_note(const std::string& path, const std::string& record) {
  while (const std::optional<std::string> text = text_of_lease(path)) {
    const LeaseText lease = lease_from(*text);
    const bool knows_lock = lease.locked && lease.host == running_system();
    const std::optional<bool> locked = knows_lock ? output_is_locked(record) : std::nullopt;
    if (locked == false) {
      // A living holder gives up its lease before its lock.
      if (text_of_lease(path) != text) continue;
      return lease.worker + "'s lease has expired: its process is gone";
    }
    if (locked == true) return lease.worker + " has its lease";
    struct stat status {};
    const bool known = stat(path.c_str(), &status) == 0;
    const auto age = known ? time(nullptr) - status.st_mtim.tv_sec : -1;
    if (age < 0) return lease.worker + " has its lease";
    return fmt::format("{} has its lease of {} s, which last beat {} s ago by this host's clock",
                       lease.worker, lease.seconds, age);
  }
  return std::nullopt;
}

void check_claims(const std::string& folder) {
  // Names whose leftovers the next call removes, as those of write_file().
  const std::string own = (fs::path(folder) / "claim").string();
  const std::string taken = fmt::format("{}.test-{}-0", own, getpid());
  bool can = false;
  bool is_gone = true;  // another process has taken the file
  for (int tries = 0; tries < 100 && !can && is_gone; ++tries) {
    unlink(taken.c_str());
    write_file(own, {}, Overwrite::yes);
    can = renameat2(AT_FDCWD, own.c_str(), AT_FDCWD, taken.c_str(), RENAME_NOREPLACE) == 0 ||
          link(own.c_str(), taken.c_str()) == 0;
    is_gone = errno == ENOENT;
  }
  unlink(taken.c_str());
  unlink(own.c_str());
  if (can) return;
  throw Error(folder, "its file system has no rename that replaces nothing and no hard links",
              "a folder in which several processes can each claim a run");
}

}  // namespace reprise
