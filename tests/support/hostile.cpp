#include "support/hostile.hpp"

#include <algorithm>

#include "reprise/core/text.hpp"

namespace reprise::test {
namespace {

using Path = std::vector<std::string>;

Group& group_at(Record& record, const Path& path) {
  Group* group = &record;
  for (const std::string& name : path) group = &group->groups.at(name);
  return *group;
}

std::string text_of(const Path& path) {
  std::string text;
  for (const std::string& name : path) text += "/" + name;
  return text;
}

template <class Map>
void rename(Map& map, const std::string& from, const std::string& to) {
  auto node = map.extract(from);
  node.key() = to;
  map.insert(std::move(node));
}

/// Walks a tree and notes the places.
class Walk {
 public:
  void group(const Path& path, const Group& group) {
    const std::string where = text_of(path);
    attributes(where, group.attributes,
               [path](Record& r) -> Attributes& { return group_at(r, path).attributes; });
    for (const auto& [name, value] : group.datasets) dataset(path, name, value);
    for (const auto& [name, inner] : group.groups) {
      add("name of " + where + "/" + name, true, [path, name = name](Record& r, const auto& text) {
        rename(group_at(r, path).groups, name, text);
      });
      Path below = path;
      below.push_back(name);
      this->group(below, inner);
    }
  }

  std::vector<TextPlace> places;

 private:
  void add(const std::string& where, bool is_name,
           const std::function<void(Record&, const std::string&)>& replace) {
    places.push_back({where, is_name, replace});
  }

  void attributes(const std::string& where, const Attributes& attributes,
                  const std::function<Attributes&(Record&)>& find) {
    for (const auto& [name, value] : attributes) {
      add("name of " + where + "@" + name, true,
          [find, name = name](Record& r, const auto& text) { rename(find(r), name, text); });
      if (!std::holds_alternative<std::string>(value)) continue;
      add(where + "@" + name, false,
          [find, name = name](Record& r, const auto& text) { find(r)[name] = text; });
    }
  }

  void dataset(const Path& path, const std::string& name, const Dataset& dataset) {
    const std::string where = text_of(path) + "/" + name;
    const auto find = [path, name](Record& r) -> Dataset& {
      return group_at(r, path).datasets.at(name);
    };
    add("name of " + where, true, [path, name](Record& r, const auto& text) {
      rename(group_at(r, path).datasets, name, text);
    });
    for (std::size_t axis = 0; axis < dataset.dimensions.size(); ++axis) {
      add("axis " + std::to_string(axis) + " of " + where, true,
          [find, axis](Record& r, const auto& text) { find(r).dimensions[axis] = text; });
    }
    if (const auto* texts = std::get_if<std::vector<std::string>>(&dataset.values)) {
      for (std::size_t i = 0; i < texts->size(); ++i) {
        add(where + "[" + std::to_string(i) + "]", false, [find, i](Record& r, const auto& text) {
          std::get<std::vector<std::string>>(find(r).values)[i] = text;
        });
      }
    }
    attributes(where, dataset.attributes,
               [find](Record& r) -> Attributes& { return find(r).attributes; });
  }
};

}  // namespace

std::vector<HostileText> hostile_texts(const std::string& marker) {
  const std::string touch = "touch " + marker;
  return {
      {"backticks", "a`" + touch + "`b"},
      {"substitution", "a$(" + touch + ")b ${IFS} $HOME"},
      {"double quotes", "a\"; system(\"" + touch + "\"); print \"b"},
      {"single quotes", "a'; system('" + touch + "'); print 'b"},
      {"newline", "a\n" + touch + "\nsystem(\"" + touch + "\")\n! " + touch + "\n"},
      {"carriage return", "a\r" + touch + "\rb"},
      {"here-document terminators",
       "a\nEOD\nsystem(\"" + touch + "\")\nSETTINGS\n" + touch + "\nEOF\n" + touch + "\n"},
      {"escape sequences", "a\x1b[2J\x1b[1;1H\x1b[32midentical\x1b[0m\x08\x07\x7f\u009b31m"},
      {"OSC 8 and 52",
       "a\x1b]8;;http://hostile.example/\x1b\\here\x1b]8;;\x1b\\"
       "\x1b]52;c;dG91Y2g=\x07"},
      {"script", "a</script><script>alert(1)</script></style></title></svg></code></pre>-->]]>"},
      {"element", "a<img src=x onerror=alert(1)><svg onload=alert(1)><a href='javascript:1'>"},
      {"attribute", "a\" onmouseover=\"alert(1)\" x='y' onfocus=alert(1) autofocus="},
      {"entities", "a&lt;script&gt;&#x1b;&amp;"},
      {"Markdown",
       "a](http://hostile.example/) [b](javascript:alert(1)) ![c](http://h.example/d)"
       " <http://hostile.example/> www.hostile.example **e** ~~f~~"},
      {"Markdown blocks",
       "a\n\n# heading\n\n| b | c |\n|---|---|\n| d | e |\n\n```\nf\n```\n"
       "~~~\n- g\n> h\n\n    i\n"},
      {"fences", "```\n````\n`````\n" + touch + "\n~~~~~\n</pre>\n"},
      {"placements",
       "a @ref(records) @table(runs) @figure(error) @notes {{digest}} {{{commands}}}"
       " {{> notes}} \\@ref(x)"},
      {"bidi", "a\u202e\u2066txet\u2069\u202c\u200e\u200f\u061c"},
      {"zero width", "a\u200b\u200c\u200d\u2060\ufeff\u00ad\u2028\u2029\U000E0041"},
      {"gnuplot", "a{/Symbol b}_{c}^{d} @e &{f} %s %n \\n \\101 \\`" + touch + "\\`"},
      {"TOML", "a\"\"\"\n[table]\nkey = 1\n'''\nb = \"\\"},
      {"a formula", "=HYPERLINK(\"http://hostile.example/\",\"a\")+cmd|' /C " + touch + "'!A0"},
      {"an option", "--output=" + marker},
      {"a path", "../../../../" + marker},
      {"long", std::string(3000, 'W') + " " + std::string(3000, ' ') + "identical"},
      {"empty", ""},
  };
}

std::vector<TextPlace> text_places(const Record& record) {
  Walk walk;
  walk.group({}, record);
  return std::move(walk.places);
}

std::string first_control(const std::string& bytes) {
  const std::string shown = printable_lines(bytes);
  const std::size_t length = std::min(shown.size(), bytes.size());
  const auto end = bytes.begin() + static_cast<std::ptrdiff_t>(length);
  if (shown == bytes) return "";
  const auto at = static_cast<std::size_t>(std::mismatch(bytes.begin(), end, shown.begin()).first -
                                           bytes.begin());
  const std::size_t from = at < 60 ? 0 : at - 60;
  return printable(bytes.substr(from, 120)) + " at byte " + std::to_string(at);
}

}  // namespace reprise::test
