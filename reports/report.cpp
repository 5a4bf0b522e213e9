#include "report.hpp"

#include <fmt/format.h>

#include "draft.hpp"
#include "layout.hpp"
#include "markdown.hpp"
#include "published.hpp"
#include "reprise/core/error.hpp"
#include "sections/sections.hpp"
#include "templates.hpp"

namespace reprise::reports {
namespace {

constexpr std::string_view kNotesLine = "@notes\n";
constexpr std::string_view kNotesMark = "<!--notes-->\n";

std::vector<TrainingRun> read_runs(const std::vector<NamedRecord>& records) {
  std::vector<TrainingRun> runs;
  for (const NamedRecord& record : records) {
    if (is_comparison(record.record)) continue;
    TrainingRun run = read_training_run(record);
    for (const TrainingRun& earlier : runs) check_same_experiment(earlier, run);
    runs.push_back(std::move(run));
  }
  if (runs.empty()) throw Error("report", "no record of a training run", "at least one");
  return runs;
}

std::vector<Comparison> read_comparisons(const std::vector<NamedRecord>& records) {
  std::vector<Comparison> comparisons;
  for (const NamedRecord& record : records) {
    if (is_comparison(record.record)) comparisons.push_back(read_comparison(record));
  }
  return comparisons;
}

Draft make_draft(const std::vector<TrainingRun>& runs, const std::vector<Comparison>& comparisons,
                 bool has_notes) {
  const TrainingRun& run = runs.front();
  Draft draft;
  draft.set("has_notes", has_notes);
  add_published_values(draft, data_display_name(run.data_name),
                       static_cast<double>(run.parameters));
  add_accuracy(runs, draft);
  add_training(run, draft);
  add_setup(run, draft);
  add_classes(run, draft);
  add_test_images(run, draft);
  add_convolutions(comparisons, draft);
  add_reproducibility(runs, comparisons, draft);
  add_conclusion(run, draft);
  add_notes(runs, draft);
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

std::string plain_text(const Draft& draft, const std::string& name) {
  return draft.values().at(name).string_value();
}

std::string html_page(const std::string& text, const Draft& draft, const std::string& notes) {
  std::string markdown = lay_out(text, draft, Medium::html);
  markdown = with_notes(std::move(markdown), kNotesLine, std::string(kNotesMark));
  std::string body = inline_figures(html_from_markdown(markdown, Trust::trusted), draft);
  if (!notes.empty()) body = with_notes(std::move(body), kNotesMark, notes_html(notes));

  Draft page;
  page.set("title", "LeNet-5 on " + plain_text(draft, "data_name"));
  page.set("headline",
           fmt::format("{} of {} test images named right after {}.", plain_text(draft, "accuracy"),
                       plain_text(draft, "test_images"), plain_text(draft, "epochs")));
  page.set("body", body);
  return render_template("page.html.mustache", page.values(), html_text);
}

}  // namespace

Report make_report(const std::vector<NamedRecord>& records, const std::string& notes) {
  const std::vector<TrainingRun> runs = read_runs(records);
  const Draft draft = make_draft(runs, read_comparisons(records), !notes.empty());
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

}  // namespace reprise::reports
