/// \file
/// One function per topic of the report: each puts values, figures and tables into the draft.
/// What a value is called in the templates is given with it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "contrast.hpp"
#include "draft.hpp"
#include "inputs.hpp"

namespace reprise::reports {

using Runs = std::vector<const TrainingRun*>;

// ---- Studies

/// The figure at the top, verdicts, a paragraph and a panel for each study, abstract, conclusion.
void add_verdicts(const std::vector<Study>& studies, const std::vector<Contrast>& contrasts,
                  Draft& draft);
/// All differences with their intervals: a panel for errors, one for ratios of epochs and times;
/// those that have none are left out.
std::vector<Panel> forest_panels(const std::vector<Contrast>& contrasts);
/// A study's values as dots, a panel for each.
Figure values_figure(const std::vector<Study>& studies);
/// All that is known of each comparison, a row for each; pages show some of the columns.
using Contrasts = std::vector<const Contrast*>;
Table contrast_table(const Contrasts& contrasts);
/// What a personal note has to tell: what went against its claim, seeds that disagree, failures.
void add_study_notes(const std::vector<Study>& studies, const std::vector<Contrast>& contrasts,
                     const StoreCounts& stores, Draft& draft);

/// The supplement's section on each study: contrasts, values by seed, outcomes, curves.
void add_study_parts(const std::vector<Study>& studies, const std::vector<Contrast>& contrasts,
                     Draft& draft);
/// Curves of a study's training and test error, with bands over the seeds.
Figure curves_figure(const Study& study);

/// Final training error by learning rate, of the pilots of one variant, means over their seeds.
struct PilotGrid {
  const Study* study = nullptr;
  UntrustedText variant;
  std::map<double, double> errors;
  /// The rate of the least error.
  [[nodiscard]] double best() const;
};
std::vector<PilotGrid> pilot_grids(const std::vector<Study>& studies);

/// What the paper did and what was done here; variants and settings; pilots.
void add_study_setup(const std::vector<Study>& studies, Draft& draft);

// ---- LeNet-5 and the papers

/// Accuracy, course of training, classes, mistakes, test images, beside the paper of 1998.
void add_lenet(const Inputs& inputs, Draft& draft);
/// Of a run: the confusion matrix as a figure, the classes as a table.
void add_classes(const TrainingRun& run, Draft& draft);
/// Sample images with their most probable labels.
void add_test_images(const TrainingRun& run, Draft& draft);
Panel kernels_panel(const Kernels& kernels, const std::string& name);
/// First-layer kernels; test images with their nearest training images, where a record has them.
void add_features(const Runs& runs, Draft& draft);
/// AlexNet's layers, what was new in it, and its tables of results with ours below.
void add_alexnet(const Inputs& inputs, const std::vector<Study>& studies, Draft& draft);

// ---- All

/// Data files of all records, settings of the first, the machine that it was made on.
void add_setup(const Inputs& inputs, Draft& draft);
/// What a setting of this name is; "" if the report does not know it.
std::string setting_meaning(const UntrustedText& name);
/// Comparisons of convolution algorithms: speed, memory, errors; says so if there are none.
void add_convolutions(const std::vector<Comparison>& comparisons, Draft& draft);
/// The commands that make the records and the report, as a block.
Markdown make_commands(const Inputs& inputs, const std::vector<Study>& studies);
/// Digests and classes of the runs, the commands that make and verify them, the table of records.
void add_reproducibility(const Inputs& inputs, const std::vector<Study>& studies, Draft& draft);

/// For reviewers: what each claim takes to check, a short path, identifiers of the source.
void add_appendix(const Inputs& inputs, const std::vector<Contrast>& contrasts, Draft& draft);
/// Commands without a line's end: that makes a study's records with the seeds they have; that
/// makes a comparison's record; that verifies runs, many of them by their folders; that writes the
/// report, or the files of one figure or table.
ShellCommands study_command(const Study& study);
ShellCommands comparison_command(const Comparison& comparison);
ShellCommands verify_command(const Runs& runs, bool on_one_line = false);
ShellCommands report_command(const std::string& only);

/// These records against earlier ones. Error if they have no study and variant in common, or a
/// study of the same name has another measure.
void add_against(const Inputs& before, const Inputs& now, const std::vector<Study>& studies,
                 const std::vector<Contrast>& contrasts, Draft& draft);
/// Whether the variants differ from the baseline only in which random numbers go by the run's seed:
/// then the spread over the seeds is what the study asks for.
bool varies_sources(const Study& study);
/// Of each variant its standard deviation over the seeds, and its variance as a fraction of the
/// baseline's. Requires varies_sources().
TableEntry sources_table(const Study& study);

// ---- What they share

/// All training runs: LeNet-5's, distorted ones, the studies'.
Runs all_runs(const Inputs& inputs);
/// Those of LeNet-5 that are not distorted, or else those that are.
const std::vector<TrainingRun>& lenet_runs(const Inputs& inputs);
Runs runs_of(const std::vector<Study>& studies);
Runs pointers(const std::vector<TrainingRun>& runs);
/// Each run once, however many studies it serves.
Runs distinct(const Runs& runs);

/// The SHA-256 of the records' digests, each once, in the order of the alphabet, a line for each;
/// of a single record its own digest. 64 hexadecimal digits.
std::string digest_over(const Runs& runs);
/// Its beginning, as captions have it.
Source source_of(const Runs& runs);

/// "test error", "epochs to 25% training error": for the middle of a sentence.
std::string measure_text(const Study& study);
/// "10.24%", "1.52 s"; of epochs the bare number.
std::string value_text(const Study& study, double value);
Cell value_cell(const Study& study, double value);
/// What is printed of a value or difference: shares as percentages.
double printed(const Study& study, double value);
/// "−1.24 points", "−3.20 epochs".
std::string difference_text(const Study& study, double difference);
/// With a plus sign where positive.
std::string signed_text(const Study& study, double difference);
/// "−1.60 to −0.88 points".
std::string interval_text(const Study& study, const Interval& interval);
/// "0.034", "<0.001"; the data have it in full.
Cell p_cell(double p);
/// "p = 0.034", "p < 0.001".
std::string p_phrase(double p);

/// Why a claim is inconclusive where not for want of a difference: "one seed"; else "".
std::string reason_text(const Contrast& contrast);
/// "supported", "inconclusive (one seed)", ...
std::string verdict_text(const Contrast& contrast);
/// Whether it was judged by images held out of the training images, not by the test images.
bool is_held_out(const TrainingRun& run);
/// "3×3 against 2×2"; the variant alone where the baseline is none.
UntrustedText pair_name(const Contrast& contrast);
/// What a comparison is called: its study and its pair, as "overlapping pooling: 3×3 against 2×2"
/// or "data augmentation: crops"; the study alone where its name says the pair, as "ReLU against
/// tanh" does, or where it is of one method, with and without.
UntrustedText contrast_name(const Contrast& contrast);
/// The paper's figure; "" where there is none, also if the record says so in words, or if the study
/// is none of the paper's.
UntrustedText paper_figure(const Study& study, const Variant& variant);
/// With a mark at its end.
UntrustedText ended(const UntrustedText& text);
/// With a capital at its beginning, too.
UntrustedText sentence(const UntrustedText& text);

}  // namespace reprise::reports
