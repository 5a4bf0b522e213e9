// Which format writes a model.
#include "reprise/core/error.hpp"
#include "reprise/exchange/exchange.hpp"
#include "reprise/exchange/formats.hpp"

namespace reprise {

std::vector<std::string> export_formats() {
  std::vector<std::string> names = {"npz", "safetensors", "keras"};
  if (details::has_onnx()) names.insert(names.begin(), "onnx");
  return names;
}

std::vector<std::byte> exported_model(const Sequential& model, std::string_view format) {
  if (format == "onnx") return details::to_onnx(model);
  if (format == "npz") return details::to_npz(model);
  if (format == "safetensors") return details::to_safetensors(model);
  if (format == "keras") return details::to_keras(model);
  throw Error("format", "\"" + std::string(format) + "\"", join(export_formats()));
}

void export_model(const Sequential& model, std::string_view format, const std::string& path,
                  Overwrite overwrite) {
  write_file(path, exported_model(model, format), overwrite);
}

}  // namespace reprise
