/// \file
/// What a call's Error says.
#pragma once

#include <string>
#include <utility>

#include "reprise/core/error.hpp"

namespace reprise::test {

/// The line of the Error that `call` throws; "" if it throws none.
template <class Call>
std::string error_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// Whether the text is one line that holds all the parts.
template <class... Parts>
bool is_line_with(const std::string& text, const Parts&... parts) {
  return !text.empty() && text.find('\n') == std::string::npos &&
         ((text.find(parts) != std::string::npos) && ...);
}

}  // namespace reprise::test
