# Writes OUTPUT, a C++ file with the version of the source in SOURCE_DIR: git commit and uncommitted
# changes, compiler and flags. Runs at every build and touches the file only if something changed.

set(commit "unknown")
set(diff "")
find_program(GIT git)
if(GIT)
  execute_process(COMMAND ${GIT} -C ${SOURCE_DIR} rev-parse HEAD
                  OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE
                  RESULT_VARIABLE failed ERROR_QUIET)
  if(failed)
    set(commit "unknown")
  else()
    execute_process(COMMAND ${GIT} -C ${SOURCE_DIR} diff --no-ext-diff HEAD -- .
                    OUTPUT_VARIABLE diff ERROR_QUIET)
  endif()
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
