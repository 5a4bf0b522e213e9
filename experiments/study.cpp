// Runs a study: trains each of its variants with each seed, and saves a record per run.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "reprise/conv/conv_algorithm.hpp"
#include "reprise/core/digest.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/file.hpp"
#include "reprise/core/launcher.hpp"
#include "reprise/core/parallel.hpp"
#include "reprise/core/parse.hpp"
#include "reprise/core/terminal.hpp"
#include "reprise/core/text.hpp"
#include "reprise/linalg/blas.hpp"
#include "reprise/linalg/simd.hpp"
#include "reprise/record/summary.hpp"
#include "reprise/record_file/record_file.hpp"
#include "reprise/run/ranks.hpp"
#include "support/installed_data.hpp"
#include "support/lease.hpp"
#include "support/program.hpp"
#include "support/ranked_program.hpp"
#include "support/study.hpp"
#include "support/study_plan.hpp"
#include "support/study_runs.hpp"
#include "support/study_status.hpp"

namespace reprise {
namespace {

/// Exit status of a share that depends on other shares' runs.
constexpr int kWaits = 75;
constexpr std::int64_t kMaxShares = 1'000'000;
/// Of a run's digest, in --list and in its files' names.
constexpr std::size_t kRunDigits = 16;

struct Options {
  std::vector<std::string> studies;  ///< one
  std::vector<std::int64_t> seeds = {1, 2, 3};
  StudyScale scale;
  std::string data = default_data_folder();
  std::string store;
  std::string summaries;
  std::string simd = "best";
  bool quick = false;
  bool list = false;
  bool describe = false;
  bool status = false;
  bool whole_store = false;  ///< no study, but the summaries of a store
  StudyShare share;
  StudyRunOptions runs;
};

/// Error if one comes twice.
void check_seeds(std::vector<std::int64_t> seeds) {
  std::sort(seeds.begin(), seeds.end());
  if (seeds.size() > kMaxSeeds) {
    throw Error("option --seeds", fmt::format("{} of them", seeds.size()),
                fmt::format("at most {}", kMaxSeeds));
  }
  for (std::size_t i = 0; i < seeds.size(); ++i) {
    if (i == 0 || seeds[i] != seeds[i - 1]) continue;
    throw Error("option --seeds", fmt::format("{} twice", seeds[i]), "different integers from 1");
  }
}

/// "2/8".
StudyShare share_from(const std::string& where, const std::string& given) {
  const std::size_t slash = given.find('/');
  if (slash != std::string::npos) {
    const std::int64_t index = parse_integer(given.substr(0, slash)).value_or(0);
    const std::int64_t count = parse_integer(given.substr(slash + 1)).value_or(0);
    if (1 <= index && index <= count && count <= kMaxShares) {
      return {static_cast<std::size_t>(index), static_cast<std::size_t>(count)};
    }
  }
  throw Error(where, "\"" + given + "\"",
              fmt::format("I/N with I from 1 to N and N at most {}, such as 2/8", kMaxShares));
}

/// The digits of a run, as --list prints them.
std::string run_from(const std::string& where, const std::string& given) {
  const bool is_hex = given.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (is_hex && given.size() == kRunDigits) return given;
  throw Error(where, "\"" + given + "\"",
              fmt::format("the {} digits of a run, as --list prints them", kRunDigits));
}

/// How several processes do one study.
void add_queue_options(CommandLine& line, Options& options) {
  line.add_option("--share", "I/N", "1/1",
                  "do every N-th run of those that --list prints, beginning with the I-th; implies "
                  "--resume",
                  [&options](const std::string& where, const std::string& given) {
                    const StudyShare share = share_from(where, given);
                    options.share.index = share.index;
                    options.share.count = share.count;
                  });
  line.add_option("--run", "DIGITS", "all",
                  "do this run alone, named by the digits that --list prints; implies --resume",
                  [&options](const std::string& where, const std::string& given) {
                    options.share.run = run_from(where, given);
                  });
  line.add_flag("--worker", options.runs.worker,
                "do what no other process is working on, until every run is done; any number of "
                "workers on any hosts may share a store; implies --resume");
  line.add_size("--lease-seconds", options.runs.lease_seconds, {1, 86400},
                "other hosts take over a run whose worker has given no sign of life for N seconds");
}

void add_options(CommandLine& line, const std::string& name, Options& options) {
  line.add_operands("STUDY", options.studies, {0, 1},
                    "a study file (TOML), or a name that --list prints");
  line.set_operand_choices(study_names());
  line.add_flag(
      "--list", options.list,
      "list the studies available; with a study, its runs, their states, and why any is not done; "
      "and exit");
  line.add_flag("--status", options.status,
                "print how many runs are done and left, the time left, the disk space needed, the "
                "compute used and each failure, and exit");
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
  line.add_text("--store", options.store,
                "folder for the plan and the records, which studies share; default runs, or "
                "runs/quick with --quick",
                "DIR");
  line.add_earlier_name("--output", "--store");
  line.add_text("--summaries", options.summaries,
                "also write each run's summary, and the plans and the journal, to this folder when "
                "the run has ended: small files of text, by which the folder serves as a store "
                "(docs/summary_format.md); without STUDY, those of all that is in the store, and "
                "exit",
                "DIR");
  line.add_flag(
      "--quick", options.quick,
      "a short run, by default with the study's own epochs and seeds for short runs and the small "
      "data set that comes with this program");
  line.add_flag("--resume", options.runs.resume,
                "continue runs that were stopped or killed from their last checkpoints");
  line.add_size("--checkpoint-seconds", options.runs.checkpoint_seconds, {0},
                "save a checkpoint of each running training every N seconds; 0: after each step");
  line.add_flag("--force", options.runs.force, "repeat runs that are already recorded");
  add_queue_options(line, options);
  add_threads(line, options.runs.threads, "number of threads; affects the speed, not the result");
  add_simd(line, options.simd, "affects the speed, not the result");
  add_load_options(line, options.runs.loading);
  line.set_footer(
      "The plan is written before the first run. Runs that any study has already recorded are "
      "skipped. Ctrl-C, SIGTERM and SIGUSR1 stop and keep checkpoints; --resume continues, also "
      "after a kill.\n\nExit status: 0; 1 after an error or if a run failed; 2 for bad usage; 75 "
      "if a share is done except for runs that depend on pilots of other shares; 130 if it was "
      "stopped.\n\nExample:\n  " +
      name + " dropout --seeds 1,2,3,4,5 --store runs");
}

/// Error if a seed is both measured and a pilot's.
void check_pilot_seeds(const Study& study, const std::vector<std::int64_t>& seeds) {
  if (study.learning_rates.empty()) return;
  for (const std::int64_t seed : seeds) {
    const auto& pilots = study.pilot_seeds;
    if (std::find(pilots.begin(), pilots.end(), seed) == pilots.end()) continue;
    throw UsageError("option --seeds", fmt::format("{}, a seed of the pilots", seed),
                     "other seeds than those that choose the learning rates");
  }
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
  if (options.runs.worker) {
    const bool shares = options.share.count > 1;
    if (options.runs.force || shares) {
      throw UsageError("command line",
                       std::string("--worker and ") + (shares ? "--share" : "--force"),
                       "one of them");
    }
  }
  // A queue's jobs are sent again as they are.
  if ((options.runs.worker || options.share.is_part()) && !options.runs.force) {
    options.runs.resume = true;
  }
  if (options.share.count > 1 && !options.share.run.empty()) {
    throw UsageError("command line", "--share and --run", "one of them");
  }
  if (options.store.empty()) options.store = options.quick ? "runs/quick" : "runs";
  check_pilot_seeds(study, options.seeds);
  options.runs.data_folder = std::filesystem::absolute(options.data);
}

/// What the study's digest calls the record.
std::string name_of_run(const Study& study, const StudyRun& run) {
  const std::string& name = study.variants[run.variant].name;
  const std::int64_t seed = run.configuration.seed;
  if (run.role != "pilot") return fmt::format("{}-seed{}.h5", name, seed);
  return fmt::format("pilot-{}-rate{}-seed{}.h5", name, run.configuration.learning_rate, seed);
}

/// Whether this run has neither a record, nor a summary, nor a failure.
bool is_left(const StudyRun& run, const RunStore& store) {
  return !store.has_run(run.digest) &&
         !std::filesystem::exists(store.path(failure_file(run.digest)));
}

/// What is in the store when a study ends.
struct StudyEnd {
  std::size_t left = 0;    ///< runs without a usable record or summary, and without a failure
  std::size_t failed = 0;  ///< pilots that diverged not among them
  std::string digest;      ///< of all, if none is left or failed
};

/// A study's line for a run, "NAME DIGEST"; nullopt if its record is not there any more or damaged,
/// or cannot be used and is another share's.
std::optional<std::string> line_of_run(const StudyRuns& runs, const StudyRun& run,
                                       const RunStore& store, const LoadOptions& loading) {
  try {
    const Record record = load_run(store.run_path(run.digest), loading);
    return name_of_run(runs.study(), run) + " " + run_record_digest(record) + "\n";
  } catch (const NoRecordReader&) {
    throw;
  } catch (const FileMissing&) {
    return std::nullopt;
  } catch (const DamagedRecord&) {
    return std::nullopt;
  } catch (const Error&) {
    if (!runs.share().is_part()) throw;
    return std::nullopt;
  }
}

/// The digest is one for the whole study, as `sha256sum` would give for a file with a line
/// "NAME DIGEST" per record, in the order of the runs. Records of class machine are left out: they
/// are not the same elsewhere.
StudyEnd end_of_study(const StudyRuns& runs, const RunStore& store, const LoadOptions& loading) {
  const std::vector<StudyRun> all = runs.all();
  StudyEnd end;
  end.left = static_cast<std::size_t>(std::count_if(
      all.begin(), all.end(), [&](const StudyRun& run) { return is_left(run, store); }));
  end.failed =
      static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](const StudyRun& run) {
        return !run.may_diverge() && !store.has_run(run.digest) && !is_left(run, store);
      }));
  if (end.left + end.failed > 0) return end;
  Sha256 hash;
  for (const StudyRun& run : all) {
    const ConvAlgorithm& algorithm = conv_algorithm(run.configuration.conv_algorithm);
    if (algorithm.reproducibility != Reproducibility::portable) continue;
    if (!store.has_run(run.digest)) continue;  // a pilot that diverged
    if (const auto line = line_of_run(runs, run, store, loading)) {
      hash.update(std::as_bytes(std::span(*line)));
    } else {
      ++end.left;
    }
  }
  end.digest = hash.finish_hex();
  return end;
}

