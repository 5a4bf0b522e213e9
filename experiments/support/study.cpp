#include "support/study.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <span>

#include "reprise/conv/conv_algorithm.hpp"
#include "reprise/core/digest.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/parallel.hpp"
#include "reprise/core/terminal.hpp"
#include "reprise/linalg/blas.hpp"
#include "reprise/linalg/simd.hpp"
#include "reprise/record/record_file.hpp"
#include "support/program.hpp"
#include "support/study_runs.hpp"

namespace reprise {
namespace {

constexpr std::int64_t kPilotSeed = 0;  ///< never measured

struct Options {
  std::vector<std::int64_t> seeds = {1, 2, 3};
  std::int64_t epochs = 0;
  std::int64_t train_images = 0;
  std::string data = default_data_folder();
  std::string output;
  std::string simd = "best";
  bool quick = false;
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

/// nullopt if --help was asked for.
std::optional<Options> parse(const Study& study, int argc, const char* const* argv) {
  Options options;
  options.epochs = study.settings.epochs;
  options.train_images = study.settings.train_images;
  options.runs.threads = default_threads();
  std::string variants;
  for (const Variant& variant : study.variants) {
    variants += fmt::format("  {:<22} {}\n", variant.name, variant.description);
  }
  CommandLine line(study.name,
                   study.question +
                       "\n\nTrains each variant with each seed and saves a record per run:\n" +
                       variants);
  line.add_integers("--seeds", options.seeds, {1}, "integers from 1, separated by commas");
  line.add_integer("--epochs", options.epochs, {1}, "passes over the training images");
  line.add_integer("--train-images", options.train_images, {0}, "the first so many; 0: all");
  line.add_text("--data", options.data,
                "folder with MNIST's or the like's IDX files, or CIFAR-10's binary ones");
  line.add_text("--output", options.output, "folder for the records; default runs/" + study.name);
  line.add_flag(
      "--quick", options.quick,
      "two epochs, two seeds and the small data set in fixtures/, where not said otherwise");
  line.add_flag("--resume", options.runs.resume, "go on with runs that Ctrl-C stopped");
  line.add_flag("--force", options.runs.force, "run again what is recorded already");
  line.add_size("--threads", options.runs.threads, kThreads, "changes the speed, not the result");
  line.add_text("--simd", options.simd,
                "vector instructions, best or one of: " + join(simd_targets()));
  add_load_options(line, options.runs.loading);
  line.set_footer(fmt::format(
      "Example:\n  {} --seeds 1,2,3,4,5 --output runs/{}\n"
      "Runs that are recorded are not run again. Ctrl-C stops cleanly; --resume goes on.",
      study.name, study.name));
  if (!line.parse(argc, argv)) return std::nullopt;
  as_usage([&] {
    check_seeds(options.seeds);
    select_simd_target(options.simd);
  });
  if (options.quick) {
    if (!line.given("--seeds")) options.seeds = {1, 2};
    if (!line.given("--epochs")) options.epochs = 2;
    if (!line.given("--train-images") && !line.given("--data")) options.train_images = 0;
    if (!line.given("--data")) options.data = REPRISE_FIXTURES "/fashion-mnist";
  }
  if (options.output.empty()) options.output = "runs/" + study.name;
  for (int i = 0; i < argc; ++i) {
    options.runs.command_line += (i > 0 ? " " : "") + std::string(argv[i]);
  }
  options.runs.data_folder = std::filesystem::absolute(options.data);
  return options;
}

Group study_group(const Study& study, std::size_t order, const std::string& role) {
  const Variant& variant = study.variants[order];
  Group group;
  group.attributes = {
      {"name", study.name},
      {"question", study.question},
      {"section", study.section},
      {"claim", study.claim},
      {"paper_figure", study.paper_figure},
      {"measure", study.measure},
      {"threshold", study.threshold},
      {"margin", study.margin},
      {"baseline", study.variants.front().name},
      {"variant", variant.name},
      {"variant_description", variant.description},
      {"variant_order", static_cast<std::int64_t>(order)},
      {"expectation", variant.expectation},
      {"role", role},
  };
  return group;
}

/// The epochs of a schedule, for a run of another length; those that fall together count once.
std::string scaled(const std::string& drop_epochs, std::int64_t from, std::int64_t to) {
  std::string result;
  std::int64_t last = 0;
  if (drop_epochs.empty()) return "";
  for (const std::int64_t drop : integers_of("setting drop_epochs", drop_epochs)) {
    const std::int64_t epoch = drop * to / from;
    if (epoch <= last) continue;
    result += (result.empty() ? "" : ",") + std::to_string(epoch);
    last = epoch;
  }
  return result;
}

/// The runs of one study in one folder.
class StudyPlan {
 public:
  StudyPlan(const Study& study, const Options& options, const ImageDataset& data)
      : study_(study), options_(options) {
    common_ = study.settings;
    common_.epochs = options.epochs;
    common_.drop_epochs = scaled(study.settings.drop_epochs, study.settings.epochs, options.epochs);
    const auto images = static_cast<std::int64_t>(data.train.count);
    // The study's own number gives way to a smaller data set; one that was asked for does not.
    const bool own = options.train_images == study.settings.train_images;
    common_.train_images = own && options.train_images >= images ? 0 : options.train_images;
  }

