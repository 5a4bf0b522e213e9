#include "support/ranked_program.hpp"

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <thread>
#include <utility>
#include <vector>

#include "reprise/core/parallel.hpp"
#include "reprise/core/terminal.hpp"
#include "reprise/run/agreement.hpp"
#include "reprise/run/rank_witness.hpp"
#include "support/program.hpp"

namespace reprise {
namespace {

/// The processors that the process which started this one may use.
std::size_t processors_of_launcher() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(getppid(), sizeof(set), &set) != 0) return processor_count();
  return static_cast<std::size_t>(CPU_COUNT(&set));
}

/// After so long a rank that cannot join has found out, even on a busy machine.
constexpr std::chrono::seconds kToFail(2);

/// What ranks have in common before they know their settings.
std::vector<CommonFact> facts_of(const std::string& program) {
  std::vector<CommonFact> facts = {{"program", program}};
  for (CommonFact& fact : code_facts()) facts.push_back(std::move(fact));
  return facts;
}

}  // namespace

std::string environment_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? "" : value;
}

RankedProgram::RankedProgram(std::string own, std::string name)
    : own_(std::move(own)), name_(std::move(name)), launcher_(launcher_of(environment_variable)) {
  be_silent(launcher_.rank > 0);
}

void RankedProgram::add_option(CommandLine& line, std::string& which) {
  const std::vector<std::string> choices = {"auto", "openmpi", "mpich", "alone"};
  line.add_option(
      "--ranks", "TEXT", which,
      "how processes that mpirun or srun started share one run: auto (as the launcher's "
      "variables say), openmpi, mpich, or alone (each process makes a run of its own)",
      [choices, &which](const std::string& where, const std::string& given) {
        if (std::find(choices.begin(), choices.end(), given) == choices.end()) {
          throw UsageError(where, given, "one of " + reprise::join(choices));
        }
        which = given;
      });
  line.set_choices("--ranks", choices);
}

std::size_t RankedProgram::default_threads() const {
  return threads_beside(launcher_, reprise::default_threads(), processors_of_launcher());
}

Ranks& RankedProgram::join(const std::function<std::optional<std::string>()>& parse) {
  std::exception_ptr failure;
  std::optional<std::string> which = "auto";
  try {
    which = parse();
  } catch (const std::exception&) {
    failure = std::current_exception();
  }
  if (launcher_.size == 0 && which && which != "alone" && !failure) check_size_is_known();
  if (launcher_.size <= 1 || which == "alone" || !which) {
    if (which) be_silent(false);
    if (failure) std::rethrow_exception(failure);
    if (launcher_.name == Launcher().name && which && which != "auto" && which != "alone") {
      throw UsageError("option --ranks", *which + ", and no launcher has started this process",
                       "mpirun, mpiexec or srun before the command, or no --ranks");
    }
    return one_rank();
  }
  try {
    joined_ = join_ranks(launcher_, *which, [this](const std::string& what) {
      be_silent(false);
      print_error_line(name_ + ": " + what);
    });
  } catch (const Error& error) {
    if (!launcher_.first_on_host && !others_wait()) throw EndedWithOthers();
    end_joining_ranks(launcher_);
    if (launcher_.first_on_host) throw;
    throw Error(fmt::format("rank {}", launcher_.rank), error.what(), "");
  }
  leave_if_it_fails([&] {
    together(*joined_, [&] {
      if (failure) std::rethrow_exception(failure);
    });
    check_agreement(*joined_, facts_of(own_));
  });
  return *joined_;
}

/// Processes that cannot know how many they are would each make the same run.
void RankedProgram::check_size_is_known() const {
  if (launcher_.rank > 0) throw EndedWithOthers();
  throw Error(launcher_.name, "it does not say how many processes it has started",
              "mpirun, mpiexec or srun, or --ranks alone where each process is to run by itself");
}

/// Whether ranks of this host wait to join. If none of them can join, the first tells why.
bool RankedProgram::others_wait() const {
  std::this_thread::sleep_for(kToFail);
  const std::vector<std::size_t> before = joining_ranks(launcher_);
  if (before.empty()) return false;
  std::this_thread::sleep_for(kToFail);
  const std::vector<std::size_t> after = joining_ranks(launcher_);
  return std::find_first_of(before.begin(), before.end(), after.begin(), after.end()) !=
         before.end();
}

Ranks& RankedProgram::ranks() const {
  return joined_ ? *joined_ : one_rank();
}

void RankedProgram::leave_if_it_fails(const std::function<void()>& work) {
  try {
    work();
  } catch (const EndedWithOthers&) {
    joined_->leave();
    throw;
  } catch (const RankLost&) {
    throw;
  } catch (const Error&) {
    if (joined_) joined_->leave();
    if (!ranks().is_first()) throw EndedWithOthers();
    throw;
  }
}

int RankedProgram::work_and_leave(const std::function<int()>& work) {
  int result = 0;
  leave_if_it_fails([&] { result = work(); });
  if (joined_) joined_->leave();
  return result;
}

}  // namespace reprise
