// Exports a network in every format that takes it, for programs of other makes to load:
// exchange_sample FOLDER MODEL HEIGHT WIDTH CHANNELS FORMAT... Beside the files lie images.npy (8
// images N,H,W,C with values in [0, 1]) and logits.npy, this library's answers.
#include <cmath>
#include <cstdio>
#include <exception>
#include <string>

#include "reprise/core/file.hpp"
#include "reprise/exchange/exchange.hpp"
#include "reprise/exchange/npy.hpp"
#include "reprise/nn/models/models.hpp"

namespace {

using namespace reprise;

constexpr std::size_t kImages = 8, kClasses = 10;

/// As drawn for training, but with biases that are not 0 and weights that no layer lets fade.
Sequential sample_model(const std::string& name, const FeatureShape& image) {
  Sequential model = make_model(name, image, kClasses, default_model_options(name));
  const RandomStream stream = RandomStream(1).child(name);
  for (const Sequential::Entry& entry : model.layers()) {
    std::size_t at = entry.parameter_offset;
    for (const ParameterSpec& spec : entry.parameters) {
      const RandomStream values = stream.child(entry.name).child(spec.name);
      const double fan_in = static_cast<double>(spec.fans.in);
      const double scale = spec.name == "bias" ? 0.1 : std::sqrt(6.0 / fan_in);
      for (std::size_t i = 0; i < spec.size(); ++i) {
        model.parameters()[at++] = static_cast<float>(scale * (2.0 * values.uniform(i) - 1.0));
      }
    }
  }
  return model;
}

Tensor<4> sample_images(const FeatureShape& image) {
  Tensor<4> images = make_tensor<4>({kImages, image.height, image.width, image.channels});
  const RandomStream values = RandomStream(2).child("images");
  for (std::size_t i = 0; i < images.size(); ++i) {
    images.data()[i] = static_cast<float>(values.below(256, i)) / 255.0F;
  }
  return images;
}

void write_npy(const std::string& path, const std::vector<std::size_t>& shape,
               const Tensor<4>& values) {
  write_file(path, details::npy_file(shape, {values.data(), values.size()}));
}

void export_sample(const std::string& folder, const std::string& name, const FeatureShape& image,
                   const std::vector<std::string>& formats) {
  const Sequential model = sample_model(name, image);
  const Tensor<4> images = sample_images(image);
  write_npy(folder + "/images.npy", {kImages, image.height, image.width, image.channels}, images);
  write_npy(folder + "/logits.npy", {kImages, kClasses}, model.predict(images));
  for (const std::string& format : formats) {
    export_model(model, format, folder + "/model." + (format == "keras" ? "weights.h5" : format));
  }
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 7) {
    std::fprintf(stderr, "usage: exchange_sample FOLDER MODEL HEIGHT WIDTH CHANNELS FORMAT...\n");
    return 2;
  }
  export_sample(argv[1], argv[2], {std::stoul(argv[3]), std::stoul(argv[4]), std::stoul(argv[5])},
                {argv + 6, argv + argc});
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
