/// \file
/// How a summary packs the errors of steps: of each epoch a text with the number of wrong images of
/// each step's batch, in hexadecimal digits, as many for each as the largest batch needs. For the
/// sources of this folder alone.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "reprise/core/integer.hpp"
#include "reprise/record/record.hpp"

namespace reprise::details {

/// The images that a run is trained on, and those of the largest batch.
struct StepImages {
  std::int64_t images = 0, batch_size = 1;

  [[nodiscard]] std::size_t steps() const {
    return static_cast<std::size_t>(div_ceil(images, batch_size));
  }
  /// Of a step's batch; the last one of an epoch has what is left.
  [[nodiscard]] std::int64_t of_step(std::size_t step) const {
    return std::min(batch_size, images - static_cast<std::int64_t>(step) * batch_size);
  }
  /// Hexadecimal digits of a step.
  [[nodiscard]] std::size_t digits() const {
    std::size_t digits = 1;
    for (std::int64_t most = batch_size; most >= 16; most /= 16) ++digits;
    return digits;
  }
};

/// As /configuration and /data say.
StepImages step_images(const Record& record);

/// The number that hexadecimal digits in lower case give; -1 if one is none.
inline std::int64_t hex_number(std::string_view text) {
  std::int64_t number = 0;
  for (const char c : text) {
    const bool is_letter = c >= 'a' && c <= 'f';
    if (!is_letter && (c < '0' || c > '9')) return -1;
    number = 16 * number + (is_letter ? c - 'a' + 10 : c - '0');
  }
  return number;
}

}  // namespace reprise::details
