// train_lenet5 as a person uses it: what it prints and leaves, and what it says to bad input.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>

#include "reprise/core/random.hpp"
#include "reprise/linalg/simd.hpp"
#include "reprise/record_file/record_file.hpp"
#include "support/catch.hpp"
#include "support/command.hpp"
#include "support/refused.hpp"
#include "support/sanitized.hpp"
#include "support/targets.hpp"
#include "support/temporary_folder.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

std::string command_line(const std::string& options) {
  return kTrain + " --data " + kFixture + " " + options;
}

CommandResult train(const std::string& options, const std::string& prefix = "") {
  return run_command(prefix + command_line(options));
}

void check_refused(const std::string& options, const std::string& message, int status = 1) {
  test::check_refused("train_lenet5", options, status, message);
}

/// The same for a command line that says what cannot be.
void check_misused(const std::string& options, const std::string& message) {
  check_refused(options, message, 2);
}

/// A copy of the fixture in `folder`, to be damaged.
void copy_fixture(const TemporaryFolder& folder) {
  for (const auto& entry : std::filesystem::directory_iterator(kFixture)) {
    std::filesystem::copy(entry.path(), folder.path());
  }
}

}  // namespace

TEST_CASE("help lists every option with its default, and an example") {
  const CommandResult help = run_command(kTrain + " --help");
  CHECK(help.status == 0);
  for (const char* option :
       {"--seed", "--epochs", "--batch-size", "--learning-rate", "--optimizer", "--conv-algorithm",
        "--threads", "--output", "--data", "--config", "--resume"}) {
    CHECK_THAT(help.out, Catch::Contains(option));
  }
  CHECK_THAT(help.out, Catch::Contains("0.001") && Catch::Contains("Example:"));
}

TEST_CASE("a run prints an epoch a line and ends with its digest, whatever threads and vectors") {
  const TemporaryFolder folder;
  const std::string small = "--epochs 2 --train-images 200 ";
  const CommandResult one = train(small + "--threads 1 --output " + (folder / "a.h5"));
  INFO(one.out << one.err);
  REQUIRE(one.status == 0);
  CHECK_THAT(one.out, Catch::Contains("epoch 2/2  train loss"));
  CHECK(one.out.find('\r') == std::string::npos);  // no progress line outside a terminal
  CHECK_THAT(one.last_line(), Catch::StartsWith("digest sha256:"));

  REQUIRE_FALSE(simd_targets().empty());
  for (const std::string& simd : test::targets()) {
    const CommandResult three =
        train(small + "--threads 3 --simd " + simd + " --force --output " + (folder / "b.h5"));
    INFO(simd << "\n" << three.out << three.err);
    CHECK(three.status == 0);
    CHECK(three.last_line() == one.last_line());
  }
  const CommandResult other = train(small + "--seed 2 --output " + (folder / "c.h5"));
  CHECK(other.last_line() != one.last_line());

  const std::string before = test::read_file(folder / "a.h5");
  const CommandResult again = train(small + "--output " + (folder / "a.h5"));
  CHECK(again.status == 1);
  CHECK_THAT(again.err, Catch::Contains("exists already") && Catch::Contains("--force"));
  CHECK(test::read_file(folder / "a.h5") == before);
  CHECK(train(small + "--force --output " + (folder / "a.h5")).last_line() == one.last_line());
}

TEST_CASE("training on the fixture reaches an accuracy that a wrong gradient would not") {
  const TemporaryFolder folder;
  const CommandResult result = train("--epochs 12 --batch-size 32 --output " + (folder / "a.h5"));
  REQUIRE(result.status == 0);
  const std::size_t at = result.out.rfind("test loss");
  const std::size_t error = result.out.find("error ", at);
  const double percent = std::stod(result.out.substr(error + 6));
  CHECK(percent < 22.0);
  CHECK(percent > 5.0);  // less would be too good for 2,000 images
}

