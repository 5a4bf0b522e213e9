// A record from a stranger in the report: none of its texts does anything.
#include <sys/stat.h>
#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <ctime>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <set>
#include <sstream>
#include <type_traits>

#include "draft.hpp"
#include "gnuplot.hpp"
#include "landlock.hpp"
#include "report.hpp"
#include "report_files.hpp"
#include "reprise/core/error.hpp"
#include "reprise/record_file/record_file.hpp"
#include "shell.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/command.hpp"
#include "support/comparison_record.hpp"
#include "support/hostile.hpp"
#include "support/json.hpp"
#include "support/sanitized.hpp"
#include "support/skip.hpp"
#include "support/study_record.hpp"
#include "support/temporary_folder.hpp"
#include "support/text.hpp"
#include "support/training_record.hpp"
#include "support/without_seccomp.hpp"

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

/// A name must not hold a slash, and no two may be the same.
std::string as_name(std::string text, std::size_t index) {
  std::replace(text.begin(), text.end(), '/', '\\');
  return text + std::to_string(index);
}

/// The places of the record that may hold any text or name, from the innermost outwards. What is
/// refused (a measure that is none, a name that something needs) is not among them, and its refusal
/// is harmless. `text_of` gives the texts that are tried, by the numbers that are returned.
template <class TextOf>
std::vector<std::pair<std::size_t, TextPlace>> free_places(const Record& record,
                                                           const TextOf& text_of) {
  std::vector<TextPlace> places = text_places(record);
  std::reverse(places.begin(), places.end());  // what is inside before the names above it
  std::vector<std::pair<std::size_t, TextPlace>> free;
  Record changed = record;
  for (std::size_t i = 0; i < places.size(); ++i) {
    Record alone = changed;
    places[i].replace(alone, places[i].is_name ? as_name(text_of(i), i) : text_of(i));
    const std::string problem = reading_problem(alone);
    INFO(places[i].path << ": " << problem);
    CHECK(first_control(problem).empty());
    if (!problem.empty()) continue;
    changed = std::move(alone);
    free.emplace_back(i, places[i]);
  }
  return free;
}

/// Every text and name that may be anything becomes a text of its own.
template <class TextOf>
Record replaced(const Record& record, const TextOf& text_of) {
  const auto plain = [](std::size_t i) { return std::string("plain").append(std::to_string(i)); };
  const bool is_long = text_of(0).size() > 10'000;  // then trying each would take minutes
  const std::vector<std::pair<std::size_t, TextPlace>> places =
      is_long ? free_places(record, plain) : free_places(record, text_of);
  Record changed = record;
  for (const auto& [i, place] : places) {
    place.replace(changed, place.is_name ? as_name(text_of(i), i) : text_of(i));
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
  // Without a time there is no crate.
  records.back().record.groups["environment"].attributes["ended"] = "2024-05-02T12:00:00Z";
  return records;
}

/// A tag of HTML or XML: "/p", "!DOCTYPE html", and the attributes by their names.
struct Tag {
  std::string name;
  std::map<std::string, std::string> attributes;
};

/// Reads `name="value"` pairs, values in double or single quotes or bare, until the tag's end.
Tag tag_at(const std::string& text, std::size_t& at) {
  const auto until = [&](std::string_view ends) {
    const std::size_t begin = at;
    at = std::min(text.find_first_of(ends, at), text.size());
    return text.substr(begin, at - begin);
  };
  Tag tag{until(" \t\n>"), {}};
  while (at < text.size() && text[at] != '>') {
    if (std::string_view(" \t\n/").find(text[at]) != std::string_view::npos) {
      ++at;
      continue;
    }
    const std::string name = until(" \t\n=>");
    std::string value;
    if (at < text.size() && text[at] == '=') {
      const char quote = at + 1 < text.size() ? text[at + 1] : ' ';
      const bool quoted = quote == '"' || quote == '\'';
      at += quoted ? 2 : 1;
      value = until(quoted ? std::string_view(&quote, 1) : " \t\n>");
      at += quoted ? 1 : 0;
    }
    tag.attributes[name] = value;
  }
  return tag;
}

/// All tags in their order; comments are "!--".
std::vector<Tag> tags_of(const std::string& text) {
  std::vector<Tag> tags;
  for (std::size_t at = text.find('<'); at != std::string::npos; at = text.find('<', at)) {
    if (text.compare(at, 4, "<!--") == 0) {
      tags.push_back({"!--", {}});
      at = std::min(text.find("-->", at), text.size());
      continue;
    }
    tags.push_back(tag_at(text, ++at));
  }
  return tags;
}

/// "#table-12" as "#table-N", since how many there are follows from how many names differ, and a
/// file of data as "data/N", which is of letters, digits and underscores.
std::string without_number(std::string link) {
  if (link.starts_with("data/") && link.ends_with(".csv")) {
    CHECK(link.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_",
                                 5) == link.size() - 4);
    return "data/N";
  }
  for (const char* place : {"#table-", "#figure-", "#section-"}) {
    if (link.find(place) == std::string::npos) continue;
    link.erase(link.find_last_not_of("0123456789") + 1);
    link += 'N';
  }
  return link;
}

