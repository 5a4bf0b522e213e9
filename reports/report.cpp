#include "report.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "crate.hpp"
#include "draft.hpp"
#include "format.hpp"
#include "layout.hpp"
#include "markdown.hpp"
#include "published.hpp"
#include "reprise/core/error.hpp"
#include "sections/sections.hpp"
#include "templates.hpp"
#include "verdict_values.hpp"

namespace reprise::reports {
namespace {

const std::string kNotesLine = kPlace + "notes\n";
// Of references.md: those that all reports have, and all with studies.
constexpr int kCommonReferences = 4;
constexpr int kReferencesWithStudies = 5;

/// The page's title and what search engines show below it.
struct Title {
  UntrustedText title, headline;
};

Title title_of(const TrainingRun& first, bool has_studies) {
  if (has_studies) {
    return {"AlexNet's claims, retested with small networks",
            "Claims of the AlexNet paper retested by seeded experiments, each with its interval "
            "and verdict."};
  }
  return {
      plain_text("LeNet-5 on {}", data_display_name(first.data_name)),
      plain_text("A test error of {} on {} test images after {}.",
                 percent(1 - first.evaluation.test_accuracy, percent_decimals(first.test_images)),
                 grouped(first.test_images), counted(first.epochs, "epoch"))};
}

/// Numbers the references that some reports have only, and says where they are cited.
void set_references(const Runs& of_lenet, const Runs& of_studies, Draft& draft) {
  int last = of_studies.empty() ? kCommonReferences : kReferencesWithStudies;
  const auto number = [&](const std::string& name, bool is_cited) {
    draft.set("cites_" + name, is_cited);
    draft.set(name + "_number", std::to_string(is_cited ? ++last : 0));
  };
  const auto uses_adam = [](const TrainingRun* run) {
    return setting_text(run->settings, "optimizer") == "adam";
  };
  const bool lenet = std::any_of(of_lenet.begin(), of_lenet.end(), uses_adam);
  const bool studies = std::any_of(of_studies.begin(), of_studies.end(), uses_adam);
  draft.set("lenet_uses_adam", lenet);
  draft.set("studies_use_adam", studies);
  number("adam", lenet || studies);

  std::vector<int> of_data;
  const auto number_data = [&](const std::string& name, bool (*is_it)(const UntrustedText&)) {
    const auto uses_it = [&](const TrainingRun* run) {
      return is_it(data_display_name(run->data_name));
    };
    const bool is_used = std::any_of(of_lenet.begin(), of_lenet.end(), uses_it) ||
                         std::any_of(of_studies.begin(), of_studies.end(), uses_it);
    number(name, is_used);
    if (is_used) of_data.push_back(last);
  };
  number_data("fashion", is_fashion_mnist);
  number_data("cifar", is_cifar10);
  draft.set("data_citation",
            of_data.empty()
                ? Markdown()
                : Markdown::format(" [{}]", fmt::format("{}", fmt::join(of_data, ", "))));
}

Draft make_draft(const Inputs& inputs, const std::vector<Study>& studies,
                 const std::vector<Contrast>& contrasts, const Inputs* against) {
  Runs runs = pointers(lenet_runs(inputs));
  const Runs of_studies = runs_of(studies);
  runs.insert(runs.end(), of_studies.begin(), of_studies.end());
  Draft draft;
  draft.set("confidence", percent(kConfidence, 0));
  draft.set("has_studies", !studies.empty());
  draft.set("has_contrasts", !contrasts.empty());
  set_references(pointers(lenet_runs(inputs)), of_studies, draft);
  for (const std::vector<std::string>& row : fixed_rows("published.csv")) draft.set(row[0], row[1]);
  add_lenet(inputs, draft);
  if (!studies.empty()) {
    add_verdicts(studies, contrasts, draft);
    add_study_setup(studies, draft);
    add_study_parts(studies, contrasts, draft);
  }
  add_study_notes(studies, contrasts, inputs.stores, draft);
  add_alexnet(inputs, studies, draft);
  add_features(runs, draft);
  add_setup(inputs, draft);
  add_convolutions(inputs.comparisons, draft);
  add_reproducibility(inputs, studies, draft);
  add_appendix(inputs, contrasts, draft);
  draft.set("has_against", against != nullptr);
  if (against != nullptr) add_against(*against, inputs, studies, contrasts, draft);
  return draft;
}

/// The notes are the author's: they are neither numbered nor checked, only kept from reaching out.
Html notes_html(const std::string& notes) {
  Html html = html_from_markdown(Markdown::as_it_is(notes));
  if (html.str().find("<img") != std::string::npos) {
    throw Error("notes", "an image", "text only, since the report is one file");
  }
  return html;
}

Markdown with_notes(const Markdown& text, const std::string& notes) {
  const std::size_t place = text.str().find(kNotesLine);
  if (place == std::string::npos) return text;
  const std::string lines = notes.ends_with('\n') ? notes : notes + "\n";
  return Markdown::as_it_is(std::string(text.str()).replace(place, kNotesLine.size(), lines));
}

std::string html_page(const Markdown& markdown, const Draft& draft, const Title& title,
                      const std::string& notes, bool has_contents) {
  Html contents;
  const Html headed = with_contents(html_from_markdown(markdown), contents);
  TemplateValues<Html> page;
  page.set("title", title.title);
  page.set("headline", title.headline);
  page.set("has_contents", has_contents);
  page.set("contents", contents);
  page.set("body", with_figures(headed, draft, notes_html(notes)));
  return render_template("page.html.mustache", page).str();
}

/// Calls each(name, source, data) for every figure and table that has data.
template <class Each>
void for_each_data(const Draft& draft, const Each& each) {
  for (const auto& [name, figure] : draft.figures()) {
    if (!figure.data.rows.empty()) each(name, figure.source, figure.data);
  }
  for (const auto& [name, entry] : draft.tables()) {
    const Table& data = entry.data.rows.empty() ? entry.table : entry.data;
    if (!data.rows.empty()) each(name, entry.source, data);
  }
}

/// The drawings and the data of all figures and tables.
void add_files(const Draft& draft, Report& report) {
  for (const auto& [name, figure] : draft.figures()) {
    for (const Panel& panel : figure.panels) report.figures[panel_path(panel)] = panel.svg.str();
  }
  for_each_data(draft, [&](const std::string& name, const Source&, const Table& data) {
    report.data[data_path(name)] = to_csv(data).str();
  });
}

/// What each file of data is, and the command that makes it again.
std::string data_list(const Draft& draft, const std::vector<Document>& documents,
                      const Markdown& commands) {
  std::map<std::string, std::string> numbers = numbers_of(documents);
  Table list{{"File", "Shown as", "Records", "Digest", "Command"}, {}};
  for_each_data(draft, [&](const std::string& name, const Source& source, const Table&) {
    const bool has_source = !source.digest.empty();
    list.rows.push_back({code_cell(name + ".csv"), numbers.at(name),
                         has_source ? count_cell(source.records) : Cell(),
                         has_source ? code_cell(source.digest) : Cell(),
                         code_cell(report_command(name).str())});
  });
  Draft values;
  values.set("files", to_markdown(list));
  values.set("commands", commands);
  return render_template("data.md.mustache", values).str();
}

/// The page of the run that is asked for, or else of the one that the report shows in detail.
std::string run_again(const Inputs& inputs, const RunAgainOptions& options) {
  if (options.run == nullptr && inputs.lenet.empty()) {
    throw Error("option --interactive", "no run outside a study",
                "the record of one training run of LeNet-5");
  }
  const TrainingRun* const of_report = inputs.lenet.empty() ? nullptr : &inputs.lenet.front();
  return run_again_page(options.run == nullptr ? *of_report : *options.run, of_report, options)
      .str();
}

/// What the crate lists of the report: all files but itself and the sums.
std::vector<std::string> crate_files(const Report& report) {
  std::vector<std::string> files = {"index.html", "report.md", "supplement.html", "supplement.md"};
  if (!report.verdicts.empty()) files.emplace_back("verdicts.toml");
  if (!report.run_again.empty()) files.emplace_back("run_again.html");
  for (const auto* parts : {&report.data, &report.figures}) {
    for (const auto& [path, text] : *parts) files.push_back(path);
  }
  return files;
}

}  // namespace

Report make_report(const Inputs& inputs, const ReportOptions& options, const DrawPlot& draw_plot) {
  const std::string& notes = options.notes;
  check_complete(inputs);
  const Title title = title_of(*all_runs(inputs).front(), !inputs.studies.empty());
  const std::vector<Study> studies = group_studies(inputs.studies);
  const std::vector<Contrast> contrasts = contrasts_of(studies);
  Draft draft = make_draft(inputs, studies, contrasts, options.against);
  draft.set("title", title.title);
  draft.set("has_notes", !notes.empty());
  draft.set("has_run_again", options.run_again != nullptr || options.links_run_again);
  draft.set("has_crate", !crate_metadata({}, inputs).empty());
  Report report;
  if (!options.only.empty()) {
    if (!draft.keep_only(options.only)) {
      throw Error("option --only", options.only, "a file of data/ without its ending");
    }
    draft.draw_plots(draw_plot);
    add_files(draft, report);
    return report;
  }
  draft.draw_plots(draw_plot);
  const std::vector<Document> documents = {
      {"paper", "index.html", "report.md", "", render_template("paper.md.mustache", draft)},
      {"supplement", "supplement.html", "supplement.md", "S",
       render_template("supplement.md.mustache", draft)}};
  const std::vector<Markdown> texts = lay_out(documents, draft, Medium::markdown);
  const std::vector<Markdown> pages = lay_out(documents, draft, Medium::html);

  report.markdown = with_notes(texts[0], notes).str();
  report.supplement_markdown = texts[1].str();
  report.html = html_page(pages[0], draft, title, notes, false);
  report.supplement_html =
      html_page(pages[1], draft, {"Supplement: " + title.title, title.headline}, "", true);
  if (!contrasts.empty()) report.verdicts = verdict_values(contrasts).str();
  if (options.run_again != nullptr) report.run_again = run_again(inputs, *options.run_again);
  add_files(draft, report);
  report.data["data/README.md"] = data_list(draft, documents, make_commands(inputs, studies));
  report.crate = crate_metadata({title.title, title.headline, crate_files(report)}, inputs).str();
  return report;
}

Report make_report(const std::vector<NamedRecord>& records, const std::string& notes,
                   const DrawPlot& draw_plot) {
  Inputs inputs;
  for (const NamedRecord& record : records) add_record(record, inputs);
  return make_report(inputs, ReportOptions{.notes = notes}, draw_plot);
}

}  // namespace reprise::reports