void print_list() {
  for (const std::string& file : study_files()) {
    print_line(fmt::format("{:<36}{}", study_name_of(file), read_study(file).question));
  }
}

void print_description(const Study& study) {
  print_line(study.name + ": " + study.question);
  if (!study.claim.empty()) print_line("Claim: " + study.claim);
  if (!study.tested_instead.empty()) {
    print_line("Not tested at the paper's scale, but: " + study.tested_instead);
  }
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
  if (options.list && options.studies.empty()) {
    print_list();
    return std::nullopt;
  }
  options.whole_store = options.studies.empty() && !options.summaries.empty();
  if (options.whole_store) return std::nullopt;
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

/// Keeps the plan before the runs that it is of. The SHA-256 of its file.
std::string keep_plan(const StudyRuns& runs, const RunStore& store, const std::string& follows) {
  const std::string file =
      follows.empty() ? plan_file(runs.study().name) : rates_plan_file(runs.study().name);
  const std::string text = plan_text(runs.plan(follows));
  store.keep_plan(file, text);
  std::string digest = sha256_hex(std::as_bytes(std::span(text)));
  print_line("plan " + store.path(file) + " sha256:" + digest);
  return digest;
}

/// Runs of one kind, added to the outcome so far.
void take_runs(const std::vector<StudyRun>& wanted, const ImageDataset& data, const RunStore& store,
               const StudyRunOptions& options, StudyProgress& progress, RunsOutcome& outcome) {
  const RunsOutcome more = do_runs(wanted, data, store, options, progress);
  outcome.stopped = more.stopped;
  outcome.failed.insert(outcome.failed.end(), more.failed.begin(), more.failed.end());
}

/// Whether the share has pilots that are still to be run.
bool are_left(const StudyRuns& runs, const RunStore& store) {
  const std::vector<StudyRun> pilots = runs.shared("pilot");
  return std::any_of(pilots.begin(), pilots.end(),
                     [&](const StudyRun& run) { return is_left(run, store); });
}

/// UsageError if --run names none of the plan's runs.
void check_run(StudyRuns runs, const RunStore& store, const LoadOptions& loading) {
  const std::string& digits = runs.share().run;
  if (digits.empty()) return;
  runs.choose_rates(store, loading);
  if (!runs.shared().empty()) return;
  throw UsageError("option --run", digits, "the digits of a run that --list prints");
}

/// Pilots, round after round until the rates are chosen, then the measured runs.
RunsOutcome do_study(StudyRuns& runs, const ImageDataset& data, const RunStore& store,
                     const StudyRunOptions& options) {
  StudyProgress progress;
  RunsOutcome outcome;
  const std::vector<StudyRun> measured = runs.measured();
  std::string first = keep_plan(runs, store, "");
  if (!runs.study().learning_rates.empty()) {
    progress.runs_to_come = measured.size();
    for (const StudyRun& run : measured) {
      progress.steps_to_come += steps_of(run.configuration, data);
    }
    StudyRunOptions round = options;
    do {
      take_runs(runs.shared("pilot"), data, store, round, progress, outcome);
      if (outcome.stopped || !outcome.failed.empty()) return outcome;
      round.force = false;  // what this call has run
      const bool waits = !runs.choose_rates(store, options.loading) && !are_left(runs, store);
      outcome.waits = waits && runs.share().run.empty();  // the one run was a pilot, and is done
      if (waits) return outcome;
    } while (!runs.has_rates());
    progress.runs_to_come = progress.steps_to_come = 0;
    keep_plan(runs, store, first);
  }
  take_runs(runs.shared("measured"), data, store, options, progress, outcome);
  return outcome;
}

std::string runs_are(std::size_t count) {
  return count_of(count, "run") + (count == 1 ? " is" : " are");
}

int report_outcome(const std::string& name, const RunsOutcome& outcome, const StudyRuns& runs,
                   const RunStore& store, const LoadOptions& loading) {
  if (outcome.stopped) {
    print_line("stopped; kept " + store.folder() + "; continue with --resume");
    return kInterrupted;
  }
  for (const std::string& failed : outcome.failed) print_error_line(name + ": failed: " + failed);
  if (!outcome.failed.empty()) return kFailed;
  if (outcome.waits) {
    print_line(
        "pilots of other shares choose the learning rates and are not done; give the same "
        "command again when they are");
    return kWaits;
  }
  print_line("records " + store.path(kRunsFolder));
  const StudyEnd end = end_of_study(runs, store, loading);
  const StudyShare& share = runs.share();
  if (end.left > 0 && !share.is_part()) {
    throw Error(store.path(kRunsFolder),
                fmt::format("{} not there any more, or damaged, since this call has seen {} done",
                            runs_are(end.left), end.left == 1 ? "it" : "them"),
                "the same command again, which does what is missing");
  }
  if (end.left + end.failed > 0) {
    const std::string others =
        end.failed == 0 ? runs_are(end.left) + " left"
                        : fmt::format("{} failed, {} left", count_of(end.failed, "run"), end.left);
    print_line(share.run.empty()
                   ? fmt::format("share {}/{} is done; of the other shares {}", share.index,
                                 share.count, others)
                   : fmt::format("run {} is done; of the others {}", share.run, others));
    return 0;
  }
  print_line("digest sha256:" + end.digest);
  return 0;
}

/// The summaries of all that is in the store.
int summarize_store(const std::string& name, const Options& options) {
  const RunStore store(options.store.empty() ? "runs" : options.store);
  if (!std::filesystem::exists(store.path(kStoreMark))) {
    throw Error(store.folder(), "no store of runs", "--store with one");
  }
  const SummaryFolder summaries(options.summaries, options.runs.loading);
  const std::vector<std::string> faults = summaries.take_all(store);
  for (const std::string& fault : faults) print_error_line(name + ": " + fault);
  print_line("summaries " + summaries.folder());
  return faults.empty() ? 0 : kFailed;
}

/// Takes summaries of the runs of the study that are there; a line for each that cannot be taken.
std::vector<std::string> summarize_study(const StudyRuns& runs, const RunStore& store,
                                         const SummaryFolder& summaries) {
  std::vector<std::string> faults;
  for (const StudyRun& run : runs.all()) {
    if (run.digest.empty()) continue;
    try {
      summaries.take_run(store, run.digest);
    } catch (const Error& error) {
      faults.push_back(run.label + ": its summary: " + error.what());
    }
  }
  for (const std::string& fault : summaries.take_texts(store)) faults.push_back(fault);
  return faults;
}

/// Adds those that are not there yet.
void add_new(std::vector<std::string>& lines, const std::vector<std::string>& more) {
  for (const std::string& line : more) {
    if (std::find(lines.begin(), lines.end(), line) == lines.end()) lines.push_back(line);
  }
}

/// UsageError, told by the first of several processes that one launcher has started, if each of
/// them would do the same.
void check_alone(const Options& options) {
  if (options.runs.worker) return;
  std::string work = "do all runs";
  std::string expected = "--worker, by which they share the runs";
  if (options.whole_store) {
    work = "write all summaries";
    expected = "one process";
  } else if (!options.share.run.empty()) {
    work = "do the same run";
    expected = "one process";
  } else if (options.share.count > 1) {
    work = "do the same share";
    expected = "--worker in place of --share, by which they share all runs";
  }
  if (!is_only_process(environment_variable, work, expected)) throw EndedWithOthers();
}

int run_study(const std::string& name, int argc, const char* const* argv) {
  Options options;
  const std::optional<Study> asked = parse(name, argc, argv, options);
  if (!asked && !options.whole_store) return 0;
  if (!options.list && !options.status) check_alone(options);
  if (options.whole_store) return summarize_store(name, options);
  const Study& study = *asked;
  catch_interrupts();
  options.runs.threads = have_threads(options.runs.threads);
  set_blas_threads(1);
  const RunStore store(options.store);
  const ImageDataset data =
      load_dataset(options.data, static_cast<std::size_t>(study.settings.holdout));
  if (study.colour_only && data.train.channels < 3) {
    print_line(study.name + ": " + study.question);
    print_line(data.name + " has no colours, so there is nothing to run");
    return 0;
  }
  StudyRuns runs(study, {options.seeds, options.scale, !options.quick, options.share}, data);
  check_run(runs, store, options.runs.loading);
  if (options.list || options.status) {
    runs.choose_rates(store, options.runs.loading);
    if (options.list) print_plan(runs, store, data, options.runs.loading);
    if (options.status) print_status(runs, store, data, options.runs);
    return 0;
  }
  note_other_data(study, data.name);
  print_line(study.name + ": " + study.question);
  print_line(fmt::format("{}, {} variants, seeds {}", data.name, study.variants.size(),
                         fmt::join(options.seeds, ", ")));
  store.make();
  if (options.runs.worker || options.share.is_part()) check_claims(store.path(kRunsFolder));
  check_resources(runs, store, data, options.runs);
  std::optional<SummaryFolder> summaries;
  if (!options.summaries.empty()) {
    options.runs.summaries = &summaries.emplace(options.summaries, options.runs.loading);
    summarize_study(runs, store, *summaries);  // faults are told in the end
  }
  RunsOutcome outcome = do_study(runs, data, store, options.runs);
  if (summaries) add_new(outcome.failed, summarize_study(runs, store, *summaries));
  return report_outcome(name, outcome, runs, store, options.runs.loading);
}

}  // namespace
}  // namespace reprise

int main(int argc, char** argv) {
  return reprise::run_program("study", argc, argv, [&](const std::string& name) {
    return reprise::run_study(name, argc, argv);
  });
}
