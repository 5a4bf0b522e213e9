/// \file
/// The files that come with the programs: studies, lists of shapes, a small data set.
#pragma once

#include <string>

namespace reprise {

/// The folder of that name ("studies", "shapes", "fashion-mnist") in share/reprise, which is found
/// from where the program that runs is: PREFIX/libexec/reprise, or experiments or tests in the
/// folder of a build, whose share/reprise leads to the source. Where there is none, the path at
/// which it was expected.
std::string installed_data(const std::string& name);

}  // namespace reprise
