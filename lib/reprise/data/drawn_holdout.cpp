#include "reprise/data/drawn_holdout.hpp"

#include <algorithm>
#include <span>

namespace reprise {
namespace {

/// Images by their numbers in `first` and then `second`.
ImageSet picked(const ImageSet& first, const ImageSet& second,
                std::span<const std::uint32_t> numbers) {
  ImageSet set = {numbers.size(), first.height, first.width, first.channels, {}, {}};
  const std::size_t size = set.image_size();
  set.pixels.resize(set.count * size);
  set.labels.resize(set.count);
  for (std::size_t i = 0; i < set.count; ++i) {
    const bool is_first = numbers[i] < first.count;
    const ImageSet& from = is_first ? first : second;
    const std::size_t image = is_first ? numbers[i] : numbers[i] - first.count;
    std::copy_n(from.pixels.data() + image * size, size, set.pixels.data() + i * size);
    set.labels[i] = from.labels[image];
  }
  return set;
}

}  // namespace

ImageDataset with_drawn_holdout(const ImageDataset& data, const RandomStream& stream) {
  const std::size_t images = data.train.count + data.test.count;
  std::vector<std::uint32_t> order = stream.permutation(static_cast<std::uint32_t>(images));
  const std::size_t kept = images - data.holdout;
  const auto held = order.begin() + static_cast<std::ptrdiff_t>(kept);
  std::sort(order.begin(), held);
  std::sort(held, order.end());
  ImageDataset drawn;
  drawn.name = data.name;
  drawn.class_names = data.class_names;
  drawn.files = data.files;
  drawn.holdout = data.holdout;
  drawn.train = picked(data.train, data.test, std::span(order).first(kept));
  drawn.test = picked(data.train, data.test, std::span(order).subspan(kept));
  return drawn;
}

}  // namespace reprise