TEST_CASE("a TOML file sets what the command line does not") {
  const TemporaryFolder folder;
  write_file(folder / "c.toml", "epochs = 1\nbatch_size = 100\nlearning_rate = 0.01\n");
  const CommandResult result =
      train("--config " + (folder / "c.toml") + " --batch-size 50 --output " + (folder / "a.h5"));
  REQUIRE(result.status == 0);
  const CommandResult same =
      train("--epochs 1 --batch-size 50 --learning-rate 0.01 --output " + (folder / "b.h5"));
  CHECK(result.last_line() == same.last_line());

  write_file(folder / "bad.toml", "epochs = 1\nbatchsize = 100\n");
  check_misused("--config " + (folder / "bad.toml"), "bad.toml:2: unknown setting \"batchsize\"");
  check_misused("--config " + (folder / "bad.toml"), "such as batch_size");
  write_file(folder / "type.toml", "epochs = \"two\"\n");
  check_misused("--config " + (folder / "type.toml"), "expected an integer");
  write_file(folder / "broken.toml", "epochs = \n");
  check_misused("--config " + (folder / "broken.toml"), "broken.toml:1");
  check_misused("--config nowhere.toml", "nowhere.toml");
  check_misused("--config " + folder.path(), "Is a directory");
  check_misused("--config /dev/zero", "is not a regular file");
  write_file(folder / "binary.toml", "epochs = 1 # \xff\n");
  check_misused("--config " + (folder / "binary.toml"), "UTF-8");
}

TEST_CASE("settings may come through a pipe") {
  const TemporaryFolder folder;
  const auto bash = [&](const std::string& config) {
    return run_command("bash -c \"" +
                       command_line("--epochs 1 --train-images 128 --output " + (folder / "a.h5")) +
                       " --config <(echo '" + config + "')\"");
  };
  const CommandResult result = bash("seed = 5");
  INFO(result.err);
  CHECK(result.status == 0);
  CHECK_THAT(result.out, Catch::Contains("seed 5"));
  CHECK_THAT(bash("sede = 5").err, Catch::Contains("such as seed"));
}

TEST_CASE("names may have brackets, commas, blanks and dashes in them") {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "[runs]");
  for (const std::string name : {"[runs]/a[1],b.h5", "[a]", "a b.h5", "--seed"}) {
    const std::string options =
        "--epochs 1 --train-images 128 --batch-size 128 --output='" + name + "'";
    const CommandResult result =
        run_command("cd " + folder.path() + " && " + command_line(options));
    INFO(name << "\n" << result.err);
    CHECK(result.status == 0);
    CHECK(std::filesystem::is_regular_file(folder / name));
  }
}

TEST_CASE("a leading zero makes no octal number, and no seed is cut off") {
  const std::string quick = "--epochs 01 --train-images 0128 --batch-size 128 ";
  const TemporaryFolder folder;
  const CommandResult ten = train(quick + "--seed 010 --output " + (folder / "a.h5"));
  INFO(ten.err);
  CHECK_THAT(ten.out, Catch::Contains("seed 10,"));
  const CommandResult last =
      train(quick + "--seed 9223372036854775807 --output " + (folder / "b.h5"));
  CHECK_THAT(last.out, Catch::Contains("seed 9223372036854775807,"));
  check_misused("--seed 9223372036854775808", "--seed: \"9223372036854775808\"");
  check_misused("--seed ''", "--seed: \"\"");
  check_misused("--optimizer sgd --momentum ''", "--momentum: \"\"");
}

TEST_CASE("settings out of range and unknown options are refused in one line") {
  const std::string data = "--data " + kFixture + " ";
  check_misused(data + "--learning-rate 0", "expected a positive finite number");
  check_misused(data + "--learning-rate -0.1", "expected a positive finite number");
  check_misused(data + "--learning-rate nan", "expected a decimal number");
  check_misused(data + "--learning-rate inf", "expected a decimal number");
  check_misused(data + "--learning-rate fast", "--learning-rate: \"fast\"");
  check_refused(data + "--batch-size 2001", "at most the 2000 training images");
  check_misused(data + "--batch-size 0", "1 or more");
  check_misused(data + "--epochs 0", "1 or more");
  check_misused(data + "--epochs 1.5", "epochs");
  check_misused(data + "--seed -1", "0 or more");
  check_misused(data + "--conv-algorithm fastest", "naive");
  check_misused(data + "--optimizer adm", "one of adam, sgd, nesterov");
  check_misused(data + "--epcohs 3", "such as --epochs");
  check_misused(data + "--threads 0", "an integer from 1 to 1024");
  check_misused(data + "--simd sse2", "avx2");
  check_misused(data + "--momentum 1", "below 1");
}

TEST_CASE("a diverging run ends with a word about the learning rate") {
  check_refused("--data " + kFixture + " --optimizer sgd --learning-rate 1e30 --output a.h5",
                "smaller learning rate");
}