  [[nodiscard]] std::size_t steps_of_a_run(const ImageDataset& data) const {
    return steps_of(common_, data);
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
                        {study_.name, study_group(study_, v, "measured")}});
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
    TrainingConfiguration configuration = common_;
    configuration.seed = seed;
    study_.variants[variant].apply(configuration);
    check(configuration);
    return configuration;
  }

  [[nodiscard]] StudyRun pilot(std::size_t variant, double rate) const {
    const std::string& name = study_.variants[variant].name;
    TrainingConfiguration configuration = configuration_of(variant, kPilotSeed);
    configuration.learning_rate = rate;
    return {fmt::format("{}, pilot at learning rate {}", name, rate),
            path(fmt::format("pilot-{}-rate{}", name, rate), kPilotSeed),
            configuration,
            {study_.name, study_group(study_, variant, "pilot")},
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
      const Record record = load_record(file, options_.runs.loading);
      const double error = record.values<double>("history/train_error").back();
      if (error >= best_error) continue;
      best_error = error;
      best_rate = rate;
    }
    return best_rate;
  }

  const Study& study_;
  const Options& options_;
  TrainingConfiguration common_;
};

/// One digest for the whole study, as `sha256sum` would give for a file with a line "NAME DIGEST"
/// per record, in the order of the runs. Records of class machine are left out: they are not the
/// same elsewhere.
std::string digest_of_study(const std::vector<StudyRun>& runs, const LoadOptions& loading) {
  Sha256 hash;
  for (const StudyRun& run : runs) {
    const ConvAlgorithm& algorithm = conv_algorithm(run.configuration.conv);
    if (algorithm.reproducibility != Reproducibility::portable) continue;
    if (!std::filesystem::exists(run.path)) continue;  // a pilot that diverged
    const std::string name = std::filesystem::path(run.path).filename();
    const std::string line = name + " " + digest_of(load_record(run.path, loading)) + "\n";
    hash.update(std::as_bytes(std::span(line)));
  }
  return hash.finish_hex();
}

}  // namespace

TrainingConfiguration study_settings() {
  TrainingConfiguration settings;
  settings.model = "four_layer_cnn";
  settings.train_images = 10000;
  settings.epochs = 10;
  settings.optimizer = "sgd";
  settings.learning_rate = 0.03;
  settings.drop_epochs = "7,9";
  return settings;
}

int run_study(const Study& study, int argc, const char* const* argv) {
  std::optional<Options> options = parse(study, argc, argv);
  if (!options) return 0;
  catch_interrupts();
  options->runs.threads = have_threads(options->runs.threads);
  set_blas_threads(1);
  const ImageDataset data = load_dataset(options->data);
  if (study.colour_only && data.train.channels < 3) {
    print_line(study.name + ": " + study.question);
    print_line(data.name + " has no colours, so there is nothing to run");
    return 0;
  }
  const StudyPlan plan(study, *options, data);
  std::filesystem::create_directories(options->output);
  print_line(study.name + ": " + study.question);
  print_line(fmt::format("{}, {} variants, seeds {}", data.name, study.variants.size(),
                         fmt::join(options->seeds, ", ")));
  std::vector<StudyRun> all = plan.pilots();
  StudyProgress progress;
  progress.runs_to_come = options->seeds.size() * study.variants.size();
  progress.steps_to_come = progress.runs_to_come * plan.steps_of_a_run(data);
  bool finished = do_runs(all, data, options->runs, progress);
  if (finished) {
    const std::vector<StudyRun> measured = plan.measured();
    progress.runs_to_come = progress.steps_to_come = 0;
    finished = do_runs(measured, data, options->runs, progress);
    all.insert(all.end(), measured.begin(), measured.end());
  }
  if (!finished) {
    print_line("stopped; kept " + options->output + "; go on with --resume");
    return kInterrupted;
  }
  print_line("records " + options->output);
  print_line("digest sha256:" + digest_of_study(all, options->runs.loading));
  return 0;
}

int study_main(const Study& study, int argc, const char* const* argv) {
  return run_program(study.name, [&] { return run_study(study, argc, argv); });
}

}  // namespace reprise
