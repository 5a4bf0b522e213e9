#include "support/ranked_program.hpp"

#include <sched.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <utility>

#include "reprise/core/parallel.hpp"
#include "reprise/core/terminal.hpp"
#include "reprise/run/agreement.hpp"
#include "support/program.hpp"

namespace reprise {
namespace {

std::string environment_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? "" : value;
}

/// The processors that the process which started this one may use.
std::size_t processors_of_launcher() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(getppid(), sizeof(set), &set) != 0) return processor_count();
  return static_cast<std::size_t>(CPU_COUNT(&set));
}

}  // namespace

RankedProgram::RankedProgram(std::string name)
    : name_(std::move(name)), launcher_(launcher_of(environment_variable)) {
  be_silent(launcher_.rank > 0);
}

void RankedProgram::add_option(CommandLine& line, std::string& which) {
  line.add_text("--ranks", which,
                "how processes that mpirun or srun started share one run: auto (as the launcher's "
                "variables say), openmpi, mpich, or alone (each process makes a run of its own)");
  line.set_choices("--ranks", {"auto", "openmpi", "mpich", "alone"});
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
  if (launcher_.size == 1 || which == "alone" || !which) {
    if (which) be_silent(false);
    if (failure) std::rethrow_exception(failure);
    return one_rank();
  }
  try {
    joined_ = join_ranks(launcher_, *which, [this](const std::string& what) {
      be_silent(false);
      print_error_line(name_ + ": " + what);
    });
  } catch (const Error&) {
    if (!launcher_.first_on_host) throw EndedWithOthers();
    throw;
  }
  leave_if_it_fails([&] {
    together(*joined_, [&] {
      if (failure) std::rethrow_exception(failure);
    });
    check_agreement(*joined_, code_facts());
  });
  return *joined_;
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
