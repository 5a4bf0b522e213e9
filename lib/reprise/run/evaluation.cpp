#include "reprise/run/evaluation.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <numeric>
#include <utility>

#include "reprise/core/float_environment.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/core/long_sum.hpp"
#include "reprise/core/parallel.hpp"
#include "reprise/data/batches.hpp"
#include "reprise/linalg/math.hpp"
#include "reprise/nn/losses.hpp"

namespace reprise {
namespace {

constexpr std::size_t kSamples = 12;    ///< test images shown in reports
constexpr std::size_t kNeighbours = 6;  ///< training images shown beside each
constexpr std::size_t kRanks = 5;       ///< classes kept of each test image

constexpr std::size_t kBlock = 16;  ///< images that one thread works together

std::size_t blocks_of(const ImageSet& images) {
  return div_ceil(images.count, kBlock);
}

/// Counts images for a caller that may stop the work.
class Progress {
 public:
  explicit Progress(const std::function<bool(std::size_t)>& tell) : tell_(tell) {}
  [[nodiscard]] bool is_stopped() const { return stopped_; }
  void add(std::size_t images) {
    const std::lock_guard lock(mutex_);
    done_ += images;
    if (!stopped_ && tell_ && !tell_(done_)) stopped_ = true;
  }

 private:
  const std::function<bool(std::size_t)>& tell_;
  std::mutex mutex_;
  std::size_t done_ = 0;
  std::atomic<bool> stopped_ = false;
};

/// A block of images on its way through a model.
struct Block {
  const ImageSet& images;
  const ImageInput& input;
  BlockWorkspace& workspace;
  BlockWorkspace::Call call;  ///< call.first_image is the block's place in the set

  [[nodiscard]] std::size_t index() const { return call.first_image / kBlock; }

