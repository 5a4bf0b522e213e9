// Reports made from mutated records, up to the scripts that gnuplot would run: no text of a record
// acts in a script, in the page or on a terminal.
#include "report.hpp"

#include <algorithm>

#include "reprise/core/text.hpp"
#include "support/base_records.hpp"
#include "support/mutate_record.hpp"
#include "tests/support/hostile.hpp"

using namespace reprise;
using namespace reprise::fuzz;
using namespace reprise::reports;

namespace {

/// The script without its data blocks, which gnuplot takes as they are.
std::string commands_of(std::string_view script) {
  std::string commands;
  bool data = false;
  while (!script.empty()) {
    const std::size_t end = std::min(script.find('\n'), script.size());
    const std::string_view line = script.substr(0, end);
    if (!data) commands.append(line).append("\n");
    data = data ? line != "EOD" : line.ends_with(" << EOD");
    script.remove_prefix(std::min(end + 1, script.size()));
  }
  fuzz::require(!data, "a data block ends");
  return commands;
}

/// The commands without what they quote; backticks would run commands in double quotes too.
std::string unquoted(std::string_view commands) {
  std::string outside;
  char quote = 0;
  for (const char c : commands) {
    if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
    } else if (quote == c) {
      quote = 0;
    } else if (quote != '\'') {
      fuzz::require(c != '`', "a script runs no command");
      if (quote == 0) outside += c;
    }
    fuzz::require(quote == 0 || c != '\n', "a quoted text ends on its line");
  }
  return outside;
}

void check_shown(const std::string& document) {
  fuzz::require(is_text(document), "what is made is text");
  fuzz::require(test::first_control(document).empty(), "it has no character that could act");
  fuzz::require(document.find("\ntouch F") == document.npos, "no line is a record's alone");
}

void check_script(const std::string& script) {
  check_shown(script);
  const std::string outside = unquoted(commands_of(script));
  for (const std::string_view command :
       {"system", "load", "eval", "!", "touch", "popen", "shell"}) {
    fuzz::require(outside.find(command) == outside.npos, "a script has no commands of a record");
  }
}

void check_drawing(const std::string& drawing) {
  check_shown(drawing);
  for (const std::string_view harmful : {"<script", "<b onclick", "href=\"javascript:"}) {
    fuzz::require(drawing.find(harmful) == drawing.npos, "a page has no elements of a record");
  }
}

/// A page has one script of its own, which sorts tables.
void check_page(std::string page) {
  const std::size_t script = page.find("<script>");
  fuzz::require(script != page.npos, "a page has its script");
  page.erase(script, std::string_view("<script>").size());
  check_drawing(page);
}

/// In place of reports::draw, which runs gnuplot.
Svg draw_nothing(const Plot& plot) {
  check_script(script_of(plot).str());
  return SvgCanvas(plot.size).document(plot.alt);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  Input input(bytes, size);
  const std::span<const Record> base = report_records();
  const std::size_t first = input.below(base.size()), second = input.below(base.size());
  std::vector<NamedRecord> records = {{"first.h5", base[first]}, {"second.h5", base[second]}};
  mutate(records[0].record, input);
  if (!accepted([&] { check_record(records[0].record); })) return 0;
  accepted([&] {
    const Report report = make_report(records, "", draw_nothing);
    check_shown(report.markdown);
    check_shown(report.supplement_markdown);
    check_page(report.html);
    check_page(report.supplement_html);
    for (const auto& [path, svg] : report.figures) check_drawing(svg);
  });
  return 0;
}
