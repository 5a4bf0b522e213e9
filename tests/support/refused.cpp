#include "support/refused.hpp"

#include <algorithm>

#include "support/catch.hpp"
#include "support/command.hpp"
#include "support/temporary_folder.hpp"

namespace reprise::test {

void check_refused(const std::string& program, const std::string& options, int status,
                   const std::string& message) {
  const TemporaryFolder folder;
  const CommandResult result = run_command(
      "cd " + folder.path() + " && " REPRISE_BINARY_DIR "/experiments/" + program + " " + options);
  INFO(program << " " << options << "\n" << result.out << result.err);
  CHECK(result.status == status);
  CHECK_THAT(result.err, Catch::StartsWith(program + ": ") && Catch::Contains(message));
  CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
  CHECK(folder.names().empty());
}

}  // namespace reprise::test
