// A record from a stranger in the report: none of its texts does anything.
#include <toml++/toml.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <regex>
#include <set>

#include "gnuplot.hpp"
#include "report.hpp"
#include "report_files.hpp"
#include "reprise/core/error.hpp"
#include "reprise/record/record_file.hpp"
#include "shell.hpp"
#include "support/catch.hpp"
#include "support/command.hpp"
#include "support/comparison_record.hpp"
#include "support/hostile.hpp"
#include "support/study_record.hpp"
#include "support/temporary_folder.hpp"
#include "support/training_record.hpp"

using namespace reprise;
using namespace reprise::reports;
using namespace reprise::test;

namespace {

const std::string kWriteReport = REPRISE_BINARY_DIR "/reports/write_report ";

std::string reading_problem(const Record& record) {
  try {
    Inputs inputs;
    add_record({"r.h5", record}, inputs);
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

/// Every text and name of the record that may be anything becomes a text of its own; what is
/// refused (a measure that is none, a name that something needs) stays, and its refusal is
/// harmless.
template <class TextOf>
Record replaced(const Record& record, const TextOf& text_of) {
  std::vector<TextPlace> places = text_places(record);
  std::reverse(places.begin(), places.end());  // what is inside before the names above it
  Record changed = record;
  std::size_t index = 0;
  for (const TextPlace& place : places) {
    std::string text = text_of(index++);
    if (place.is_name) {
      std::replace(text.begin(), text.end(), '/', '\\');
      text += std::to_string(index);
    }
    Record alone = changed;
    place.replace(alone, text);
    const std::string problem = reading_problem(alone);
    INFO(place.path << ": " << problem);
    CHECK(first_control(problem).empty());
    if (problem.empty()) changed = std::move(alone);
  }
  return changed;
}

/// One record of each kind; the study's two variants have names that fit together.
template <class TextOf>
std::vector<NamedRecord> records_with(const TextOf& text_of) {
  std::vector<NamedRecord> records;
  records.push_back({"training.h5", replaced(training_record({1, 2}), text_of)});
  StudyRecordOptions options;
  options.study = "study " + text_of(1);
  options.baseline = "baseline " + text_of(2);
  for (const bool is_baseline : {true, false}) {
    options.variant = is_baseline ? options.baseline : "variant " + text_of(3);
    Record record = study_record(options);
    Group& study = record.groups["study"];
    study.attributes["question"] = text_of(4);
    study.attributes["section"] = text_of(5);
    study.attributes["variant_description"] = text_of(6);
    if (!is_baseline) {
      study.attributes["claim"] = text_of(7);
      study.attributes["paper_figure"] = text_of(8);
    }
    Group kept = study;
    record = replaced(record, text_of);
    record.groups["study"] = kept;
    records.push_back({is_baseline ? "baseline.h5" : "variant.h5", record});
  }
  records.push_back({"comparison.h5", replaced(comparison_record(), text_of)});
  return records;
}

/// Tags with the names of their attributes, and where links lead, outside drawings.
[[maybe_unused]] std::map<std::string, int> structure(std::string html) {
  html = std::regex_replace(html, std::regex("<svg[^>]*>"), "<svg>");
  std::map<std::string, int> counts;
  static const std::regex tag("<(/?[a-zA-Z!][^>]*)>");
  static const std::regex value("=\"[^\"]*\"");
  std::size_t at = 0;
  while ((at = html.find('<', at)) != std::string::npos) {
    if (html.compare(at, 5, "<svg>") == 0) {
      at = html.find("</svg>", at);
      REQUIRE(at != std::string::npos);
      at += 6;
      continue;
    }
    const std::size_t end = html.find('>', at);
    const std::string whole = html.substr(at, end + 1 - at);
    const bool is_link = whole.starts_with("<a ");
    // How many tables there are follows from how many names differ.
    static const std::regex place("#(table|figure)-[0-9]+");
    ++counts[is_link ? std::regex_replace(whole, place, "#$1-N")
                     : std::regex_replace(whole, value, "")];
    at = end + 1;
  }
  return counts;
}

[[maybe_unused]] void check_drawing(const std::string& name, const std::string& svg) {
  static const std::set<std::string> known = {
      "svg",    "g",        "rect",        "text",           "path", "title",
      "defs",   "use",      "circle",      "line",           "desc", "polygon",
      "tspan",  "clipPath", "style",       "linearGradient", "stop", "pattern",
      "filter", "feFlood",  "feComposite", "image"};
  static const std::regex tag("<([a-zA-Z]+)([^>]*)>");
  INFO(name);
  for (std::sregex_iterator it(svg.begin(), svg.end(), tag), end; it != end; ++it) {
    INFO(it->str());
    CHECK(known.count((*it)[1]) == 1);
    CHECK(!std::regex_search((*it)[2].str().substr(0, (*it)[2].str().find("aria-label")),
                             std::regex("\\bon[a-z]+ *=")));
  }
  // Ampersands begin known entities alone.
  static const std::regex stray("&(?!(amp;|lt;|gt;|quot;|#39;|#x2[267];|#x[46]0;|#x5c;|#x7[bd];))");
  CHECK(!std::regex_search(svg, stray));
}

/// The contents of the fenced blocks of shell commands.
std::vector<std::string> shell_blocks(const std::string& markdown) {
  std::vector<std::string> blocks;
  static const std::regex block("(^|\n)(`{3,})sh\n");
  std::string rest = markdown;
  for (std::smatch match; std::regex_search(rest, match, block);) {
    const std::string after = match.suffix();
    const std::size_t end = after.find(std::string("\n").append(match[2].str()).append("\n"));
    REQUIRE(end != std::string::npos);
    blocks.push_back(after.substr(0, end + 1));
    rest = after.substr(end);
  }
  return blocks;
}

/// Pastes the blocks into a shell in a folder of its own, where the project's programs are stubs.
[[maybe_unused]] void check_pasted(const Report& report) {
  const TemporaryFolder folder;
  std::string script = "git() { :; }; cmake() { :; }\n";
  const std::vector<std::string> blocks = shell_blocks(report.markdown);
  REQUIRE(blocks.size() == 2);
  for (const std::string& block : blocks) script += block;
  test::write_file(folder / "script", script);
  CHECK(run_command("bash -n " + (folder / "script")).status == 0);
  const CommandResult pasted = run_command("cd " + folder.path() + " && bash script");
  INFO(script << pasted.err);
  const std::vector<std::string> expected = {"script", "settings.toml"};
  CHECK(folder.names() == expected);
  for (const std::string& line : [&] {
         std::vector<std::string> lines;
         std::istringstream stream(pasted.err);
         for (std::string l; std::getline(stream, l);) lines.push_back(l);
         return lines;
       }()) {
    CHECK(line.find("build/release/") != std::string::npos);  // a stub that is missing
  }
  CHECK_NOTHROW(toml::parse_file(folder / "settings.toml"));
}

}  // namespace

TEST_CASE("gnuplot starts nothing, and draws all the same") {
  const TemporaryFolder folder;
  const std::string touch = "touch " + (folder / "made");
  for (const std::string& command : {"system(\"" + touch + "\")", "! " + touch}) {
    INFO(command);
    const std::string svg = run_gnuplot("set terminal svg\n" + command + "\nplot 1\n");
    CHECK(svg.find("</svg>") != std::string::npos);
    CHECK(folder.names().empty());
  }
  for (const std::string& command :
       {"x = system('" + touch + "')", "x = \"`" + touch + "`\"",
        "set output '" + (folder / "made") + "'", "set print '" + (folder / "made") + "'",
        "save '" + (folder / "made") + "'", "set output '|" + touch + "'",
        "plot '< " + touch + "'"}) {
    INFO(command);
    try {
      run_gnuplot("set terminal svg\n" + command + "\nplot 1\n");  // may draw, or be an Error
    } catch (const Error& error) {
      CHECK_THAT(error.what(), Catch::Contains("gnuplot"));
    }
    CHECK(folder.names().empty());
  }
}

TEST_CASE("the environment neither ends nor changes a report") {
  const TemporaryFolder folder;
  save_record(training_record({1, 2}), folder / "run.h5");
  const auto write = [&](const std::string& environment, const std::string& output) {
    const CommandResult result = run_command(environment + " " + kWriteReport + "--output " +
                                             (folder / output) + " " + (folder / "run.h5"));
    INFO(environment << result.err);
    CHECK(result.status == 0);
    return test::read_file(folder / (output + "/index.html"));
  };
  const std::string plain = write("env", "plain");
  int number = 0;
  for (const std::string environment :
       {"GNUTERM=qt", "GNUTERM=nonsense", "TMPDIR=/nonexistent HOME=/nonexistent",
        "GNUPLOT_LIB=/tmp GDFONTPATH=/tmp GNUPLOT_DEFAULT_GDFONT=x LC_ALL=de_DE.UTF-8 LANG=de_DE",
        "env -i PATH=$PATH"}) {
    CHECK(write(environment, std::string("r").append(std::to_string(number++))) == plain);
  }
}

// Not with AddressSanitizer, under whose larger frames std::regex's recursion leaves the stack.
#ifndef __SANITIZE_ADDRESS__
TEST_CASE("no text of a record does anything in a report") {
  const TemporaryFolder folder;
  const std::vector<HostileText> hostile = hostile_texts(folder / "made");
  const auto plain = [](std::size_t i) { return std::string("plain").append(std::to_string(i)); };
  const Report benign = make_report(records_with(plain), "");
  const std::map<std::string, int> expected = structure(benign.html);
  for (std::size_t shift = 0; shift < hostile.size(); shift += 9) {
    const auto text_of = [&](std::size_t i) { return hostile[(i + shift) % hostile.size()].text; };
    const Report report = make_report(records_with(text_of), "");
    INFO("shift " << shift);
    CHECK(folder.names().empty());
    CHECK(first_control(report.markdown).empty());
    CHECK(first_control(report.html).empty());
    for (const auto& [tag, count] : structure(report.html)) {
      INFO(tag);
      CHECK(expected.count(tag) == 1);
    }
    for (const auto& [name, svg] : report.figures) {
      CHECK(first_control(svg).empty());
      check_drawing(name, svg);
    }
    check_pasted(report);
    CHECK(folder.names().empty());
  }
}
#endif

TEST_CASE("words for a shell are read back as they were") {
  for (const HostileText& hostile : hostile_texts("/nowhere")) {
    INFO(hostile.name);
    const std::string word = shell_word(hostile.text);
    CHECK(first_control(word).empty());
    CHECK(word.find('\n') == std::string::npos);
    CHECK(run_command("bash -c " + shell_word("printf %s " + word)).out == hostile.text);
    const toml::table table = toml::parse(toml_text({{hostile.text + "k", hostile.text}}));
    CHECK(table.size() == 1);
  }
  CHECK(words_of_shell("a 'b c' d\\ e \"f\" ''") ==
        std::vector<std::string>{"a", "b c", "d e", "f", ""});
}

TEST_CASE("files of a folder that are no records are named and left out") {
  const TemporaryFolder folder;
  const std::string records = folder / "records";
  std::filesystem::create_directory(records);
  save_record(training_record({1, 2}), records + "/a.h5");
  test::write_file(records + "/._a.h5", "foreign");
  test::write_file(records + "/notes.txt", "not looked at");
  const std::string command = kWriteReport + "--output " + (folder / "out") + " ";
  const CommandResult foreign = run_command(command + records);
  INFO(foreign.err);
  CHECK(foreign.status == 0);
  CHECK_THAT(foreign.err, Catch::Contains("left out: ") && Catch::Contains("._a.h5"));
  CHECK(run_command(command + records + "/._a.h5 " + records + "/a.h5").status == 1);

  std::string bytes = test::read_file(records + "/a.h5");
  bytes[bytes.size() / 2] ^= 1;
  test::write_file(records + "/b.h5", bytes);
  const CommandResult damaged = run_command(command + records);
  INFO(damaged.err);
  CHECK(damaged.status == 1);
  CHECK_THAT(damaged.err, Catch::Contains("b.h5") && Catch::Contains("lacks 1 damaged record"));
  CHECK(std::filesystem::exists(folder / "out/index.html"));
}
