// Runs under mpirun as a person starts them, with each MPI library that is there: digests, kills,
// and what is said where ranks cannot work together.
#include <sys/prctl.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <thread>
#include <utility>

#include "reprise/core/launcher.hpp"
#include "reprise/record_file/record_file.hpp"
#include "reprise/run/joined_ranks.hpp"
#include "reprise/run/provenance.hpp"
#include "support/catch.hpp"
#include "support/command.hpp"
#include "support/ranked_program.hpp"
#include "support/skip.hpp"
#include "support/temporary_folder.hpp"

using namespace reprise;
using namespace reprise::test;
namespace fs = std::filesystem;

namespace {

const std::string kVerify = REPRISE_BINARY_DIR "/experiments/verify";
const std::string kData = " --data " REPRISE_FIXTURES "/fashion-mnist ";

/// How to start ranks with one MPI library, two or three on however few processors.
struct Mpi {
  std::string name, launcher;
  [[nodiscard]] std::string start(std::size_t ranks) const {
    return launcher + " -n " + std::to_string(ranks) + " ";
  }
};

/// The launchers of this machine, whether or not this build has a module for their MPI.
std::vector<Mpi> launchers() {
  std::vector<Mpi> found;
  for (const auto& [name, launcher] :
       {std::pair{"openmpi", "mpirun.openmpi"}, std::pair{"mpich", "mpiexec.mpich"}}) {
    if (run_command(std::string("command -v ") + launcher).status != 0) continue;
    const bool open = std::string(name) == "openmpi";
    // Open MPI wants to be told that root, and more ranks than processors, are meant.
    found.push_back({name, open ? "env OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 "
                                  "mpirun.openmpi --oversubscribe"
                                : "mpiexec.mpich"});
  }
  return found;
}

std::string module_of(const Mpi& mpi) {
  return "reprise_ranks_" + mpi.name + ".so";
}

std::vector<Mpi> mpis() {
  std::vector<Mpi> found = launchers();
  found.erase(std::remove_if(found.begin(), found.end(),
                             [](const Mpi& mpi) {
                               return !fs::exists(REPRISE_BINARY_DIR "/lib/" + module_of(mpi));
                             }),
              found.end());
  return found;
}

const std::vector<Mpi>& each_mpi() {
  static const std::vector<Mpi> found = mpis();
  return found;
}

std::string digest_in(const CommandResult& result) {
  INFO(result.out << result.err);
  REQUIRE(result.status == 0);
  const std::size_t place = result.out.rfind("digest sha256:");
  REQUIRE(place != std::string::npos);
  return result.out.substr(place, result.out.find_first_of("\r\n", place) - place);
}

/// The lines of the program itself: launchers say something as well.
std::vector<std::string> own_lines(const CommandResult& result) {
  std::vector<std::string> lines;
  const std::string all = result.err + "\n" + result.out;
  for (std::size_t begin = 0; begin < all.size();) {
    const std::size_t end = std::min(all.find('\n', begin), all.size());
    std::string line = all.substr(begin, end - begin);
    while (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.rfind("train_lenet5: ", 0) == 0) lines.push_back(line);
    begin = end + 1;
  }
  return lines;
}

/// The same command line without any launcher's variables.
std::string alone(const std::string& command) {
  std::string without = "env ";
  for (const char* const variable : {"OMPI_COMM_WORLD", "PMI", "PMIX"}) {
    without += std::string("-u ") + variable + "_RANK -u " + variable + "_SIZE ";
  }
  return without + command;
}

void check_one_line(const CommandResult& result, const std::string& expected) {
  INFO(result.out << result.err);
  CHECK(result.status != 0);
  const std::vector<std::string> lines = own_lines(result);
  REQUIRE(lines.size() == 1);
  CHECK_THAT(lines[0], Catch::Contains(expected));
}

/// Processes of kTrain that have this argument.
std::size_t ranks_with(const std::string& argument) {
  std::size_t count = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc")) {
    std::ifstream file(entry.path() / "cmdline");
    std::string word, program;
    std::getline(file, program, '\0');
    if (program != kTrain) continue;
    while (std::getline(file, word, '\0')) count += word == argument ? 1 : 0;
  }
  return count;
}

