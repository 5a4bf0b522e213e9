#include "reprise/run/run_streams.hpp"

#include <string_view>

#include "reprise/data/drawn_holdout.hpp"

namespace reprise {
namespace {

RandomStream stream_of(const TrainingConfiguration& c, std::int64_t own, std::string_view kind) {
  return RandomStream(static_cast<std::uint64_t>(own < 0 ? c.seed : own)).child(kind);
}

}  // namespace

RunStreams::RunStreams(const TrainingConfiguration& c)
    : parameters(stream_of(c, c.parameters_seed, "parameters")),
      order(stream_of(c, c.order_seed, "order")),
      augmentation(stream_of(c, c.augmentation_seed, "augmentation")),
      layers(stream_of(c, c.dropout_seed, "layers")),
      holdout(stream_of(c, c.holdout_seed, "holdout")) {}

std::optional<ImageDataset> drawn_split(const TrainingConfiguration& c, const ImageDataset& data) {
  if (c.holdout_draw != "random" || data.holdout == 0) return std::nullopt;
  return with_drawn_holdout(data, RunStreams(c).holdout);
}

}  // namespace reprise