/// Tags with the names of their attributes, and where links lead, outside drawings.
std::set<std::string> structure(const std::string& html) {
  std::set<std::string> found;
  int drawings = 0;
  for (const Tag& tag : tags_of(html)) {
    if (tag.name == "/svg") --drawings;
    if (drawings == 0) {
      std::string shape = tag.name;
      for (const auto& [name, value] : tag.attributes) {
        shape += " " + name;
        if (name == "href" || name == "src") shape.append("=").append(without_number(value));
        // The class of a study's table has the study's name.
        if (name == "class") CHECK(value.find_first_of("<>&\"'") == std::string::npos);
      }
      found.insert(shape);
    }
    if (tag.name == "svg") ++drawings;
  }
  CHECK(drawings == 0);
  return found;
}

/// Whether the ampersand at this place begins an entity that the report writes.
bool begins_entity(const std::string& text, std::size_t at) {
  static const std::vector<std::string> known = {"&amp;",  "&lt;",   "&gt;",   "&quot;", "&#39;",
                                                 "&#x22;", "&#x26;", "&#x27;", "&#x40;", "&#x60;",
                                                 "&#x5c;", "&#x7b;", "&#x7d;"};
  return std::any_of(known.begin(), known.end(), [&](const std::string& entity) {
    return text.compare(at, entity.size(), entity) == 0;
  });
}

void check_drawing(const std::string& name, const std::string& svg) {
  static const std::set<std::string> known = {
      "svg",    "g",        "rect",        "text",           "path", "title",
      "defs",   "use",      "circle",      "line",           "desc", "polygon",
      "tspan",  "clipPath", "style",       "linearGradient", "stop", "pattern",
      "filter", "feFlood",  "feComposite", "image"};
  INFO(name);
  for (const Tag& tag : tags_of(svg)) {
    INFO(tag.name);
    CHECK(known.count(tag.name.substr(tag.name.starts_with('/') ? 1 : 0)) == 1);
    for (const auto& [attribute, value] : tag.attributes) CHECK(!attribute.starts_with("on"));
  }
  for (std::size_t at = svg.find('&'); at != std::string::npos; at = svg.find('&', at + 1)) {
    INFO(svg.substr(at, 20));
    CHECK(begins_entity(svg, at));
  }
}

/// The cells of a line of CSV as RFC 4180 has them.
std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"' && quoted && i + 1 < line.size() && line[i + 1] == '"') {
      cells.back() += line[++i];
    } else if (line[i] == '"') {
      quoted = !quoted;
    } else if (line[i] == ',' && !quoted) {
      cells.emplace_back();
    } else {
      cells.back() += line[i];
    }
  }
  CHECK(!quoted);
  return cells;
}

