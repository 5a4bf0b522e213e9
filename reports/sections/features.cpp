// What the networks see: first-layer kernels, test images and their nearest training images.
#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "format.hpp"
#include "sections/sections.hpp"
#include "svg.hpp"

namespace reprise::reports {
namespace {

constexpr double kNeighboursWidth = 430;  // pixels, of a panel
constexpr double kPicture = 50;
constexpr double kGap = 7;
constexpr double kNeighboursRow = kPicture + 30;
constexpr std::size_t kRowsInPanel = 6;
constexpr std::size_t kMaxColourRows = 6;  // colour images take much room as drawings

std::size_t agreeing(const TrainingRun& run, std::size_t sample) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < run.neighbours_each(); ++i) {
    const std::uint8_t label =
        run.evaluation.nearest_labels->values[sample * run.neighbours_each() + i];
    count += label == run.evaluation.sample_labels[sample] ? 1 : 0;
  }
  return count;
}

/// "Sandal", "Sneaker and Bag": the neighbours' classes that are not the sample's.
UntrustedText other_classes(const TrainingRun& run, std::size_t sample) {
  std::vector<UntrustedText> names;
  for (std::size_t i = 0; i < run.neighbours_each(); ++i) {
    const std::uint8_t label =
        run.evaluation.nearest_labels->values[sample * run.neighbours_each() + i];
    const UntrustedText& name = run.class_names[label];
    if (label != run.evaluation.sample_labels[sample]) add_once(name, names);
  }
  return listed(names);
}

UntrustedText row_title(const TrainingRun& run, std::size_t sample) {
  const std::size_t same = agreeing(run, sample);
  const UntrustedText& truth = run.class_names[run.evaluation.sample_labels[sample]];
  if (same == run.neighbours_each()) return plain_text("{}: all alike", truth);
  return plain_text("{}: {} of {} alike, else {}", truth, same, run.neighbours_each(),
                    other_classes(run, sample));
}

class NeighbourDrawing {
 public:
  NeighbourDrawing(const TrainingRun& run, std::size_t first, std::size_t last)
      : run_(run),
        pixels_(run.height * run.width * run.channels),
        canvas_({kNeighboursWidth, kNeighboursRow * static_cast<double>(last - first) + 4}) {
    for (std::size_t sample = first; sample < last; ++sample) {
      draw_row(sample, kNeighboursRow * static_cast<double>(sample - first));
    }
  }
  [[nodiscard]] Svg document(const UntrustedText& alt) const { return canvas_.document(alt, true); }

 private:
  void draw_row(std::size_t sample, double top) {
    canvas_.text({kGap, top + 14}, row_title(run_, sample), {12});
    draw_picture(run_.evaluation.sample_images.values, sample, {kGap, top + 22});
    const double step = std::min(kPicture + kGap, (kNeighboursWidth - kPicture - 5 * kGap) /
                                                      static_cast<double>(run_.neighbours_each()));
    for (std::size_t i = 0; i < run_.neighbours_each(); ++i) {
      const std::size_t place = sample * run_.neighbours_each() + i;
      const Point corner{kPicture + 4 * kGap + step * static_cast<double>(i), top + 22};
      draw_picture(run_.evaluation.nearest_images->values, place, corner);
      if (run_.evaluation.nearest_labels->values[place] == run_.evaluation.sample_labels[sample])
        continue;
      for (const double inset : {-1.0, 0.0, 1.0}) {
        canvas_.outline({corner.x - inset, corner.y - inset},
                        {kPicture + 2 * inset, kPicture + 2 * inset}, colour::kVermilion);
      }
    }
  }

  void draw_picture(std::span<const std::uint8_t> all, std::size_t index, Point corner) {
    const auto side = static_cast<double>(std::max(run_.height, run_.width));
    canvas_.picture(corner, kPicture / side, all.subspan(index * pixels_, pixels_),
                    {run_.height, run_.width, run_.channels});
  }

  const TrainingRun& run_;
  std::size_t pixels_;
  SvgCanvas canvas_;
};

Table neighbours_data(const TrainingRun& run) {
  Table data{{"Test image", "Class", "Rank", "Training image", "Its class", "Distance"}, {}};
  const EvaluationRecord& evaluation = run.evaluation;
  for (std::size_t i = 0; i < evaluation.nearest_index->values.size(); ++i) {
    const std::size_t sample = i / run.neighbours_each();
    data.rows.push_back(
        {count_cell(run.evaluation.sample_index[sample]),
         run.class_names[run.evaluation.sample_labels[sample]],
         count_cell(i % run.neighbours_each() + 1), count_cell(evaluation.nearest_index->values[i]),
         run.class_names[evaluation.nearest_labels->values[i]],
         number_cell(static_cast<double>(evaluation.nearest_distances->values[i]), 3)});
  }
  return data;
}

