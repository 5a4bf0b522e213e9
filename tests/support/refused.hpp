/// \file
/// What a program makes of bad input.
#pragma once

#include <string>

namespace reprise::test {

/// Runs a program of experiments in an empty folder and checks that it ends with the status and one
/// line on standard error, which begins with the program's name and holds `message`, and that it
/// leaves nothing behind.
void check_refused(const std::string& program, const std::string& options, int status,
                   const std::string& message);

}  // namespace reprise::test
