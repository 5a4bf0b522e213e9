/// \file
/// Test cases that need what a machine may lack.
#pragma once

#include "support/catch.hpp"

namespace reprise::test {

/// Whether the case that runs now has ended by REPRISE_SKIP.
extern bool skip_requested;

}  // namespace reprise::test

/// Ends a test case that cannot run here, for the reason given, such as a missing package. CTest
/// shows it as skipped, and not as passed, by the exit status (main.cpp); as failed if anything in
/// it failed before.
#define REPRISE_SKIP(reason)                \
  do {                                      \
    ::reprise::test::skip_requested = true; \
    WARN("SKIPPED: " << (reason));          \
    return;                                 \
  } while (false)
