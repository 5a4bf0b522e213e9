// Ranks on MPI: compiled once for Open MPI and once for MPICH, whose ABIs differ, into a module
// each.
//
// Only messages from one rank to another: nothing is added here. Waiting is the caller's, by
// test(): some versions of MPICH keep a processor busy while they wait.
#define OMPI_SKIP_MPICXX 1
#define MPICH_SKIP_MPICXX 1
#include <mpi.h>

#include <cstring>
#include <memory>
#include <string>

#include "reprise/run/ranks_module.hpp"

namespace {

/// Messages between two ranks keep their order by themselves.
constexpr int kTag = 1;

std::string last_error;
std::string library_name;

int failed(const char* what, int code) {
  char text[MPI_MAX_ERROR_STRING] = {};
  int length = 0;
  MPI_Error_string(code, text, &length);
  last_error = std::string(what) + ": " + text;
  return 1;
}

int start(int* rank, int* size) {
  int provided = 0;
  if (const int code = MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided)) {
    return failed("MPI_Init_thread", code);
  }
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  if (provided < MPI_THREAD_FUNNELED) {
    last_error = "the library does not allow threads beside its own";
    return 1;
  }
  if (const int code = MPI_Comm_rank(MPI_COMM_WORLD, rank)) return failed("MPI_Comm_rank", code);
  if (const int code = MPI_Comm_size(MPI_COMM_WORLD, size)) return failed("MPI_Comm_size", code);
  return 0;
}

int begin_send(const void* message, std::size_t bytes, int to, void** request) {
  auto made = std::make_unique<MPI_Request>();
  if (const int code = MPI_Isend(message, static_cast<int>(bytes), MPI_BYTE, to, kTag,
                                 MPI_COMM_WORLD, made.get())) {
    return failed("MPI_Isend", code);
  }
  *request = made.release();
  return 0;
}

int begin_receive(void* message, std::size_t bytes, int from, void** request) {
  auto made = std::make_unique<MPI_Request>();
  if (const int code = MPI_Irecv(message, static_cast<int>(bytes), MPI_BYTE, from, kTag,
                                 MPI_COMM_WORLD, made.get())) {
    return failed("MPI_Irecv", code);
  }
  *request = made.release();
  return 0;
}

int test(void** request, int* done) {
  auto* made = static_cast<MPI_Request*>(*request);
  MPI_Status status;
  if (const int code = MPI_Test(made, done, &status)) return failed("MPI_Test", code);
  if (*done != 0) {
    delete made;
    *request = nullptr;
  }
  return 0;
}

int finish() {
  const int code = MPI_Finalize();
  return code == MPI_SUCCESS ? 0 : failed("MPI_Finalize", code);
}

const char* library() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING] = {};
  int length = 0;
  MPI_Get_library_version(text, &length);
  // "Open MPI v4.1.4, package: ..." or "MPICH Version:\t4.0.2\n..."
  const char* const version = std::strpbrk(text, "0123456789");
  library_name = REPRISE_MPI_NAME;
  if (version != nullptr) library_name += " " + std::string(version, std::strcspn(version, ",\n"));
  return library_name.c_str();
}

const char* error() {
  return last_error.c_str();
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const reprise::RanksModule*
reprise_ranks_module() {
  static const reprise::RanksModule module = {reprise::kRanksModuleVersion,
                                              REPRISE_MPI_NAME,
                                              start,
                                              begin_send,
                                              begin_receive,
                                              test,
                                              finish,
                                              library,
                                              error};
  return &module;
}
