#include "reprise/data/batches.hpp"

#include <algorithm>
#include <limits>

#include "reprise/core/error.hpp"
#include "reprise/core/float_environment.hpp"

namespace reprise {

std::vector<std::uint32_t> epoch_order(const RandomStream& stream, std::uint64_t epoch,
                                       std::size_t count) {
  constexpr std::size_t most = std::numeric_limits<std::uint32_t>::max();
  if (count > most) throw Error("epoch order", std::to_string(count) + " images", "below 2^32");
  return stream.child(epoch).permutation(static_cast<std::uint32_t>(count));
}

void gather_images(const ImageSet& set, std::span<const std::uint32_t> indices, float* output) {
  const FloatEnvironment environment;
  const std::size_t size = set.image_size();
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const std::uint8_t* pixels = set.pixels.data() + indices[i] * size;
    if (i + 1 < indices.size()) {  // images lie anywhere in memory: ask for the next one in time
      const std::uint8_t* next = set.pixels.data() + indices[i + 1] * size;
      for (std::size_t line = 0; line < size; line += 64) __builtin_prefetch(next + line);
    }
    output = std::transform(pixels, pixels + size, output,
                            [](std::uint8_t pixel) { return static_cast<float>(pixel) / 255.0F; });
  }
}

void gather_labels(const ImageSet& set, std::span<const std::uint32_t> indices,
                   std::uint8_t* output) {
  std::transform(indices.begin(), indices.end(), output,
                 [&](std::uint32_t index) { return set.labels[index]; });
}

}  // namespace reprise
