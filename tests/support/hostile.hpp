/// \file
/// What a stranger may put into a record: texts that act in place of being read, and every place of
/// a record that holds text.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "reprise/record/record.hpp"

namespace reprise::test {

/// A text and what it attacks. `marker` stands in it for the path of a file that the attack would
/// make.
struct HostileText {
  std::string name;
  std::string text;
};
std::vector<HostileText> hostile_texts(const std::string& marker);

/// One text of a record: the value of an attribute, an element of a dataset, the name of an
/// attribute, a dataset, a group or an axis.
struct TextPlace {
  std::string path;  ///< "/study@claim", "/data/class_names[3]", "name of /model/conv1", ...
  bool is_name = false;
  std::function<void(Record&, const std::string& text)> replace;
};
/// In the order of the digest's walk. A place holds as long as the record's names stay.
std::vector<TextPlace> text_places(const Record& record);

/// The first byte sequence in `bytes` that could act on a terminal (any control character but
/// newline and tab, any character without a shape of its own), with its surroundings; "" if none.
std::string first_control(const std::string& bytes);

}  // namespace reprise::test
