/// \file
/// JSON as tests read it.
#pragma once

#include <boost/property_tree/ptree.hpp>
#include <string>

namespace reprise::test {

using Json = boost::property_tree::ptree;

/// Throws if the text is not one JSON value and nothing else. NaN and Infinity are none.
Json parse_json(const std::string& text);

/// The member of a JSON object, whatever signs its name has; "" if there is none.
std::string member(const Json& object, const std::string& name);

}  // namespace reprise::test
