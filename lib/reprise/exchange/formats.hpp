/// \file
/// The formats, one writer and one reader each.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "reprise/nn/sequential.hpp"
#include "reprise/record/record.hpp"

namespace reprise::details {

/// Whether the library was built with ONNX (REPRISE_WITH_ONNX).
bool has_onnx();
std::vector<std::byte> to_onnx(const Sequential& model);

std::vector<std::byte> to_npz(const Sequential& model);
std::vector<std::byte> to_safetensors(const Sequential& model);
std::vector<std::byte> to_keras(const Sequential& model);

/// All parameters, as Sequential has them, from a whole file. Error unless it has the model's
/// tensors, each once, of its shapes, and nothing else.
std::vector<float> from_npz(const Sequential& model, std::span<const std::byte> file);
std::vector<float> from_safetensors(const Sequential& model, std::span<const std::byte> file);
/// From the tree of a .weights.h5; its groups that are no layer's are left aside.
std::vector<float> from_keras(const Sequential& model, const Group& tree);

}  // namespace reprise::details
