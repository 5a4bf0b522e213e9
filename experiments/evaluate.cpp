// What does the trained network of a record say of other images?
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>

#include "reprise/core/error.hpp"
#include "reprise/core/file.hpp"
#include "reprise/core/terminal.hpp"
#include "reprise/linalg/blas.hpp"
#include "reprise/linalg/simd.hpp"
#include "reprise/record_file/record_file.hpp"
#include "reprise/run/configuration.hpp"
#include "reprise/run/evaluation.hpp"
#include "reprise/run/run_streams.hpp"
#include "reprise/run/trained_model.hpp"
#include "support/program.hpp"

namespace reprise {
namespace {

struct Options {
  std::vector<std::string> records;  ///< one
  std::string data;
  std::string images = "test";
  std::string csv;
  std::string simd = "best";
  std::size_t threads = default_threads();
  bool any_names = false;
  bool force = false;
  LoadOptions loading;
};

/// nullopt if --help was asked for.
std::optional<Options> parse(const std::string& name, int argc, const char* const* argv) {
  Options options;
  CommandLine line(
      name,
      "Applies the trained network of a record to other images and reports loss, error "
      "and confusion between classes.");
  line.add_operands("RECORD", options.records, {1, 1}, "the record of a training run");
  line.add_text("--data", options.data,
                "folder with the images, in the form that training takes: IDX files or CIFAR-10's "
                "binary files; required",
                "DIR");
  line.add_text("--images", options.images,
                "which images to use: test or train, or holdout, the training images, as many "
                "as the record's run held out");
  line.set_choices("--images", {"test", "train", "holdout"});
  line.add_text(
      "--csv", options.csv,
      "also write a file with a row per image: its label, and the five most probable labels "
      "with their probabilities",
      "FILE");
  line.add_flag("--force", options.force, "overwrite an existing file");
  line.add_flag("--any-class-names", options.any_names,
                "match classes by their numbers, whatever their names are");
  add_threads(line, options.threads, "number of threads; affects the speed, not the result");
  add_simd(line, options.simd, "affects the speed, not the result");
  add_load_options(line, options.loading);
  line.set_footer(
      "The images must have the size of those that the network was trained on, and the same "
      "classes. The network sees them as it did in the record's run: their centre or ten views, in "
      "the same unit, less the mean image of the images that it was trained on.\n\n"
      "Exit status: 0; 1 if the record or the images cannot be used; 2 for bad usage; 130 if "
      "interrupted.\n\nExample:\n  " +
      name + " runs/lenet5.h5 --data data/mnist --csv answers.csv");
  if (!line.parse(argc, argv)) return std::nullopt;
  if (options.data.empty()) throw UsageError("option --data", "not given", "--data DIR");
  if (options.images != "test" && options.images != "train" && options.images != "holdout") {
    throw UsageError("option --images", "\"" + options.images + "\"", "test, train or holdout");
  }
  as_usage([&] { select_simd_target(options.simd); });
  return options;
}

/// Text as a field of a CSV file (RFC 4180).
std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string field = "\"";
  for (const char c : text) field += c == '"' ? "\"\"" : std::string(1, c);
  return field + "\"";
}

std::string csv_text(const ImageSet& images, const std::vector<std::string>& class_names,
                     const TopClasses& top) {
  const std::size_t ranks = top.classes.shape.at(1);
  std::vector<std::string> names;
  for (const std::string& name : class_names) names.push_back(csv_field(name));
  std::string text = "image,label,class";
  for (std::size_t rank = 1; rank <= ranks; ++rank) {
    text += fmt::format(",label_{0},class_{0},probability_{0}", rank);
  }
  text += "\n";
  for (std::size_t n = 0; n < images.count; ++n) {
    text += fmt::format("{},{},{}", n, images.labels[n], names[images.labels[n]]);
    for (std::size_t at = n * ranks; at < (n + 1) * ranks; ++at) {
      const float probability = top.probabilities.values[at];
      text += fmt::format(",{},{},", top.classes.values[at], names[top.classes.values[at]]);
      text += std::isnan(probability) ? "nan" : fmt::format("{}", probability);
    }
    text += "\n";
  }
  return text;
}

void print_confusion(const std::vector<std::int64_t>& counts,
                     const std::vector<std::string>& names) {
  const std::size_t classes = names.size();
  const std::size_t wide =
      std::max(fmt::format("{}", *std::max_element(counts.begin(), counts.end())).size(),
               fmt::format("{}", classes - 1).size());
  print_line("confusion matrix: rows are true classes, columns predicted classes");
  std::string head(5, ' ');
  for (std::size_t c = 0; c < classes; ++c) head += fmt::format(" {:>{}}", c, wide);
  print_line(head);
  for (std::size_t row = 0; row < classes; ++row) {
    std::string text = fmt::format("  {:>3}", row);
    for (std::size_t c = 0; c < classes; ++c) {
      text += fmt::format(" {:>{}}", counts[row * classes + c], wide);
    }
    print_line(text + "  " + names[row]);
  }
}

/// Nothing if it was interrupted.
std::optional<Evaluation> evaluate_with_progress(const Sequential& model, const ImageSet& images,
                                                 const ImageViews& views, std::size_t threads) {
  ProgressLine progress;
  const double started = steady_seconds();
  return evaluate(model, images, views, threads, [&](std::size_t done) {
    const double elapsed = steady_seconds() - started;
    const double left =
        elapsed * static_cast<double>(images.count - done) / static_cast<double>(done);
    progress.show(fmt::format("image {}/{}  {} left", done, images.count, duration_text(left)));
    return !interrupted();
  });
}

/// The data as the record's run split it; Error if it held out no images.
ImageDataset held_out_data(const std::string& folder, const Record& record,
                           const std::string& path) {
  const TrainingConfiguration configuration =
      errors_naming(path, [&] { return configuration_from(record.group("configuration")); });
  if (configuration.holdout <= 0) {
    throw Error("option --images", "holdout, but " + path + " has held out no images",
                "test or train");
  }
  ImageDataset data = load_dataset(folder, static_cast<std::size_t>(configuration.holdout));
  std::optional<ImageDataset> drawn = drawn_split(configuration, data);
  return drawn ? *std::move(drawn) : data;
}

int evaluate_record(const std::string& name, int argc, const char* const* argv) {
  std::optional<Options> options = parse(name, argc, argv);
  if (!options) return 0;
  catch_interrupts();
  const Overwrite overwrite = options->force ? Overwrite::yes : Overwrite::no;
  if (!options->csv.empty()) check_writable(options->csv, overwrite);
  options->threads = have_threads(options->threads);
  set_blas_threads(1);
  const std::string& path = options->records.front();
  const Record record = load_record(path, "training", options->loading);
  const ImageDataset data = options->images == "holdout"
                                ? held_out_data(options->data, record, path)
                                : load_dataset(options->data);
  check_same_kind(record, data, path, options->any_names);
  const Sequential model = trained_model(record, path);
  const ImageViews views = trained_views(record, data, path);
  const ImageSet& images = options->images == "train" ? data.train : data.test;
  print_line(fmt::format("{}: {} {} images, {} classes", data.name, images.count, options->images,
                         data.class_names.size()));
  print_line(fmt::format("{}: {} parameters, digest sha256:{}", model.name(),
                         model.parameters().size(), digest_of(record)));
  const std::optional<Evaluation> evaluation =
      evaluate_with_progress(model, images, views, options->threads);
  if (!evaluation) {
    print_line("stopped; nothing is kept");
    return kInterrupted;
  }
  const std::size_t classes = data.class_names.size();
  print_line(fmt::format("loss {:.4f}  error {:.2f}%", evaluation->loss, 100 * evaluation->error));
  print_confusion(confusion_matrix(images.labels, evaluation->logits, classes).values,
                  data.class_names);
  if (options->csv.empty()) return 0;
  const std::string text =
      csv_text(images, data.class_names,
               top_classes(evaluation->logits, classes, std::min<std::size_t>(5, classes)));
  write_file(options->csv, std::as_bytes(std::span(text)), overwrite);
  print_line("predictions " + options->csv);
  return 0;
}

}  // namespace
}  // namespace reprise

int main(int argc, char** argv) {
  return reprise::run_program("evaluate", argc, argv, [&](const std::string& name) {
    return reprise::evaluate_record(name, argc, argv);
  });
}