/// Lines of equally many cells, none of which a spreadsheet executes, without control characters.
void check_data(const Report& report) {
  static const std::set<std::string> numbers = {"-inf", "-nan"};
  for (const auto& [path, text] : report.data) {
    INFO(path);
    if (!path.ends_with(".csv")) {
      CHECK(first_control(text).empty());
      continue;
    }
    std::size_t width = 0;
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = text.find("\r\n", begin);
      REQUIRE(end != std::string::npos);
      const std::string line = text.substr(begin, end - begin);
      begin = end + 2;
      const std::vector<std::string> cells = cells_of(line);
      if (width == 0) width = cells.size();
      if (cells.size() != width || !first_control(line).empty()) FAIL_CHECK(line);
      for (const std::string& cell : cells) {
        double number = 0;
        const auto [at, error] = std::from_chars(cell.data(), cell.data() + cell.size(), number);
        const bool is_number = error == std::errc() && at == cell.data() + cell.size();
        if (is_number || numbers.count(cell) == 1) continue;
        const std::size_t first = std::min(cell.find_first_not_of(' '), cell.size());
        if (cell.substr(first).find_first_of("=+-@") == 0) FAIL_CHECK(cell);
      }
    }
  }
}

/// A crate is JSON whose members are the report's own, whatever the texts among its values are.
void check_crate(const std::string& crate) {
  static const std::set<std::string> known = {
      "@id",           "@type",       "conformsTo",     "about",
      "name",          "description", "license",        "hasPart",
      "datePublished", "version",     "encodingFormat", "identifier",
      "startTime",     "endTime",     "instrument",     "result",
      "object",        "mentions",    "softwareVersion"};
  REQUIRE_FALSE(crate.empty());
  CHECK(first_control(crate).empty());
  CHECK(crate.find_first_of("<>&") == std::string::npos);
  test::Json json;
  REQUIRE_NOTHROW(json = parse_json(crate));
  CHECK(json.size() == 2);
  std::set<std::string> ids;
  for (const auto& [none, entity] : json.get_child("@graph")) {
    CHECK(ids.insert(member(entity, "@id")).second);
    for (const auto& [name, value] : entity) CHECK(known.count(name) == 1);
  }
}

/// The contents of the fenced blocks of shell commands.
std::vector<std::string> shell_blocks(const std::string& markdown) {
  std::vector<std::string> blocks;
  std::string fence;  // that the block at hand ends with; "" outside
  for (const std::string& line : lines_of(markdown)) {
    if (line == fence) fence.clear();
    if (!fence.empty()) blocks.back() += line + "\n";
    const bool opens = fence.empty() && line.starts_with("```") && line.ends_with("`sh");
    if (!opens) continue;
    fence = line.substr(0, line.size() - 2);
    blocks.emplace_back();
  }
  CHECK(fence.empty());
  return blocks;
}

/// Pastes the blocks into a shell in a folder of its own, where the project's programs are stubs.
void check_pasted(const Report& report) {
  const TemporaryFolder folder;
  std::string script = "git() { :; }; cmake() { :; }; ssh-keygen() { :; }; touch SHA256SUMS\n";
  const std::vector<std::string> blocks =
      shell_blocks(report.markdown + report.supplement_markdown);
  REQUIRE(blocks.size() == 4);
  for (const std::string& block : blocks) script += block;
  test::write_file(folder / "script", script);
  CHECK(run_command("bash -n " + (folder / "script")).status == 0);
  const CommandResult pasted = run_command("cd " + folder.path() + " && bash script");
  INFO(script << pasted.err);
  const std::vector<std::string> expected = {"SHA256SUMS", "records", "script", "settings.toml"};
  CHECK(folder.names() == expected);
  for (const std::string& line : lines_of(pasted.err)) {
    const bool is_missing = line.find("build/release/") != std::string::npos ||
                            line.find("experiments/install_packages") != std::string::npos;
    CHECK(is_missing);  // a stub that is not there
  }
  CHECK_NOTHROW(toml::parse_file(folder / "settings.toml"));
}

