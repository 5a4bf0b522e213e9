// Runs a study: trains each of its variants with each seed, and saves a record per run.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "reprise/conv/conv_algorithm.hpp"
#include "reprise/core/digest.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/parallel.hpp"
#include "reprise/core/terminal.hpp"
#include "reprise/linalg/blas.hpp"
#include "reprise/linalg/simd.hpp"
#include "reprise/record_file/record_file.hpp"
#include "support/installed_data.hpp"
#include "support/program.hpp"
#include "support/study.hpp"
#include "support/study_runs.hpp"

namespace reprise {
namespace {

struct Options {
  std::vector<std::string> studies;  ///< one
  std::vector<std::int64_t> seeds = {1, 2, 3};
  StudyScale scale;
  std::string data = default_data_folder();
  std::string output;
  std::string simd = "best";
  bool quick = false;
  bool list = false;
  bool describe = false;
  StudyRunOptions runs;
};

/// Error if one comes twice.
void check_seeds(std::vector<std::int64_t> seeds) {
  std::sort(seeds.begin(), seeds.end());
  for (std::size_t i = 0; i < seeds.size(); ++i) {
    if (i == 0 || seeds[i] != seeds[i - 1]) continue;
    throw Error("option --seeds", fmt::format("{} twice", seeds[i]), "different integers from 1");
  }
}

void add_options(CommandLine& line, const std::string& name, Options& options) {
  line.add_operands("STUDY", options.studies, {0, 1},
                    "a study file (TOML), or a name that --list prints");
  line.set_operand_choices(study_names());
  line.add_flag("--list", options.list, "list the studies that come with this program, and exit");
  line.add_flag("--describe", options.describe, "describe the study, and exit");
  line.add_integers("--seeds", options.seeds, {1}, "comma-separated integers, 1 or more");
  const auto add_scale = [&line](const std::string& option, std::int64_t& value, IntegerRange range,
                                 const std::string& description) {
    line.add_option(option, "INTEGER", "as the study says", description,
                    [&value, range](const std::string& where, const std::string& given) {
                      value = integer_of(where, given, range);
                    });
  };
  add_scale("--epochs", options.scale.epochs, {1, kMaxEpochs}, "passes over the training images");
  add_scale("--train-images", options.scale.train_images, {0},
            "train on the first N images; 0: all");
  line.add_text("--data", options.data, kDataFolder, "DIR");
  line.add_text("--output", options.output, "folder for the records; default runs/STUDY", "DIR");
  line.add_flag(
      "--quick", options.quick,
      "a short run: unless given, the epochs and seeds that the study has for this, and the "
      "small data set that comes with this program");
  line.add_flag("--resume", options.runs.resume, "continue runs that Ctrl-C stopped");
  line.add_flag("--force", options.runs.force, "repeat runs that are already recorded");
  add_threads(line, options.runs.threads, "number of threads; affects the speed, not the result");
  add_simd(line, options.simd, "affects the speed, not the result");
  add_load_options(line, options.runs.loading);
  line.set_footer(
      "Runs that are already recorded are skipped. Ctrl-C stops and keeps checkpoints; --resume "
      "continues.\n\nExample:\n  " +
      name + " dropout --seeds 1,2,3,4,5 --output runs/dropout");
}

/// What the command line leaves to the study.
void complete(const CommandLine& line, const Study& study, Options& options) {
  const bool own_data = !line.given("--data");
  if (!line.given("--epochs")) {
    options.scale.epochs = options.quick ? study.quick_epochs : study.settings.epochs;
  }
  if (!line.given("--train-images")) {
    options.scale.train_images = options.quick && own_data ? 0 : study.settings.train_images;
  }
  if (options.quick) {
    if (!line.given("--seeds")) options.seeds = study.quick_seeds;
    if (own_data) options.data = installed_data("fashion-mnist");
  }
  if (options.output.empty()) options.output = "runs/" + study.name;
  options.runs.data_folder = std::filesystem::absolute(options.data);
}

/// The runs of one study in one folder.
class StudyPlan {
 public:
  StudyPlan(const Study& study, const Options& options, const ImageDataset& data)
      : study_(study), options_(options), scale_(options.scale) {
    const auto images = static_cast<std::int64_t>(data.train.count);
    // The study's own number gives way to a smaller data set; one that was asked for does not.
    const bool own = scale_.train_images == study.settings.train_images;
    if (own && scale_.train_images >= images) scale_.train_images = 0;
  }

