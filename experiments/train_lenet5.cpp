// How well does the modified LeNet-5 learn to tell ten kinds of small images apart?
//
// Trains it with a fixed seed and saves the record of the run.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include "reprise/conv/conv_algorithm.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/parallel.hpp"
#include "reprise/core/terminal.hpp"
#include "reprise/core/text.hpp"
#include "reprise/exchange/exchange.hpp"
#include "reprise/linalg/blas.hpp"
#include "reprise/linalg/simd.hpp"
#include "reprise/nn/models/models.hpp"
#include "reprise/nn/optimizers.hpp"
#include "reprise/record/format.hpp"
#include "reprise/record_file/record_file.hpp"
#include "reprise/run/agreement.hpp"
#include "reprise/run/checkpoint.hpp"
#include "reprise/run/evaluation.hpp"
#include "reprise/run/training.hpp"
#include "reprise/run/training_record.hpp"
#include "support/checkpoint_file.hpp"
#include "support/program.hpp"
#include "support/ranked_program.hpp"

namespace reprise {
namespace {

struct Options {
  std::string data = default_data_folder();
  std::string initial;
  std::string output;
  std::string simd = "best";
  std::string ranks = "auto";
  std::size_t threads = 1;
  std::size_t checkpoint_steps = 0;
  bool force = false;
  bool resume = false;
  TrainingConfiguration configuration;
  LoadOptions loading;
};

/// "--batch-size" for "batch_size".
std::string option_name(std::string setting) {
  std::replace(setting.begin(), setting.end(), '_', '-');
  return "--" + setting;
}

/// What its value looks like, for --help.
std::string form_of(const Setting& setting) {
  constexpr std::array<const char*, 3> forms = {"INTEGER", "NUMBER", "TEXT"};
  return forms.at(setting.value.index());
}

std::string text_of(const Setting& setting) {
  return std::visit([](const auto* value) { return fmt::format("{}", *value); }, setting.value);
}

/// Adds an option per setting and --config. Returns what must be done after parsing: the file's
/// settings first, then those of the command line.
std::function<void()> add_settings(CommandLine& line, TrainingConfiguration& configuration,
                                   std::string& config_file) {
  line.add_text("--config", config_file,
                "TOML file of settings; options on the command line override it", "FILE");
  line.set_heading("Settings, which determine the result");
  auto given = std::make_shared<TrainingConfiguration>(configuration);
  const std::vector<Setting> into = settings_of(*given);
  for (const Setting& setting : into) {
    line.add_option(option_name(setting.name), form_of(setting), text_of(setting),
                    setting.description,
                    [setting](const std::string& where, const std::string& text) {
                      set_from_text(where, text, setting);
                    });
  }
  line.set_choices("--model", model_names());
  line.set_choices("--conv-algorithm", conv_algorithm_names());
  line.set_choices("--optimizer", optimizer_names());
  line.set_choices("--pooling", {"max", "average"});
  line.set_choices("--pool-rounding", {"halve", "floor", "ceil"});
  line.set_choices("--subtract", {"none", "mean_image"});
  line.set_choices("--activation", {"relu", "tanh", "scaled_tanh"});
  for (const FormatSetting& row : format_settings("training")) {
    const std::string name = name_today(row.setting, format_settings("training"));
    if (name == row.setting) continue;
    line.add_earlier_name(option_name(std::string(row.setting)), option_name(name));
  }
  const auto take = [&line, &config_file, into](const std::string& file_text,
                                                TrainingConfiguration& taken) {
    std::vector<std::string> notes;
    if (!config_file.empty()) notes = read_toml_text(config_file, file_text, taken);
    const std::vector<Setting> settings = settings_of(taken);
    for (std::size_t i = 0; i < settings.size(); ++i) {
      if (!line.given(option_name(settings[i].name))) continue;
      std::visit([&](auto* to) { *to = *std::get<std::decay_t<decltype(to)>>(into[i].value); },
                 settings[i].value);
    }
    return notes;
  };
  return [&configuration, &config_file, given, take] {
    const std::string file_text = config_file.empty() ? "" : toml_text_of(config_file);
    // Once for the model's name, then once more over what that model has by itself.
    TrainingConfiguration first = configuration;
    take(file_text, first);
    configuration.model_options = default_model_options(first.model);
    for (const std::string& note : take(file_text, configuration)) {
      print_error_line("note: " + note);
    }
    check(configuration);
  };
}

/// nullopt if --help was asked for.
std::optional<Options> parse(const std::string& name, int argc, const char* const* argv,
                             std::size_t threads) {
  Options options;
  options.threads = threads;
  std::string config_file;
  CommandLine line(name,
                   "Trains the modified LeNet-5, or another --model, and saves the record of the "
                   "run.");
  line.add_text("--data", options.data, kDataFolder, "DIR");
  line.add_text("--initial", options.initial,
                "file with the weights to start from: a record, npz, safetensors or Keras's "
                ".weights.h5; default: drawn from the seed",
                "FILE");
  line.add_text("--output", options.output,
                "where to save the record; default MODEL-DATA-seedN.h5 in the current folder",
                "FILE");
  line.add_flag("--force", options.force, "overwrite an existing record");
  line.add_flag("--resume", options.resume,
                "continue from the checkpoint beside the record or, with more --epochs, from a "
                "finished record");
  line.add_size("--checkpoint-steps", options.checkpoint_steps, {0},
                "also save a checkpoint every N steps; 0: only after each epoch");
  add_threads(line, options.threads,
              "number of threads, of each rank; affects the speed, not the result");
  RankedProgram::add_option(line, options.ranks);
  add_simd(line, options.simd, "affects the speed, not the result");
  add_load_options(line, options.loading);
  const auto take_settings = add_settings(line, options.configuration, config_file);
  line.set_footer(
      "Ctrl-C stops the run and keeps a checkpoint; the same command with --resume continues "
      "it.\n\n"
      "Started by mpirun, all processes compute one run together, with the same digest.\n\n"
      "Example:\n  " +
      name + " --seed 1 --epochs 5 --output runs/lenet5.h5\n  mpirun -n 4 " + name +
      " --seed 1 --epochs 5 --output runs/lenet5.h5");
  if (!line.parse(argc, argv)) return std::nullopt;
  as_usage([&] {
    take_settings();
    select_simd_target(options.simd);
  });
  return options;
}

std::string default_output(const std::string& model, const std::string& data_name,
                           std::int64_t seed) {
  std::string name;
  for (const char c : data_name) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    } else if (!name.empty() && name.back() != '-') {
      name += '-';
    }
  }
  while (!name.empty() && name.back() == '-') name.pop_back();
  return fmt::format("{}-{}-seed{}.h5", model, name, seed);
}

