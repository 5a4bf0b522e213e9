/// \file
/// Test cases that need what a machine may lack.
#pragma once

#include "support/catch.hpp"

/// Ends a test case that cannot run here, for the reason given, such as a missing package. CTest
/// shows it as skipped, and not as passed, by the word that is printed (CMakeLists.txt).
#define REPRISE_SKIP(reason)       \
  do {                             \
    WARN("SKIPPED: " << (reason)); \
    return;                        \
  } while (false)
