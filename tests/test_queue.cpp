// Several processes that do one study: shares, workers with leases, kills, other hosts.
#include <sys/resource.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <functional>
#include <mutex>
#include <set>
#include <span>
#include <sstream>
#include <thread>

#include "reprise/core/digest.hpp"
#include "reprise/core/error.hpp"
#include "reprise/record/store.hpp"
#include "support/catch.hpp"
#include "support/command.hpp"
#include "support/lease.hpp"
#include "support/run_store.hpp"
#include "support/sanitized.hpp"
#include "support/temporary_folder.hpp"
#include "support/text.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

namespace fs = std::filesystem;

const std::string kProgram = REPRISE_BINARY_DIR "/experiments/study ";
const std::string kPreload = "ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD=";
const std::string kAnotherHost = kPreload + REPRISE_ANOTHER_HOST " ";

/// Two variants; `more` are lines before them.
std::string study_text(const std::string& more = "") {
  return "question = \"Is it so?\"\nclaim = \"It is.\"\n" + more +
         "[settings]\nepochs = 1\noptimizer = \"sgd\"\n[quick]\nepochs = 1\n"
         "[[variants]]\nname = \"plain\"\n"
         "description = \"A\"\n[[variants]]\nname = \"other\"\ndescription = \"B\"\n"
         "expectation = \"lower\"\nsettings = { momentum = 0.5 }\n";
}

/// A study in a folder, and stores beside it.
struct Place {
  explicit Place(const std::string& text = study_text()) { write_file(folder / "mine.toml", text); }
  [[nodiscard]] std::string store(const std::string& name = "s") const { return folder / name; }
  /// The command line that does the study in a store.
  [[nodiscard]] std::string line(const std::string& options, const std::string& name = "s") const {
    return kProgram + (folder / "mine.toml") + " --quick --train-images 256 --threads 1 --store " +
           store(name) + " " + options;
  }
  [[nodiscard]] CommandResult run(const std::string& options, const std::string& name = "s") const {
    return run_command(line(options, name));
  }
  /// What is in a store's runs/.
  [[nodiscard]] std::vector<std::string> files(const std::string& name = "s") const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(store(name) + "/runs")) {
      names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  [[nodiscard]] std::vector<JournalEntry> journal(const std::string& name = "s") const {
    const std::string file = store(name) + "/journal.tsv";
    return journal_from(file, test::read_file(file));
  }
  [[nodiscard]] std::size_t begun(const std::string& name = "s") const {
    std::size_t runs = 0;
    for (const JournalEntry& entry : journal(name)) runs += entry.event == "begun" ? 1 : 0;
    return runs;
  }
  TemporaryFolder folder;
};

/// Of processes that this one started and that have ended.
double cpu_seconds_of_children() {
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Runs a script with bash, which ends at its first failure.
CommandResult script(const Place& place, const std::string& text) {
  write_file(place.folder / "script", "set -eu\n" + text);
  return run_command("timeout 120 bash " + (place.folder / "script"));
}

/// A worker until it has left a checkpoint, of the runs that `options` name.
void stop_at_checkpoint(const Place& place, const std::string& options, const std::string& store) {
  const std::string runs = place.store(store) + "/runs";
  const auto at_work = [&](const std::string&) {
    if (!fs::exists(runs)) return false;
    const std::vector<std::string> names = place.files(store);
    return std::any_of(names.begin(), names.end(),
                       [](const std::string& name) { return name.ends_with(".checkpoint"); });
  };
  const std::string worker = place.line(options + " --worker --checkpoint-seconds 0", store);
  REQUIRE(run_command_until(worker, SIGTERM, at_work).status == 130);
  REQUIRE(at_work(""));
}

/// With the line of its SHA-256 made anew, as if it had been written so.
void replace_in_record(const std::string& path, const std::string& from, const std::string& to) {
  REQUIRE(from.size() == to.size());
  std::string bytes = test::read_file(path);
  bytes.resize(bytes.size() - 73);
  std::size_t count = 0;
  for (std::size_t at = bytes.find(from); at != bytes.npos; at = bytes.find(from, at)) {
    bytes.replace(at, from.size(), to);
    ++count;
  }
  REQUIRE(count > 0);
  const std::string sha256 = sha256_hex(std::as_bytes(std::span(bytes)));
  write_file(path, bytes + "\nsha256:" + sha256 + "\n");
}

/// What two threads throw that change something 200 times each, and two that look at it meanwhile.
std::set<std::string> errors_side_by_side(const std::function<void()>& change,
                                          const std::function<void()>& look) {
  std::set<std::string> errors;
  std::mutex mutex;
  std::atomic<int> changing = 2;
  const auto note_errors = [&](const std::function<void()>& work) {
    try {
      work();
    } catch (const Error& error) {
      const std::lock_guard<std::mutex> lock(mutex);
      errors.insert(error.what());
    }
  };
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 2; ++thread) {
    threads.emplace_back([&] {
      for (int times = 0; times < 200; ++times) note_errors(change);
      --changing;
    });
    threads.emplace_back([&] {
      while (changing > 0) note_errors(look);
    });
  }
  for (std::thread& thread : threads) thread.join();
  return errors;
}

}  // namespace