  [[nodiscard]] std::size_t steps_of_a_run(const ImageDataset& data) const {
    return steps_of(configuration_of(0, kPilotSeed), data);
  }

  /// A run per variant and learning rate.
  [[nodiscard]] std::vector<StudyRun> pilots() const {
    std::vector<StudyRun> runs;
    for (std::size_t v = 0; v < study_.variants.size(); ++v) {
      for (const double rate : study_.learning_rates) runs.push_back(pilot(v, rate));
    }
    return runs;
  }

  /// A run per seed and variant; seeds outside, so that a study that is stopped has whole pairs.
  [[nodiscard]] std::vector<StudyRun> measured() const {
    std::vector<double> rates;
    for (std::size_t v = 0; v < study_.variants.size(); ++v) rates.push_back(rate_of(v));
    std::vector<StudyRun> runs;
    for (const std::int64_t seed : options_.seeds) {
      for (std::size_t v = 0; v < study_.variants.size(); ++v) {
        const std::string& name = study_.variants[v].name;
        TrainingConfiguration configuration = configuration_of(v, seed);
        configuration.learning_rate = rates[v];
        runs.push_back({fmt::format("{}, seed {}", name, seed),
                        path(name, seed),
                        configuration,
                        {study_.name, study_label(study_, v, "measured")}});
      }
    }
    return runs;
  }

 private:
  [[nodiscard]] std::string path(const std::string& name, std::int64_t seed) const {
    return (std::filesystem::path(options_.output) / fmt::format("{}-seed{}.h5", name, seed))
        .string();
  }

  [[nodiscard]] TrainingConfiguration configuration_of(std::size_t variant,
                                                       std::int64_t seed) const {
    return study_configuration(study_, variant, seed, scale_);
  }

  [[nodiscard]] StudyRun pilot(std::size_t variant, double rate) const {
    const std::string& name = study_.variants[variant].name;
    TrainingConfiguration configuration = configuration_of(variant, kPilotSeed);
    configuration.learning_rate = rate;
    return {fmt::format("{}, pilot at learning rate {}", name, rate),
            path(fmt::format("pilot-{}-rate{}", name, rate), kPilotSeed),
            configuration,
            {study_.name, study_label(study_, variant, "pilot")},
            true};
  }

  /// The variant's own rate, or the one of the grid whose pilot ended with the least training
  /// error; the smaller rate on ties.
  [[nodiscard]] double rate_of(std::size_t variant) const {
    double best_rate = configuration_of(variant, kPilotSeed).learning_rate;
    double best_error = std::numeric_limits<double>::infinity();
    for (const double rate : study_.learning_rates) {
      const std::string file = pilot(variant, rate).path;
      if (!std::filesystem::exists(file)) continue;  // it diverged
      const Record record = load_record(file, "training", options_.runs.loading);
      const double error = record.values<double>("history/train_error").back();
      if (error >= best_error) continue;
      best_error = error;
      best_rate = rate;
    }
    return best_rate;
  }

