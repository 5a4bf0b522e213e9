#include "crate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "reprise/core/text.hpp"

namespace reprise::reports {
namespace {

constexpr const char* kProfile = "https://w3id.org/ro/wfrun/process/0.5";
constexpr const char* kUnknown = "unknown";

/// "2026-01-31T12:34:56Z", as environment_group writes times; else "".
UntrustedText time_of(const Settings& environment, const char* name) {
  const UntrustedText time = setting_text(environment, name);
  static constexpr std::string_view kForm = "0000-00-00T00:00:00Z";
  if (time.size() != kForm.size()) return "";
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    const bool digit = kForm[i] == '0';
    const UntrustedText c = time.substr(i, 1);
    if (digit ? !c.consists_of("0123456789") : c != kForm.substr(i, 1)) return "";
  }
  const auto number = [&](std::size_t at) { return time.substr(at, 2).integer().value_or(0); };
  const bool is_date = number(5) >= 1 && number(5) <= 12 && number(8) >= 1 && number(8) <= 31 &&
                       number(11) < 24 && number(14) < 60 && number(17) <= 60;
  return is_date ? time : "";
}

/// What made one record.
struct Made {
  UntrustedText file, program, start, end, command;
  UntrustedText version;  ///< of the source: an identifier of its files, else its commit
};

/// The command, with the last names alone of absolute paths: the folders of the machine that it
/// was given on are nobody's business.
UntrustedText without_folders(const UntrustedText& command) {
  std::vector<UntrustedText> words = command.split(" ");
  for (UntrustedText& word : words) {
    const std::size_t slash = word.find("/");
    if (slash == std::string::npos) continue;
    const UntrustedText before = word.substr(0, slash);
    const bool is_absolute = before.empty() || before.ends_with("=") || before.ends_with("'");
    if (is_absolute) word = before + word.substr(word.rfind('/') + 1);
  }
  return joined(words, " ");
}

Made made_by(const UntrustedText& file, const UntrustedText& program, const Settings& environment) {
  UntrustedText version = setting_text(environment, "source_tree");
  if (version.empty() || version == kUnknown) version = setting_text(environment, "git_commit");
  return {file,
          program.empty() ? kUnknown : program,
          time_of(environment, "started"),
          time_of(environment, "ended"),
          without_folders(setting_text(environment, "command_line")),
          version.empty() ? kUnknown : version};
}

/// By digest: the same run may serve several studies.
std::map<std::string, Made> records_of(const Inputs& inputs) {
  std::map<std::string, Made> records;
  for (const auto* runs : {&inputs.lenet, &inputs.distorted, &inputs.studies}) {
    for (const TrainingRun& run : *runs) {
      records.emplace(run.digest, made_by(run.name, run.program, run.environment));
    }
  }
  for (const Comparison& comparison : inputs.comparisons) {
    records.emplace(comparison.digest,
                    made_by(comparison.name, "compare_convolutions", comparison.environment));
  }
  return records;
}

Json reference(const UntrustedText& id) {
  return Json::format("{{\"@id\": {}}}", id);
}

/// One reference, or a list of them.
Json references(const std::vector<UntrustedText>& ids) {
  std::vector<Json> items(ids.size());
  std::transform(ids.begin(), ids.end(), items.begin(), reference);
  return items.size() == 1 ? items.front() : Json::format("[{}]", joined(items, ", "));
}

/// A property of an entity, or nothing where there is no value.
Json property(Literal name, const UntrustedText& value) {
  return value.empty() ? Json() : Json::format(",\n   \"{}\": {}", Json::literal(name), value);
}
Json link(Literal name, const Json& value) {
  return Json::format(",\n   \"{}\": {}", Json::literal(name), value);
}

Json entity(const UntrustedText& id, Literal type, const std::vector<Json>& properties) {
  return Json::format("  {{\"@id\": {},\n   \"@type\": \"{}\"{}}}", id, Json::literal(type),
                      joined(properties, ""));
}

UntrustedText media_type(const std::string& file) {
  static constexpr std::array<std::pair<std::string_view, const char*>, 5> kTypes = {{
      {".html", "text/html"},
      {".md", "text/markdown"},
      {".csv", "text/csv"},
      {".svg", "image/svg+xml"},
      {".toml", "application/toml"},
  }};
  for (const auto& [ending, type] : kTypes) {
    if (file.ends_with(ending)) return type;
  }
  return "text/plain";
}

UntrustedText record_id(const std::string& digest) {
  return "#record-" + digest;
}
UntrustedText action_id(const std::string& digest) {
  return "#run-" + digest;
}
/// The programs, each version one.
using Programs = std::map<std::pair<UntrustedText, UntrustedText>, std::size_t>;
UntrustedText program_id(std::size_t number) {
  return plain_text("#program-{}", number);
}

Json root(const CrateSubject& subject, const UntrustedText& published,
          const std::vector<UntrustedText>& actions) {
  const std::vector<UntrustedText> files(subject.files.begin(), subject.files.end());
  return entity("./", "Dataset",
                {link("conformsTo", reference(kProfile)), property("name", subject.title),
                 property("description", subject.headline), property("datePublished", published),
                 property("license",
                          "Its author has not said how this report may be used. The program that "
                          "wrote it is licensed under Apache-2.0."),
                 link("hasPart", references(files)), link("mentions", references(actions))});
}

void add_record(const std::string& digest, const Made& made, std::size_t program,
                std::vector<Json>& graph) {
  graph.push_back(
      entity(record_id(digest), "CreativeWork",
             {property("name", made.file), property("identifier", "sha256:" + digest),
              property("encodingFormat",
                       made.file.ends_with(".toml") ? "application/toml" : "application/x-hdf5")}));
  graph.push_back(
      entity(action_id(digest), "CreateAction",
             {property("name", plain_text("{} made {}", made.program, made.file)),
              property("description", made.command), property("startTime", made.start),
              property("endTime", made.end), link("instrument", reference(program_id(program))),
              link("result", reference(record_id(digest)))}));
}

}  // namespace