TEST_CASE("leases and failures that others make and remove meanwhile are no errors") {
  const TemporaryFolder folder;
  const std::string path = folder / "run.lease";
  const auto take = [&] { LeaseWatch().take(path, 30, false); };
  CHECK(errors_side_by_side(take, [&] { lease_note(path, folder / "run.h5"); }) ==
        std::set<std::string>{});
  const RunStore store(folder / "store");
  store.make();
  const std::string digest(64, '0');
  const auto fail = [&] {
    store.set_failure(digest, {false, "none"});
    store.remove_failure(digest);
  };
  const auto look = [&] { static_cast<void>(store.failure(digest)); };
  CHECK(errors_side_by_side(fail, look) == std::set<std::string>{});
}

TEST_CASE("workers do each run once, with the digest that one process gives") {
  const Place place;
  const CommandResult whole = place.run("--seeds 1,2,3", "whole");
  REQUIRE(whole.status == 0);
  fs::create_directories(place.store() + "/runs");  // as a workflow does before its first job
  std::string text;
  for (const std::string worker : {"a", "b", "c"}) {
    text += place.line("--seeds 1,2,3 --worker") + " >" + (place.folder / worker) + " &\n";
    text += worker + "=$!\n";
  }
  const CommandResult workers = script(place, text + "wait $a; wait $b; wait $c\n");
  INFO(workers.out << workers.err);
  REQUIRE(workers.status == 0);
  for (const std::string worker : {"a", "b", "c"}) {
    const std::vector<std::string> lines = lines_of(test::read_file(place.folder / worker));
    CHECK(lines.back() == whole.last_line());
  }
  CHECK(place.files().size() == 6);
  CHECK(place.files() == place.files("whole"));
  CHECK(place.begun() == 6);
}

TEST_CASE("shares are every N-th run of the list, and together they are the study") {
  const Place place;
  const CommandResult whole = place.run("--seeds 1,2,3", "whole");
  REQUIRE(whole.status == 0);
  const std::vector<std::string> all = lines_of(place.run("--seeds 1,2,3 --list").out);
  REQUIRE(all.size() == 6);
  for (std::size_t share = 1; share <= 4; ++share) {
    const std::string option = "--seeds 1,2,3 --share " + std::to_string(share) + "/4";
    std::vector<std::string> expected;
    for (std::size_t i = share - 1; i < all.size(); i += 4) expected.push_back(all[i]);
    CHECK(lines_of(place.run(option + " --list").out) == expected);
    const CommandResult result = place.run(option);
    INFO(result.out << result.err);
    REQUIRE(result.status == 0);
    CHECK((result.last_line() == whole.last_line()) == (share == 4));
    if (share == 1) CHECK_THAT(result.out, Catch::Contains("of the other shares 4 runs are left"));
  }
  CHECK(place.files() == place.files("whole"));
  CHECK(place.begun() == 6);
}

TEST_CASE("a share that was stopped goes on when the same command is sent again") {
  const Place place;
  const std::string options = "--seeds 1 --epochs " + std::string(kSanitized ? "8" : "40");
  const CommandResult whole = place.run(options, "whole");
  REQUIRE(whole.status == 0);
  stop_at_checkpoint(place, options, "s");
  const CommandResult first = place.run(options + " --share 1/2");
  INFO(first.out << first.err);
  CHECK(first.status == 0);
  CHECK_THAT(first.out, Catch::Contains("plain, seed 1: continuing after"));
  CHECK(place.run(options + " --share 2/2").last_line() == whole.last_line());
}

TEST_CASE("where a run of the study has failed, no share prints a digest") {
  std::string text = study_text();
  const std::string momentum = "momentum = 0.5";
  text.replace(text.find(momentum), momentum.size(), "learning_rate = 1e30");
  const Place place(text);
  REQUIRE(place.run("--seeds 1").status == 1);
  const CommandResult share = place.run("--seeds 1 --share 1/2");
  INFO(share.out << share.err);
  CHECK(share.status == 0);
  CHECK(share.last_line() == "share 1/2 is done; of the other shares 1 run failed, 0 left");
}

TEST_CASE("a share whose runs depend on the pilots of others says so and ends with 75") {
  const Place place(study_text("learning_rates = [0.01, 0.02]\n"));
  const CommandResult whole = place.run("--seeds 1", "whole");
  INFO(whole.out << whole.err);
  REQUIRE(whole.status == 0);
  const CommandResult first = place.run("--seeds 1 --share 1/2");
  CHECK(first.status == 75);
  CHECK_THAT(first.out, Catch::Contains("pilots of other shares"));
  CHECK(place.run("--seeds 1 --share 1/2").status == 75);
  CHECK(place.begun() == 2);
  CHECK(place.run("--seeds 1 --share 2/2").status == 0);
  const CommandResult last = place.run("--seeds 1 --share 1/2");
  CHECK(last.status == 0);
  CHECK(last.last_line() == whole.last_line());
  CHECK(place.run("--seeds 1 --worker", "w").last_line() == whole.last_line());
}

