// Which reader takes a file, and what its weights are like.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "reprise/core/error.hpp"
#include "reprise/exchange/exchange.hpp"
#include "reprise/exchange/formats.hpp"
#include "reprise/exchange/incoming_weights.hpp"
#include "reprise/exchange/tensor_places.hpp"
#include "reprise/run/training.hpp"

namespace reprise {
namespace {

constexpr float kLarge = 0x1p24F;

/// No file with a model's weights is longer: Adam's state, which Keras adds, makes them threefold,
/// and safetensors' header may have 100 MB.
std::size_t most_bytes(const Sequential& model) {
  return (std::size_t{1} << 27) + 4 * sizeof(float) * model.parameters().size();
}

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Whether a record's line with its SHA-256 ends the file.
bool ends_as_record(std::string_view file) {
  constexpr std::size_t line = 73;
  return file.size() > line && file.substr(file.size() - line).starts_with("\nsha256:");
}

bool is_record(const Group& tree) {
  const auto format = tree.attributes.find("format");
  if (format == tree.attributes.end()) return false;
  const auto* text = std::get_if<std::string>(&format->second);
  return text != nullptr && text->starts_with("reprise record");
}

/// The parameters in a record of a training run, of which the model may be another.
std::vector<float> from_record(const Sequential& model, const Record& record) {
  details::IncomingWeights weights(
      model.name(), details::tensor_places(model, details::TensorLayout::channels_last));
  for (const auto& [layer, group] : record.group("model").groups) {
    for (const auto& [name, dataset] : group.datasets) {
      weights.set(weights.take(layer + "." + name), dataset);
    }
  }
  return weights.finish();
}

struct Parameters {
  std::string format;
  std::vector<float> values;
};

Parameters load_parameters(const Sequential& model, const std::string& path,
                           const LoadOptions& options) {
  const std::vector<std::byte> file = read_file(path, most_bytes(model));
  const std::string_view text = text_of(file);
  const auto record = [&]() -> Parameters {
    const Record tree = load_record(path, "training", options);
    return {"record", errors_naming(path, [&] { return from_record(model, tree); })};
  };
  if (text.starts_with("\x89HDF\r\n\x1a\n")) {
    if (ends_as_record(text)) return record();
    const Group tree = tree_of_plain_hdf5(file, path, options);
    if (is_record(tree)) return record();
    return {"keras", errors_naming(path, [&] { return details::from_keras(model, tree); })};
  }
  return errors_naming(path, [&]() -> Parameters {
    if (text.starts_with("PK")) return {"npz", details::from_npz(model, file)};
    if (text.size() > 8 && text[8] == '{') {
      return {"safetensors", details::from_safetensors(model, file)};
    }
    throw Error("weights", "unknown file format",
                "npz, safetensors, Keras's .weights.h5, or the record of a training run");
  });
}

/// "" if the values are ordinary.
std::string note_on(const std::string& name, std::span<const float> values) {
  const auto count = [&](const auto& is) {
    return std::count_if(values.begin(), values.end(), is);
  };
  const auto not_finite = count([](float value) { return !std::isfinite(value); });
  const auto large =
      count([](float value) { return std::isfinite(value) && std::abs(value) > kLarge; });
  std::string note;
  if (not_finite > 0)
    note = fmt::format("{} of {} values are not finite", not_finite, values.size());
  if (large > 0) {
    note += fmt::format("{}{} of {} values are beyond 2^24", note.empty() ? "" : ", ", large,
                        values.size());
  }
  return note.empty() ? "" : name + ": " + note;
}

}  // namespace

std::vector<std::string> notes_on_weights(const Sequential& model) {
  std::vector<std::string> notes;
  for (const details::TensorPlace& place :
       details::tensor_places(model, details::TensorLayout::channels_last)) {
    std::string note = note_on(place.name, model.parameters().subspan(place.offset, place.size()));
    if (!note.empty()) notes.push_back(std::move(note));
  }
  return notes;
}

ImportedWeights import_weights(Sequential& model, const std::string& path,
                               const LoadOptions& options) {
  const Parameters parameters = load_parameters(model, path, options);
  std::copy(parameters.values.begin(), parameters.values.end(), model.parameters().begin());
  return {parameters.format, parameters_sha256(model.parameters()), notes_on_weights(model)};
}

InitialWeights initial_weights(const TrainingConfiguration& configuration, const ImageDataset& data,
                               const std::string& path, const LoadOptions& options) {
  check(configuration);
  Sequential model = make_model(configuration, data);
  const ImportedWeights imported = import_weights(model, path, options);
  return {{model.parameters().begin(), model.parameters().end()}, imported};
}

}  // namespace reprise
