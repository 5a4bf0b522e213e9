#include "reprise/core/launcher.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <span>

#include "reprise/core/command_line.hpp"
#include "reprise/core/digest.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/parse.hpp"

namespace reprise {
namespace {

/// Variables of one launcher.
struct Variables {
  const char* launcher;
  const char* rank;
  const char* size;
  const char* on_this_host;
  const char* rank_on_host;
  std::vector<std::string> modules;
};

std::vector<Variables> known_launchers() {
  return {
      {"Open MPI's launcher",
       "OMPI_COMM_WORLD_RANK",
       "OMPI_COMM_WORLD_SIZE",
       "OMPI_COMM_WORLD_LOCAL_SIZE",
       "OMPI_COMM_WORLD_LOCAL_RANK",
       {"openmpi"}},
      {"MPICH's launcher", "PMI_RANK", "PMI_SIZE", "MPI_LOCALNRANKS", "MPI_LOCALRANKID", {"mpich"}},
      {"srun", "PMIX_RANK", "SLURM_STEP_NUM_TASKS", "", "SLURM_LOCALID", {"openmpi", "mpich"}},
      {"srun", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "", "SLURM_LOCALID", {}},
  };
}

/// Variables of the rank alone, of launchers whose other variables are not there or not known:
/// PMIx's, MPICH's, Open MPI's, MVAPICH's, Cray's and IBM's.
constexpr std::array<const char*, 6> kRankAlone = {
    "PMIX_RANK",           "PMI_RANK",    "OMPI_COMM_WORLD_RANK",
    "MV2_COMM_WORLD_RANK", "PALS_RANKID", "JSM_NAMESPACE_RANK"};

/// A digest of what the processes of one launch on one host have in common and no others have:
/// numbers of the job, the socket that they have inherited from MPICH's launcher, or their parent.
std::string job_of(const Environment& environment) {
  std::error_code none;
  const std::string link =
      std::filesystem::read_symlink("/proc/self/fd/" + environment("HYDI_CONTROL_FD"), none)
          .string();
  std::string text = link.starts_with("socket:") ? link : "";
  for (const char* const variable : {"PMIX_NAMESPACE", "SLURM_JOB_ID", "SLURM_STEP_ID"}) {
    text += environment(variable) + " ";
  }
  if (text == "   ") text += std::to_string(getppid());
  return sha256_hex(std::as_bytes(std::span(text))).substr(0, 32);
}

std::optional<std::size_t> number_in(const Environment& environment, const std::string& name) {
  const std::string text = name.empty() ? "" : environment(name);
  if (text.empty()) return std::nullopt;
  const auto value = parse_integer(text);
  if (!value || *value < 0 || *value > 1'000'000) {
    throw Error("environment variable " + name, text, "a number from 0");
  }
  return static_cast<std::size_t>(*value);
}

}  // namespace

Launcher launcher_of(const Environment& environment) {
  for (const Variables& known : known_launchers()) {
    const auto rank = number_in(environment, known.rank);
    const auto size = number_in(environment, known.size);
    if (!rank || !size) continue;
    if (*rank >= *size) {
      throw Error(std::string("environment variable ") + known.rank, std::to_string(*rank),
                  "less than " + std::to_string(*size) + ", which " + known.size + " has");
    }
    return {known.launcher,
            *rank,
            *size,
            number_in(environment, known.on_this_host).value_or(0),
            number_in(environment, known.rank_on_host).value_or(*rank) == 0,
            known.modules,
            job_of(environment)};
  }
  for (const char* const variable : kRankAlone) {
    const auto rank = number_in(environment, variable);
    if (!rank) continue;
    return {std::string("the launcher that set ") + variable,
            *rank,
            0,
            0,
            *rank == 0,
            {},
            job_of(environment)};
  }
  return {};
}

bool is_only_process(const Environment& environment, const std::string& work,
                     const std::string& expected) {
  const Launcher launcher = launcher_of(environment);
  if (launcher.size <= 1) return true;
  if (launcher.rank > 0) return false;
  throw UsageError("command line",
                   std::to_string(launcher.size) + " processes of " + launcher.name +
                       ", of which each would " + work,
                   expected);
}

std::size_t threads_beside(const Launcher& launcher, std::size_t processors,
                           std::size_t launcher_has) {
  const bool is_bound = processors < launcher_has;
  if (is_bound || launcher.size <= 1) return processors;
  const std::size_t beside = launcher.on_this_host > 0 ? launcher.on_this_host : launcher.size;
  return std::max<std::size_t>(1, processors / beside);
}

}  // namespace reprise