TEST_CASE("runs one by one, named by their digits, are the study, pilots first") {
  const Place place(study_text("learning_rates = [0.01, 0.02]\n"));
  const CommandResult whole = place.run("--seeds 1", "whole");
  REQUIRE(whole.status == 0);
  std::size_t runs = 0;
  for (const std::size_t expected : {4, 2}) {  // pilots, then measured runs
    std::vector<std::string> digits;
    for (const std::string& line : lines_of(place.run("--seeds 1 --list").out)) {
      const std::string name = line.substr(12, 16);
      if (line.rfind("done ", 0) != 0 && name[0] != '-') digits.push_back(name);
    }
    INFO(expected);
    REQUIRE(digits.size() == expected);
    for (auto name = digits.rbegin(); name != digits.rend(); ++name) {
      const CommandResult one = place.run("--seeds 1 --worker --run " + *name);
      INFO(one.out << one.err);
      REQUIRE(one.status == 0);
      const bool is_last = ++runs == 6;
      CHECK((one.last_line() == whole.last_line()) == is_last);
      if (!is_last) CHECK_THAT(one.last_line(), Catch::StartsWith("run " + *name + " is done; "));
      CHECK(place.begun() == runs);
      CHECK(lines_of(place.run("--seeds 1 --list --run " + *name).out).size() == 1);
    }
  }
  CHECK(place.files() == place.files("whole"));
}

TEST_CASE("the journal counts the time of processors, not of a clock on the wall") {
  const Place place;
  const double before = cpu_seconds_of_children();
  const CommandResult result =
      script(place, place.line("--seeds 1 --worker --epochs 4") + " &\nworker=$!\nuntil ls " +
                        place.store() + "/runs/*.lease; do kill -0 $worker; sleep 0.01; done\n" +
                        "kill -STOP $worker\nsleep 1.5\nkill -CONT $worker\nwait $worker\n");
  const double used = cpu_seconds_of_children() - before;
  INFO(result.out << result.err);
  REQUIRE(result.status == 0);
  const Compute compute = compute_of(place.journal());
  CHECK(compute.unmeasured_thread_seconds == 0);
  CHECK(compute.cpu_seconds > 0.3 * used);
  CHECK(compute.cpu_seconds < used);
  CHECK(compute.thread_seconds > compute.cpu_seconds + 1.3);
  CHECK_THAT(place.run("--seeds 1 --epochs 4 --status").out,
             Catch::Contains(" CPU hours, pilots, failed and stopped runs included\n") &&
                 !Catch::Contains("thread hours") && !Catch::Contains("not told"));
  // A journal of a program that did not measure it.
  std::string old;
  for (JournalEntry entry : place.journal()) {
    entry.cpu_seconds.reset();
    if (entry.event == "done") entry.thread_seconds = 5400.0;
    old += journal_line(entry);
  }
  write_file(place.store() + "/journal.tsv", old);
  CHECK_THAT(place.run("--seeds 1 --epochs 4 --status").out,
             Catch::Contains("\ncompute so far: 3.000 thread hours (seconds times threads) of "
                             "attempts whose CPU time was not measured\n") &&
                 !Catch::Contains("CPU hours"));
}

TEST_CASE("what a killed attempt had used is told by the process that takes its run over") {
  const Place place;
  const std::string options =
      "--seeds 1 --worker --lease-seconds 1 --epochs " + std::string(kSanitized ? "8 " : "60 ");
  const CommandResult killed = script(
      place, place.line(options) + " &\nworker=$!\nuntil grep -qs '^cpu_seconds = .*[1-9]' " +
                 place.store() + "/runs/*.lease; do kill -0 $worker; sleep 0.01; done\n" +
                 "kill -KILL $worker\n");
  REQUIRE(killed.status == 0);
  CHECK(compute_of(place.journal()).untold == 1);
  CHECK_THAT(place.run(options + "--status").out,
             Catch::Contains("\n1 attempt has no recorded end (running or killed); not "
                             "counted\n"));
  const CommandResult last = place.run(options);
  INFO(last.out << last.err);
  REQUIRE(last.status == 0);
  double told = 0;
  for (const JournalEntry& entry : place.journal()) {
    if (entry.event == "killed") told += entry.cpu_seconds.value_or(0);
  }
  CHECK(told > 0);
  const Compute compute = compute_of(place.journal());
  CHECK(compute.killed == 1);
  CHECK(compute.untold == 0);
  CHECK_THAT(place.run(options + "--status").out,
             Catch::Contains("\n1 attempt was killed: counted to the last sign of life\n"));
}

