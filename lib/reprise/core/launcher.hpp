/// \file
/// Who started this process as one of several: what MPI's launchers and Slurm leave in the
/// environment.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace reprise {

struct Launcher {
  std::string name = "nobody";       ///< such as "Open MPI's launcher"
  std::size_t rank = 0, size = 1;    ///< `size` is 0 if a launcher does not report it
  std::size_t on_this_host = 1;      ///< of `size`; 0 if the launcher does not report it
  bool first_on_host = true;         ///< or rank 0, if it does not report that
  std::vector<std::string> modules;  ///< that speak to it, "openmpi" or "mpich"; the first is taken
  std::string job;                   ///< another for each launch, the same for its ranks of a host
};

/// The value of a variable, or "" if there is none.
using Environment = std::function<std::string(const std::string& name)>;

/// By OMPI_COMM_WORLD_SIZE and _RANK (Open MPI), PMI_SIZE and PMI_RANK (MPICH's launcher, srun
/// --mpi=pmi2), PMIX_RANK (srun --mpi=pmix), else SLURM_STEP_NUM_TASKS and SLURM_PROCID (srun
/// without MPI, for whose processes there is no module). Of another launcher, or where the variable
/// of the size is missing, only the rank is known. Error if a value is not a
/// number, or a rank is not below the size.
Launcher launcher_of(const Environment& environment);

/// UsageError, "N processes of LAUNCHER, of which each would WORK", for a program whose processes
/// would all do the same: on the first of those that one launcher has started. False on the others,
/// which are to end without a word; true for a process by itself.
bool is_only_process(const Environment& environment, const std::string& work,
                     const std::string& expected);

/// The default number of threads of a rank that may use `processors` of the `launcher_has` that its
/// launcher may use: all of them if they are fewer, as the launcher has divided them, and otherwise
/// its part.
std::size_t threads_beside(const Launcher& launcher, std::size_t processors,
                           std::size_t launcher_has);

}  // namespace reprise