template <class T>
void fill(Record& record, const std::string& group, const std::string& name, T value) {
  auto& values = std::get<std::vector<T>>(record.groups.at(group).datasets.at(name).values);
  std::fill(values.begin(), values.end(), value);
}

void fill_losses(Record& record, double loss) {
  for (const char* name : {"train_loss", "test_loss"}) fill(record, "history", name, loss);
  for (const char* name : {"train_loss", "test_loss"}) {
    record.groups.at("evaluation").attributes[name] = loss;
  }
}

void fill_times(Record& record, double milliseconds) {
  for (const char* name : {"median_ms", "min_ms", "max_ms"}) {
    fill(record, "environment", name, milliseconds);
  }
}

/// What a stranger may write, and the records fit their schemas all the same.
struct HostileRecord {
  std::string name;
  std::string kind;  ///< "training", "study", "comparison"
  std::function<void(Record&)> change;
};

std::vector<HostileRecord> hostile_records() {
  constexpr double kMax = std::numeric_limits<double>::max();
  constexpr double kMin = std::numeric_limits<double>::denorm_min();
  constexpr float kMaxFloat = std::numeric_limits<float>::max();
  constexpr std::int64_t kMaxInteger = std::numeric_limits<std::int64_t>::max();
  const std::string text = "a`touch F`'\"\nEOD\nsystem 'touch F'\n$(touch F)\x1b[2J<b onclick=1>";
  return {
      {"losses NaN", "training", [](Record& r) { fill_losses(r, std::nan("")); }},
      {"losses infinite", "training", [](Record& r) { fill_losses(r, HUGE_VAL); }},
      {"losses minus infinity", "training", [](Record& r) { fill_losses(r, -HUGE_VAL); }},
      {"losses largest", "training", [](Record& r) { fill_losses(r, kMax); }},
      {"losses least", "training", [](Record& r) { fill_losses(r, kMin); }},
      {"learning rates largest", "training",
       [](Record& r) { fill(r, "history", "learning_rate", kMax); }},
      {"seconds largest", "training",
       [](Record& r) { fill(r, "environment", "seconds_per_epoch", kMax); }},
      {"kernels NaN", "training",
       [](Record& r) { fill(r, "evaluation", "first_layer_kernels", std::nanf("")); }},
      {"kernels infinite", "training",
       [](Record& r) { fill(r, "evaluation", "first_layer_kernels", HUGE_VALF); }},
      {"kernels largest", "training",
       [](Record& r) { fill(r, "evaluation", "first_layer_kernels", kMaxFloat); }},
      {"probabilities NaN", "training",
       [](Record& r) { fill(r, "evaluation", "top5_probabilities", std::nanf("")); }},
      {"probabilities largest", "training",
       [](Record& r) { fill(r, "evaluation", "top5_probabilities", -kMaxFloat); }},
      {"class names", "training",
       [=](Record& r) { fill<std::string>(r, "data", "class_names", text); }},
      {"distances infinite, a margin", "study",
       [=](Record& r) {
         fill(r, "evaluation", "nearest_distances", HUGE_VALF);
         r.groups.at("study").attributes["margin"] = kMax;
       }},
      {"errors 0 in each step, claim", "study",
       [=](Record& r) {
         fill(r, "history", "step_error", 0.0);
         r.groups.at("study").attributes["claim"] = text;
       }},
      {"times least", "comparison", [](Record& r) { fill_times(r, kMin); }},
      {"times and operations largest", "comparison",
       [](Record& r) {
         fill_times(r, kMax);
         fill(r, "comparison", "flops", kMax);
       }},
      {"operations 0", "comparison", [](Record& r) { fill(r, "comparison", "flops", 0.0); }},
      {"least peak, largest workspace", "comparison",
       [](Record& r) {
         r.groups.at("environment").attributes["peak_flops"] = std::numeric_limits<double>::min();
         fill(r, "comparison", "workspace_bytes", kMaxInteger);
       }},
      {"algorithms' names, errors infinite", "comparison",
       [=](Record& r) {
         auto& names = std::get<std::vector<std::string>>(
             r.groups.at("comparison").datasets.at("algorithm").values);
         for (std::string& name : names) name += text;
         for (const char* error : {"worst_ulp", "rms_relative", "worst_of_bound"}) {
           fill(r, "comparison", error, HUGE_VAL);
         }
       }},
  };
}