TEST_CASE("a killed worker's run is taken over at once, and a signal keeps a checkpoint") {
  const Place place;
  const std::string options =
      "--seeds 1 --checkpoint-seconds 0 --epochs " + std::string(kSanitized ? "8 " : "40 ");
  const CommandResult whole = place.run(options, "whole");
  REQUIRE(whole.status == 0);
  const auto at_work = [&](const std::string&) {
    const std::string runs = place.store() + "/runs";
    if (!fs::exists(runs)) return false;
    const std::vector<std::string> names = place.files();
    return std::any_of(names.begin(), names.end(),
                       [](const std::string& name) { return name.ends_with(".checkpoint"); });
  };
  const std::string worker = place.line(options + "--worker --lease-seconds 3600");
  REQUIRE(run_command_until(worker, SIGKILL, at_work).status == 128 + SIGKILL);
  CHECK_THAT(place.run(options + "--list").out,
             Catch::Contains("'s lease has expired: its process is gone"));
  for (const int signal : {SIGUSR1, SIGTERM}) {
    // What is there is the last worker's: this one is to be at work.
    const CommandResult stopped = run_command_until(worker, signal, [](const std::string& out) {
      return out.find("continuing after") != std::string::npos;
    });
    INFO(stopped.out << stopped.err);
    CHECK(stopped.status == 130);
    CHECK(at_work(""));
    CHECK((stopped.out.find("taken over from") != std::string::npos) == (signal == SIGUSR1));
  }
  const CommandResult last = run_command(worker);
  INFO(last.out << last.err);
  CHECK(last.status == 0);
  CHECK(last.last_line() == whole.last_line());
  CHECK(place.files() == place.files("whole"));
}

TEST_CASE("a worker on a full disk says so in one line, and goes on once there is room") {
  const Place place;
  const std::string options = "--seeds 1,2 --epochs " + std::string(kSanitized ? "8 " : "40 ");
  const CommandResult whole = place.run(options, "whole");
  REQUIRE(whole.status == 0);
  const std::string store = place.store();
  const std::string worker = place.line(options + "--worker");
  const std::string first = place.folder / "first";
  const std::string again = "ls " + store + "/runs >" + (place.folder / "left") + "\n" + worker +
                            " >" + (place.folder / "second") + "\nls " + store + "/runs >" +
                            (place.folder / "files") + "\nexit $status\n";
  fs::create_directory(store);
  const bool mounts =
      run_command("unshare --mount --map-root-user mount -t tmpfs tmpfs " + store).status == 0;
  CommandResult both;
  if (mounts) {  // the disk gets full when the first run has begun
    write_file(place.folder / "disk",
               "set -eu\nmount -t tmpfs -o size=16m tmpfs " + store + "\nstatus=0\n" + worker +
                   " >" + first + " &\nworker=$!\nuntil ls " + store +
                   "/runs/*.lease 2>/dev/null || ! kill -0 $worker; do sleep 0.01; done\n" +
                   "cat /dev/zero >" + store +
                   "/filler 2>/dev/null || true\nwait $worker || status=$?\nrm " + store +
                   "/filler\n" + again);
    both =
        run_command("timeout 120 unshare --mount --map-root-user bash " + (place.folder / "disk"));
  } else {  // no file may be larger than a part of a record
    both = script(place, "status=0\n(trap '' XFSZ; ulimit -f 64; " + worker + ") >" + first +
                             " || status=$?\n" + again);
  }
  INFO(both.out << both.err);
  CHECK(both.status == 1);
  CHECK_THAT(both.err, Catch::Contains(mounts ? "No space left" : "too large"));
  CHECK_THAT(both.err, Catch::StartsWith("study: "));
  CHECK(count_of(both.err, "\n") == (mounts ? 1 : 4));  // without mounts each run is tried
  REQUIRE(fs::exists(place.folder / "second"));
  CHECK(test::read_file(place.folder / "left").find(".h5\n") == std::string::npos);
  CHECK(lines_of(test::read_file(place.folder / "second")).back() == whole.last_line());
  const std::vector<std::string> files = lines_of(test::read_file(place.folder / "files"));
  CHECK(files == place.files("whole"));
}