const std::string kLenet5 = kTrain + kData + "--epochs 1 --train-images 400 --batch-size 50 ";
const std::string kFour = kTrain + kData +
                          "--model four_layer_cnn --width 8 --epochs 1 --train-images 96 "
                          "--batch-size 32 --block-size 4 --dropout 0.5 --random-shift 2 "
                          "--horizontal-flip 1 ";

constexpr const char* kWrongRanks =
    "option --ranks: 3; expected one of auto, openmpi, mpich, alone";

}  // namespace

TEST_CASE("2 and 3 ranks of each MPI give the digest of one process, and verify takes the record") {
  if (each_mpi().empty()) REPRISE_SKIP("there is no Open MPI or MPICH");
  const TemporaryFolder folder;
  const std::string lenet5 = digest_in(run_command(alone(kLenet5) + "--output " + (folder / "a")));
  const std::string four = digest_in(run_command(alone(kFour) + "--output " + (folder / "b")));
  for (const Mpi& mpi : each_mpi()) {
    INFO(mpi.name);
    const std::string two = folder / (mpi.name + "2");
    const std::string three = folder / (mpi.name + "3");
    CHECK(digest_in(run_command(mpi.start(2) + kLenet5 + "--output " + two)) == lenet5);
    CHECK(digest_in(run_command(mpi.start(3) + kFour + "--threads 2 --output " + three)) == four);
    const Record record = load_record(two, "training");
    const Attributes& environment = record.group("environment").attributes;
    CHECK(std::get<std::int64_t>(environment.at("ranks")) == 2);
    // Rank 1 sends its sums, and rank 0 sends those of both.
    const double message = 61706 * 4 + 32;
    CHECK(std::get<double>(environment.at("rank_bytes_per_step")) == message);
    CHECK(std::get<double>(environment.at("rank_bytes_per_step_largest")) == message);
    CHECK(std::get<double>(environment.at("rank_bytes_per_step_sum")) == 2 * message);
    CHECK(run_command(alone(kVerify) + kData + two).status == 0);
  }
}

TEST_CASE("ranks of other vector widths give the same digest") {
  if (each_mpi().empty()) REPRISE_SKIP("there is no Open MPI or MPICH");
  const CommandResult help = run_command(kTrain + " --help");
  if (help.out.find("avx512") == std::string::npos) {
    REPRISE_SKIP("this processor has no AVX-512");
  }
  const TemporaryFolder folder;
  const std::string expected =
      digest_in(run_command(alone(kLenet5) + "--output " + (folder / "a")));
  for (const Mpi& mpi : each_mpi()) {
    INFO(mpi.name);
    const std::string one = kLenet5 + "--output " + (folder / mpi.name);
    CHECK(digest_in(run_command(mpi.start(1) + one + " --simd avx512 : -n 2 " + one +
                                " --simd avx2")) == expected);
  }
}

TEST_CASE("a killed rank ends the run at once, which another number of ranks takes up") {
  if (each_mpi().empty()) REPRISE_SKIP("there is no Open MPI or MPICH");
  const std::string run = kTrain + kData + "--epochs 2 --train-images 2000 --batch-size 20 " +
                          "--block-size 4 --checkpoint-steps 25 ";
  const TemporaryFolder folder;
  const std::string expected = digest_in(run_command(alone(run) + "--output " + (folder / "a")));
  for (const Mpi& mpi : each_mpi()) {
    INFO(mpi.name);
    const std::string output = folder / mpi.name;
    // The last rank of three kills itself in the middle of an epoch, as soon as there is a
    // checkpoint.
    const std::string victim = "sh -c '(while [ ! -e " + output + ".checkpoint ]; do sleep 0.01; " +
                               "done; kill -9 $$) & exec " + run + "--output " + output + "'";
    const auto begun = std::chrono::steady_clock::now();
    const CommandResult killed =
        run_command(mpi.start(2) + run + "--output " + output + " : -n 1 " + victim);
    CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(20));
    INFO(killed.out << killed.err);
    CHECK(killed.status != 0);
    CHECK(!fs::exists(output));
    check_one_line(killed, "train_lenet5: rank 2 of 3: its process");
    const std::string resume = run + "--resume --output " + output;
    CHECK(digest_in(run_command(mpi.start(2) + resume)) == expected);
  }
}

