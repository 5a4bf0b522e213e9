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

struct Guess {
  UntrustedText name;
  double probability = 0;
  bool is_true = false;
};

struct Card {
  std::size_t image = 0;  ///< index in the test set
  UntrustedText truth;
  std::vector<Guess> guesses;  ///< the most probable first
};

Card card_of(const TrainingRun& run, std::size_t sample) {
  Card card;
  card.image = static_cast<std::size_t>(run.samples.index[sample]);
  const std::size_t truth = run.samples.labels[sample];
  card.truth = run.class_names[truth];
  for (std::size_t rank = 0; rank < run.top_labels.ranks; ++rank) {
    const std::size_t label = run.top_labels.label(card.image, rank);
    card.guesses.push_back(
        {run.class_names[label], run.top_labels.probability(card.image, rank), label == truth});
  }
  return card;
}

UntrustedText alt_text(const Card& card) {
  std::vector<UntrustedText> guesses;
  for (const Guess& guess : card.guesses) {
    guesses.push_back(plain_text("{} {}", guess.name, percent(guess.probability, 1)));
  }
  return plain_text("Test image {}, true class {}. Most probable: {}.", card.image, card.truth,
                    listed(guesses));
}

/// The true class's bar is blue with its label bold, the others' vermilion.
void draw_guess(SvgCanvas& canvas, double top, const Guess& guess) {
  const std::string_view full = guess.is_true ? colour::kBlue : colour::kVermilion;
  const double room = kCardWidth - 2 * kMargin;
  canvas.rect({kMargin, top}, {room, kBar}, "#f2f2f2");
  const double share = std::isfinite(guess.probability) ? guess.probability : 0.0;
  canvas.rect({kMargin, top}, {room * std::clamp(share, 0.0, 1.0), kBar},
              hex_colour(tint(full, 0.5)));
  const double baseline = top + kBar - 5;
  canvas.text({kMargin + 4, baseline}, guess.name, {12, "start", colour::kText, guess.is_true});
  canvas.text({kCardWidth - kMargin - 4, baseline}, percent(guess.probability, 1), {12, "end"});
}

Panel card_panel(const TrainingRun& run, std::size_t sample) {
  const Card card = card_of(run, sample);
  const double title = kTestPicture + 22;
  const double bars = title + 10;
  const Size size{kCardWidth, bars + kBarStep * static_cast<double>(card.guesses.size()) + 4};
  SvgCanvas canvas(size);
  const double scale = std::min(kTestPicture / static_cast<double>(run.height),
                                kTestPicture / static_cast<double>(run.width));
  const std::size_t pixels = run.height * run.width * run.channels;
  const std::span<const std::uint8_t> all(run.samples.pixels);
  canvas.picture({(kCardWidth - scale * static_cast<double>(run.width)) / 2, 4}, scale,
                 all.subspan(sample * pixels, pixels), {run.height, run.width, run.channels});
  canvas.text({kCardWidth / 2, title}, card.truth, {13, "middle", colour::kText, true});
  double top = bars;
  for (const Guess& guess : card.guesses) {
    draw_guess(canvas, top, guess);
    top += kBarStep;
  }
  const UntrustedText alt = alt_text(card);
  return {fmt::format(kNameOfFile, sample + 1), alt, canvas.document(alt)};
}

}  // namespace

void add_test_images(const TrainingRun& run, Draft& draft) {
  Figure figure;
  figure.source = short_digest(run.digest);
  figure.data.titles = {"Test image", "True class", "Rank", "Label", "Probability (%)"};
  std::size_t right = 0;
  for (std::size_t sample = 0; sample < run.samples.index.size(); ++sample) {
    figure.panels.push_back(card_panel(run, sample));
    const Card card = card_of(run, sample);
    right += card.guesses.front().is_true ? 1 : 0;
    for (std::size_t rank = 0; rank < card.guesses.size(); ++rank) {
      figure.data.rows.push_back({count_cell(card.image), card.truth, count_cell(rank + 1),
                                  card.guesses[rank].name,
                                  percent_cell(card.guesses[rank].probability, 1)});
    }
  }
  draft.set("sample_count", std::to_string(run.samples.index.size()));
  draft.set("sample_right", std::to_string(right));
  draft.set("ranks", std::to_string(run.top_labels.ranks));
  draft.add("test_images", std::move(figure));
}

}  // namespace reprise::reports
