#include "reprise/run/launcher.hpp"

#include <algorithm>
#include <optional>

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
            known.modules};
  }
  return {};
}

std::size_t threads_beside(const Launcher& launcher, std::size_t processors,
                           std::size_t launcher_has) {
  const bool is_bound = processors < launcher_has;
  if (is_bound || launcher.size == 1) return processors;
  const std::size_t beside = launcher.on_this_host > 0 ? launcher.on_this_host : launcher.size;
  return std::max<std::size_t>(1, processors / beside);
}

}  // namespace reprise
