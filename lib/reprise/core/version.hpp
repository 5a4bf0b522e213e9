/// \file
/// The version of the library.
#pragma once

#include <string_view>

namespace reprise {

/// "0.1.0"; CMakeLists.txt names it.
std::string_view version();

}  // namespace reprise