TEST_CASE("of two hosts whose workers finish the same run, the second discards its record") {
  const Place place;
  const std::string options = "--seeds 1 --worker --lease-seconds 1 ";
  const CommandResult whole = place.run("--seeds 1", "whole");
  REQUIRE(whole.status == 0);
  // The first is stopped when it is about to name its record; the second, by whose clock an hour
  // has gone by, takes over; then the first goes on.
  const std::string go = place.folder / "go";
  const CommandResult both =
      script(place, "HOLD_RECORDS=" + go + " " + kAnotherHost + place.line(options) + " >" +
                        (place.folder / "first") + " &\nfirst=$!\n" + "until [ -e " + go +
                        ".reached ]; do sleep 0.05; done\n" + "kill -STOP $first\n" +
                        place.line(options) + " >" + (place.folder / "second") + "\ntouch " + go +
                        "\nkill -CONT $first\nwait $first\n");
  INFO(both.out << both.err);
  CHECK(both.status == 0);
  const std::string first = test::read_file(place.folder / "first");
  const std::string second = test::read_file(place.folder / "second");
  INFO(first << second);
  CHECK_THAT(second, Catch::Contains("taken over from") && Catch::Contains("lease ended"));
  CHECK_THAT(first, Catch::Contains("with the same digest; this one is discarded"));
  CHECK(lines_of(first).back() == whole.last_line());
  CHECK(lines_of(second).back() == whole.last_line());
  CHECK(place.files() == place.files("whole"));
  CHECK(place.begun() == 3);
  // The first counts as killed until it tells of the rest; no attempt counts twice.
  const Compute compute = compute_of(place.journal());
  CHECK(compute.killed == 1);
  CHECK(compute.stopped + compute.untold == 0);
  CHECK(place.journal().size() == 7);
}

TEST_CASE("a worker whose clock is an hour ahead leaves alone what another host is working on") {
  const Place place;
  const std::string options =
      "--seeds 1 --worker --lease-seconds 30 --epochs " + std::string(kSanitized ? "8 " : "120 ");
  std::string text;
  for (const std::string host : {"", kAnotherHost.c_str()}) {
    const std::string worker = host.empty() ? "a" : "b";
    text += host + place.line(options) + " >" + (place.folder / worker) + " &\n" + worker + "=$!\n";
  }
  const CommandResult both = script(place, text + "wait $a; wait $b\n");
  INFO(both.out << both.err);
  CHECK(both.status == 0);
  CHECK(place.files().size() == 2);
  CHECK(place.begun() == 2);
  CHECK(lines_of(test::read_file(place.folder / "a")).back() ==
        lines_of(test::read_file(place.folder / "b")).back());
}

TEST_CASE("damaged records are set aside and their runs done again, by whichever worker") {
  const Place place;
  const std::string options = "--seeds 1,2,3 ";
  const CommandResult whole = place.run(options, "whole");
  REQUIRE(whole.status == 0);
  fs::copy(place.store("whole"), place.store(), fs::copy_options::recursive);
  const std::vector<std::string> names = place.files();
  REQUIRE(names.size() == 6);
  const auto path_of = [&](std::size_t run) { return place.store() + "/runs/" + names[run]; };
  std::vector<std::string> damaged(5);
  for (std::size_t run = 0; run < damaged.size(); ++run) {
    damaged[run] = test::read_file(path_of(run));
  }
  damaged[0][damaged[0].size() / 2] ^= 1;
  damaged[1].resize(damaged[1].size() / 2);
  damaged[2] = "not HDF5";
  damaged[3] = "";
  damaged[4] = test::read_file(path_of(5));
  for (std::size_t run = 0; run < damaged.size(); ++run) write_file(path_of(run), damaged[run]);
  const CommandResult list = place.run(options + "--list");
  CHECK(count_of(list.out, "; would be set aside, and the run be done\n") == 5);
  CHECK(count_of(list.out, "done ") == 1);
  std::string text;
  for (const std::string worker : {"a", "b"}) {
    text += place.line(options + "--worker") + " >" + (place.folder / worker) + " &\n";
    text += worker + "=$!\n";
  }
  const CommandResult workers = script(place, text + "wait $a; wait $b\n");
  const std::string said =
      test::read_file(place.folder / "a") + test::read_file(place.folder / "b");
  INFO(said << workers.err);
  CHECK(workers.status == 0);
  CHECK(workers.err.empty());
  CHECK(count_of(said, whole.last_line()) == 2);
  CHECK(place.begun() == 6 + 5);
  CHECK(count_of(said, "; set aside as ") == 5);
  CHECK(place.files().size() == 6 + 5);
  for (std::size_t run = 0; run < damaged.size(); ++run) {
    CHECK(test::read_file(path_of(run) + ".damaged-1") == damaged[run]);
    CHECK(test::read_file(path_of(run)).size() > 1000);
  }
  CHECK(count_of(place.run(options + "--list").out, "done ") == 6);
  // Once more, and without --worker.
  write_file(path_of(0), "not HDF5 either");
  const CommandResult again = place.run(options);
  CHECK(again.status == 0);
  CHECK(again.last_line() == whole.last_line());
  CHECK(test::read_file(path_of(0) + ".damaged-2") == "not HDF5 either");
}

