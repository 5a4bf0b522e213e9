# Writes OUTPUT, a C++ file with the version of the source in SOURCE_DIR: git commit and uncommitted
# changes, the identifier of its files, compiler, flags and packages. Runs at every build and touches the
# file only if something changed.

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

# The files themselves, by the identifier that Software Heritage and git give a folder: of all that stands
# there but what .gitignore names, Python's caches and IGNORED, whatever a repository says of them. git
# computes it in a repository beside OUTPUT, which no setting and no repository of the user's touches.
set(tree "unknown")
if(GIT)
  set(store ${OUTPUT}.git)
  set(git ${CMAKE_COMMAND} -E env GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 ${GIT}
          --git-dir=${store} --work-tree=${SOURCE_DIR} -c core.excludesFile=/dev/null -c core.autocrlf=false
          -c core.fileMode=true -c core.symlinks=true)
  if(NOT EXISTS ${store}/HEAD)
    execute_process(COMMAND ${git} init --quiet --template= OUTPUT_QUIET ERROR_QUIET)
  endif()
  file(REMOVE ${store}/index.lock)  # of a build that was interrupted
  set(ignored "__pycache__/\n")
  foreach(folder IN LISTS IGNORED)
    file(RELATIVE_PATH inside ${SOURCE_DIR} ${folder})
    if(NOT inside MATCHES "^\\.\\.")
      string(APPEND ignored "/${inside}/\n")
    endif()
  endforeach()
  file(WRITE ${store}/info/exclude "${ignored}")
  execute_process(COMMAND ${git} add --all -- . WORKING_DIRECTORY ${SOURCE_DIR}
                  OUTPUT_QUIET ERROR_QUIET RESULT_VARIABLE failed)
  if(NOT failed)
    execute_process(COMMAND ${git} write-tree WORKING_DIRECTORY ${SOURCE_DIR}
                    OUTPUT_VARIABLE found OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
  if(found MATCHES "^[0-9a-f]+$")
    set(tree "swh:1:dir:${found}")
  endif()
endif()

# The packages whose code computes, or decides what is computed, where Debian's dpkg knows them.
set(names g++ libc6 libxtensor-dev libopenblas-dev libhwy-dev libtbb-dev libhdf5-dev zlib1g-dev libssl-dev
          librandom123-dev libtomlplusplus-dev libfmt-dev libdnnl-dev libseccomp-dev)
set(packages "")
find_program(DPKG_QUERY dpkg-query)
if(DPKG_QUERY)
  execute_process(COMMAND ${DPKG_QUERY} -W -f=\${Package}\ \${Version}\\n ${names}
                  OUTPUT_VARIABLE packages ERROR_QUIET)
  string(REGEX REPLACE "[^ -~\n]|[\"\\\\]" "" packages "${packages}")
  string(REPLACE "\n" "\\n" packages "${packages}")
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
      \"${COMPILER}\", \"${FLAGS}\", \"${tree}\", \"${packages}\"};
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