  /// What the model says of a view of each image is in the workspace then.
  void forward(const View& view) const {
    std::vector<std::uint32_t> indices(call.N);
    std::iota(indices.begin(), indices.end(), static_cast<std::uint32_t>(call.first_image));
    if (view == View{} && is_plain(input, images)) {
      gather_images(images, indices, workspace.input());
    } else {
      gather_view(images, indices, view, input, workspace.input());
    }
    workspace.forward(call);
  }
};

/// Calls use(block) for each block of a set's images that is this rank's. False if `tell` stopped
/// it.
bool for_each_block(const Sequential& model, const ImageSet& images, const ImageInput& input,
                    std::size_t threads, const Ranks& ranks,
                    const std::function<void(const Block&)>& use,
                    const std::function<bool(std::size_t)>& tell = nullptr) {
  const Share share = share_of(blocks_of(images), ranks.rank(), ranks.size());
  std::vector<std::unique_ptr<BlockWorkspace>> workspaces(std::max<std::size_t>(1, threads));
  Progress progress(tell);
  parallel_for(threads, share.size(), [&](std::size_t task, std::size_t worker) {
    if (progress.is_stopped()) return;
    auto& workspace = workspaces[worker];
    if (!workspace) workspace = std::make_unique<BlockWorkspace>(model, kBlock);
    BlockWorkspace::Call call;
    call.first_image = (share.begin + task) * kBlock;
    call.N = std::min<std::size_t>(kBlock, images.count - call.first_image);
    use({images, input, *workspace, call});
    progress.add(call.N);
  });
  return !progress.is_stopped();
}

/// The logits of a block's images by the mean over its views, images,classes.
void logits_by_views(const Block& block, const std::vector<View>& views, std::size_t classes,
                     float* logits) {
  const std::size_t size = block.call.N * classes;
  if (views.size() == 1) {
    block.forward(views.front());
    std::copy_n(block.workspace.output(), size, logits);
    return;
  }
  std::vector<float> each(views.size() * size);  // log-probabilities; views,images,classes
  for (std::size_t v = 0; v < views.size(); ++v) {
    block.forward(views[v]);
    log_softmax_forward(block.call.N, classes, block.workspace.output(), each.data() + v * size);
  }
  mean_of_probabilities(views.size(), size, each.data(), logits);
}

/// Squared, as a long sum over the features in double.
double squared_distance(const float* a, const float* b, std::size_t features) {
  return long_sum<double>(features, [&](std::size_t i) {
    const double difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    return difference * difference;
  });
}

/// The first `count` images of a set.
ImageSet first_images(const ImageSet& images, std::size_t count) {
  const auto part = [](const std::vector<std::uint8_t>& values, std::size_t size) {
    return std::vector<std::uint8_t>(values.begin(),
                                     values.begin() + static_cast<std::ptrdiff_t>(size));
  };
  ImageSet first = {count, images.height, images.width, images.channels, {}, {}};
  first.pixels = part(images.pixels, count * images.image_size());
  first.labels = part(images.labels, count);
  return first;
}

/// The first images of the test set, so that every run on the same data shows the same ones.
void add_samples(const ImageSet& first, EvaluationRecord& record) {
  record.sample_index.resize(first.count);
  std::iota(record.sample_index.begin(), record.sample_index.end(), 0);
  record.sample_images = {{first.count, first.height, first.width, first.channels}, first.pixels};
  record.sample_labels = first.labels;
}

/// The images trained on that lie nearest to each sample in the last hidden layer's space, as in
/// Figure 4 of Krizhevsky et al. 2012.
void add_neighbours(const TrainingRun& run, const ImageSet& samples, const ImageSet& train,
                    EvaluationRecord& record) {
  const Sequential& model = run.model();
  const ImageInput& input = run.input();
  const std::size_t threads = run.threads();
  const View centre = centre_view(input, train);
  const std::size_t count = std::min(kNeighbours, train.count);
  const std::size_t features = model.layers().back().input.size();
  const auto of_samples = last_hidden_features(model, samples, input, centre, threads, run.ranks());
  const auto of_train = last_hidden_features(model, train, input, centre, threads, run.ranks());
  if (!run.ranks().is_first()) return;
  const Neighbours nearest = nearest_neighbours(of_samples, of_train, features, count, threads);
  std::vector<std::uint8_t> labels, pixels;
  for (const std::int64_t index : nearest.index) {
    labels.push_back(train.labels[static_cast<std::size_t>(index)]);
    const auto begin =
        train.pixels.begin() + index * static_cast<std::ptrdiff_t>(train.image_size());
    pixels.insert(pixels.end(), begin, begin + static_cast<std::ptrdiff_t>(train.image_size()));
  }
  const std::vector<std::size_t> shape = {samples.count, count};
  record.nearest_index = {shape, nearest.index};
  record.nearest_labels = {shape, labels};
  record.nearest_distances = {shape, nearest.distance};
  record.nearest_images = {{samples.count, count, train.height, train.width, train.channels},
                           pixels};
}

/// The weights of the first convolution, if there is one.
std::optional<Array<float>> first_layer_kernels(const Sequential& model) {
  for (const Sequential::Entry& entry : model.layers()) {
    if (entry.layer->type() != "conv2d") continue;
    const ParameterSpec& weight = entry.parameters.front();
    const auto values = model.parameters().subspan(entry.parameter_offset, weight.size());
    return Array<float>{weight.shape, {values.begin(), values.end()}};
  }
  return std::nullopt;
}

/// As evaluate().
std::optional<Evaluation> evaluate_on(Ranks& ranks, const Sequential& model, const ImageSet& images,
                                      const ImageViews& views, std::size_t threads,
                                      const std::function<bool(std::size_t)>& progress) {
  const FloatEnvironment environment;
  const std::size_t classes = model.output_shape().size();
  Evaluation evaluation;
  evaluation.logits.resize(images.count * classes);
  std::vector<double> losses(blocks_of(images));
  std::vector<std::size_t> errors(blocks_of(images));
  const auto take = [&](const Block& block) {
    const BlockWorkspace::Call& call = block.call;
    float* logits = evaluation.logits.data() + call.first_image * classes;
    logits_by_views(block, views.views, classes, logits);
    std::vector<float> probabilities(call.N * classes);
    std::vector<float> image_losses(call.N);
    const std::uint8_t* labels = images.labels.data() + call.first_image;
    softmax_cross_entropy_forward(call.N, classes, logits, labels, probabilities.data(),
                                  image_losses.data());
    for (std::size_t n = 0; n < call.N; ++n) {
      losses[block.index()] += image_losses[n];
      if (argmax(classes, logits + n * classes) != labels[n]) ++errors[block.index()];
    }
  };
  if (!for_each_block(model, images, views.input, threads, ranks, take, progress)) {
    return std::nullopt;
  }
  gather_on_first(ranks, losses, 1);
  gather_on_first(ranks, errors, 1);
  gather_on_first(ranks, evaluation.logits, kBlock * classes);
  const auto count = static_cast<double>(images.count);
  evaluation.loss = pairwise_sum(losses) / count;
  evaluation.error =
      static_cast<double>(std::accumulate(errors.begin(), errors.end(), std::size_t{0})) / count;
  broadcast_value(ranks, evaluation.loss);
  broadcast_value(ranks, evaluation.error);
  return evaluation;
}

}  // namespace

ImageViews plain_views(const ImageSet& images) {
  return {plain_input(images), {View{}}};
}

void mean_of_probabilities(std::size_t views, std::size_t count, const float* logs, float* mean) {
  const FloatEnvironment environment;
  std::vector<float> most(logs, logs + count);
  for (std::size_t i = count; i < views * count; ++i) {
    float& largest = most[i % count];
    if (logs[i] > largest || std::isnan(logs[i])) largest = logs[i];
  }
  std::vector<float> sum(count), term(count);
  for (std::size_t v = 0; v < views; ++v) {
    for (std::size_t i = 0; i < count; ++i) term[i] = logs[v * count + i] - most[i];
    exp(count, term.data(), term.data());
    for (std::size_t i = 0; i < count; ++i) sum[i] += term[i];
  }
  for (float& s : sum) s /= static_cast<float>(views);
  log(count, sum.data(), sum.data());
  constexpr float none = -std::numeric_limits<float>::infinity();  // a probability of 0
  for (std::size_t i = 0; i < count; ++i) mean[i] = most[i] == none ? none : most[i] + sum[i];
}

Evaluation evaluate(const Sequential& model, const ImageSet& images, const ImageViews& views,
                    std::size_t threads) {
  return *evaluate(model, images, views, threads, nullptr);
}

Evaluation evaluate(const Sequential& model, const ImageSet& images, std::size_t threads) {
  return evaluate(model, images, plain_views(images), threads);
}

Evaluation evaluate(const Sequential& model, const ImageSet& images, const ImageViews& views,
                    std::size_t threads, Ranks& ranks) {
  return *evaluate_on(ranks, model, images, views, threads, nullptr);
}

std::optional<Evaluation> evaluate(const Sequential& model, const ImageSet& images,
                                   const ImageViews& views, std::size_t threads,
                                   const std::function<bool(std::size_t images_done)>& progress) {
  return evaluate_on(one_rank(), model, images, views, threads, progress);
}

std::vector<float> last_hidden_features(const Sequential& model, const ImageSet& images,
                                        const ImageInput& input, const View& view,
                                        std::size_t threads, Ranks& ranks) {
  const std::size_t features = model.layers().back().input.size();
  std::vector<float> result(images.count * features);
  for_each_block(model, images, input, threads, ranks, [&](const Block& block) {
    block.forward(view);
    std::copy_n(block.workspace.last_hidden(), block.call.N * features,
                result.data() + block.call.first_image * features);
  });
  gather_on_first(ranks, result, kBlock * features);
  return result;
}

std::vector<float> last_hidden_features(const Sequential& model, const ImageSet& images,
                                        std::size_t threads) {
  return last_hidden_features(model, images, plain_input(images), View{}, threads);
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

TopClasses top_classes(const std::vector<float>& logits, std::size_t classes, std::size_t ranks) {
  const std::size_t images = logits.size() / classes;
  std::vector<float> probabilities(logits.size());
  std::vector<float> losses(images);
  const std::vector<std::uint8_t> any_labels(images, 0);
  softmax_cross_entropy_forward(images, classes, logits.data(), any_labels.data(),
                                probabilities.data(), losses.data());
  TopClasses top = {{{images, ranks}, {}}, {{images, ranks}, {}}};
  std::vector<std::size_t> order(classes);
  for (std::size_t n = 0; n < images; ++n) {
    const float* p = probabilities.data() + n * classes;
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return p[a] > p[b]; });
    if (std::isnan(p[0])) {  // all are: the class that the confusion matrix counts comes first
      const auto best =
          order.begin() + static_cast<std::ptrdiff_t>(argmax(classes, logits.data() + n * classes));
      std::rotate(order.begin(), best, best + 1);
    }
    for (std::size_t rank = 0; rank < ranks; ++rank) {
      top.classes.values.push_back(static_cast<std::uint8_t>(order[rank]));
      top.probabilities.values.push_back(p[order[rank]]);
    }
  }
  return top;
}

