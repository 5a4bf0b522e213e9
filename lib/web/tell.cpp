#include "tell.hpp"

#include <cmath>

#include "reprise/core/text.hpp"

// Module.tell is the caller's: a function of one object.
EM_JS(void, tell_caller, (const char* json), { Module.tell(JSON.parse(UTF8ToString(json))); });

namespace reprise {

void tell(const std::string& members) {
  tell_caller(("{" + members + "}").c_str());
}

void tell_error(const std::exception& error) {
  tell("\"kind\":\"error\"" + member("text", quoted(error.what())));
}

std::string quoted(const std::string& text) {
  std::string json = "\"";
  for (const char c : printable(text)) {
    if (c == '"' || c == '\\') json += '\\';
    json += c;
  }
  return json + "\"";
}

std::string member(const char* name, const std::string& json) {
  return ",\"" + std::string(name) + "\":" + json;
}
std::string member(const char* name, double value) {
  return member(name, std::isfinite(value) ? shortest(value) : std::string("null"));
}
std::string member(const char* name, std::size_t value) {
  return member(name, std::to_string(value));
}

}  // namespace reprise
