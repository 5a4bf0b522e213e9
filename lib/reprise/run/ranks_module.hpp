/// \file
/// What a module for one MPI library provides: a table of C functions, since a module is loaded by
/// name and shares no code with the program. ranks_mpi.cpp is compiled once for each library.
#pragma once

#include <stddef.h>

namespace reprise {

/// Functions return 0, or what went wrong in `error` and another number. All are called from one
/// thread.
struct RanksModule {
  int version;       ///< kRanksModuleVersion
  const char* name;  ///< "Open MPI" or "MPICH"

  /// Joins the other processes.
  int (*start)(int* rank, int* size);
  /// Begins to send or to receive; the memory is the module's until test() says that it is done.
  int (*begin_send)(const void* message, size_t bytes, int to, void** request);
  int (*begin_receive)(void* message, size_t bytes, int from, void** request);
  /// Whether it is done, in which case the request is gone. Never waits.
  int (*test)(void** request, int* done);
  /// Leaves the others, who all do so.
  int (*finish)();
  /// Its name and version.
  const char* (*library)();
  const char* (*error)();
};

constexpr int kRanksModuleVersion = 1;
/// The name of the function that a module exports: const RanksModule* reprise_ranks_module().
constexpr const char* kRanksModuleFunction = "reprise_ranks_module";

}  // namespace reprise
