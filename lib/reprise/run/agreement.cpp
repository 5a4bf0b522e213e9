#include "reprise/run/agreement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "reprise/core/digest.hpp"
#include "reprise/core/text.hpp"
#include "reprise/core/version.hpp"
#include "reprise/run/configuration.hpp"
#include "reprise/run/provenance.hpp"

namespace reprise {
namespace {

/// One fact a line, so that those of two ranks can be compared one by one.
std::string text_of(const std::vector<CommonFact>& facts) {
  std::string text;
  for (const CommonFact& fact : facts) {
    text += printable(fact.what) + "\t" + printable(fact.value) + "\n";
  }
  return text;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

/// The text that most ranks have, of several as frequent the one of the lowest rank.
const std::string& most_frequent(const std::vector<std::string>& texts) {
  std::map<std::string, std::size_t> counts;
  for (const std::string& text : texts) ++counts[text];
  return *std::max_element(texts.begin(), texts.end(),
                           [&](const auto& a, const auto& b) { return counts[a] < counts[b]; });
}

/// What a fact's line is about.
std::string what_of(const std::string& line) {
  return line.substr(0, line.find('\t'));
}

/// "WHAT VALUE", or, if the lines have no such fact, "no WHAT".
std::string fact_text(const std::vector<std::string>& lines, const std::string& what) {
  for (const std::string& line : lines) {
    if (what_of(line) == what)
      return what + " " + line.substr(std::min(what.size() + 1, line.size()));
  }
  return "no " + what;
}

/// The first fact of those lines that the others do not have.
std::string first_beside(const std::vector<std::string>& lines,
                         const std::vector<std::string>& others) {
  const auto found = std::find_if(lines.begin(), lines.end(), [&](const std::string& line) {
    return std::find(others.begin(), others.end(), line) == others.end();
  });
  return found == lines.end() ? "" : what_of(*found);
}

/// Of one fact what a rank has and what was expected, which `other` has.
Error disagreement(std::size_t rank, const std::string& text, std::size_t other,
                   const std::string& expected) {
  const std::vector<std::string> here = lines_of(text);
  const std::vector<std::string> there = lines_of(expected);
  std::string what = first_beside(there, here);
  if (what.empty()) what = first_beside(here, there);
  return {fmt::format("rank {}", rank), fact_text(here, what),
          fmt::format("{}, as rank {} has", fact_text(there, what), other)};
}

}  // namespace

std::vector<CommonFact> code_facts() {
  const SourceVersion& source = source_version();
  std::vector<CommonFact> facts = {{"code of version", std::string(version())},
                                   {"code of commit", source.commit}};
  if (!source.diff.empty())
    facts.push_back({"uncommitted changes", sha256_hex(std::as_bytes(std::span(source.diff)))});
  return facts;
}

std::vector<CommonFact> run_facts(const TrainingRun& run) {
  TrainingConfiguration configuration = run.configuration();
  std::vector<CommonFact> facts;
  for (const Setting& setting : settings_of(configuration)) {
    facts.push_back(
        {"setting " + setting.name,
         std::visit([](const auto* value) { return fmt::format("{}", *value); }, setting.value)});
  }
  for (const DataFile& file : run.data().files) {
    facts.push_back({"data " + file.name, file.sha256});
  }
  return facts;
}

void check_agreement(Ranks& ranks, const std::vector<CommonFact>& facts) {
  std::vector<std::string> texts = texts_on_first(ranks, text_of(facts));
  together(ranks, [&] {
    if (texts.empty()) return;
    const std::string& expected = most_frequent(texts);
    const auto differs = std::find_if(texts.begin(), texts.end(),
                                      [&](const auto& text) { return text != expected; });
    if (differs == texts.end()) return;
    const auto other = std::find(texts.begin(), texts.end(), expected) - texts.begin();
    throw disagreement(static_cast<std::size_t>(differs - texts.begin()), *differs,
                       static_cast<std::size_t>(other), expected);
  });
}

}  // namespace reprise