Array<std::int64_t> confusion_matrix(const std::vector<std::uint8_t>& labels,
                                     const std::vector<float>& logits, std::size_t classes) {
  std::vector<std::int64_t> counts(classes * classes);
  for (std::size_t n = 0; n < labels.size(); ++n) {
    ++counts[labels[n] * classes + argmax(classes, logits.data() + n * classes)];
  }
  return {{classes, classes}, counts};
}

EvaluationRecord evaluation_of(const TrainingRun& run) {
  const Sequential& model = run.model();
  const ImageSet& test = run.data().test;
  const ImageSet trained = first_images(run.data().train, run.train_images());
  const std::size_t classes = model.output_shape().size();
  const ImageViews views = {run.input(), test_views(run.configuration(), run.input(), test)};
  const Evaluation on_test = evaluate(model, test, views, run.threads(), run.ranks());
  const Evaluation on_trained = evaluate(model, trained, views, run.threads(), run.ranks());
  const ImageSet samples = first_images(test, std::min(kSamples, test.count));
  EvaluationRecord record;
  add_neighbours(run, samples, trained, record);
  if (!run.ranks().is_first()) return {};
  TopClasses top = top_classes(on_test.logits, classes, std::min(kRanks, classes));

  record.test_loss = on_test.loss;
  record.test_accuracy = 1.0 - on_test.error;
  record.train_loss = on_trained.loss;
  record.train_error = on_trained.error;
  record.logits = {{test.count, classes}, on_test.logits};
  record.test_labels = test.labels;
  record.confusion = confusion_matrix(test.labels, on_test.logits, classes);
  record.top5_labels = std::move(top.classes);
  record.top5_probabilities = std::move(top.probabilities);
  add_samples(samples, record);
  record.first_layer_kernels = first_layer_kernels(model);
  return record;
}

}  // namespace reprise
