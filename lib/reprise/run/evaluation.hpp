/// \file
/// What a trained model says of a set of images, and how it sees them.
#pragma once

#include <cstddef>
#include <vector>

#include "reprise/data/dataset.hpp"
#include "reprise/nn/sequential.hpp"

namespace reprise {

/// What a model says of a set of images.
struct Evaluation {
  double loss = 0.0;          ///< mean softmax cross-entropy, nats
  double error = 0.0;         ///< fraction of images whose likeliest class is not their label
  std::vector<float> logits;  ///< images,classes
};
/// Images count as pixel / 255; layers do as outside training.
Evaluation evaluate(const Sequential& model, const ImageSet& images, std::size_t threads);

/// What the last layer is given for each image: (images, features of the last hidden layer). The
/// representation of Krizhevsky et al. 2012, section 6.1.
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

}  // namespace reprise
