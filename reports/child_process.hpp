/// \file
/// Runs another program on text: the only place of the report that starts one. The program gets no
/// environment but a few fixed variables, no files but three in memory, and no rights beyond
/// reading and computing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace reprise::reports {

/// Whether the kernel must refuse the child's attempts to start programs, to open connections and
/// to change files.
enum class Confinement { required, none };

struct ChildCall {
  std::string program;                 ///< looked for on the PATH
  std::vector<std::string> arguments;  ///< without the program's name
  std::string_view input;              ///< the whole of its standard input
  Confinement confinement = Confinement::required;
};

struct ChildResult {
  int wait_status = 0;  ///< as waitpid gives it
  std::string output, errors;
};

/// Runs the program to its end. Its environment is PATH, LANG=C.UTF-8 and nothing else, whatever
/// that of this process is; its folder is "/"; it has 120 s of processor time and may write 256
/// MiB. Confined, it gets EPERM from fork, vfork, clone (but for threads), execve, socket, and from
/// all that opens files for writing or changes the file system, and ENOSYS from clone3; so do
/// programs that it would become; and where the kernel has Landlock, it can read programs,
/// libraries and what belongs to them alone, and no user's file. Where it has none, a file can be
/// read whose name gets into the program's commands: that no text of a record does so is then the
/// only wall. Error if it is missing or cannot be started, or if the kernel
/// refuses the filter of system calls.
ChildResult run_child(const ChildCall& call);

}  // namespace reprise::reports