/// The weights of --initial, whose SHA-256 becomes a setting; none without it.
std::vector<float> weights_to_start_from(Options& options, const ImageDataset& data) {
  if (options.initial.empty()) return {};
  const auto [values, imported] =
      initial_weights(options.configuration, data, options.initial, options.loading);
  for (const std::string& note : imported.notes) {
    print_error_line("note: " + options.initial + ": " + note);
  }
  std::string& wanted = options.configuration.initial_sha256;
  if (!wanted.empty() && wanted != imported.sha256) {
    throw Error(options.initial, "its weights have SHA-256 " + imported.sha256, wanted);
  }
  wanted = imported.sha256;
  return values;
}

/// A record that was there before, and what its epochs must end with when they are run again.
struct EarlierRecord {
  std::optional<Record> record;
  std::vector<std::string> parameters_sha256;
  bool is_finished = false;  ///< it has all epochs of this run

  /// Error if an epoch of the record ended with other parameters here.
  void check(const std::string& path, std::size_t epoch, const EpochResult& result) const {
    if (epoch > parameters_sha256.size() ||
        parameters_sha256[epoch - 1] == result.parameters_sha256) {
      return;
    }
    throw Error(path, fmt::format("epoch {} gives other parameters than the record has", epoch),
                "the code that made the record, --output with another name, or --force");
  }
};

/// What the images are called that a run is judged by.
const char* judged_name(const ImageDataset& data) {
  return data.holdout == 0 ? "test" : "held-out";
}

/// Trains to the end, telling how far it is; false if it was interrupted. `checkpoint` is rank 0's.
bool train(TrainingRun& run, const Options& options, const EarlierRecord& earlier,
           std::optional<CheckpointFile>& checkpoint, Log& log, RunEnvironment& environment) {
  std::vector<double>& bytes = environment.rank_bytes_per_step;
  bytes.resize(run.ranks().size());
  const std::uint64_t sent_before = run.ranks().bytes_sent();
  const auto epochs = static_cast<std::size_t>(run.configuration().epochs);
  ProgressLine progress;
  const double started = steady_seconds();
  std::size_t steps_here = 0;
  TrainingRun::Observer observer;
  observer.step = [&](std::size_t step, std::size_t steps) {
    const double elapsed = steady_seconds() - started;
    const double rate = static_cast<double>(++steps_here) / elapsed;
    const std::size_t left = (epochs - run.epochs_done()) * steps - step;
    const auto batch = static_cast<double>(run.configuration().batch_size);
    progress.show(fmt::format("epoch {}/{}  step {}/{}  {:.0f} images/s  {} left",
                              run.epochs_done() + 1, epochs, step, steps, rate * batch,
                              duration_text(static_cast<double>(left) / rate)));
    if (steps_here == 1) {
      bytes[run.ranks().rank()] = static_cast<double>(run.ranks().bytes_sent() - sent_before);
    }
    if (checkpoint && options.checkpoint_steps > 0 && step % options.checkpoint_steps == 0) {
      checkpoint->try_save(run);
    }
    return !interrupted();
  };
  observer.epoch = [&](const EpochResult& result) {
    progress.clear();
    earlier.check(options.output, run.epochs_done(), result);
    log.line(fmt::format(
        "epoch {}/{}  train loss {:.4f} error {:.2f}%  {} loss {:.4f} error {:.2f}%  {:.2f} s, "
        "{:.0f} images/s",
        run.epochs_done(), epochs, result.train_loss, 100 * result.train_error,
        judged_name(run.data()), result.test_loss, 100 * result.test_error, result.train_seconds,
        static_cast<double>(run.train_images()) / result.train_seconds));
    if (checkpoint && run.epochs_done() < epochs) checkpoint->try_save(run);
  };
  const bool finished = run.train(observer);
  progress.clear();
  gather_on_first(run.ranks(), bytes, 1);
  return finished;
}