/// The record and what a report needs beside it.
std::vector<NamedRecord> records_with(const HostileRecord& hostile) {
  StudyRecordOptions baseline;
  baseline.variant = baseline.baseline;
  std::vector<NamedRecord> records;
  if (hostile.kind == "study") {
    records = {{"hostile.h5", study_record()}, {"baseline.h5", study_record(baseline)}};
  } else if (hostile.kind == "comparison") {
    records = {{"hostile.h5", comparison_record()}, {"training.h5", training_record({1, 2})}};
  } else {
    records = {{"hostile.h5", training_record({1, 2})}};
  }
  hostile.change(records.front().record);
  return records;
}

}  // namespace

// What comes from a record has no way into text but through a language's rule, and no language has
// a way into another: such code does not compile.
static_assert(!std::is_constructible_v<std::string, UntrustedText>);
static_assert(!std::is_constructible_v<std::string_view, UntrustedText>);
static_assert(!fmt::is_formattable<UntrustedText>::value);
static_assert(!fmt::is_formattable<Markdown>::value);
static_assert(!std::is_constructible_v<std::string, Markdown>);
static_assert(!std::is_constructible_v<Html, Markdown>);
static_assert(!std::is_constructible_v<Markdown, ShellCommands>);
static_assert(!std::is_constructible_v<UntrustedText, Markdown>);
static_assert(!EntersFragment<Html, MarkdownContext>);
static_assert(!EntersFragment<Toml, ShellContext>);
template <class Left, class Right>
constexpr bool kIsAppended = requires(Left left, Right right) {
  left += right;
};
static_assert(!kIsAppended<std::string, UntrustedText> &&
              !kIsAppended<std::ostringstream, UntrustedText>);
static_assert(!kIsAppended<Markdown, UntrustedText> && !kIsAppended<Markdown, Html>);
template <class Values, class Value>
constexpr bool kIsSet = requires(Values values, Value value) {
  values.set("name", value);
};
static_assert(kIsSet<TemplateValues<Html>, UntrustedText> && kIsSet<TemplateValues<Html>, Html>);
static_assert(!kIsSet<TemplateValues<Html>, Markdown> && !kIsSet<Draft, Html>);

TEST_CASE("each language shows the same text by its own rule") {
  const UntrustedText text = "a`b$c' *d* <e>";
  CHECK(Markdown::format("*{}*", text).str() == "*a\\`b\\$c' \\*d\\* \\<e\\>*");
  CHECK(Html::format("<i>{}</i>", text).str() == "<i>a`b$c&#39; *d* &lt;e&gt;</i>");
  CHECK(PlotCommands::format("set title {}", text).str() == "set title 'a&#x60;b$c&#x27; *d* <e>'");
  CHECK(ShellCommands::format("echo {}", text).str() == "echo 'a`b$c'\\'' *d* <e>'");
  CHECK(Toml::format("a = {}", text).str() == "a = \"a`b$c' *d* <e>\"");
  CHECK(reports::Json::format("[{}]", text).str() == "[\"a`b$c' *d* \\u003ce\\u003e\"]");
  CHECK(reports::Json("\"\\\n\x01\u202e&").str() ==
        "\"\\u0022\\u005c\\u005cn\\u005cx01\\u005cu{202e}\\u0026\"");
  CHECK(plain_text("{}, {}", text, 2) == "a`b$c' *d* <e>, 2");
  CHECK(terminal_text("a\x1b[2J\n") == "a\\x1b[2J\\n");
  CHECK(Markdown::format("{}", Markdown::format("*{}*", 1)).str() == "*1*");
}

