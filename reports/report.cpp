#include "report.hpp"

#include <fmt/format.h>

#include "draft.hpp"
#include "format.hpp"
#include "layout.hpp"
#include "markdown.hpp"
#include "published.hpp"
#include "reprise/core/error.hpp"
#include "sections/sections.hpp"
#include "sections/studies.hpp"
#include "templates.hpp"

namespace reprise::reports {
namespace {

const std::string kNotesLine = kPlace + "notes\n";
constexpr std::string_view kNotesMark = "<!--notes-->\n";

/// The sections on one run of LeNet-5 and its repetitions with other seeds.
void add_lenet(const std::vector<TrainingRun>& runs, Draft& draft) {
  const TrainingRun& run = runs.front();
  add_accuracy(runs, draft);
  add_training(run, draft);
  add_lenet_setup(run, draft);
  add_classes(run, draft);
  add_test_images(run, draft);
  add_conclusion(run, draft);
  add_notes(runs, draft);
}

void add_studies(const std::vector<Study>& studies, const std::vector<Contrast>& contrasts,
                 Draft& draft) {
  add_verdicts(studies, contrasts, draft);
  add_study_setup(studies, draft);
  add_study_parts(studies, contrasts, draft);
  add_study_conclusion(studies, contrasts, draft);
  add_study_notes(studies, contrasts, draft);
}

/// The title and what search engines show below it.
void add_title(const TrainingRun& first, bool has_studies, Draft& draft) {
  if (has_studies) {
    draft.set("title", "AlexNet’s claims, re‑tested at the scale of one machine");
    draft.set("headline",
              "Claims of the AlexNet paper re-tested by seeded experiments, each with "
              "its interval and verdict.");
    return;
  }
  const std::string data = data_display_name(first.data_name);
  draft.set("title", "LeNet-5 on " + data);
  draft.set("headline",
            fmt::format("{} of {} test images named right after {}.", draft.text("accuracy"),
                        draft.text("test_images"), draft.text("epochs")));
}

/// Runs of LeNet-5, those without distortions first.
const std::vector<TrainingRun>& lenet_runs(const Inputs& inputs) {
  return inputs.lenet.empty() ? inputs.distorted : inputs.lenet;
}

Draft make_draft(const Inputs& inputs, bool has_notes) {
  const std::vector<TrainingRun>& lenet = lenet_runs(inputs);
  const std::vector<Study> studies = group_studies(inputs.studies);
  const std::vector<Contrast> contrasts = contrasts_of(studies);
  const TrainingRun& first = lenet.empty() ? inputs.studies.front() : lenet.front();
  Draft draft;
  draft.set("has_notes", has_notes);
  draft.set("has_lenet", !lenet.empty());
  draft.set("confidence", percent(kConfidence, 0));
  draft.set("has_studies", !studies.empty());
  add_published_values(draft, data_display_name(first.data_name),
                       static_cast<double>(first.parameters));
  if (!lenet.empty()) add_lenet(lenet, draft);
  if (!studies.empty()) add_studies(studies, contrasts, draft);
  add_title(first, !studies.empty(), draft);
  add_alexnet_tables(draft);
  add_paper_tables(inputs, studies, draft);
  add_features(lenet, studies, contrasts, draft);
  add_setup(inputs, first, draft);
  add_convolutions(inputs.comparisons, draft);
  add_reproducibility(inputs, studies, draft);
  return draft;
}

/// The notes are the author's: they are neither numbered nor checked, only kept from reaching out.
std::string notes_html(const std::string& notes) {
  std::string html = html_from_markdown(notes, Trust::untrusted);
  if (html.find("<img") != std::string::npos) {
    throw Error("notes", "an image", "text only, since the report is one file");
  }
  return html;
}

std::string with_notes(std::string text, std::string_view mark, const std::string& notes) {
  const std::size_t place = text.find(mark);
  return place == std::string::npos ? text : text.replace(place, mark.size(), notes);
}

std::string html_page(const std::string& text, const Draft& draft, const std::string& notes) {
  std::string markdown = lay_out(text, draft, Medium::html);
  markdown = with_notes(std::move(markdown), kNotesLine, std::string(kNotesMark));
  std::string body = inline_figures(html_from_markdown(markdown, Trust::trusted), draft);
  if (!notes.empty()) body = with_notes(std::move(body), kNotesMark, notes_html(notes));

  Draft page;
  page.set("title", draft.text("title"));
  page.set("headline", draft.text("headline"));
  page.set("body", body);
  return render_template("page.html.mustache", page.values(), html_text);
}

}  // namespace

Report make_report(const Inputs& inputs, const std::string& notes) {
  check_complete(inputs);
  const Draft draft = make_draft(inputs, !notes.empty());
  const std::string text = render_template("report.md.mustache", draft.values(), markdown_text);

  Report report;
  report.markdown = with_notes(lay_out(text, draft, Medium::markdown), kNotesLine,
                               notes.ends_with('\n') ? notes : notes + "\n");
  report.html = html_page(text, draft, notes);
  for (const auto& [name, figure] : draft.figures()) {
    for (const Panel& panel : figure.panels) report.figures[panel_path(panel)] = panel.svg;
  }
  return report;
}

Report make_report(const std::vector<NamedRecord>& records, const std::string& notes) {
  Inputs inputs;
  for (const NamedRecord& record : records) add_record(record, inputs);
  return make_report(inputs, notes);
}

}  // namespace reprise::reports