void stopped(const TrainingRun& run, const CheckpointFile& checkpoint) {
  checkpoint.save(run);
  print_line(fmt::format("stopped after {}; kept {}; continue with --resume",
                         place_text(run.epochs_done(), run.state().step_in_epoch),
                         checkpoint.path()));
}

void print_result(const Record& record, const std::string& path) {
  const Group& model = record.group("model");
  print_line("initial parameters sha256:" +
             model.attribute<std::string>("initial_parameters_sha256"));
  print_line("trained parameters sha256:" + model.attribute<std::string>("parameters_sha256"));
  print_line("record " + path);
  print_line("digest sha256:" + digest_of(record));
}

/// A record that is where this run's is to go: of this very run, as after a kill between saving the
/// record and removing the checkpoint, or of the same run with fewer epochs. Error if it is of
/// another run.
EarlierRecord earlier_record(const TrainingRun& run, const std::string& output,
                             const LoadOptions& loading) {
  EarlierRecord earlier;
  if (!std::filesystem::exists(output)) return earlier;
  earlier.record = load_record(output, "training", loading);
  const Record& record = *earlier.record;
  const TrainingConfiguration recorded =
      errors_naming(output, [&] { return configuration_from(record.group("configuration")); });
  TrainingConfiguration shorter = run.configuration();
  shorter.epochs = std::min(shorter.epochs, recorded.epochs);
  Record wanted, found;
  wanted.attributes = found.attributes = {{"kind", "training"}};
  wanted.groups = {{"configuration", to_group(shorter)},
                   {"data", to_group(data_record(run.data()))}};
  found.groups = {{"configuration", record.group("configuration")}, {"data", record.group("data")}};
  const std::vector<RecordDifference> different = differences(wanted, found, 1);
  if (!different.empty()) {
    throw Error(output, "the record of another run: " + different[0].path + " differs",
                "--output with another name, or --force");
  }
  earlier.parameters_sha256 = record.values<std::string>("history/parameters_sha256");
  earlier.is_finished = shorter.epochs == run.configuration().epochs;
  return earlier;
}

void finished_before(const Record& record, const std::string& output) {
  print_line("this run is finished already");
  print_result(record, output);
  std::filesystem::remove(checkpoint_path(output));
}

/// What of the record that was there before all ranks need.
void broadcast_earlier(Ranks& ranks, EarlierRecord& earlier) {
  std::uint64_t epochs = earlier.parameters_sha256.size();
  broadcast_value(ranks, epochs);
  earlier.parameters_sha256.resize(static_cast<std::size_t>(epochs));
  for (std::string& digest : earlier.parameters_sha256) broadcast_list(ranks, digest);
  broadcast_value(ranks, earlier.is_finished);
}

void log_run(const TrainingRun& run, const EarlierRecord& earlier, Log& log) {
  const ImageDataset& data = run.data();
  log.line(fmt::format("{}: {} training and {} {} images, {} classes", data.name,
                       run.train_images(), data.test.count, judged_name(data),
                       data.class_names.size()));
  log.line(fmt::format("{}: {} parameters, seed {}, {}, {}", run.model().name(),
                       run.model().parameters().size(), run.configuration().seed,
                       count_of(run.threads(), "thread"), simd_target()));
  if (run.ranks().size() > 1) {
    log.line(fmt::format("{} ranks, {}; processes of ranks here: {}", run.ranks().size(),
                         run.ranks().transport(), run.ranks().processes()));
  }
  if (earlier.record) {
    log.line(fmt::format("continuing from the record that ends with epoch {}, digest sha256:{}",
                         earlier.parameters_sha256.size(), digest_of(*earlier.record)));
  }
}

