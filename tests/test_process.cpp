// Programs when the system interferes: signals, limits, file systems that can do little, a second
// run.
#include <csignal>
#include <filesystem>

#include "reprise/linalg/blas.hpp"
#include "reprise/record_file/record_file.hpp"
#include "reprise/run/checkpoint.hpp"
#include "support/catch.hpp"
#include "support/command.hpp"
#include "support/program.hpp"
#include "support/skip.hpp"
#include "support/temporary_folder.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

std::string train_line(const std::string& options) {
  return kTrain + " --data " + kFixture + " " + options;
}

/// The digest that a run of these settings ends with.
std::string digest_line(const std::string& settings) {
  const TemporaryFolder folder;
  const CommandResult result = run_command(train_line(settings + " --output " + (folder / "a.h5")));
  REQUIRE(result.status == 0);
  return result.last_line();
}

/// Whether a sanitizer needs more address space than any limit that is worth testing.
constexpr bool is_sanitized() {
#ifdef REPRISE_SANITIZED
  return true;
#else
  return false;
#endif
}

}  // namespace

TEST_CASE("a signal during the last evaluation stops nothing: the record is saved, the status 0") {
  const TemporaryFolder folder;
  // The naive convolution makes what follows the last epoch long enough to be interrupted.
  const CommandResult result = run_command_until(
      train_line("--epochs 1 --train-images 256 --conv-algorithm naive --threads 1 --output " +
                 (folder / "a.h5")),
      SIGINT, [](const std::string& out) { return out.find("epoch 1/1") != std::string::npos; });
  INFO(result.out << result.err);
  CHECK(result.status == 0);
  CHECK_THAT(result.last_line(), Catch::StartsWith("digest sha256:"));
  CHECK(folder.names() == std::vector<std::string>{"a.h5"});
}

TEST_CASE("SIGHUP keeps what SIGTERM keeps") {
  for (const int signal : {SIGTERM, SIGHUP}) {
    const TemporaryFolder folder;
    const CommandResult result = run_command_until(
        train_line("--epochs 50 --output " + (folder / "a.h5")), signal,
        [](const std::string& out) { return out.find("epoch 1/50") != std::string::npos; });
    INFO(signal << result.out << result.err);
    CHECK(result.status == 130);
    CHECK(folder.names() == std::vector<std::string>{"a.h5.checkpoint"});
  }
}

TEST_CASE("a reader that goes away stops a run like a signal") {
  const TemporaryFolder folder;
  const std::string line = train_line("--epochs 50 --output " + (folder / "a.h5"));
  const CommandResult result =
      run_command("bash -c 'set -o pipefail; " + line + " | head -n 1 >/dev/null'");
  INFO(result.err);
  CHECK(result.status == 130);
  CHECK(folder.names() == std::vector<std::string>{"a.h5.checkpoint"});
}

TEST_CASE("nohup keeps SIGHUP away") {
  const TemporaryFolder folder;
  bool is_sent = false;
  const CommandResult result = run_command_until(
      "nohup " + train_line("--epochs 3 --output " + (folder / "a.h5")), SIGHUP,
      [&](const std::string& out) { return is_sent = out.find("epoch 1/3") != std::string::npos; });
  INFO(result.out << result.err);
  CHECK(is_sent);
  CHECK(result.status == 0);
}

TEST_CASE("a checkpoint that does not fit ends no run whose record fits") {
  const std::string settings = "--epochs 3 --optimizer adam";
  const TemporaryFolder folder;
  // Between the sizes of the record and of the checkpoint, which has Adam's two moments besides.
  const CommandResult result = run_command(
      "bash -c 'ulimit -f 650; " + train_line(settings + " --output " + (folder / "a.h5")) + "'");
  INFO(result.out << result.err);
  CHECK(result.status == 0);
  CHECK(result.last_line() == digest_line(settings));
  CHECK_THAT(result.err, Catch::StartsWith("warning: ") && Catch::Contains("File too large"));
  CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
  CHECK(folder.names() == std::vector<std::string>{"a.h5"});
}

TEST_CASE("a second run with the same output ends at once and disturbs nothing") {
  const TemporaryFolder folder;
  const std::string output = " --output " + (folder / "a.h5");
  test::write_file(folder / "second.sh", train_line("--seed 2 --epochs 1" + output) + " 2>" +
                                             (folder / "said") + "; echo $? >" +
                                             (folder / "status"));
  bool ran = false;
  const CommandResult first =
      run_command_until(train_line("--epochs 50" + output), SIGTERM, [&](const std::string& out) {
        if (out.find("epoch 1/50") == std::string::npos) return false;
        if (!ran) run_command("sh " + (folder / "second.sh"));
        ran = true;
        return true;
      });
  INFO(first.out << first.err);
  CHECK(test::read_file(folder / "status") == "1\n");
  CHECK_THAT(test::read_file(folder / "said"), Catch::Contains("another run is writing it"));
  CHECK(first.status == 130);
  const CommandResult resumed = run_command(train_line("--seed 2" + output + " --resume"));
  CHECK_THAT(resumed.err, Catch::Contains("seed"));  // the checkpoint is the first run's
  CHECK(std::filesystem::exists(folder / "a.h5.checkpoint"));
  CHECK(!std::filesystem::exists(folder / "a.h5.lock"));
}

