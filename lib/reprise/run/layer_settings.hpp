/// \file
/// Settings of single layers: rates, decay, schedules and initial values of their weights and
/// biases, as cuda-convnet's layer parameter files have them (epsW, epsB, wc, initW, initB).
///
/// They are one text, the setting `layers`: items LAYER.KEY=VALUE with blanks between, such as
/// "conv1.bias_lr_mult=2 conv1.weight_deviation=0.0001". LAYER is a layer of the model, or `all`
/// for every layer that does not say otherwise. In TOML tables [layer.conv1] say the same.
///
///   weight_lr, bias_lr                the learning rate; 0: never changed
///   weight_lr_mult, bias_lr_mult      the same as a multiple of the setting learning_rate
///   weight_decay, bias_decay          the weight decay (sgd, nesterov)
///   weight_deviation, bias_deviation  initial values are normal with this standard deviation
///   weight_value, bias_value          initial values are this number
///   lr_milestones, lr_gamma           the schedule, in place of the settings of these names
///   frozen_from                       the layer is not changed from this epoch on, the first being
///                                     0; lr_milestones count the same way
///
/// A layer's weights are its parameters whose names begin with "weight", all others its biases.
/// What is not changed keeps the optimizer's memory, too, as it is.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reprise/nn/optimizers.hpp"
#include "reprise/nn/sequential.hpp"
#include "reprise/run/configuration.hpp"

namespace reprise {

/// The same settings in the one way that configurations keep them: layers in the order of their
/// names (numbers in them by their size), keys in the order above, numbers at their shortest.
/// Error, which begins with `where`, for an item that is none, an unknown key (with the nearest
/// known one), a value out of range, an item given twice, or two ways to say one thing.
std::string canonical_layers(const std::string& where, const std::string& text);

/// The item of one key, for canonical_layers.
std::string layer_item(const std::string& layer, const std::string& key, const std::string& value);
/// All keys, in their order.
std::vector<std::string> layer_keys();

/// The text with epochs scaled from a run of `from` epochs to one of `to`: those of each
/// lr_milestones, which count once where they fall together, and frozen_from.
std::string scaled_layers(const std::string& layers, std::int64_t from, std::int64_t to);

/// Error if the setting `layers` is not such a text, or asks for decay of an optimizer without any.
void check_layers(const TrainingConfiguration& configuration);

/// Error if the setting names a layer that the model does not have, or that has no parameters (with
/// the nearest one that has); else the model's parameters are to start as it says.
void set_initializers(const TrainingConfiguration& configuration, Sequential& model);

/// The model's parameters with the rate and decay of each in an epoch, the first being 0.
std::vector<ParameterGroup> parameter_groups(const TrainingConfiguration& configuration,
                                             const Sequential& model, std::size_t epoch);

}  // namespace reprise