TEST_CASE("a whole record that cannot be used here stays, and the other runs are done") {
  const Place place;
  const CommandResult whole = place.run("--seeds 1,2", "whole");
  REQUIRE(whole.status == 0);
  for (const bool is_later : {true, false}) {
    fs::remove_all(place.store());
    fs::copy(place.store("whole"), place.store(), fs::copy_options::recursive);
    const std::vector<std::string> names = place.files();
    const std::string path = place.store() + "/runs/" + names[1];
    if (is_later) {
      replace_in_record(path, "reprise record 2", "reprise record 9");
    } else {
      fs::resize_file(path, fs::file_size(path) - 73);  // the line with its SHA-256
    }
    const std::string kept = test::read_file(path);
    fs::remove(place.store() + "/runs/" + names[2]);
    write_file(place.store() + "/runs/" + names[3], "not HDF5");
    const CommandResult result = place.run("--seeds 1,2 --worker");
    INFO(result.out << result.err);
    CHECK(result.status == 1);
    CHECK(count_of(result.err, "\n") == 1);
    CHECK_THAT(result.err, Catch::StartsWith("study: failed: ") &&
                               Catch::Contains(is_later ? "reprise record 9" : "--no-checksum"));
    CHECK(test::read_file(path) == kept);
    CHECK(place.begun() == 4 + 2);
    CHECK(place.files().size() == 5);
    const std::string list = place.run("--seeds 1,2 --list").out;
    CHECK(count_of(list, "done ") == 3);
    CHECK(count_of(list, "; would not run again\n") == 1);
    const std::string own = fs::path(names[0]).stem();
    const CommandResult one = place.run("--seeds 1,2 --worker --run " + own);
    CHECK(one.status == 0);
    CHECK(one.last_line() == "run " + own + " is done; of the others 1 run is left");
    if (is_later) continue;
    const CommandResult trusting = place.run("--seeds 1,2 --no-checksum");
    CHECK(trusting.status == 0);
    CHECK(trusting.last_line() == whole.last_line());
  }
}

TEST_CASE("a folder, a pipe or a link where a record should be is one line, and stays") {
  const Place place;
  REQUIRE(place.run("--seeds 1").status == 0);
  const std::string path = place.store() + "/runs/" + place.files().front();
  for (const std::string make : {"mkdir", "mkfifo", "ln -s /dev/zero", "ln -s nothing"}) {
    fs::remove(path);
    REQUIRE(run_command(make + " " + path).status == 0);
    const CommandResult result = place.run("--seeds 1 --worker");
    INFO(make << result.out << result.err);
    CHECK(result.status == 1);
    CHECK(count_of(result.err, "\n") == 1);
    CHECK_THAT(result.err, Catch::StartsWith("study: failed: ") && Catch::Contains(path + ": "));
    CHECK_THAT(result.out, Catch::Contains("\n1 of 2 runs already recorded\n"));
    CHECK_THAT(place.run("--seeds 1 --list").out, Catch::Contains("; would not run again\n"));
    CHECK(place.files().size() == 2);
  }
}

TEST_CASE("a damaged file that appears where a record is about to be saved is set aside") {
  const Place place;
  const CommandResult whole = place.run("--seeds 1", "whole");
  REQUIRE(whole.status == 0);
  const std::string record = place.store() + "/runs/" + place.files("whole").front();
  const std::string digits = fs::path(record).stem();
  const std::string go = place.folder / "go";
  const CommandResult result =
      script(place, "HOLD_RECORDS=" + go + " " + kAnotherHost +
                        place.line("--seeds 1 --worker --run " + digits) + " &\nworker=$!\n" +
                        "until [ -e " + go + ".reached ]; do sleep 0.05; done\n" + "echo none >" +
                        record + "\ntouch " + go + "\nwait $worker\n");
  INFO(result.out << result.err);
  CHECK(result.status == 0);
  CHECK_THAT(result.out, Catch::Contains("; set aside as " + record + ".damaged-1\n"));
  CHECK(test::read_file(record + ".damaged-1") == "none\n");
  CHECK(place.run("--seeds 1").last_line() == whole.last_line());
  CHECK(place.begun() == 2);
}

TEST_CASE("records that others save between two looks are done by others, not errors") {
  const Place place;
  const CommandResult whole = place.run("--seeds 1");
  REQUIRE(whole.status == 0);
  for (int looks = 0; looks <= 6; ++looks) {
    for (const std::string option : {"", "--worker"}) {
      const CommandResult result =
          run_command("LATE_RECORDS=" + std::to_string(looks) + " " + kPreload +
                      REPRISE_LATE_RECORDS " " + place.line("--seeds 1 " + option));
      INFO(looks << " " << option << result.out << result.err);
      CHECK(result.status == 0);
      CHECK(result.last_line() == whole.last_line());
    }
  }
}