TEST_CASE("a file system without hard links and without an exclusive rename keeps records") {
  const TemporaryFolder folder;
  const std::string preload =
      "ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD=" REPRISE_NO_LINKS " ";
  const std::string line = train_line("--epochs 2 --output " + (folder / "a.h5"));
  const CommandResult result = run_command(preload + line);
  INFO(result.out << result.err);
  CHECK(result.status == 0);
  CHECK(folder.names() == std::vector<std::string>{"a.h5"});
  const std::string before = test::read_file(folder / "a.h5");
  const CommandResult again = run_command(preload + line);
  CHECK(again.status == 1);
  CHECK_THAT(again.err, Catch::Contains("exists already") && Catch::Contains("--force"));
  CHECK(test::read_file(folder / "a.h5") == before);
}

TEST_CASE("a name whose checkpoint would be too long is refused before training") {
  const TemporaryFolder folder;
  const CommandResult result =
      run_command(train_line("--epochs 1 --output " + (folder / std::string(238, 'x'))));
  CHECK(result.status == 1);
  CHECK_THAT(result.err, Catch::Contains("too long"));
  CHECK(result.out.empty());
}

TEST_CASE("threads that the system refuses leave fewer, and the same digest") {
  if (is_sanitized()) REPRISE_SKIP("a sanitizer needs more memory than the limit");
  const TemporaryFolder folder;
  const CommandResult result =
      run_command("ulimit -v 4000000; " +
                  train_line("--epochs 1 --threads 1024 --output " + (folder / "a.h5")));
  INFO(result.out << result.err);
  CHECK(result.status == 0);
  CHECK_THAT(result.err, Catch::Contains("of 1024 threads can be started here"));
  CHECK(result.last_line() == digest_line("--epochs 1"));
}

TEST_CASE("runs side by side under a limit on memory end, with fewer threads") {
  if (is_sanitized()) REPRISE_SKIP("a sanitizer needs more memory than the limit");
  const TemporaryFolder folder;
  const CommandResult result = run_command(
      "ulimit -v 1000000; " REPRISE_BINARY_DIR "/experiments/study dropout --data " + kFixture +
      " --quick --epochs 1 --train-images 256 --seeds 1,2,3,4,5,6,7,8 --threads 64 --store " +
      (folder / "s"));
  INFO(result.out << result.err);
  CHECK(result.status == 0);
  CHECK_THAT(result.err, Catch::Contains("of 64 threads can be started here"));
}

TEST_CASE(
    "more epochs go on from a record, from a checkpoint, and not from what is not the run's") {
  const TemporaryFolder folder;
  const std::string output = " --output " + (folder / "a.h5");
  const std::string whole = digest_line("--epochs 3");
  REQUIRE(run_command(train_line("--epochs 1" + output)).status == 0);
  CHECK_THAT(run_command(train_line("--epochs 3" + output)).err, Catch::Contains("exists already"));
  CHECK_THAT(run_command(train_line("--epochs 3 --seed 2 --resume" + output)).err,
             Catch::Contains("another run"));
  const CommandResult longer = run_command(train_line("--epochs 3 --resume" + output));
  INFO(longer.out << longer.err);
  CHECK(longer.status == 0);
  CHECK(longer.last_line() == whole);
  const Record record = load_record(folder / "a.h5");
  CHECK_THAT(record.group("environment").values<std::string>("log").front(),
             Catch::Contains("continuing from the record that ends with epoch 1, digest sha256:"));

  // A record whose history is another's stays as it is.
  Record other = record;
  std::get<std::vector<std::string>>(
      other.groups.at("history").datasets.at("parameters_sha256").values)[1][0] ^= 1;
  save_record(other, folder / "a.h5", Overwrite::yes);
  const std::string before = test::read_file(folder / "a.h5");
  const CommandResult refused = run_command(train_line("--epochs 4 --resume" + output));
  CHECK(refused.status == 1);
  CHECK_THAT(refused.err, Catch::Contains("epoch 2 gives other parameters"));
  CHECK(test::read_file(folder / "a.h5") == before);

  const std::string cut = " --output " + (folder / "cut.h5");
  const CommandResult stopped = run_command_until(
      train_line("--epochs 50" + cut), SIGTERM,
      [](const std::string& out) { return out.find("epoch 1/50") != std::string::npos; });
  REQUIRE(stopped.status == 130);
  const CommandResult fewer = run_command(train_line("--epochs 3 --resume" + cut));
  // Stopped within the first three epochs, most likely; a checkpoint beyond them is refused.
  if (fewer.status == 0) {
    CHECK(fewer.last_line() == whole);
  } else {
    CHECK_THAT(fewer.err, Catch::Contains("expected at most the 3 of the configuration"));
  }
}

TEST_CASE("a limit on memory that the work fits in does not keep a program from its end") {
  if (is_sanitized()) REPRISE_SKIP("a sanitizer needs more memory than the limit");
  const TemporaryFolder folder;
  const CommandResult result =
      run_command("ulimit -v 200000; timeout -s KILL 60 " +
                  train_line("--epochs 1 --threads 2 --output " + (folder / "a.h5")));
  INFO(result.out << result.err);
  CHECK(result.status == 0);
}