Figure neighbours_figure(const TrainingRun& run) {
  Figure figure;
  figure.source = short_digest(run.digest);
  figure.data = neighbours_data(run);
  std::size_t rows = run.evaluation.sample_index.size();
  if (run.channels == 3) rows = std::min(rows, kMaxColourRows);
  for (std::size_t first = 0; first < rows; first += kRowsInPanel) {
    const std::size_t last = std::min(rows, first + kRowsInPanel);
    std::vector<UntrustedText> titles;
    for (std::size_t sample = first; sample < last; ++sample) {
      titles.push_back(row_title(run, sample));
    }
    const UntrustedText alt =
        plain_text("Test images, each followed by its {} nearest training images: {}.",
                   run.neighbours_each(), joined(titles, "; "));
    figure.panels.push_back({fmt::format("neighbours_{}", figure.panels.size() + 1), alt,
                             NeighbourDrawing(run, first, last).document(alt)});
  }
  return figure;
}

/// "LeNet-5, seed 1", "Relu against tanh, relu, seed 1".
UntrustedText run_name(const TrainingRun& run) {
  if (!run.study) return plain_text("LeNet-5, seed {}", run.seed);
  return plain_text("{}: {}, seed {}", heading_of(run.study->name),
                    words_of(run.study->variant.name), run.seed);
}

/// The first run with neighbours; nullptr for none.
const TrainingRun* with_neighbours(const Runs& runs) {
  for (const TrainingRun* run : runs) {
    if (run->neighbours_each() > 0) return run;
  }
  return nullptr;
}

/// The measured run with the most kernels in its first layer, the first of several.
const TrainingRun* with_most_kernels(const Runs& runs) {
  return *std::max_element(runs.begin(), runs.end(), [](const auto* a, const auto* b) {
    return a->kernels.out_channels < b->kernels.out_channels;
  });
}

Table kernels_data(const Kernels& kernels) {
  Table data{{"Kernel", "Row", "Column", "Channel", "Weight"}, {}};
  for (std::size_t out = 0; out < kernels.out_channels; ++out) {
    for (std::size_t row = 0; row < kernels.height; ++row) {
      for (std::size_t column = 0; column < kernels.width; ++column) {
        for (std::size_t in = 0; in < kernels.in_channels; ++in) {
          data.rows.push_back(
              {count_cell(out + 1), count_cell(row + 1), count_cell(column + 1), count_cell(in + 1),
               number_cell(static_cast<double>(kernels.at(row, column, in, out)), 4)});
        }
      }
    }
  }
  return data;
}

void add_neighbours(const Runs& runs, Draft& draft) {
  const TrainingRun* run = with_neighbours(runs);
  draft.set("has_neighbours", run != nullptr);
  if (run == nullptr) return;
  const std::size_t samples = run->evaluation.sample_index.size();
  std::size_t same = 0;
  for (std::size_t sample = 0; sample < samples; ++sample) same += agreeing(*run, sample);
  draft.set("neighbours_run", run_name(*run));
  draft.set("neighbours_each", std::to_string(run->neighbours_each()));
  draft.set("neighbours_samples", std::to_string(samples));
  draft.set("neighbours_same", std::to_string(same));
  draft.set("neighbours_all", std::to_string(samples * run->neighbours_each()));
  draft.add("neighbours", neighbours_figure(*run));
}

}  // namespace

void add_features(const Runs& runs, Draft& draft) {
  add_neighbours(runs, draft);
  const auto whole = std::find_if(runs.begin(), runs.end(),
                                  [](const TrainingRun* run) { return !run->by_summary; });
  draft.set("has_kernels", whole != runs.end());
  if (whole == runs.end()) return;
  const TrainingRun& run = *with_most_kernels(runs);
  draft.set("kernels_run", run_name(run));
  draft.set("kernel_count", std::to_string(run.kernels.out_channels));
  draft.set("kernel_size", fmt::format("{}×{}", run.kernels.height, run.kernels.width));
  draft.add("kernels", Figure{{kernels_panel(run.kernels, "first_layer_kernels")},
                              short_digest(run.digest),
                              kernels_data(run.kernels)});
  draft.set("test_images_run", run_name(**whole));
  add_test_images(**whole, draft);
}

}  // namespace reprise::reports
