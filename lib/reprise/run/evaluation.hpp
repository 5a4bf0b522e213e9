/// \file
/// What a trained model says of a set of images, and how it sees them; and all of that which a
/// record keeps, as plain data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "reprise/data/dataset.hpp"
#include "reprise/data/image_input.hpp"
#include "reprise/nn/sequential.hpp"
#include "reprise/record/contents.hpp"
#include "reprise/run/training.hpp"

namespace reprise {

/// What a model says of a set of images.
struct Evaluation {
  double loss = 0.0;          ///< mean softmax cross-entropy, nats
  double error = 0.0;         ///< fraction of images whose predicted class is not their label
  std::vector<float> logits;  ///< images,classes
};
/// How a network is shown images that are not for training.
struct ImageViews {
  ImageInput input;
  std::vector<View> views;  ///< one or more
};
/// Whole images as pixel / 255.
ImageViews plain_views(const ImageSet& images);

/// With several views of an image its logits are the logarithms of the mean of their softmax
/// probabilities:
///   logit(c) = M + log((chain over v of exp(l(v, c) - M)) / views),  M = max over v of l(v, c),
/// where l(v, c) is the log-softmax of view v, so that their softmax is that mean. One view's
/// logits are the network's. Layers do as outside training.
Evaluation evaluate(const Sequential& model, const ImageSet& images, const ImageViews& views,
                    std::size_t threads);
/// The same by several ranks, which all call it: loss and error on each, logits on rank 0.
Evaluation evaluate(const Sequential& model, const ImageSet& images, const ImageViews& views,
                    std::size_t threads, Ranks& ranks);
/// Plain views.
Evaluation evaluate(const Sequential& model, const ImageSet& images, std::size_t threads);
/// The same, telling `progress` how many images are done, from any thread, but from one at a time.
/// Nothing if it stops the work by returning false.
std::optional<Evaluation> evaluate(const Sequential& model, const ImageSet& images,
                                   const ImageViews& views, std::size_t threads,
                                   const std::function<bool(std::size_t images_done)>& progress);

/// The logarithms of the mean over `views` of probabilities whose logarithms are `logs`
/// (views,count), as evaluate() has it: NaN where one is NaN.
void mean_of_probabilities(std::size_t views, std::size_t count, const float* logs, float* mean);

/// What the last layer is given for each image: (images, features of the last hidden layer). The
/// representation of Krizhevsky et al. 2012, section 6.1. By one view of each image. With several
/// ranks, which all call it, on rank 0.
std::vector<float> last_hidden_features(const Sequential& model, const ImageSet& images,
                                        const ImageInput& input, const View& view,
                                        std::size_t threads, Ranks& ranks = one_rank());
/// Plain views.
std::vector<float> last_hidden_features(const Sequential& model, const ImageSet& images,
                                        std::size_t threads);

/// For each query the `count` rows of `points` at the least Euclidean distance, nearest first; the
/// earlier row on ties.
struct Neighbours {
  std::vector<std::int64_t> index;  ///< queries,count
  std::vector<float> distance;      ///< queries,count
};
/// `queries` and `points` hold rows of `features` values. Requires `count` points or more.
Neighbours nearest_neighbours(const std::vector<float>& queries, const std::vector<float>& points,
                              std::size_t features, std::size_t count, std::size_t threads);

/// The `ranks` most probable classes of each image with their probabilities by the softmax, the
/// most probable first, the lower class first where two are equal. Where all logits of an image are
/// NaN the class that argmax gives comes first.
struct TopClasses {
  Array<std::uint8_t> classes;  ///< images,ranks
  Array<float> probabilities;   ///< images,ranks
};
/// `logits` (images,classes). Requires `ranks` classes or more.
TopClasses top_classes(const std::vector<float>& logits, std::size_t classes, std::size_t ranks);

/// How many images of each class were taken for each: (true class, predicted class).
Array<std::int64_t> confusion_matrix(const std::vector<std::uint8_t>& labels,
                                     const std::vector<float>& logits, std::size_t classes);

/// A record's /evaluation: the network of the run as it is now on the test images, and on those
/// that it is trained on, as they are. This is all that is computed for a record; to write one
/// (training_record.hpp) computes nothing. With several ranks, which all call it, it is on rank 0
/// alone, and empty elsewhere.
EvaluationRecord evaluation_of(const TrainingRun& run);

}  // namespace reprise