TEST_CASE("OpenBLAS and its threads are there only for what multiplies by it") {
  const auto is_loaded = [] {
    return test::read_file("/proc/self/maps").find("libopenblas") != std::string::npos;
  };
  REQUIRE_FALSE(is_loaded());
  CHECK(blas_description() == "not loaded");
  CHECK(blas_unavailable().empty());
  CHECK(is_loaded());
  CHECK_THAT(blas_description(), Catch::Contains("OpenBLAS"));
}

TEST_CASE("a checkpoint whose state is not one of the run is refused in one line") {
  const TemporaryFolder folder;
  const std::string output = " --output " + (folder / "a.h5");
  const CommandResult stopped = run_command_until(
      train_line("--epochs 50" + output), SIGTERM,
      [](const std::string& out) { return out.find("epoch 2/50") != std::string::npos; });
  REQUIRE(stopped.status == 130);
  const std::string path = folder / "a.h5.checkpoint";
  const Record whole = load_record(path);
  const auto refused = [&](const std::string& message, const std::function<void(Record&)>& damage) {
    Record record = whole;
    damage(record);
    save_record(record, path, Overwrite::yes);
    const CommandResult result = run_command(train_line("--epochs 50 --resume" + output));
    INFO(message << "\n" << result.err);
    CHECK(result.status == 1);
    CHECK_THAT(result.err, Catch::Contains("a.h5.checkpoint") && Catch::Contains(message));
    CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
  };
  const auto state = [](Record& record) -> Group& { return record.groups.at("state"); };
  const auto shorten = [&](Record& record, const char* name, std::size_t size) {
    Dataset& dataset = state(record).datasets.at(name);
    std::get<std::vector<float>>(dataset.values).resize(size);
    dataset.shape = {size};
  };
  // The schema finds what contradicts itself, the run what is not its own.
  const std::vector<const char*> arrays = {"parameters", "optimizer_first", "optimizer_second"};
  for (const std::size_t size : {0, 1, 61705}) {
    for (const char* name : arrays) {
      refused("along parameter", [&](Record& record) { shorten(record, name, size); });
    }
    refused("expected 61706", [&](Record& record) {
      for (const char* name : arrays) shorten(record, name, size);
    });
  }
  refused("second moments", [&](Record& r) { state(r).datasets.erase("optimizer_second"); });
  const auto count = [&](const char* name, std::int64_t value, const std::string& message) {
    refused(message, [&](Record& r) { state(r).attributes[name] = value; });
  };
  count("optimizer_steps", 7, "the optimizer's steps 7");
  count("step_in_epoch", 1000, "expected 1000, as /state@step_in_epoch says");
  count("step_in_epoch", -1, "/state@step_in_epoch is -1");
  const auto set_steps = [](Group& group, std::size_t steps) {
    for (const char* name : {"step_loss", "step_error"}) {
      Dataset& dataset = group.datasets.at(name);
      std::get<std::vector<double>>(dataset.values).resize(steps);
      dataset.shape = {steps};
    }
  };
  refused("at most 16", [&](Record& r) {
    state(r).attributes["step_in_epoch"] = std::int64_t{1000};
    set_steps(state(r), 1000);
  });
  count("epoch_errors", 1 << 20, "at most 2000");
  refused("beta1_power", [&](Record& r) { state(r).attributes["beta1_power"] = 0.5; });
  refused("step_loss", [&](Record& r) { state(r).datasets.erase("step_loss"); });
  refused("losses of an epoch's steps",
          [&](Record& r) { set_steps(r.groups.at("history").groups.at("epoch_000001"), 15); });
}

TEST_CASE("a control group's quota of processor time counts") {
  const TemporaryFolder folder;
  const auto file = [&](const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(folder / path).parent_path());
    test::write_file(folder / path, text);
  };
  file("cpu.max", "max 100000\n");
  file("a/cpu.max", "150000 100000\n");
  file("a/b/cpu.max", "max 100000\n");
  file("c/cpu.max", "garbage\n");
  file("cpu/d/cpu.cfs_quota_us", "50000\n");
  file("cpu/d/cpu.cfs_period_us", "100000\n");
  file("cpu/cpu.cfs_quota_us", "-1\n");
  file("cpu/cpu.cfs_period_us", "100000\n");
  CHECK(cgroup_processors("0::/a/b\n", folder.path()) == 1.5);
  CHECK(cgroup_processors("0::/\n", folder.path()) == 0.0);
  CHECK(cgroup_processors("0::/c\n", folder.path()) == 0.0);
  CHECK(cgroup_processors("0::/none\n", folder.path()) == 0.0);
  CHECK(cgroup_processors("4:memory:/d\n3:cpu,cpuacct:/d\n", folder.path()) == 0.5);
  CHECK(cgroup_processors("3:cpu:/\n", folder.path()) == 0.0);
  CHECK(cgroup_processors("", folder.path()) == 0.0);
}
