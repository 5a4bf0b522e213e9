/// \file
/// The models by name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "reprise/conv/conv_algorithm.hpp"
#include "reprise/nn/models/model_options.hpp"
#include "reprise/nn/sequential.hpp"

namespace reprise {

/// "lenet5", "four_layer_cnn", ...
std::vector<std::string> model_names();

/// What a model has unless it is told otherwise: ModelOptions{} for lenet5 and four_layer_cnn, what
/// the paper has for the others. Error names the known models.
ModelOptions default_model_options(std::string_view name);

/// The model for images of this shape. Error if the name or an option is unknown, the model has no
/// such choice, or the image is too small for its layers.
Sequential make_model(std::string_view name, const FeatureShape& image, std::size_t classes,
                      const ModelOptions& options,
                      const ConvAlgorithm& algorithm = default_conv_algorithm());

}  // namespace reprise