TEST_CASE("bad data is refused in one line") {
  check_refused("--data nowhere", "nowhere");
  const std::string images = "train-images-idx3-ubyte.gz";
  const std::string labels = "train-labels-idx1-ubyte.gz";
  const auto damaged = [&](const std::string& file, const auto& damage,
                           const std::string& message) {
    const TemporaryFolder folder;
    copy_fixture(folder);
    damage(folder / file);
    check_refused("--data " + folder.path(), message);
    check_refused("--data " + folder.path(), file.substr(0, file.find(".gz")));
  };
  damaged(
      images, [](const std::string& f) { std::filesystem::remove(f); }, "train-images");
  damaged(
      images, [](const std::string& f) { std::filesystem::resize_file(f, 5000); }, "truncated");
  damaged(
      labels,
      [](const std::string& f) {
        run_command("gzip -dc " + kFixture + "/train-images-idx3-ubyte.gz | gzip >" + f);
      },
      "magic");
  damaged(
      labels,
      [](const std::string& f) {
        run_command("cp " + kFixture + "/t10k-labels-idx1-ubyte.gz " + f);
      },
      "500");
  damaged(
      labels,
      [](const std::string& f) {
        run_command(
            "(printf '\\0\\0\\10\\1\\0\\0\\7\\320'; head -c 2000 /dev/zero | tr '\\0' "
            "'\\13') | gzip >" +
            f);
      },
      "11");
  damaged(
      images,
      [](const std::string& f) {
        run_command(
            "printf '\\0\\0\\10\\3\\377\\377\\377\\377\\377\\377\\377\\377\\377\\377"
            "\\377\\377' | gzip >" +
            f);
      },
      "2^40");
}

TEST_CASE("an output that cannot be written is refused before training begins") {
  const std::string data = "--data " + kFixture + " --epochs 1 ";
  check_refused(data + "--output nowhere/a.h5", "nowhere");
  check_refused(data + "--output /proc/a.h5", "/proc");
}

TEST_CASE("a full disk leaves one line and no half-written record") {
  const TemporaryFolder folder;
  const std::string mount = folder.path();
  const bool mounted = run_command("mount -t tmpfs -o size=64k tmpfs " + mount).status == 0;
  // Without the right to mount, a limit on the size of files stands in for the disk.
  const std::string limit = mounted ? "" : "trap '' XFSZ; ulimit -f 64; ";
  const CommandResult result = train("--epochs 1 --output " + (folder / "a.h5"), limit);
  const std::size_t left = folder.names().size();
  if (mounted) run_command("umount " + mount);
  INFO(result.out << result.err);
  CHECK(result.status == 1);
  CHECK_THAT(result.err,
             Catch::Contains("a.h5") && Catch::Contains(mounted ? "No space left" : "too large"));
  CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
  CHECK(left == 0);
}

TEST_CASE("an option's earlier name is taken with a note, and not beside today's") {
  const TemporaryFolder folder;
  const std::string small = "--epochs 1 --train-images 32 --batch-size 16 ";
  const CommandResult now =
      train(small + "--conv-algorithm naive --random-shift 1 --output " + (folder / "now.h5"));
  const CommandResult then =
      train(small + "--conv naive --shift=1 --output " + (folder / "then.h5"));
  INFO(then.out << then.err);
  REQUIRE(now.status == 0);
  REQUIRE(then.status == 0);
  CHECK(now.err.empty());
  CHECK_THAT(then.err, Catch::Contains("note: --conv is called --conv-algorithm now\n") &&
                           Catch::Contains("note: --shift is called --random-shift now\n"));
  CHECK(digest_of(load_record(folder / "now.h5")) == digest_of(load_record(folder / "then.h5")));
  check_misused("--conv naive --conv-algorithm fft", "--conv-algorithm: given twice");
}

