/// \file
/// Lists of shapes from files; the notation is that of conv/conv_shape.hpp.
#pragma once

#include <string>
#include <vector>

#include "reprise/conv/conv_shape.hpp"

namespace reprise {

/// The shapes of a file, one line each; '#' starts a comment. Error names file and line number, or
/// why the file cannot be read.
std::vector<ConvShape> read_conv_shapes(const std::string& file);

}  // namespace reprise