std::string JsonContext::escaped(const UntrustedText& text) {
  std::string quoted = "\"";
  for (const char c : printable(text.bytes_)) {
    const auto byte = static_cast<unsigned char>(c);
    const bool special = byte < 0x20 || byte == 0x7F ||
                         std::string_view("\"\\<>&").find(c) != std::string_view::npos;
    quoted += special ? fmt::format("\\u{:04x}", byte) : std::string(1, c);
  }
  return quoted + "\"";
}

Json crate_metadata(const CrateSubject& subject, const Inputs& inputs) {
  const std::map<std::string, Made> records = records_of(inputs);
  UntrustedText published;
  Programs programs;
  std::vector<UntrustedText> actions = {"#report"};
  std::vector<UntrustedText> used;
  for (const auto& [digest, made] : records) {
    published = std::max(published, made.end);
    programs.emplace(std::pair(made.program, made.version), programs.size() + 1);
    actions.push_back(action_id(digest));
    used.push_back(record_id(digest));
  }
  if (published.empty()) return {};
  const std::vector<UntrustedText> files(subject.files.begin(), subject.files.end());
  std::vector<Json> graph = {
      entity("ro-crate-metadata.json", "CreativeWork",
             {link("conformsTo", reference("https://w3id.org/ro/crate/1.1")),
              link("about", reference("./"))}),
      root(subject, published, actions),
      entity(kProfile, "CreativeWork",
             {property("name", "Process Run Crate"), property("version", "0.5")}),
      entity("#write_report", "SoftwareApplication", {property("name", "Reprise: write_report")}),
      entity("#report", "CreateAction",
             {property("name", "write_report made this report"),
              link("instrument", reference("#write_report")), link("object", references(used)),
              link("result", references(files))})};
  for (const std::string& file : subject.files) {
    graph.push_back(entity(file, "File", {property("encodingFormat", media_type(file))}));
  }
  for (const auto& [program, number] : programs) {
    graph.push_back(entity(program_id(number), "SoftwareApplication",
                           {property("name", plain_text("Reprise: {}", program.first)),
                            property("softwareVersion", program.second)}));
  }
  for (const auto& [digest, made] : records) {
    add_record(digest, made, programs.at({made.program, made.version}), graph);
  }
  return Json::format(
      "{{\"@context\": [\"https://w3id.org/ro/crate/1.1/context\",\n"
      "              \"https://w3id.org/ro/terms/workflow-run/context\"],\n \"@graph\": [\n{}\n "
      "]}}\n",
      joined(graph, ",\n"));
}

}  // namespace reprise::reports
