#define BOOST_BIND_GLOBAL_PLACEHOLDERS  // Boost's own header says that it should not need it
#include "support/json.hpp"

#include <boost/property_tree/json_parser.hpp>
#include <sstream>

namespace reprise::test {

Json parse_json(const std::string& text) {
  std::istringstream stream(text);
  Json tree;
  boost::property_tree::read_json(stream, tree);
  return tree;
}

std::string member(const Json& object, const std::string& name) {
  const auto found = object.find(name);
  return found == object.not_found() ? "" : found->second.data();
}

}  // namespace reprise::test