TEST_CASE("the launcher's end is the ranks' end, with a whole checkpoint") {
  if (each_mpi().empty()) REPRISE_SKIP("there is no Open MPI or MPICH");
  const std::string run = kTrain + kData + "--epochs 6 --train-images 2000 --batch-size 20 " +
                          "--block-size 4 --checkpoint-steps 25 ";
  const TemporaryFolder folder;
  const std::string expected = digest_in(run_command(alone(run) + "--output " + (folder / "a")));
  for (const Mpi& mpi : each_mpi()) {
    INFO(mpi.name);
    const std::string output = folder / mpi.name;
    const CommandResult killed =
        run_command(mpi.start(3) + run + "--output " + output + " & while [ ! -e " + output +
                    ".checkpoint ]; do sleep 0.01; done; kill -9 $!; wait $!");
    CHECK(killed.status == 128 + SIGKILL);
    for (int i = 0; i < 1000 && ranks_with(output) > 0; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    CHECK(ranks_with(output) == 0);
    CHECK(!fs::exists(output));
    CHECK(digest_in(run_command(mpi.start(2) + run + "--resume --output " + output)) == expected);
  }
}

TEST_CASE("a request to stop reaches all ranks, and the checkpoint is whole") {
  if (each_mpi().empty()) REPRISE_SKIP("there is no Open MPI or MPICH");
  // Launchers pass output on late: the run goes on for seconds after its first epoch.
  const std::string run =
      kTrain + kData + "--epochs 24 --train-images 2000 --batch-size 20 --block-size 4 ";
  const TemporaryFolder folder;
  const std::string expected = digest_in(run_command(alone(run) + "--output " + (folder / "a")));
  for (const Mpi& mpi : each_mpi()) {
    INFO(mpi.name);
    const std::string output = folder / mpi.name;
    const CommandResult stopped = run_command_until(
        mpi.start(3) + run + "--output " + output, SIGTERM,
        [](const std::string& out) { return out.find("epoch 1/24  train") != std::string::npos; });
    INFO(stopped.out << stopped.err);
    // As docs/ranks.md says: MPICH's launcher loses the ranks' status now and then.
    const std::set<int> known = mpi.name == "openmpi" ? std::set{1} : std::set{130, 0};
    CHECK(known.contains(stopped.status));
    CHECK_THAT(stopped.out, Catch::Contains("stopped after "));
    CHECK(!fs::exists(output));
    CHECK(fs::exists(output + ".checkpoint"));
    CHECK(digest_in(run_command(alone(run) + "--resume --output " + output)) == expected);
  }
}

TEST_CASE("a request to stop to a rank that has no blocks stops all as well") {
  if (each_mpi().empty()) REPRISE_SKIP("there is no Open MPI or MPICH");
  // A batch is one block, which rank 0 has.
  const std::string run = kTrain + kData + "--epochs 4 --train-images 1000 --batch-size 20 " +
                          "--block-size 20 --checkpoint-steps 25 ";
  const TemporaryFolder folder;
  const std::string expected = digest_in(run_command(alone(run) + "--output " + (folder / "a")));
  for (const Mpi& mpi : each_mpi()) {
    INFO(mpi.name);
    const std::string output = folder / mpi.name;
    const std::string asked = "sh -c '(while [ ! -e " + output + ".checkpoint ]; do sleep 0.01; " +
                              "done; kill -TERM $$) & exec " + run + "--output " + output + "'";
    const CommandResult stopped =
        run_command(mpi.start(2) + run + "--output " + output + " : -n 1 " + asked);
    INFO(stopped.out << stopped.err);
    CHECK(stopped.status == 130);
    CHECK(!fs::exists(output));
    CHECK(fs::exists(output + ".checkpoint"));
    CHECK(digest_in(run_command(alone(run) + "--resume --output " + output)) == expected);
  }
}

TEST_CASE("ranks that cannot compute one run say so in one line, before anything is written") {
  if (each_mpi().empty()) REPRISE_SKIP("there is no Open MPI or MPICH");
  const TemporaryFolder folder;
  const std::string output = "--output " + (folder / "x");
  const std::string small = kTrain + kData + "--epochs 1 --train-images 128 " + output + " ";
  for (const Mpi& mpi : each_mpi()) {
    INFO(mpi.name);
    check_one_line(run_command(mpi.start(1) + small + "--seed 1 : -n 1 " + small + "--seed 2"),
                   "rank 1: setting seed 2; expected setting seed 1");
    check_one_line(run_command(mpi.start(3) + small + "--batch-size 2"),
                   "ranks: 3; expected at most 2, the images of a batch");
    check_one_line(run_command(mpi.start(2) + small + "--epochs none"), "--epochs");
    check_one_line(
        run_command(mpi.start(2) + kTrain + " --data " + (folder / "none") + " " + output), "none");
    // The last pixel of rank 1's training images is another.
    const std::string data = folder / "data";
    const std::string images = "/train-images-idx3-ubyte.gz";
    REQUIRE(run_command("cp -r " REPRISE_FIXTURES "/fashion-mnist " + data + " && (gzip -dc " +
                        REPRISE_FIXTURES "/fashion-mnist" + images +
                        " | head -c -1; printf '\\177') | gzip >" + data + images)
                .status == 0);
    check_one_line(run_command(mpi.start(1) + small + " : -n 1 " + kTrain + " --data " + data +
                               " --epochs 1 --train-images 128 " + output),
                   "rank 1: data train-images-idx3-ubyte");
    fs::remove_all(data);
    const std::string other = mpi.name == "openmpi" ? "mpich" : "openmpi";
    check_one_line(run_command(mpi.start(2) + small + "--ranks " + other),
                   "counts 1 processes where");
    check_one_line(run_command(mpi.start(1) + small + " : -n 1 " + small + "--ranks " + other),
                   "rank 1: ranks: ");
    check_one_line(run_command(mpi.start(2) + small + "--ranks 3"), kWrongRanks);
    check_one_line(run_command(mpi.start(1) + small + " : -n 1 " + small + "--ranks ../x"),
                   "rank 1: option --ranks: ../x; expected one of");
    check_one_line(run_command(mpi.start(1) + small +
                               " : -n 1 " REPRISE_BINARY_DIR "/experiments/time_alexnet --steps 1"),
                   "rank 1: program time_alexnet; expected program train_lenet5");
  }
  check_one_line(run_command(alone(small + "--ranks 3")), kWrongRanks);
  check_one_line(
      run_command(alone(small + "--ranks mpich")),
      "option --ranks: mpich, and no launcher has started this process; expected mpirun");
  CHECK(folder.names().empty());
}

TEST_CASE("ranks do not wait for one that was told to run alone, or that is another program") {
  if (each_mpi().empty()) REPRISE_SKIP("there is no Open MPI or MPICH");
  const TemporaryFolder folder;
  const std::string small = kTrain + kData + "--epochs 1 --train-images 128 --output ";
  // All at a time: each waits for a minute.
  std::string all;
  std::vector<std::string> expected;
  const auto begin = [&](const std::string& command) {
    all += "(" + command + " && echo ended in order) & ";
  };
  for (const Mpi& mpi : each_mpi()) {
    begin(mpi.start(2) + small + (folder / (mpi.name + ".x")) + " : -n 1 " + small +
          (folder / (mpi.name + ".alone")) + " --ranks alone");
    // Open MPI's launcher finds out for itself, once the process has ended.
    if (mpi.name != "openmpi") {
      expected.push_back(
          "train_lenet5: rank 0 of 3: it has waited 60 s for rank 2 to join; "
          "expected the same program for all ranks, with the same --ranks");
    }
    begin(mpi.start(1) + "sleep 100 : -n 2 " + small + (folder / (mpi.name + ".y")));
    expected.push_back(
        "train_lenet5: rank 1 of 3: it has waited 60 s for rank 0 to join; expected "
        "the same program for all ranks, with the same --ranks");
  }
  const CommandResult result = run_command(all + "wait");
  INFO(result.out << result.err);
  CHECK_THAT(result.out, !Catch::Contains("ended in order"));
  std::vector<std::string> lines = own_lines(result);
  std::sort(lines.begin(), lines.end());
  std::sort(expected.begin(), expected.end());
  CHECK(lines == expected);
  for (const Mpi& mpi : each_mpi()) {
    CHECK(!fs::exists(folder / (mpi.name + ".x")));
    CHECK(!fs::exists(folder / (mpi.name + ".y")));
  }
}

TEST_CASE("a rank of another commit, and a module that is none or of another MPI, are named") {
  if (each_mpi().empty()) REPRISE_SKIP("there is no Open MPI or MPICH");
  const std::string commit = source_version().commit;
  for (const Mpi& mpi : each_mpi()) {
    INFO(mpi.name);
    const TemporaryFolder folder;
    const std::string program = folder / "train_lenet5";
    const std::string module = module_of(mpi);
    const std::string lib = REPRISE_BINARY_DIR "/lib/";
    const std::string run = kData + "--epochs 1 --train-images 128 --output " + (folder / "x");
    if (commit != "unknown") {  // where there is a commit, the copy is made to be of another
      const std::string other = std::string(commit[0] == '0' ? "1" : "0") + commit.substr(1);
      REQUIRE(run_command("sed s/" + commit + "/" + other + "/g " + kTrain + " >" + program +
                          " && chmod +x " + program + " && cp " + lib + module + " " +
                          folder.path() + "/")
                  .status == 0);
      check_one_line(run_command(mpi.start(1) + kTrain + run + " : -n 1 " + program + run),
                     "rank 1: code of commit " + other + "; expected code of commit " + commit);
    }
    fs::copy_file(kTrain, program, fs::copy_options::overwrite_existing);
    write_file(folder / module, "not a library");
    check_one_line(run_command(mpi.start(2) + program + run),
                   "expected the MPI library that it was built with");
    for (const Mpi& other : each_mpi()) {
      if (other.name == mpi.name) continue;
      fs::copy_file(lib + "reprise_ranks_" + other.name + ".so", folder / module,
                    fs::copy_options::overwrite_existing);
      check_one_line(run_command(mpi.start(2) + program + run), "counts 1 processes where");
    }
    CHECK(!fs::exists(folder / "x"));
  }
}

TEST_CASE("leaves ranks", "[.leaves]") {  // as two ranks, started by the next
  struct sigaction own {};
  own.sa_handler = [](int) {};
  REQUIRE(sigaction(SIGABRT, &own, nullptr) == 0);
  const auto is_own = [&own] {
    struct sigaction now {};
    sigaction(SIGABRT, nullptr, &now);
    return now.sa_handler == own.sa_handler;
  };
  const auto parent_death = [] {
    int number = -1;
    prctl(PR_GET_PDEATHSIG, &number);
    return number;
  };
  const std::unique_ptr<JoinedRanks> ranks =
      join_ranks(launcher_of(environment_variable), "auto", [](const std::string&) {});
  CHECK(ranks->size() == 2);
  CHECK_FALSE(is_own());
  CHECK(parent_death() == SIGTERM);
  ranks->leave();
  CHECK(is_own());
  CHECK(parent_death() == 0);
}

TEST_CASE("a process that leaves its ranks has its own handler of SIGABRT back") {
  if (each_mpi().empty()) REPRISE_SKIP("there is no Open MPI or MPICH");
  const std::string self = fs::read_symlink("/proc/self/exe");
  for (const Mpi& mpi : each_mpi()) {
    const CommandResult result = run_command(mpi.start(2) + self + " '[.leaves]' --use-colour no");
    INFO(mpi.name << "\n" << result.out << result.err);
    CHECK(result.status == 0);
    CHECK_THAT(result.out, Catch::Contains("All tests passed (6 assertions in 1 test case)"));
  }
}

TEST_CASE("a program without the launcher's module ends in one line") {
  const TemporaryFolder folder;
  const std::string copy = folder / "train_lenet5";
  fs::copy(kTrain, copy);
  const std::string run = copy + kData + "--epochs 1 --output " + (folder / "x");
  const std::string missing = " is neither beside this program nor installed with it";
  for (const Mpi& mpi : launchers()) {
    INFO(mpi.name);
    check_one_line(run_command(mpi.start(3) + run), module_of(mpi) + missing);
  }
  // What the launchers leave in the environment does where there are none.
  const auto first_of_three = [&](const std::string& rank, const std::string& size) {
    return run_command(alone("env " + rank + "=0 " + size + "=3 " + run));
  };
  check_one_line(first_of_three("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
                 "started 3 processes, and reprise_ranks_openmpi.so" + missing);
  check_one_line(first_of_three("PMI_RANK", "PMI_SIZE"),
                 "started 3 processes, and reprise_ranks_mpich.so" + missing);
  check_one_line(first_of_three("SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),
                 "srun started 3 processes that do not know each other");
  // Nobody says how many there are: one line of the first, silence of the others.
  for (const std::string variable : {"PMIX_RANK", "PALS_RANKID"}) {
    const std::string of = alone("env " + variable + "=");
    check_one_line(run_command(of + "0 " + run),
                   "the launcher that set " + variable +
                       ": it does not say how many processes it has started; expected mpirun");
    CHECK(own_lines(run_command(of + "1 " + run)).empty());
  }
  CHECK(folder.names() == std::vector<std::string>{"train_lenet5"});
  // Each by itself needs no module.
  const CommandResult by_itself =
      run_command(alone("env PMI_RANK=0 PMI_SIZE=3 " + run + " --train-images 128 --ranks alone"));
  CHECK(by_itself.status == 0);
  CHECK(fs::exists(folder / "x"));
}

TEST_CASE("launchers are known by what they leave in the environment") {
  using Variables = std::map<std::string, std::string>;
  const auto launcher = [](const Variables& variables) {
    return launcher_of([&](const std::string& name) {
      const auto found = variables.find(name);
      return found == variables.end() ? "" : found->second;
    });
  };
  CHECK(launcher({}).size == 1);
  CHECK(launcher({}).rank == 0);
  const Launcher open = launcher({{"OMPI_COMM_WORLD_SIZE", "4"},
                                  {"OMPI_COMM_WORLD_RANK", "3"},
                                  {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"},
                                  {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                                  {"PMIX_RANK", "3"}});
  CHECK(open.modules == std::vector<std::string>{"openmpi"});
  CHECK(open.size == 4);
  CHECK(open.rank == 3);
  CHECK(open.on_this_host == 2);
  CHECK_FALSE(open.first_on_host);
  CHECK(threads_beside(open, 8, 8) == 4);
  CHECK(threads_beside(open, 3, 8) == 3);  // bound already
  CHECK(threads_beside(open, 1, 1) == 1);
  CHECK(launcher({{"PMI_SIZE", "2"}, {"PMI_RANK", "0"}}).modules ==
        std::vector<std::string>{"mpich"});
  CHECK(launcher({{"PMIX_RANK", "1"}, {"SLURM_STEP_NUM_TASKS", "2"}, {"SLURM_PROCID", "1"}})
            .modules.front() == "openmpi");
  CHECK(launcher({{"PMIX_RANK", "2"}}).rank == 2);
  CHECK(launcher({{"PMIX_RANK", "2"}}).size == 0);  // not said
  CHECK(launcher({{"PMIX_RANK", "0"}, {"PMIX_NAMESPACE", "a"}}).job !=
        launcher({{"PMIX_RANK", "0"}, {"PMIX_NAMESPACE", "b"}}).job);
  CHECK(launcher({{"SLURM_NTASKS", "8"}, {"SLURM_PROCID", "0"}}).size == 1);  // a batch script
  CHECK_THROWS_WITH(launcher({{"PMI_SIZE", "2"}, {"PMI_RANK", "2"}}),
                    "environment variable PMI_RANK: 2; expected less than 2, which PMI_SIZE has");
  CHECK_THROWS_WITH(launcher({{"PMI_SIZE", "many"}, {"PMI_RANK", "2"}}),
                    "environment variable PMI_SIZE: many; expected a number from 0");
}
