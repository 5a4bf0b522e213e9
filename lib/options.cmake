# Parts that a build may have or not. Each is an option REPRISE_WITH_PART: AUTO takes it where what it
# needs is found, ON is an error where it is not, OFF leaves it out.

# reprise_part(PART "what it is"): the option. Error if it is set to anything else.
function(reprise_part part text)
  set(REPRISE_WITH_${part} AUTO CACHE STRING "${text}: AUTO, ON or OFF")
  set_property(CACHE REPRISE_WITH_${part} PROPERTY STRINGS AUTO ON OFF)
  if(NOT "${REPRISE_WITH_${part}}" MATCHES "^(AUTO|ON|OFF)$")
    message(FATAL_ERROR "REPRISE_WITH_${part} is \"${REPRISE_WITH_${part}}\"; expected AUTO, ON or OFF")
  endif()
endfunction()

# reprise_have(PART found "what it needs"): sets REPRISE_HAVE_PART, and notes the part for the summary.
function(reprise_have part found needs)
  set(have NO)
  if(found AND NOT REPRISE_WITH_${part} STREQUAL "OFF")
    set(have YES)
  elseif(REPRISE_WITH_${part} STREQUAL "ON")
    message(FATAL_ERROR "REPRISE_WITH_${part} is ON and it was not found; expected ${needs}")
  endif()
  set(REPRISE_HAVE_${part} ${have} PARENT_SCOPE)
  set(why "${REPRISE_WITH_${part}}")
  if(NOT have AND why STREQUAL "AUTO")
    set(why "AUTO, not found: ${needs}")
  endif()
  set_property(GLOBAL APPEND PROPERTY REPRISE_PARTS "${part}|${have}|${why}")
endfunction()

# The summary, at the end of the root's CMakeLists.txt.
function(reprise_summary)
  set(kind static)
  if(BUILD_SHARED_LIBS)
    set(kind shared)
  endif()
  message(STATUS "Reprise ${PROJECT_VERSION}: ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}, "
                 "${CMAKE_BUILD_TYPE}, ${kind} libraries, prefix ${CMAKE_INSTALL_PREFIX}")
  foreach(option PROGRAMS TESTS)
    message(STATUS "  REPRISE_BUILD_${option}: ${REPRISE_BUILD_${option}}")
  endforeach()
  message(STATUS "  REPRISE_PARALLEL: ${REPRISE_PARALLEL}")
  get_property(parts GLOBAL PROPERTY REPRISE_PARTS)
  foreach(line ${parts})
    string(REPLACE "|" ";" fields "${line}")
    list(GET fields 0 part)
    list(GET fields 1 have)
    list(GET fields 2 why)
    message(STATUS "  REPRISE_WITH_${part}: ${have} (${why})")
  endforeach()
endfunction()