TEST_CASE("a run stopped by Ctrl-C goes on with --resume to the same digest") {
  const TemporaryFolder folder;
  const std::string images = kSanitized ? "--train-images 500 " : "";
  const std::string options = images + "--epochs 6 --batch-size 16 --output ";
  const CommandResult whole = train(options + (folder / "whole.h5"));
  REQUIRE(whole.status == 0);
  const std::string cut = folder / "cut.h5";
  // Before the first step, after an epoch, after four; through `timeout`, which passes a signal on
  // twice.
  for (const char* told : {"parameters, seed", "epoch 1/6", "epoch 4/6"}) {
    const std::string resume = std::filesystem::exists(cut + ".checkpoint") ? "--resume " : "";
    const CommandResult stopped = run_command_until(
        "timeout --preserve-status 600 " + command_line(resume + options + cut), SIGINT,
        [&](const std::string& out) { return out.find(told) != std::string::npos; });
    INFO(stopped.out << stopped.err);
    REQUIRE(stopped.status == 130);
    CHECK_THAT(stopped.out,
               Catch::Contains("continue with --resume") && !Catch::Contains("after 0 "));
    REQUIRE(std::filesystem::exists(cut + ".checkpoint"));
    CHECK(!std::filesystem::exists(cut));
  }
  CHECK_THAT(train(options + cut).err, Catch::Contains("--resume"));
  const CommandResult elsewhere = train("--resume " + options + (folder / "never.h5"));
  CHECK(elsewhere.status == 1);
  CHECK_THAT(elsewhere.err,
             Catch::Contains("never.h5: there is neither this record nor a checkpoint "
                             "of its run; expected --output as the interrupted run"));
  CHECK_THAT(train("--seed 5 --resume " + options + cut).err,
             Catch::Contains("another run") && Catch::Contains("seed"));
  const CommandResult resumed = train("--resume " + options + cut);
  INFO(resumed.out << resumed.err);
  REQUIRE(resumed.status == 0);
  CHECK(resumed.last_line() == whole.last_line());
  CHECK(!std::filesystem::exists(cut + ".checkpoint"));
}

TEST_CASE("a damaged checkpoint is refused") {
  const TemporaryFolder folder;
  write_file(folder / "a.h5.checkpoint", "not HDF5");
  const CommandResult result = train("--resume --output " + (folder / "a.h5"));
  CHECK(result.status == 1);
  CHECK_THAT(result.err,
             Catch::Contains("a.h5.checkpoint: is not an HDF5 file: the run cannot be continued; "
                             "expected a whole checkpoint, or --force instead of --resume"));
  CHECK(train("--resume --output " + (folder / "b.h5")).status == 1);
}

TEST_CASE("killed at random moments and resumed, a run ends with the same digest") {
  const TemporaryFolder folder;
  const std::string options = "--epochs 3 --batch-size 16 --checkpoint-steps 5 --output ";
  const auto started = std::chrono::steady_clock::now();
  const CommandResult whole = train(options + (folder / "whole.h5"));
  const std::chrono::duration<double> duration = std::chrono::steady_clock::now() - started;
  REQUIRE(whole.status == 0);
  const std::string output = folder / "cut.h5";
  const auto begun = [&] {
    return std::filesystem::exists(output + ".checkpoint") || std::filesystem::exists(output);
  };
  const RandomStream moments = RandomStream(20).child("kill");
  constexpr int kKills = kSanitized ? 6 : 20;
  int kills = 0, kills_of_begun_runs = 0, finished = 0;
  for (std::uint64_t run = 0; kills < kKills; ++run) {
    INFO(kills << " kills, " << finished << " finished runs");
    REQUIRE(run < 100);
    // In the first half of a whole run's time. What is resumed has less to do and may end before.
    // Not in the foreground, timeout would kill itself as well and not wait for the run's end.
    const std::string kill = "timeout --foreground -s KILL " +
                             std::to_string(0.5 * duration.count() * moments.uniform(run)) + " ";
    const CommandResult cut = train((begun() ? "--resume " : "") + options + output, kill);
    INFO(cut.out << cut.err);
    if (cut.status == 137) {
      ++kills;
      kills_of_begun_runs += begun() ? 1 : 0;
      continue;
    }
    // 124: it ended by itself in the moment when it was to be killed.
    REQUIRE((cut.status == 0 || cut.status == 124));
    CHECK(cut.last_line() == whole.last_line());
    std::filesystem::remove(output);
    ++finished;
  }
  CHECK(kills_of_begun_runs >= kKills / 4);
  const CommandResult last = train((begun() ? "--resume " : "") + options + output);
  INFO(last.out << last.err);
  CHECK(last.status == 0);
  CHECK(last.last_line() == whole.last_line());
  // A finished run that is resumed says so, and gives its digest again.
  CHECK(train("--resume " + options + output).last_line() == whole.last_line());
}
