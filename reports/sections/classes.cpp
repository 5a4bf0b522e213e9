// LeNet-5: confusion matrix and error by class.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "class_statistics.hpp"
#include "format.hpp"
#include "sections/sections.hpp"
#include "svg.hpp"

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
    canvas_.begin_titled(plain_text("{} labelled {}: {}", run_.class_names[truth],
                                    run_.class_names[predicted], count));
    canvas_.rect(corner, {kCell - 1, kCell - 1}, count == 0 ? kEmptyCell : hex_colour(rgb));
    canvas_.end_titled();
    if (count == 0) return;
    canvas_.text({corner.x + kCell / 2, corner.y + kCell / 2 + 4}, std::to_string(count),
                 {13, "middle", ink_on(rgb)});
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

TableEntry class_table(const TrainingRun& run, const std::vector<ClassErrors>& classes) {
  TableEntry entry{{{"Class", "Images", "Errors", "Error (%)", "CI from (%)", "CI to (%)",
                     "Most often taken for", "Times"},
                    {}},
                   short_digest(run.digest)};
  for (const ClassErrors& errors : classes) {
    const int decimals = percent_decimals(errors.images);
    const Interval interval = errors.interval();
    entry.table.rows.push_back(
        {run.class_names[errors.label], count_cell(errors.images), count_cell(errors.errors),
         percent_cell(errors.error(), decimals), percent_cell(interval.low, decimals),
         percent_cell(interval.high, decimals),
         errors.taken_for_count > 0 ? Cell(run.class_names[errors.taken_for]) : Cell(),
         count_cell(errors.taken_for_count)});
  }
  return entry;
}

/// (true class, predicted class), counts.
Table confusion_data(const TrainingRun& run) {
  Table data{{"True class", "Predicted class", "Images"}, {}};
  for (std::size_t truth = 0; truth < run.classes(); ++truth) {
    for (std::size_t predicted = 0; predicted < run.classes(); ++predicted) {
      data.rows.push_back({run.class_names[truth], run.class_names[predicted],
                           count_cell(run.confused(truth, predicted))});
    }
  }
  return data;
}

}  // namespace

void add_classes(const TrainingRun& run, Draft& draft) {
  const std::vector<ClassErrors> classes = worst_first(errors_by_class(run));
  draft.add("confusion",
            Figure{{confusion_panel(run)}, short_digest(run.digest), confusion_data(run)});
  draft.add("classes", class_table(run, classes));
  draft.set("worst_class", run.class_names[classes.front().label]);
  draft.set("worst_class_error", percent(classes.front().error(), 1));
  draft.set("best_class", run.class_names[classes.back().label]);
  draft.set("best_class_error", percent(classes.back().error(), 1));
}

}  // namespace reprise::reports
