// LeNet-5: confusion matrix and error by class.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "class_statistics.hpp"
#include "format.hpp"
#include "gnuplot.hpp"
#include "sections/sections.hpp"

namespace reprise::reports {
namespace {

constexpr double kCell = 35;         // pixels, of the confusion matrix
constexpr double kErrorStretch = 4;  // errors are coloured this much stronger than right answers
const std::string kEmptyCell = "#f6f6f6";
constexpr double kCharacterWidth = 7.6;  // pixels, about, of a label

double longest_label(const std::vector<UntrustedText>& names) {
  std::size_t longest = 0;
  for (const UntrustedText& name : names) longest = std::max(longest, name.size());
  return kCharacterWidth * static_cast<double>(longest) + 8;
}

class ConfusionDrawing {
 public:
  explicit ConfusionDrawing(const TrainingRun& run)
      : run_(run),
        labels_(longest_label(run.class_names)),
        left_(labels_ + 20),
        side_(kCell * static_cast<double>(run.classes())),
        canvas_({left_ + side_ + 4, side_ + labels_ + 24}) {
    const std::vector<ClassErrors> classes = errors_by_class(run);
    for (std::size_t truth = 0; truth < run.classes(); ++truth) {
      for (std::size_t predicted = 0; predicted < run.classes(); ++predicted) {
        draw_cell(truth, predicted, classes[truth].images);
      }
    }
    draw_labels();
  }

  [[nodiscard]] Svg document(const UntrustedText& alt) const { return canvas_.document(alt); }

 private:
  void draw_cell(std::size_t truth, std::size_t predicted, std::size_t images) {
    const std::size_t count = run_.confused(truth, predicted);
    const double share =
        images == 0 ? 0.0 : static_cast<double>(count) / static_cast<double>(images);
    const bool right = truth == predicted;
    const Rgb rgb =
        right ? tint(colour::kBlue, share) : tint(colour::kVermilion, kErrorStretch * share);
    const Point corner{left_ + kCell * static_cast<double>(predicted),
                       kCell * static_cast<double>(truth) + 2};
    canvas_.rect(corner, {kCell - 1, kCell - 1}, count == 0 ? kEmptyCell : hex_colour(rgb));
    if (count == 0) return;
    const std::string_view ink = right && share > 0.75 ? colour::kPaper : colour::kText;
    canvas_.text({corner.x + kCell / 2, corner.y + kCell / 2 + 4}, std::to_string(count),
                 {13, "middle", ink});
  }

  void draw_labels() {
    for (std::size_t label = 0; label < run_.classes(); ++label) {
      const double middle = kCell * (static_cast<double>(label) + 0.5);
      canvas_.text({left_ - 6, middle + 5}, run_.class_names[label], {13, "end"});
      canvas_.upward_text({left_ + middle + 4, side_ + 8}, run_.class_names[label], {13, "end"});
    }
    canvas_.upward_text({13, side_ / 2}, "true class", {13, "middle", colour::kQuiet});
    canvas_.text({left_ + side_ / 2, side_ + labels_ + 16}, "predicted class",
                 {13, "middle", colour::kQuiet});
  }

