/// \file
/// What the module tells its caller: objects, put together as JSON, member by member.
#pragma once

#include <emscripten.h>

#include <exception>
#include <string>

namespace reprise {

/// Gives the caller's function Module.tell an object of these members.
void tell(const std::string& members);
/// Likewise, of the kind "error" with the line that says why.
void tell_error(const std::exception& error);

/// A string of JSON, printable.
std::string quoted(const std::string& text);

/// A further member; null where a number is infinite or NaN.
std::string member(const char* name, const std::string& json);
std::string member(const char* name, double value);
std::string member(const char* name, std::size_t value);

}  // namespace reprise
