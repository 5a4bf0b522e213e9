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
#include "verdict_values.hpp"

namespace reprise::reports {
namespace {

const std::string kNotesLine = kPlace + "notes\n";

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

/// The page's title and what search engines show below it.
struct Title {
  UntrustedText title, headline;
};

Title title_of(const TrainingRun& first, bool has_studies) {
  if (has_studies) {
    return {"AlexNet’s claims, re‑tested at the scale of one machine",
            "Claims of the AlexNet paper re-tested by seeded experiments, each with its interval "
            "and verdict."};
  }
  return {plain_text("LeNet-5 on {}", data_display_name(first.data_name)),
          plain_text("{} of {} test images named right after {}.",
                     percent(first.test_accuracy, percent_decimals(first.test_images)),
                     grouped(static_cast<std::int64_t>(first.test_images)),
                     counted(first.epochs, "epoch"))};
}

/// Runs of LeNet-5, those without distortions first.
const std::vector<TrainingRun>& lenet_runs(const Inputs& inputs) {
  return inputs.lenet.empty() ? inputs.distorted : inputs.lenet;
}

/// The run that the title is about.
const TrainingRun& first_run(const Inputs& inputs) {
  const std::vector<TrainingRun>& lenet = lenet_runs(inputs);
  return lenet.empty() ? inputs.studies.front() : lenet.front();
}

Draft make_draft(const Inputs& inputs, const std::vector<Study>& studies,
                 const std::vector<Contrast>& contrasts, const Title& title, bool has_notes) {
  const std::vector<TrainingRun>& lenet = lenet_runs(inputs);
  const TrainingRun& first = first_run(inputs);
  Draft draft;
  draft.set("title", title.title);
  draft.set("has_notes", has_notes);
  draft.set("has_lenet", !lenet.empty());
  draft.set("confidence", percent(kConfidence, 0));
  draft.set("has_studies", !studies.empty());
  add_published_values(draft, data_display_name(first.data_name),
                       static_cast<double>(first.parameters));
  if (!lenet.empty()) add_lenet(lenet, draft);
  if (!studies.empty()) add_studies(studies, contrasts, draft);
  add_alexnet_tables(draft);
  add_paper_tables(inputs, studies, draft);
  add_features(lenet, studies, contrasts, draft);
  add_plans(inputs, draft);
  add_setup(inputs, first, draft);
  add_convolutions(inputs.comparisons, draft);
  add_reproducibility(inputs, studies, draft);
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

Html html_page(const Markdown& text, const Draft& draft, const Title& title,
               const std::string& notes) {
  const Markdown markdown = lay_out(text, draft, Medium::html);
  TemplateValues<Html> page;
  page.set("title", title.title);
  page.set("headline", title.headline);
  page.set("body", with_figures(html_from_markdown(markdown), draft, notes_html(notes)));
  return render_template("page.html.mustache", page);
}

}  // namespace

Report make_report(const Inputs& inputs, const std::string& notes, const DrawPlot& draw_plot) {
  check_complete(inputs);
  const Title title = title_of(first_run(inputs), !inputs.studies.empty());
  const std::vector<Study> studies = group_studies(inputs.studies);
  const std::vector<Contrast> contrasts = contrasts_of(studies);
  Draft draft = make_draft(inputs, studies, contrasts, title, !notes.empty());
  draft.draw_plots(draw_plot);
  const Markdown text = render_template("report.md.mustache", draft);

  Report report;
  report.markdown = with_notes(lay_out(text, draft, Medium::markdown), notes).str();
  if (!contrasts.empty()) report.verdicts = verdict_values(contrasts).str();
  report.html = html_page(text, draft, title, notes).str();
  for (const auto& [name, figure] : draft.figures()) {
    for (const Panel& panel : figure.panels) report.figures[panel_path(panel)] = panel.svg.str();
  }
  return report;
}

Report make_report(const std::vector<NamedRecord>& records, const std::string& notes,
                   const DrawPlot& draw_plot) {
  Inputs inputs;
  for (const NamedRecord& record : records) add_record(record, inputs);
  return make_report(inputs, notes, draw_plot);
}

}  // namespace reprise::reports
