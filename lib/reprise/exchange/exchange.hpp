/// \file
/// Trained weights in the files of other programs: ONNX, NumPy's npz, safetensors, Keras's
/// .weights.h5. docs/exchange.md tells what each format holds, by which names and in which layouts.
///
/// Files come from strangers. A reader checks every size against the file and the model before it
/// takes memory, takes the model's tensors and nothing else, and refuses in one line.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "reprise/core/file.hpp"
#include "reprise/nn/sequential.hpp"
#include "reprise/record_file/record_file.hpp"
#include "reprise/run/training.hpp"

namespace reprise {

/// "onnx" (where the library was built with it), "npz", "safetensors", "keras".
std::vector<std::string> export_formats();

/// The bytes of a file: the same model gives the same ones. Error if the format is unknown, or has
/// no equivalent of a layer, which it names.
std::vector<std::byte> exported_model(const Sequential& model, std::string_view format);

/// The same as a file, whole or not at all (write_file()).
void export_model(const Sequential& model, std::string_view format, const std::string& path,
                  Overwrite overwrite = Overwrite::no);

/// A line for each parameter with values that training will not like: not finite ones, and ones
/// beyond 2^24, which fft and winograd do not take.
std::vector<std::string> notes_on_weights(const Sequential& model);

struct ImportedWeights {
  std::string format;              ///< "npz", "safetensors", "keras" or "record"
  std::string sha256;              ///< parameters_sha256() of the model now
  std::vector<std::string> notes;  ///< notes_on_weights()
};
/// Sets every parameter of the model from a file of one of these formats, which its contents tell:
/// npz, safetensors, Keras's .weights.h5, or the record of a training run. Error, which begins with
/// the path, unless the file has the model's tensors and no others, of the model's shapes; the
/// model is then as it was.
ImportedWeights import_weights(Sequential& model, const std::string& path,
                               const LoadOptions& options = {});

struct InitialWeights {
  std::vector<float> values;  ///< all parameters, as TrainingRun takes them
  ImportedWeights imported;
};
/// The weights in a file for the network of a run with these settings on data like this. Errors are
/// those of make_model() and import_weights().
InitialWeights initial_weights(const TrainingConfiguration& configuration, const ImageDataset& data,
                               const std::string& path, const LoadOptions& options = {});

}  // namespace reprise
