/// \file
/// A program that a launcher such as mpirun may have started as one of several ranks.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "reprise/core/command_line.hpp"
#include "reprise/run/joined_ranks.hpp"

namespace reprise {

/// "" if there is none.
std::string environment_variable(const std::string& name);

class RankedProgram {
 public:
  /// Reads the environment. Of several processes rank 0 alone prints from now on, and what tells
  /// that a rank has ended, with the program's `name` before it. `own` is its file name, which all
  /// ranks must have in common.
  RankedProgram(std::string own, std::string name);

  /// Adds --ranks, which says how to join.
  static void add_option(CommandLine& line, std::string& which);
  /// The default of --threads: this rank's part of what default_threads() gives.
  [[nodiscard]] std::size_t default_threads() const;

  /// Reads the command line by `parse`, which gives the value of --ranks, or nothing where nothing
  /// is to be done. Joins the ranks that the launcher started, if they are several and are not to
  /// run alone, and makes sure that they have the same code. Errors are told once: by rank 0, or,
  /// where the ranks cannot be joined, by the first of each host.
  Ranks& join(const std::function<std::optional<std::string>()>& parse);
  [[nodiscard]] Ranks& ranks() const;

  /// Does `work`, which throws an Error, or EndedWithOthers, on all ranks or on none, leaves the
  /// ranks and returns what it does. Rank 0 alone tells the Error.
  int work_and_leave(const std::function<int()>& work);

 private:
  void check_size_is_known() const;
  [[nodiscard]] bool others_wait() const;
  void leave_if_it_fails(const std::function<void()>& work);

  std::string own_, name_;
  Launcher launcher_;
  std::unique_ptr<JoinedRanks> joined_;
};

}  // namespace reprise
