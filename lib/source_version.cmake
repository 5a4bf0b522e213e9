# Writes OUTPUT, a C++ file with the version of the source in SOURCE_DIR: git commit and uncommitted
# changes, compiler and flags. Runs at every build and touches the file only if something changed.

# The commit is "unknown" where git does not tell it: no git, an archive of the source, a folder of another
# owner, which git refuses, or a place in another project's repository, whose commit says nothing of us.
set(commit "")
set(diff "")
set(problem "there is no git")
find_program(GIT git)
if(GIT)
  execute_process(COMMAND ${GIT} -C ${SOURCE_DIR} rev-parse --show-prefix
                  OUTPUT_VARIABLE prefix OUTPUT_STRIP_TRAILING_WHITESPACE
                  ERROR_VARIABLE problem RESULT_VARIABLE failed)
  if(prefix)
    set(problem "the source is not the top of a repository")
  elseif(NOT failed)
    execute_process(COMMAND ${GIT} -C ${SOURCE_DIR} rev-parse HEAD
                    OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE
                    ERROR_VARIABLE problem RESULT_VARIABLE failed)
    if(NOT failed)
      execute_process(COMMAND ${GIT} -C ${SOURCE_DIR} diff --no-ext-diff HEAD -- .
                      OUTPUT_VARIABLE diff ERROR_VARIABLE problem RESULT_VARIABLE failed)
    endif()
  endif()
  if(failed OR prefix)
    set(commit "")
    set(diff "")
  endif()
endif()
if(NOT commit)
  set(commit "unknown")
  string(REGEX REPLACE "\n.*" "" problem "${problem}")
  message(NOTICE "Records will call the version of the source unknown: ${problem}")
endif()

# As bytes, so that no quoting or limit on string literals can bite.
string(HEX "${diff}" hex)
string(REGEX REPLACE "(................................)" "\\1\n    " hex "${hex}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")

set(text "// Generated at build time: the version of the source.
#include \"reprise/run/provenance.hpp\"

namespace reprise {
namespace {
constexpr unsigned char kDiff[] = {
    ${bytes}0x00};
}  // namespace

const SourceVersion& source_version() {
  static const SourceVersion version{
      \"${commit}\", std::string(reinterpret_cast<const char*>(kDiff), sizeof(kDiff) - 1),
      \"${COMPILER}\", \"${FLAGS}\"};
  return version;
}

}  // namespace reprise
")
set(old "")
if(EXISTS ${OUTPUT})
  file(READ ${OUTPUT} old)
endif()
if(NOT old STREQUAL text)
  file(WRITE ${OUTPUT} "${text}")
endif()
