// Test images with their most probable labels as bars.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "format.hpp"
#include "sections/sections.hpp"
#include "svg.hpp"

namespace reprise::reports {
namespace {

constexpr double kCardWidth = 150;  // pixels, of a card
constexpr double kTestPicture = 112;
constexpr double kBar = 19;
constexpr double kBarStep = 22;
constexpr double kMargin = 6;
constexpr std::string_view kNameOfFile = "test_image_{:02}";

std::size_t image_of(const TrainingRun& run, std::size_t sample) {
  return static_cast<std::size_t>(run.evaluation.sample_index[sample]);
}

UntrustedText alt_text(const TrainingRun& run, std::size_t sample) {
  const std::size_t image = image_of(run, sample);
  std::vector<UntrustedText> guesses;
  for (std::size_t rank = 0; rank < run.ranks(); ++rank) {
    guesses.push_back(plain_text("{} {}", run.class_names[run.label(image, rank)],
                                 percent(run.probability(image, rank), 1)));
  }
  return plain_text("Test image {}, true class {}. Most probable: {}.", image,
                    run.class_names[run.evaluation.sample_labels[sample]], listed(guesses));
}

/// The true class's bar is blue with its label bold, the others' vermilion.
void draw_guess(SvgCanvas& canvas, double top, const UntrustedText& name, double probability,
                bool is_true) {
  const std::string_view full = is_true ? colour::kBlue : colour::kVermilion;
  const double room = kCardWidth - 2 * kMargin;
  canvas.rect({kMargin, top}, {room, kBar}, "#f2f2f2");
  const double share = std::isfinite(probability) ? probability : 0.0;
  canvas.rect({kMargin, top}, {room * std::clamp(share, 0.0, 1.0), kBar},
              hex_colour(tint(full, 0.5)));
  const double baseline = top + kBar - 5;
  canvas.text({kMargin + 4, baseline}, name, {12, "start", colour::kText, is_true});
  canvas.text({kCardWidth - kMargin - 4, baseline}, percent(probability, 1), {12, "end"});
}

Panel card_panel(const TrainingRun& run, std::size_t sample) {
  const std::size_t truth = run.evaluation.sample_labels[sample];
  const double title = kTestPicture + 22;
  const double bars = title + 10;
  const Size size{kCardWidth, bars + kBarStep * static_cast<double>(run.ranks()) + 4};
  SvgCanvas canvas(size);
  const double scale = std::min(kTestPicture / static_cast<double>(run.height),
                                kTestPicture / static_cast<double>(run.width));
  const std::size_t pixels = run.height * run.width * run.channels;
  const std::span<const std::uint8_t> all(run.evaluation.sample_images.values);
  canvas.picture({(kCardWidth - scale * static_cast<double>(run.width)) / 2, 4}, scale,
                 all.subspan(sample * pixels, pixels), {run.height, run.width, run.channels});
  canvas.text({kCardWidth / 2, title}, run.class_names[truth], {13, "middle", colour::kText, true});
  for (std::size_t rank = 0; rank < run.ranks(); ++rank) {
    const std::size_t label = run.label(image_of(run, sample), rank);
    draw_guess(canvas, bars + kBarStep * static_cast<double>(rank), run.class_names[label],
               run.probability(image_of(run, sample), rank), label == truth);
  }
  const UntrustedText alt = alt_text(run, sample);
  return {fmt::format(kNameOfFile, sample + 1), alt, canvas.document(alt)};
}

}  // namespace

void add_test_images(const TrainingRun& run, Draft& draft) {
  Figure figure;
  figure.source = short_digest(run.digest);
  figure.data.titles = {"Test image", "True class", "Rank", "Label", "Probability (%)"};
  std::size_t right = 0;
  for (std::size_t sample = 0; sample < run.evaluation.sample_index.size(); ++sample) {
    figure.panels.push_back(card_panel(run, sample));
    const std::size_t image = image_of(run, sample);
    const std::size_t truth = run.evaluation.sample_labels[sample];
    right += run.label(image, 0) == truth ? 1 : 0;
    for (std::size_t rank = 0; rank < run.ranks(); ++rank) {
      figure.data.rows.push_back({count_cell(image), run.class_names[truth], count_cell(rank + 1),
                                  run.class_names[run.label(image, rank)],
                                  percent_cell(run.probability(image, rank), 1)});
    }
  }
  draft.set("sample_count", std::to_string(run.evaluation.sample_index.size()));
  draft.set("sample_right", std::to_string(right));
  draft.set("ranks", std::to_string(run.ranks()));
  draft.add("test_images", std::move(figure));
}

}  // namespace reprise::reports
