// The trained network of a record, in a file for other programs.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "reprise/core/error.hpp"
#include "reprise/core/file.hpp"
#include "reprise/core/terminal.hpp"
#include "reprise/exchange/exchange.hpp"
#include "reprise/record_file/record_file.hpp"
#include "reprise/run/configuration.hpp"
#include "reprise/run/trained_model.hpp"
#include "reprise/run/training.hpp"
#include "support/program.hpp"

namespace reprise {
namespace {

struct Options {
  std::vector<std::string> records;  ///< one
  std::string format;
  std::string output;
  bool force = false;
  LoadOptions loading;
};

/// nullopt if --help was asked for.
std::optional<Options> parse(const std::string& name, int argc, const char* const* argv) {
  Options options;
  CommandLine line(name, "Writes the trained network of a record for other programs.");
  const std::vector<std::string> formats = {"onnx", "npz", "safetensors", "keras"};
  line.add_operands("RECORD", options.records, {1, 1}, "the record of a training run");
  line.add_text("--format", options.format, "onnx, npz, safetensors or keras; required", "FORMAT");
  line.set_choices("--format", formats);
  line.add_text("--output", options.output, "the file to write; required", "FILE");
  line.add_flag("--force", options.force, "overwrite an existing file");
  add_load_options(line, options.loading);
  const std::string train = name.starts_with("reprise ") ? "reprise train" : "train_lenet5";
  line.set_footer(
      "  onnx         the network, for runtimes: images N,C,H,W with pixels divided by 255 in,\n"
      "               logits out\n"
      "  npz          its parameters by name, for NumPy: kernels height,width,in,out, dense "
      "in,out\n"
      "  safetensors  its parameters by name, for PyTorch: kernels out,in,height,width, dense "
      "out,in\n"
      "  keras        its parameters, as .weights.h5 for the same network in Keras 3\n\n"
      "If a format cannot express a layer, the program names it and writes nothing. What is\n"
      "exported as npz, safetensors or keras can be trained further with\n\"" +
      train +
      " --initial FILE\".\n\n"
      "Exit status: 0; 1 if the record cannot be read or exported; 2 for bad usage.\n\n"
      "Example:\n  " +
      name + " runs/lenet5.h5 --format onnx --output lenet5.onnx");
  if (!line.parse(argc, argv)) return std::nullopt;
  if (options.format.empty()) {
    throw UsageError("option --format", "not given", "one of " + join(formats));
  }
  if (std::find(formats.begin(), formats.end(), options.format) == formats.end()) {
    throw UsageError("option --format", "\"" + options.format + "\"", "one of " + join(formats));
  }
  if (options.output.empty()) throw UsageError("option --output", "not given", "--output FILE");
  return options;
}

/// What the network is given of an image; "" if that is pixel / 255 of all of it.
std::string input_note(const TrainingConfiguration& settings) {
  std::vector<std::string> parts;
  if (settings.crop > 0) parts.push_back(fmt::format("{0}x{0} cells of an image", settings.crop));
  if (settings.pixel_max != 1)
    parts.push_back(fmt::format("pixels from 0 to {}", settings.pixel_max));
  if (settings.subtract != "none") parts.emplace_back("less the record's /model/mean_image");
  return parts.empty() ? ""
                       : "the network takes " + join(parts) + ", which is for the caller to do";
}

int export_record(const std::string& name, int argc, const char* const* argv) {
  const std::optional<Options> options = parse(name, argc, argv);
  if (!options) return 0;
  const Overwrite overwrite = options->force ? Overwrite::yes : Overwrite::no;
  check_writable(options->output, overwrite);
  const std::string& path = options->records.front();
  const Record record = load_record(path, "training", options->loading);
  const Sequential model = trained_model(record, path);
  const std::string input = input_note(configuration_from(record.group("configuration")));
  if (!input.empty()) print_error_line("note: " + input);
  for (const std::string& note : notes_on_weights(model)) print_error_line("note: " + note);
  const std::vector<std::byte> bytes =
      errors_naming(path, [&] { return exported_model(model, options->format); });
  write_file(options->output, bytes, overwrite);
  print_line(fmt::format("{}: {} parameters sha256:{}", model.name(), model.parameters().size(),
                         parameters_sha256(model.parameters())));
  print_line(fmt::format("{} {} ({} bytes)", options->format, options->output, bytes.size()));
  return 0;
}

}  // namespace
}  // namespace reprise

int main(int argc, char** argv) {
  return reprise::run_program("export_model", argc, argv, [&](const std::string& name) {
    return reprise::export_record(name, argc, argv);
  });
}