TEST_CASE("a checkpoint that cannot be restored is set aside, and its run begins anew") {
  const Place place;
  const std::string options = "--seeds 1 --epochs " + std::string(kSanitized ? "8 " : "24 ");
  const CommandResult whole = place.run(options, "whole");
  REQUIRE(whole.status == 0);
  std::vector<std::string> digits;
  for (const std::string& line : lines_of(place.run(options + "--list").out)) {
    digits.push_back(line.substr(12, 16));
  }
  REQUIRE(digits.size() == 2);
  stop_at_checkpoint(place, options + "--run " + digits[1], "other");
  const std::string other =
      test::read_file(place.store("other") + "/runs/" + digits[1] + ".h5.checkpoint");
  const std::vector<std::function<void(std::string&)>> damages = {
      [](std::string& bytes) { bytes[bytes.size() / 2] ^= 1; },
      [](std::string& bytes) { bytes.resize(bytes.size() / 2); },
      [&](std::string& bytes) { bytes = other; },
  };
  for (std::size_t i = 0; i < damages.size(); ++i) {
    const std::string store = "s" + std::to_string(i);
    stop_at_checkpoint(place, options + "--run " + digits[0], store);
    const std::string path = place.store(store) + "/runs/" + digits[0] + ".h5.checkpoint";
    std::string bytes = test::read_file(path);
    damages[i](bytes);
    write_file(path, bytes);
    const CommandResult result = place.run(options + (i == 0 ? "--resume" : "--worker"), store);
    INFO(result.out << result.err);
    CHECK(result.status == 0);
    CHECK(result.err.empty());
    CHECK(result.last_line() == whole.last_line());
    CHECK(count_of(result.out, "; set aside as " + path + ".damaged-1\n") == 1);
    CHECK(result.out.find("continuing after") == std::string::npos);
    CHECK(test::read_file(path + ".damaged-1") == bytes);
    CHECK(place.files(store).size() == 3);
  }
}

TEST_CASE("processes of one launcher that would each do all runs are refused by the first") {
  const Place place;
  const auto rank = [&](int number, const std::string& options) {
    return run_command("OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_RANK=" + std::to_string(number) +
                       " " + place.line("--seeds 1 " + options));
  };
  const CommandResult first = rank(0, "");
  CHECK(first.status == 2);
  CHECK(first.err ==
        "study: command line: 2 processes of Open MPI's launcher, of which each would do all "
        "runs; expected --worker, by which they share the runs\n");
  const CommandResult second = rank(1, "");
  CHECK(second.status == 0);
  CHECK(second.out + second.err == "");
  CHECK(!fs::exists(place.store()));
  CHECK(rank(1, "--list").status == 0);
  const std::string digits = place.run("--seeds 1 --list").out.substr(12, 16);
  const std::string each = "study: command line: 2 processes of Open MPI's launcher, of which each";
  for (const auto& [option, told] : std::vector<std::pair<std::string, std::string>>{
           {"--share 2/2",
            " would do the same share; expected --worker in place of --share, by which they share "
            "all runs\n"},
           {"--run " + digits, " would do the same run; expected one process\n"}}) {
    INFO(option);
    const CommandResult refused = rank(0, option);
    CHECK(refused.status == 2);
    CHECK(refused.err == each + told);
    CHECK(rank(1, option).status == 0);
    CHECK(!fs::exists(place.store()));
  }
  CHECK(rank(0, "--worker --run " + digits).status == 0);
  CHECK(rank(0, "--worker").status == 0);
  const CommandResult summaries =
      run_command("PMI_SIZE=2 PMI_RANK=0 " + kProgram + "--store " + place.store() +
                  " --summaries " + (place.folder / "summaries"));
  CHECK(summaries.status == 2);
  CHECK_THAT(summaries.err, Catch::EndsWith(" would write all summaries; expected one process\n"));
  CHECK(!fs::exists(place.folder / "summaries"));
}

TEST_CASE("a signal that comes when the last record is being saved does not change the status") {
  const Place place;
  const CommandResult whole = place.run("--seeds 1");
  REQUIRE(whole.status == 0);
  const std::string record = place.store() + "/runs/" + place.files().front();
  fs::remove(record);
  const auto signalled = [&](const std::string& name, const std::string& line) {
    const std::string go = place.folder / name;
    const CommandResult result = script(
        place, "HOLD_RECORDS=" + go + " " + kAnotherHost + line + " &\nworker=$!\nuntil [ -e " +
                   go + ".reached ]; do sleep 0.05; done\nkill -TERM $worker\ntouch " + go +
                   "\nwait $worker\n");
    INFO(name << result.out << result.err);
    CHECK(result.status == 0);
    return result.last_line();
  };
  CHECK(signalled("study", place.line("--seeds 1")) == whole.last_line());
  CHECK(fs::exists(record));
  const std::string train =
      REPRISE_BINARY_DIR "/experiments/train_lenet5 --data " REPRISE_FIXTURES
                         "/fashion-mnist --train-images 128 --epochs 1 --threads 1 --output ";
  const std::string digest = signalled("train_lenet5", train + (place.folder / "one.h5"));
  CHECK_THAT(digest, Catch::StartsWith("digest sha256:"));
  CHECK(!fs::exists(place.folder / "one.h5.checkpoint"));
}

