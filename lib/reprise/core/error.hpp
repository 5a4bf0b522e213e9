/// \file
/// What a user's mistake becomes: one line that says where, what was given and what was expected.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace reprise {

/// Thrown at the public boundary for anything that the caller can put right. `what()` reads
/// "WHERE: GIVEN; expected EXPECTED", with control characters written out (printable, text.hpp); of
/// what is given at most 1,000 bytes are shown.
/// Programs print that one line and exit non-zero.
class Error : public std::runtime_error {
 public:
  Error(std::string_view where, std::string_view given, std::string_view expected);
};

/// What `function` returns; an Error that it throws gets `where`, such as a file's name, in front.
template <class Function>
auto errors_naming(std::string_view where, const Function& function) -> decltype(function()) {
  try {
    return function();
  } catch (const Error& error) {
    throw Error(where, error.what(), "");
  }
}

/// The name in `known` that is fewest edits (insertion, deletion, replacement, swap of neighbours)
/// away from `name`; "" if `known` is empty.
std::string nearest_name(std::string_view name, const std::vector<std::string>& known);

/// "a, b, c".
std::string join(const std::vector<std::string>& items, std::string_view separator = ", ");

}  // namespace reprise