TEST_CASE("a long text of a record is cut where a character ends, and still differs from others") {
  std::string text;
  while (text.size() < 2 * UntrustedText::kMaxBytes) text += "\u20ac";
  const std::string shown = terminal_text(UntrustedText::from_record(text));
  CHECK(shown.size() < UntrustedText::kMaxBytes + 100);
  CHECK_THAT(shown,
             Catch::StartsWith("\u20ac") && Catch::Contains("\u20ac… (2001 bytes, SHA-256 "));
  CHECK(UntrustedText::from_record(text) != UntrustedText::from_record(text + "a"));
  CHECK(UntrustedText::from_record(text) == UntrustedText::from_record(text));
  CHECK(UntrustedText::from_record("short") == "short");
}

TEST_CASE("a long setting is cut where it is shown, and whole where it is pasted") {
  const std::string text(3 * UntrustedText::kMaxBytes, 'x');
  const Settings settings = settings_of(Attributes{{"without", text}});
  CHECK(toml_text(settings).str() == "without = \"" + text + "\"\n");
  CHECK_THAT(terminal_text(setting_text(settings, "without")),
             Catch::Contains("… (3000 bytes, SHA-256 "));
  Record record = training_record({1, 2});
  record.groups["configuration"].attributes["without"] = text;
  const std::string page = make_report({{"a.h5", record}}, "").supplement_markdown;
  CHECK(page.find("without = \"" + text + "\"\n") != std::string::npos);
}

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

TEST_CASE("gnuplot reads no file that its commands name") {
  const TemporaryFolder folder;
  test::write_file(folder / "secret", "1 2\n3 4\nsecret = 'told'\n");
  if (landlock_rules({}).get() < 0) {
    REPRISE_SKIP("this kernel has no Landlock: gnuplot can read what its commands name");
  }
  for (const std::string& command :
       {"plot '" + (folder / "secret") + "'", "load '" + (folder / "secret") + "'",
        std::string("plot '/etc/passwd' using 0:3"),
        std::string("plot '/proc/self/environ' using 0:0")}) {
    INFO(command);
    const std::string before = "set terminal svg\nset datafile separator ':'\n";
    CHECK_THROWS_WITH(run_gnuplot(before + command + "\nplot 1\n"),
                      Catch::Contains("gnuplot: ") && Catch::Contains("expected an SVG drawing"));
  }
}