TEST_CASE("the list of runs says what can be known of a lease") {
  const Place place;
  REQUIRE(place.run("--seeds 1", "whole").status == 0);
  const std::string runs = place.store() + "/runs/";
  fs::create_directories(runs);
  write_file(place.store() + "/store.toml", kStoreText);
  const std::string lease =
      runs + fs::path(place.files("whole").front()).stem().string() + ".lease";
  write_file(lease, "worker = far.example:12\nseconds = 40\nlocked = yes\nhost = far\n");
  const auto note_at = [&](const std::string& when) {
    REQUIRE(run_command("touch -d '" + when + "' " + lease).status == 0);
    return place.run("--seeds 1 --list").out;
  };
  CHECK_THAT(note_at("1000 seconds ago"),
             Catch::Contains("far.example:12 has its lease of 40 s, which last beat 100") &&
                 Catch::Contains(" s ago by this host's clock\n"));
  CHECK_THAT(note_at("next week"), Catch::Contains("; far.example:12 has its lease\n"));
  // On this host the lock tells, whatever the clock says.
  fs::remove(lease);
  const std::string list = place.line("--seeds 1 --list");
  const std::string hold = place.folder / "hold";
  write_file(hold, "exec 9>" + runs + fs::path(place.files("whole").front()).string() +
                       ".lock\nflock 9\nboot=$(cat /proc/sys/kernel/random/boot_id)\n"
                       "printf 'worker = near:1\\nlocked = yes\\nhost = %s\\n' $boot >" +
                       lease + "\ntouch -d '1000 seconds ago' " + lease + "\n" + list + "\n");
  CHECK_THAT(run_command("bash " + hold).out, Catch::Contains("; near:1 has its lease\n"));
  CHECK_THAT(run_command(list).out,
             Catch::Contains("; near:1's lease has expired: its process is gone\n"));
}

TEST_CASE("without --worker, another host's run is an error, and a stale lease is waited out") {
  const Place place;
  const CommandResult whole = place.run("--seeds 1", "whole");
  const std::string lease =
      place.store() + "/runs/" + fs::path(place.files("whole").front()).stem().string() + ".lease";
  fs::create_directories(place.store() + "/runs");
  write_file(place.store() + "/store.toml", kStoreText);
  const CommandResult living =
      script(place, "(for i in {1..200}; do echo $i >" + lease +
                        "; sleep 0.1; done) &\nheart=$!\n" + "status=0\n" +
                        place.line("--seeds 1") + " || status=$?\nkill $heart\nexit $status\n");
  INFO(living.out << living.err);
  CHECK(living.status == 1);
  CHECK_THAT(living.err, Catch::StartsWith("study: ") && Catch::Contains("is working on it, by ") &&
                             Catch::Contains("--worker"));
  CHECK(count_of(living.err, "\n") == 1);
  write_file(lease, "worker = far.example:12\nseconds = 1\nlocked = yes\nhost = far\n");
  const CommandResult stale = place.run("--seeds 1");
  INFO(stale.out << stale.err);
  CHECK(stale.status == 0);
  CHECK_THAT(stale.out, Catch::Contains("taken over from far.example:12"));
  CHECK(stale.last_line() == whole.last_line());
  CHECK(place.files() == place.files("whole"));
}

TEST_CASE("bad shares and workers, and a folder without claims, are refused in one line") {
  const Place place;
  const auto check_refused = [&](const std::string& before, const std::string& options,
                                 const std::string& message, int status) {
    const CommandResult result = run_command(before + place.line(options));
    INFO(options << result.err);
    CHECK(result.status == status);
    CHECK_THAT(result.err, Catch::StartsWith("study: ") && Catch::Contains(message));
    CHECK(count_of(result.err, "\n") == 1);
  };
  for (const std::string share : {"5/3", "0/3", "1/0", "3", "1/", "/2", "-1/2", "1/2/3", "a/b"}) {
    check_refused("", "--share " + share, "option --share: \"" + share + "\"; expected I/N", 2);
  }
  check_refused("", "--worker --force", "--worker and --force", 2);
  check_refused("", "--worker --share 1/2", "--worker and --share", 2);
  check_refused("", "--worker --lease-seconds 0", "--lease-seconds", 2);
  const std::string digits(16, '0');
  check_refused("", "--run 123", "option --run: \"123\"; expected the 16 digits of a run", 2);
  check_refused("", "--share 1/2 --run " + digits, "--share and --run", 2);
  for (const std::string also : {"", "--list ", "--status ", "--worker ", "--force "}) {
    check_refused("", also + "--run " + digits,
                  "option --run: " + digits + "; expected the digits of a run that --list prints",
                  2);
  }
  check_refused(kPreload + REPRISE_NO_LINKS " ", "--worker", "no rename that replaces nothing", 1);
  CHECK(place.files().empty());
}