  const TrainingRun& run_;
  double labels_, left_, side_;
  SvgCanvas canvas_;
};

Panel confusion_panel(const TrainingRun& run) {
  const std::vector<ConfusedPair> pairs = confused_pairs(run);
  UntrustedText alt = plain_text(
      "Confusion matrix of {} classes; {} of {} test images lie on its "
      "diagonal.",
      run.classes(), grouped(static_cast<std::int64_t>(run.right())),
      grouped(static_cast<std::int64_t>(run.test_images)));
  if (!pairs.empty()) {
    alt += plain_text(" The largest entries off it are between {} and {}.",
                      run.class_names[pairs[0].a], run.class_names[pairs[0].b]);
  }
  return {"confusion", alt, ConfusionDrawing(run).document(alt)};
}

/// Error by class with its interval, the largest on top.
Panel class_error_panel(const TrainingRun& run, const std::vector<ClassErrors>& classes) {
  std::vector<std::vector<PlotCommands>> rows;
  std::vector<PlotCommands> tics;
  double place = static_cast<double>(classes.size());
  for (const ClassErrors& errors : classes) {
    const Interval interval = errors.interval();
    rows.push_back({plot_number(100 * errors.error()), plot_number(place),
                    plot_number(100 * interval.low), plot_number(100 * interval.high)});
    tics.push_back(
        PlotCommands::format("{} {}", tic_text(run.class_names[errors.label]), plot_number(place)));
    place -= 1;
  }
  const PlotCommands overall = plot_number(100 * (1 - run.test_accuracy));
  const PlotCommands commands = PlotCommands::format(
      "{}set border 1\nunset grid\nset grid x lt 1 lc rgb {} lw 1\n"
      "set yrange [0.4:{}.6]\nset xrange [0:*]\nset ytics scale 0 ({})\n"
      "set xlabel 'Test error (%)'\nunset key\n"
      "set arrow from {},graph 0 to {},graph 1 nohead dt (5,4) lw 1.5 lc rgb {}\n"
      "plot $classes using 1:2:3:4 with xerrorbars pt 7 ps 0.6 lw 2 lc rgb {}\n",
      data_block("classes", rows), colour::kGrid, classes.size(), joined(tics, ", "), overall,
      overall, colour::kVermilion, colour::kBlue);
  const ClassErrors& worst = classes.front();
  const ClassErrors& best = classes.back();
  const UntrustedText alt = plain_text(
      "Test error of each class as a dot with its {} interval, from {} ({}) down to {} ({}); a "
      "dashed line marks the error over all classes, {}.",
      percent(kConfidence, 0), run.class_names[worst.label], percent(worst.error(), 1),
      run.class_names[best.label], percent(best.error(), 1), percent(1 - run.test_accuracy, 1));
  return plotted(
      {"class_errors", alt, {430, 90 + 24.0 * static_cast<double>(classes.size())}, commands});
}

TableEntry class_table(const TrainingRun& run, const std::vector<ClassErrors>& classes) {
  TableEntry entry;
  entry.source = short_digest(run.digest);
  entry.table.columns = {{"Class"},
                         {"Images", Align::right},
                         {"Errors", Align::right},
                         {"Error (%)", Align::right},
                         {interval_end("from (%)"), Align::right},
                         {interval_end("to (%)"), Align::right},
                         {"Most often taken for"},
                         {"Times", Align::right}};
  for (const ClassErrors& errors : classes) {
    const int decimals = percent_decimals(errors.images);
    const Interval interval = errors.interval();
    entry.table.rows.push_back(
        {run.class_names[errors.label], std::to_string(errors.images),
         std::to_string(errors.errors), percent_cell(errors.error(), decimals),
         percent_cell(interval.low, decimals), percent_cell(interval.high, decimals),
         errors.taken_for_count > 0 ? run.class_names[errors.taken_for] : "none",
         std::to_string(errors.taken_for_count)});
  }
  return entry;
}

}  // namespace

void add_classes(const TrainingRun& run, Draft& draft) {
  const std::vector<ClassErrors> classes = worst_first(errors_by_class(run));
  const std::string source = short_digest(run.digest);
  draft.add("confusion", Figure{{confusion_panel(run)}, source});
  draft.add("class_errors", Figure{{class_error_panel(run, classes)}, source});
  draft.add("classes", class_table(run, classes));
  draft.set("class_count", count_word(static_cast<std::int64_t>(run.classes())));
  draft.set("error_stretch", count_word(static_cast<std::int64_t>(kErrorStretch)));
  const ClassErrors& worst = classes.front();
  const ClassErrors& best = classes.back();
  draft.set("worst_class", run.class_names[worst.label]);
  draft.set("worst_class_error", percent(worst.error(), percent_decimals(worst.images)));
  draft.set("best_class", run.class_names[best.label]);
  draft.set("best_class_error", percent(best.error(), percent_decimals(best.images)));
}

}  // namespace reprise::reports