TEST_CASE("where the kernel does not confine gnuplot, it draws on request only") {
  const std::string commands = "set terminal svg\nplot 1\n";
  const std::string refused = test::in_child(
      [&] { return hide_seccomp() ? run_gnuplot(commands) : "this kernel has no seccomp"; });
  CHECK_THAT(refused, Catch::StartsWith("exception: gnuplot: the kernel refuses") &&
                          Catch::Contains("--unconfined"));
  CHECK(refused.find('\n') == std::string::npos);
  const std::string drawn = test::in_child([&] {
    if (!hide_seccomp()) return std::string("this kernel has no seccomp");
    draw_unconfined();
    return run_gnuplot(commands);
  });
  CHECK_THAT(drawn, Catch::Contains("</svg>"));
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

TEST_CASE("no text of a record does anything in a report") {
  const TemporaryFolder folder;
  const std::vector<HostileText> hostile = hostile_texts(folder / "made");
  const auto plain = [](std::size_t i) { return std::string("plain").append(std::to_string(i)); };
  const Report benign = make_report(records_with(plain), "");
  const std::set<std::string> expected = structure(benign.html + benign.supplement_html);
  for (std::size_t shift = 0; shift < hostile.size(); shift += kSanitized ? 36 : 9) {
    const auto text_of = [&](std::size_t i) { return hostile[(i + shift) % hostile.size()].text; };
    const Report report = make_report(records_with(text_of), "");
    INFO("shift " << shift);
    CHECK(folder.names().empty());
    CHECK(first_control(report.markdown).empty());
    CHECK(first_control(report.supplement_markdown).empty());
    CHECK(first_control(report.html + report.supplement_html).empty());
    check_data(report);
    check_crate(report.crate);
    for (const std::string& tag : structure(report.html + report.supplement_html)) {
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

TEST_CASE("hostile records are drawn, and gnuplot draws what their kind has") {
  const std::vector<HostileRecord> all = hostile_records();
  REQUIRE_FALSE(all.empty());
  std::map<std::string, std::set<std::string>> figures;  // by kind, of records as they should be
  for (const char* kind : {"training", "study", "comparison"}) {
    const Report report = make_report(records_with({"", kind, [](Record&) {}}), "");
    for (const auto& [name, svg] : report.figures) figures[kind].insert(name);
  }
  for (const HostileRecord& hostile : all) {
    INFO(hostile.name);
    Report report;
    CHECK_NOTHROW(report = make_report(records_with(hostile), ""));
    std::set<std::string> drawn;
    for (const auto& [name, svg] : report.figures) {
      drawn.insert(name);
      CHECK(first_control(svg).empty());
      check_drawing(name, svg);
    }
    CHECK(drawn == figures[hostile.kind]);
    CHECK(first_control(report.html + report.supplement_html).empty());
    check_data(report);
  }
}

TEST_CASE("a report over texts of 100,000 bytes is soon made and shows their beginnings") {
  std::vector<std::string> units = {"W", "w ", "  ", "`", "\u00e9*\n"};
#ifdef REPRISE_SANITIZED
  units = {"`"};
  constexpr double kSeconds = 300;
#else
  constexpr double kSeconds = 30;  // about 1 here; more than 180 when texts were not cut
#endif
  for (const std::string& unit : units) {
    std::string text;
    while (text.size() < 100'000) text += unit;
    const auto text_of = [&](std::size_t i) { return text + std::to_string(i); };
    const std::vector<NamedRecord> records = records_with(text_of);
    const std::clock_t begin = std::clock();  // processor time: other programs do not count
    const Report report = make_report(records, "");
    INFO(terminal_text(unit));
    CHECK(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC < kSeconds);
    CHECK(report.html.size() < 2'000'000);
    CHECK(report.supplement_html.size() < 5'000'000);
    CHECK_THAT(report.html + report.supplement_html, Catch::Contains("bytes, SHA-256 "));
  }
}

TEST_CASE("words for a shell are read back as they were") {
  for (const HostileText& hostile : hostile_texts("/nowhere")) {
    INFO(hostile.name);
    const std::string word = ShellCommands(hostile.text).str();
    CHECK(first_control(word).empty());
    CHECK(word.find('\n') == std::string::npos);
    const std::string command = ShellCommands("printf %s " + word).str();
    CHECK(run_command("bash -c " + command).out == hostile.text);
    const Settings settings = {{hostile.text + "k", hostile.text}};
    const toml::table table = toml::parse(toml_text(settings).str());
    CHECK(table.size() == 1);
  }
  CHECK(words_of_shell("a 'b c' d\\ e \"f\" ''") ==
        std::vector<UntrustedText>{"a", "b c", "d e", "f", ""});
}

TEST_CASE("files of a folder that are no records are named and left out") {
  const TemporaryFolder folder;
  const std::string records = folder / "records";
  std::filesystem::create_directory(records);
  save_record(training_record({1, 2}), records + "/a.h5");
  test::write_file(records + "/._a.h5", "foreign");
  test::write_file(records + "/notes.txt", "not looked at");
  std::filesystem::create_symlink("gone", records + "/dangling.h5");
  std::filesystem::create_directory(records + "/folder.h5");
  REQUIRE(mkfifo((records + "/pipe.h5").c_str(), 0600) == 0);
  const std::string command = kWriteReport + "--output " + (folder / "out") + " ";
  const CommandResult foreign = run_command(command + records);
  INFO(foreign.err);
  CHECK(foreign.status == 0);
  CHECK_THAT(foreign.err, Catch::Contains("left out: ") && Catch::Contains("._a.h5"));
  for (const char* name : {"dangling.h5", "folder.h5", "pipe.h5"}) {
    CHECK_THAT(foreign.err, Catch::Contains(name));
  }
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