/// Error, which says what to do, if the checkpoint that the user asked for cannot be restored.
void restore_named(TrainingRun& run, const std::string& path, const LoadOptions& loading) {
  try {
    restore_checkpoint(run, path, loading);
  } catch (const DamagedRecord& error) {
    const std::string what = error.what();
    throw Error(what.substr(0, what.find("; expected ")), "the run cannot be continued",
                "a whole checkpoint, or --force instead of --resume to start it again");
  }
}

/// Takes the run to where its checkpoint is, if it is to go on from one. Error if there is none
/// that should be there, or one that nobody asked for.
void take_up(TrainingRun& run, const Options& options, const EarlierRecord& earlier,
             const CheckpointFile& checkpoint, Log& log) {
  if (earlier.record && !checkpoint.exists()) {
    log.line("a record keeps no optimizer state: its epochs are run again and compared");
  } else if (options.resume && !checkpoint.exists()) {
    throw Error(options.output, "there is neither this record nor a checkpoint of its run",
                "--output as the interrupted run had it, or no --resume, to start one");
  } else if (options.resume) {
    restore_named(run, checkpoint.path(), options.loading);
    for (std::size_t epoch = 1; epoch <= run.epochs_done(); ++epoch) {
      earlier.check(options.output, epoch, run.history()[epoch - 1]);
    }
    log.line("continuing after " + place_text(run.epochs_done(), run.state().step_in_epoch));
  } else if (checkpoint.exists() && !options.force) {
    throw Error(checkpoint.path(), "a checkpoint of an unfinished run is there",
                "--resume to continue it, or --force to start again");
  }
}

/// The run, from its beginning or from where it was left, to its record; rank 0 reads and writes
/// all files but the data.
int run_to_record(TrainingRun& run, const Options& options, RunEnvironment& environment) {
  Ranks& ranks = run.ranks();
  const auto on_first = [&](const std::function<void()>& work) {
    together(ranks, [&] {
      if (ranks.is_first()) work();
    });
  };
  EarlierRecord earlier;
  std::optional<CheckpointFile> checkpoint;
  Overwrite overwrite = options.force ? Overwrite::yes : Overwrite::no;
  Log log;
  on_first([&] {
    if (options.resume && !options.force) {
      earlier = earlier_record(run, options.output, options.loading);
    }
    if (earlier.is_finished) return finished_before(*earlier.record, options.output);
    if (earlier.record) overwrite = Overwrite::yes;
    checkpoint.emplace(options.output, overwrite);
    log_run(run, earlier, log);
    take_up(run, options, earlier, *checkpoint, log);
  });
  broadcast_earlier(ranks, earlier);
  if (earlier.is_finished) return 0;
  run.take_state_of_first();
  if (!train(run, options, earlier, checkpoint, log, environment)) {
    on_first([&] { stopped(run, *checkpoint); });
    return kInterrupted;
  }
  EvaluationRecord evaluation = evaluation_of(run);
  on_first([&] {
    environment.log = log.text();
    const Record record = to_tree(training_record(run, std::move(evaluation), environment));
    save_finished(record, options.output, overwrite, run, *checkpoint);
    print_result(record, options.output);
  });
  return 0;
}

int train_lenet5(const std::string& name, int argc, const char* const* argv) {
  RankedProgram program("train_lenet5", name);
  std::optional<Options> parsed;
  Ranks& ranks = program.join([&]() -> std::optional<std::string> {
    parsed = parse(name, argc, argv, program.default_threads());
    if (!parsed) return std::nullopt;
    return parsed->ranks;
  });
  if (!parsed) return 0;
  catch_interrupts();
  Options& options = *parsed;
  RunEnvironment environment;
  environment.command_line = command_line_text(argc, argv);
  environment.data_folder = std::filesystem::absolute(options.data);
  environment.ranks = ranks.size();
  environment.ranks_transport = ranks.transport();
  return program.work_and_leave([&] {
    ImageDataset data;
    std::optional<TrainingRun> run;
    together(ranks, [&] {
      options.threads = environment.threads = have_threads(options.threads);
      set_blas_threads(1);
      data = load_dataset(options.data, static_cast<std::size_t>(options.configuration.holdout));
      if (options.output.empty()) {
        options.output =
            default_output(options.configuration.model, data.name, options.configuration.seed);
      }
      const std::vector<float> initial = weights_to_start_from(options, data);
      run.emplace(options.configuration, data, options.threads, initial, ranks);
    });
    check_agreement(ranks, run_facts(*run));
    return run_to_record(*run, options, environment);
  });
}

}  // namespace
}  // namespace reprise

int main(int argc, char** argv) {
  return reprise::run_program("train_lenet5", argc, argv, [&](const std::string& name) {
    return reprise::train_lenet5(name, argc, argv);
  });
}