  const Study& study_;
  const Options& options_;
  StudyScale scale_;
};

/// One digest for the whole study, as `sha256sum` would give for a file with a line "NAME DIGEST"
/// per record, in the order of the runs. Records of class machine are left out: they are not the
/// same elsewhere.
std::string digest_of_study(const std::vector<StudyRun>& runs, const LoadOptions& loading) {
  Sha256 hash;
  for (const StudyRun& run : runs) {
    const ConvAlgorithm& algorithm = conv_algorithm(run.configuration.conv_algorithm);
    if (algorithm.reproducibility != Reproducibility::portable) continue;
    if (!std::filesystem::exists(run.path)) continue;  // a pilot that diverged
    const std::string name = std::filesystem::path(run.path).filename();
    const std::string line =
        name + " " + digest_of(load_record(run.path, "training", loading)) + "\n";
    hash.update(std::as_bytes(std::span(line)));
  }
  return hash.finish_hex();
}

void print_list() {
  for (const std::string& file : study_files()) {
    const Study study = read_study(file);
    print_line(fmt::format("{:<24}{}", study.name, study.question));
  }
}

void print_description(const Study& study) {
  print_line(study.name + ": " + study.question);
  print_line("Claim: " + study.claim);
  if (!study.section.empty()) print_line("Section " + study.section + " of Krizhevsky et al. 2012");
  if (!study.paper_figure.empty()) print_line("Published: " + study.paper_figure);
  print_line("Measure: " + study.measure);
  if (!study.data_sets.empty()) print_line("Meant for: " + join(study.data_sets));
  if (!study.learning_rates.empty()) {
    print_line(fmt::format("Learning rates tried: {}", fmt::join(study.learning_rates, ", ")));
  }
  print_line("Variants, the first being the baseline:");
  for (const Variant& variant : study.variants) {
    print_line(fmt::format("  {:<22} {}", variant.name, variant.description));
  }
  print_line("Settings of the baseline:");
  print_lines(to_toml(study_configuration(study, 0, 1, scale_of(study))));
}

/// What the command line asks for, if that is a study to be run.
std::optional<Study> parse(const std::string& name, int argc, const char* const* argv,
                           Options& options) {
  options.runs.threads = default_threads();
  options.scale = {0, 0};
  CommandLine line(name,
                   "Runs a study: trains each of its variants with each seed, and saves a "
                   "record per run.");
  add_options(line, name, options);
  if (!line.parse(argc, argv)) return std::nullopt;
  if (options.list) {
    print_list();
    return std::nullopt;
  }
  if (options.studies.empty()) {
    throw UsageError("command line", "no study", "a study's file or name, see --list");
  }
  Study study = as_usage([&] {
    check_seeds(options.seeds);
    select_simd_target(options.simd);
    Study asked = read_study(find_study(options.studies.front()));
    for (const std::string& note : asked.notes) print_error_line("note: " + note);
    return asked;
  });
  if (options.describe) {
    print_description(study);
    return std::nullopt;
  }
  complete(line, study, options);
  options.runs.command_line = command_line_text(argc, argv);
  return study;
}

/// Says so where the data is not what the study was made for.
void note_other_data(const Study& study, const std::string& name) {
  const auto& known = study.data_sets;
  // A part of a data set is called "Fashion-MNIST (2,000 + 500 images)".
  const std::string whole = name.substr(0, name.find(" ("));
  if (known.empty() || std::find(known.begin(), known.end(), whole) != known.end()) return;
  print_line("note: " + study.name + " is meant for " + join(known));
}

int run_study(const std::string& name, int argc, const char* const* argv) {
  Options options;
  const std::optional<Study> asked = parse(name, argc, argv, options);
  if (!asked) return 0;
  const Study& study = *asked;
  catch_interrupts();
  options.runs.threads = have_threads(options.runs.threads);
  set_blas_threads(1);
  const ImageDataset data =
      load_dataset(options.data, static_cast<std::size_t>(study.settings.holdout));
  if (study.colour_only && data.train.channels < 3) {
    print_line(study.name + ": " + study.question);
    print_line(data.name + " has no colours, so there is nothing to run");
    return 0;
  }
  note_other_data(study, data.name);
  const StudyPlan plan(study, options, data);
  std::filesystem::create_directories(options.output);
  print_line(study.name + ": " + study.question);
  print_line(fmt::format("{}, {} variants, seeds {}", data.name, study.variants.size(),
                         fmt::join(options.seeds, ", ")));
  std::vector<StudyRun> all = plan.pilots();
  StudyProgress progress;
  progress.runs_to_come = options.seeds.size() * study.variants.size();
  progress.steps_to_come = progress.runs_to_come * plan.steps_of_a_run(data);
  bool finished = do_runs(all, data, options.runs, progress);
  if (finished) {
    const std::vector<StudyRun> measured = plan.measured();
    progress.runs_to_come = progress.steps_to_come = 0;
    finished = do_runs(measured, data, options.runs, progress);
    all.insert(all.end(), measured.begin(), measured.end());
  }
  if (!finished) {
    print_line("stopped; kept " + options.output + "; continue with --resume");
    return kInterrupted;
  }
  print_line("records " + options.output);
  print_line("digest sha256:" + digest_of_study(all, options.runs.loading));
  return 0;
}

}  // namespace
}  // namespace reprise

int main(int argc, char** argv) {
  return reprise::run_program("study", argc, argv, [&](const std::string& name) {
    return reprise::run_study(name, argc, argv);
  });
}
