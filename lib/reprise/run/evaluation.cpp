#include "reprise/run/evaluation.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <numeric>

#include "reprise/core/float_environment.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/core/long_sum.hpp"
#include "reprise/core/parallel.hpp"
#include "reprise/data/batches.hpp"
#include "reprise/nn/losses.hpp"

namespace reprise {
namespace {

constexpr std::size_t kBlock = 16;  ///< images that one thread works together

std::size_t blocks_of(const ImageSet& images) {
  return div_ceil(images.count, kBlock);
}

/// Takes every image through the model, and calls use(tape, call) for each block; call.first_image
/// is the block's place in the set.
void for_each_block(const Sequential& model, const ImageSet& images, std::size_t threads,
                    const std::function<void(const BlockTape&, const BlockTape::Call&)>& use) {
  std::vector<std::unique_ptr<BlockTape>> tapes(std::max<std::size_t>(1, threads));
  parallel_for(threads, blocks_of(images), [&](std::size_t task, std::size_t worker) {
    auto& tape = tapes[worker];
    if (!tape) tape = std::make_unique<BlockTape>(model, kBlock);
    BlockTape::Call call;
    call.first_image = task * kBlock;
    call.N = std::min<std::size_t>(kBlock, images.count - call.first_image);
    std::vector<std::uint32_t> indices(call.N);
    std::iota(indices.begin(), indices.end(), static_cast<std::uint32_t>(call.first_image));
    gather_images(images, indices, tape->input());
    tape->forward(call);
    use(*tape, call);
  });
}

/// Squared, as a long sum over the features in double.
double squared_distance(const float* a, const float* b, std::size_t features) {
  return long_sum<double>(features, [&](std::size_t i) {
    const double difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    return difference * difference;
  });
}

}  // namespace

Evaluation evaluate(const Sequential& model, const ImageSet& images, std::size_t threads) {
  const FloatEnvironment environment;
  const std::size_t classes = model.output_shape().size();
  Evaluation evaluation;
  evaluation.logits.resize(images.count * classes);
  std::vector<double> losses(blocks_of(images));
  std::vector<std::size_t> errors(blocks_of(images));
  for_each_block(model, images, threads, [&](const BlockTape& tape, const BlockTape::Call& call) {
    const std::size_t block = call.first_image / kBlock;
    float* logits = evaluation.logits.data() + call.first_image * classes;
    std::copy_n(tape.output(), call.N * classes, logits);
    std::vector<float> probabilities(call.N * classes);
    std::vector<float> image_losses(call.N);
    const std::uint8_t* labels = images.labels.data() + call.first_image;
    softmax_cross_entropy_forward(call.N, classes, logits, labels, probabilities.data(),
                                  image_losses.data());
    for (std::size_t n = 0; n < call.N; ++n) {
      losses[block] += image_losses[n];
      if (argmax(classes, logits + n * classes) != labels[n]) ++errors[block];
    }
  });
  const auto count = static_cast<double>(images.count);
  evaluation.loss = pairwise_sum(losses) / count;
  evaluation.error =
      static_cast<double>(std::accumulate(errors.begin(), errors.end(), std::size_t{0})) / count;
  return evaluation;
}

std::vector<float> last_hidden_features(const Sequential& model, const ImageSet& images,
                                        std::size_t threads) {
  const std::size_t features = model.layers().back().input.size();
  std::vector<float> result(images.count * features);
  for_each_block(model, images, threads, [&](const BlockTape& tape, const BlockTape::Call& call) {
    std::copy_n(tape.last_hidden(), call.N * features, result.data() + call.first_image * features);
  });
  return result;
}

Neighbours nearest_neighbours(const std::vector<float>& queries, const std::vector<float>& points,
                              std::size_t features, std::size_t count, std::size_t threads) {
  const FloatEnvironment environment;
  const std::size_t query_count = queries.size() / features;
  const std::size_t point_count = points.size() / features;
  Neighbours neighbours{std::vector<std::int64_t>(query_count * count),
                        std::vector<float>(query_count * count)};
  parallel_for(threads, query_count, [&](std::size_t query, std::size_t) {
    std::vector<double> distances(point_count);
    for (std::size_t point = 0; point < point_count; ++point) {
      distances[point] = squared_distance(queries.data() + query * features,
                                          points.data() + point * features, features);
    }
    std::vector<std::size_t> order(point_count);
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto nearer = [&](std::size_t a, std::size_t b) {  // NaN is farthest
      const bool a_is_nan = std::isnan(distances[a]);
      const bool b_is_nan = std::isnan(distances[b]);
      if (a_is_nan != b_is_nan) return b_is_nan;
      if (a_is_nan || distances[a] == distances[b]) return a < b;
      return distances[a] < distances[b];
    };
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count),
                      order.end(), nearer);
    for (std::size_t rank = 0; rank < count; ++rank) {
      neighbours.index[query * count + rank] = static_cast<std::int64_t>(order[rank]);
      neighbours.distance[query * count + rank] =
          static_cast<float>(std::sqrt(distances[order[rank]]));
    }
  });
  return neighbours;
}

}  // namespace reprise
