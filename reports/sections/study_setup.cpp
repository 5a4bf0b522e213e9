// What the paper did and what was done here, side by side; variants, settings, pilots.
#include <fmt/format.h>

#include <algorithm>
#include <compare>
#include <limits>
#include <map>
#include <set>

#include "format.hpp"
#include "published.hpp"
#include "reprise/core/error.hpp"
#include "sections/sections.hpp"
#include "templates.hpp"

namespace reprise::reports {
namespace {

constexpr std::size_t kMaxValues = 6;  // of a setting, in one cell
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// The values that a setting has in the runs, each once, in the order of the runs.
std::vector<UntrustedText> values_of(const Runs& runs, const UntrustedText& name) {
  std::vector<UntrustedText> values;
  for (const TrainingRun* run : runs) {
    const auto found = run->settings.find(name);
    if (found == run->settings.end()) continue;
    add_once(setting_text(found->second), values);
  }
  return values;
}

UntrustedText here_cell(const Runs& runs, const std::string& setting) {
  std::vector<UntrustedText> values = values_of(runs, setting);
  std::stable_sort(values.begin(), values.end(), [](const auto& a, const auto& b) {
    return a.real().value_or(kInfinity) < b.real().value_or(kInfinity);
  });
  if (values.size() > kMaxValues) {
    if (!values.back().real()) return fmt::format("{} values", values.size());
    return plain_text("{} values, {} to {}", values.size(), values.front(), values.back());
  }
  for (UntrustedText& value : values) value = value.empty() ? "none" : words_of(value);
  return joined(values, ", ");
}

/// "30", or "at most 40, until training error is 25%".
UntrustedText epochs_cell(const Runs& runs) {
  std::vector<UntrustedText> texts;
  for (const TrainingRun* run : runs) {
    const UntrustedText epochs = setting_text(run->settings, "epochs");
    const double stop = setting_text(run->settings, "stop_train_error").real().value_or(0);
    add_once(stop > 0
                 ? plain_text("at most {}, until training error is {}", epochs, percent(stop, 0))
                 : epochs,
             texts);
  }
  const bool are_numbers = std::all_of(texts.begin(), texts.end(), [](const UntrustedText& text) {
    return text.real().has_value();
  });
  return are_numbers || texts.size() > kMaxValues ? here_cell(runs, "epochs") : joined(texts, "; ");
}

UntrustedText data_cell(const Runs& runs) {
  std::map<UntrustedText, std::set<std::size_t>> counts;  // of training images, by data
  for (const TrainingRun* run : runs) {
    counts[plain_text("{}: {}×{}×{}, {} classes", data_display_name(run->data_name), run->height,
                      run->width, run->channels, run->classes())]
        .insert(run->train_images);
  }
  std::vector<UntrustedText> texts;
  for (const auto& [data, of_data] : counts) {
    std::vector<std::string> numbers;
    for (const std::size_t count : of_data) numbers.push_back(grouped(count));
    texts.push_back(plain_text("{}; training images: {}", data, joined(numbers, " or ")));
  }
  return joined(texts, "; ");
}

std::string parameters_cell(const Runs& runs) {
  std::set<std::int64_t> counts;
  for (const TrainingRun* run : runs) counts.insert(run->parameters);
  return range_text(counts);
}

std::string seeds_text(const std::vector<Study>& studies) {
  std::set<std::int64_t> counts;
  for (const Study& study : studies) {
    for (const Variant& variant : study.variants) {
      counts.insert(static_cast<std::int64_t>(variant.runs.size()));
    }
  }
  return range_text(counts) + (*counts.rbegin() == 1 ? " seed" : " seeds") + " for each variant";
}

UntrustedText machine_cell(const Runs& runs) {
  std::vector<UntrustedText> machines;
  for (const TrainingRun* run : runs) {
    UntrustedText machine = setting_text(run->environment, "cpu");
    if (run->environment.count("cpu") == 0) continue;
    const auto threads = setting_number(run->environment, "threads");
    if (threads) machine += plain_text(", {}", counted(*threads, "thread"));
    add_once(machine, machines);
  }
  return joined(machines, "; ");
}

TableEntry sides_table(const std::vector<Study>& studies) {
  const Runs runs = runs_of(studies);
  TableEntry entry;
  entry.source = source_of(runs);
  entry.table.titles = {"Property", "AlexNet", "This report"};
  const UntrustedText sides = here_cell(runs, "pool_kernel");
  const std::map<std::string, UntrustedText> of_several = {
      {"Data", data_cell(runs)},
      {"Parameters", parameters_cell(runs)},
      {"Epochs", epochs_cell(runs)},
      {"Pooling", here_cell(runs, "pooling") +
                      (sides.empty() ? sides : plain_text("; windows of side {}", sides))},
      {"Repetitions", seeds_text(studies)},
      {"Machine", machine_cell(runs)}};
  for (const std::vector<std::string>& row : fixed_rows("alexnet_sides.csv")) {
    const UntrustedText here = row[2].empty() ? of_several.at(row[0]) : here_cell(runs, row[2]);
    if (!here.empty()) entry.table.rows.push_back({row[0], row[1], here});
  }
  return entry;
}

/// How many images the runs of a study train on, and by how many held-out ones they are judged; 0
/// for the test images.
struct ImageCounts {
  std::size_t trained = 0, held_out = 0;
  // NOLINTNEXTLINE(modernize-use-nullptr): a fault of clang-tidy's, which sees a zero in <=>
  auto operator<=>(const ImageCounts&) const = default;
};

ImageCounts image_counts(const Study& study) {
  const TrainingRun& run = *study.runs().front();
  return {run.train_images, is_held_out(run) ? run.test_images : 0};
}

/// "The studies train on 10,000 images (judged by 500 held-out images), except depth (2,000).": the
/// numbers that most have, the first of equally many.
UntrustedText trained_on(const std::vector<Study>& studies) {
  std::map<ImageCounts, std::size_t> counts;
  for (const Study& study : studies) ++counts[image_counts(study)];
  ImageCounts usual = image_counts(studies.front());
  for (const Study& study : studies) {
    const ImageCounts images = image_counts(study);
    if (counts[images] > counts[usual]) usual = images;
  }
  const auto judged = [](const ImageCounts& images) {
    return images.held_out == 0
               ? std::string()
               : fmt::format("judged by {} held-out images", grouped(images.held_out));
  };
  std::vector<UntrustedText> others;
  for (const Study& study : studies) {
    const ImageCounts images = image_counts(study);
    if (images == usual) continue;
    others.push_back(plain_text("{} ({}{}{})", words_of(study.name), grouped(images.trained),
                                images.held_out == 0 ? "" : ", ", judged(images)));
  }
  const UntrustedText rest =
      others.empty() ? UntrustedText() : plain_text(", except {}", listed(others));
  const std::string of_most =
      usual.held_out == 0 ? std::string() : fmt::format(" ({})", judged(usual));
  return plain_text("The studies train on {} images{}{}.", grouped(usual.trained), of_most, rest);
}

/// The value that most runs have of each setting but the seed, as text; the lesser text on ties.
std::map<UntrustedText, UntrustedText> usual_settings(const Runs& runs) {
  std::map<UntrustedText, std::map<UntrustedText, std::size_t>> counts;
  for (const TrainingRun* run : runs) {
    for (const auto& [name, value] : run->settings) ++counts[name][setting_text(value)];
  }
  counts.erase("seed");
  std::map<UntrustedText, UntrustedText> usual;
  for (const auto& [name, by_value] : counts) {
    usual[name] =
        std::max_element(by_value.begin(), by_value.end(), [](const auto& x, const auto& y) {
          return x.second < y.second;
        })->first;
  }
  return usual;
}

TableEntry usual_table(const Runs& runs, const std::map<UntrustedText, UntrustedText>& usual) {
  TableEntry entry;
  entry.source = source_of(runs);
  entry.table.titles = {"Setting", "Value", "Meaning"};
  for (const auto& [name, value] : usual) {
    entry.table.rows.push_back(
        {code_cell(name), value.empty() ? "none" : value, setting_meaning(name)});
  }
  return entry;
}

/// "activation = tanh, learning_rate = 0.01": what is not as usual.
UntrustedText own_settings(const Variant& variant,
                           const std::map<UntrustedText, UntrustedText>& usual) {
  std::vector<UntrustedText> parts;
  for (const auto& [name, value] : variant.runs.front().run->settings) {
    const UntrustedText text = setting_text(value);
    if (name == "seed" || usual.at(name) == text) continue;
    parts.push_back(plain_text("{} = {}", name, text.empty() ? "none" : text));
  }
  return parts.empty() ? "as usual" : joined(parts, ", ");
}

TableEntry variants_table(const std::vector<Study>& studies,
                          const std::map<UntrustedText, UntrustedText>& usual) {
  TableEntry entry;
  entry.source = source_of(runs_of(studies));
  entry.table.titles = {"Study", "Variant", "Meaning", "Settings", "Seeds"};
  for (const Study& study : studies) {
    for (const Variant& variant : study.variants) {
      std::vector<std::string> seeds;
      for (const StudyRun& run : variant.runs) seeds.push_back(std::to_string(run.run->seed));
      entry.table.rows.push_back(
          {heading_of(study.name),
           words_of(variant.name) + (variant.name == study.baseline_name ? " (baseline)" : ""),
           variant.description, own_settings(variant, usual),
           fmt::format("{}", fmt::join(seeds, ", "))});
    }
  }
  return entry;
}

/// The least error of each grid is bold.
TableEntry pilots_table(const std::vector<PilotGrid>& grids, const Runs& pilots) {
  TableEntry entry{{{"Study", "Variant", "Learning rate", "Training error (%)"}, {}},
                   source_of(pilots)};
  for (const PilotGrid& grid : grids) {
    for (const auto& [rate, error] : grid.errors) {
      Cell shown_rate = number_cell(rate, 0);
      shown_rate.shown = shortest(rate);
      const Cell shown = percent_cell(error, 1);
      entry.table.rows.push_back({heading_of(grid.study->name), words_of(grid.variant), shown_rate,
                                  rate == grid.best() ? bold(shown) : shown});
    }
  }
  return entry;
}

/// Of each study's baseline whose record lists the layers.
TableEntry networks_table(const std::vector<Study>& studies) {
  TableEntry entry{{{"Network", "Layer", "Type", "Settings", "Output shape", "Parameters"}, {}},
                   {}};
  std::set<std::vector<std::vector<UntrustedText>>> known;
  Runs sources;
  for (const Study& study : studies) {
    const TrainingRun& run = *study.baseline()->runs.front().run;
    std::vector<std::vector<UntrustedText>> layers;
    for (const LayerRow& layer : run.layers) {
      layers.push_back({layer.name, layer.type, layer.settings, layer.output_shape});
    }
    if (layers.empty() || !known.insert(layers).second) continue;
    sources.push_back(&run);
    for (const LayerRow& layer : run.layers) {
      entry.table.rows.push_back(
          {plain_text("{} ({})", words_of(setting_text(run.settings, "model")),
                      words_of(study.name)),
           code_cell(layer.name), layer.type, layer.settings, layer.output_shape,
           count_cell(layer.parameters)});
    }
  }
  if (!sources.empty()) entry.source = source_of(sources);
  return entry;
}

}  // namespace

double PilotGrid::best() const {
  const auto least =
      std::min_element(errors.begin(), errors.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  return least->first;
}

std::vector<PilotGrid> pilot_grids(const std::vector<Study>& studies) {
  std::vector<PilotGrid> grids;
  for (const Study& study : studies) {
    std::map<std::pair<std::int64_t, UntrustedText>, std::map<double, std::vector<double>>> errors;
    for (const TrainingRun* run : study.pilots) {
      const UntrustedText text = setting_text(run->settings, "learning_rate");
      const std::optional<double> rate = text.real();
      if (!rate)
        throw Error(terminal_text(run->name), "learning_rate " + terminal_text(text), "a number");
      errors[{run->study->variant.order, run->study->variant.name}][*rate].push_back(
          run->history.train_error.back());
    }
    for (const auto& [variant, by_rate] : errors) {
      PilotGrid grid{&study, variant.second, {}};
      for (const auto& [rate, values] : by_rate) grid.errors[rate] = spread_of(values).mean;
      grids.push_back(std::move(grid));
    }
  }
  return grids;
}

void add_study_setup(const std::vector<Study>& studies, Draft& draft) {
  const Runs runs = runs_of(studies);
  const std::map<UntrustedText, UntrustedText> usual = usual_settings(runs);
  draft.add("sides", sides_table(studies));
  draft.add("variants", variants_table(studies, usual));
  draft.add("usual_settings", usual_table(runs, usual));
  Runs pilots;
  for (const Study& study : studies) {
    pilots.insert(pilots.end(), study.pilots.begin(), study.pilots.end());
  }
  std::set<std::int64_t> pilot_seeds;
  for (const TrainingRun* pilot : pilots) pilot_seeds.insert(pilot->seed);
  draft.set("pilot_seeds", pilot_seeds.size() == 1
                               ? std::string("one other seed")
                               : fmt::format("{} other seeds", pilot_seeds.size()));
  const TableEntry networks = networks_table(studies);
  draft.set("has_networks", !networks.table.rows.empty());
  if (!networks.table.rows.empty()) draft.add("networks", networks);
  draft.set("has_pilots", !pilots.empty());
  if (!pilots.empty()) draft.add("pilots", pilots_table(pilot_grids(studies), pilots));
  draft.set("trained_on", trained_on(studies));
  draft.set("variant_seeds", seeds_text(studies));
}

}  // namespace reprise::reports
