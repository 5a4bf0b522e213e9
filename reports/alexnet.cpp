#include "alexnet.hpp"

#include <cmath>
#include <map>
#include <stdexcept>

namespace reprise::reports {
namespace {

const double kNone = std::nan("");

constexpr std::string_view k2010 = "ILSVRC-2010, test";
constexpr std::string_view k2012 = "ILSVRC-2012, validation";

}  // namespace

// Sections 3.2 and 3.5; in two groups, a kernel sees half of the maps.
const std::vector<AlexNetLayer>& alexnet_layers() {
  static const std::vector<AlexNetLayer> layers = {
      {"conv1", "96 kernels 11×11×3, stride 4; normalization; max pooling 3×3, stride 2",
       11 * 11 * 3 * 96, 96, "55×55×96"},
      {"conv2", "256 kernels 5×5×48, two groups; normalization; max pooling 3×3, stride 2",
       5 * 5 * 48 * 256, 256, "27×27×256"},
      {"conv3", "384 kernels 3×3×256", 3 * 3 * 256 * 384, 384, "13×13×384"},
      {"conv4", "384 kernels 3×3×192, two groups", 3 * 3 * 192 * 384, 384, "13×13×384"},
      {"conv5", "256 kernels 3×3×192, two groups; max pooling 3×3, stride 2", 3 * 3 * 192 * 256,
       256, "13×13×256"},
      {"dense6", "dense, dropout 0.5", 6 * 6 * 256 * 4096, 4096, "4096"},
      {"dense7", "dense, dropout 0.5", 4096 * 4096, 4096, "4096"},
      {"dense8", "dense, softmax", 4096 * 1000, 1000, "1000"},
  };
  return layers;
}

const std::vector<AlexNetNovelty>& alexnet_novelties() {
  static const std::vector<AlexNetNovelty> novelties = {
      {"3.1", "Rectified linear units in place of tanh",
       "a four-layer network reaches 25% training error on CIFAR-10 in a sixth of the epochs"},
      {"3.2", "Two GPUs with connections between some layers only",
       "room for a network of this size"},
      {"3.3", "Response normalization across neighbouring maps",
       "top-1 and top-5 error lower by 1.4 and 1.2 points; 13% to 11% on CIFAR-10"},
      {"3.4", "Pooling windows that overlap, 3×3 with stride 2",
       "lower by 0.4 and 0.3 points; slightly harder to overfit"},
      {"4.1", "Training images augmented by crops, reflections and changes of colour",
       "without crops, substantial overfitting; colour: top-1 lower by over 1 point"},
      {"4.2", "Dropout in the first two dense layers",
       "without it, substantial overfitting; about twice the iterations to converge"},
      {"5", "Stochastic gradient descent with momentum and weight decay",
       "the decay lowers the training error too"},
      {"7", "Depth: five convolutional layers",
       "leaving any middle layer out costs about 2 points of top-1 error"},
  };
  return novelties;
}

// Table 1; table 2. An asterisk there marks networks trained on the whole release of 2011 first.
const std::vector<AlexNetResult>& alexnet_results() {
  static const std::vector<AlexNetResult> results = {
      {"Sparse coding", k2010, 0.471, 0.282, kNone, 0, false},
      {"SIFT and Fisher vectors", k2010, 0.457, 0.257, kNone, 0, false},
      {"CNN", k2010, 0.375, 0.170, kNone, 1, false},
      {"SIFT and Fisher vectors", k2012, kNone, kNone, 0.262, 0, false},
      {"1 CNN", k2012, 0.407, 0.182, kNone, 1, false},
      {"5 CNNs", k2012, 0.381, 0.164, 0.164, 5, false},
      {"1 CNN, pre-trained", k2012, 0.390, 0.166, kNone, 1, true},
      {"7 CNNs, two pre-trained", k2012, 0.367, 0.154, 0.153, 7, true},
  };
  return results;
}

std::string_view paper_side(std::string_view what) {
  static const std::map<std::string_view, std::string_view> sides = {
      {"Data",
       "ILSVRC-2010 and ILSVRC-2012: 1.2 million training images, cut to 224×224×3, in "
       "1,000 classes; CIFAR-10 for the study of activations"},
      {"Network", "five convolutional and three dense layers; a four-layer network on CIFAR-10"},
      {"Parameters", "60 million"},
      {"Activation", "ReLU (tanh for comparison)"},
      {"Pooling", "maximum over 3×3 windows, stride 2"},
      {"Normalization", "across 5 neighbouring maps, after the first two convolutions"},
      {"Dropout", "0.5 in the first two dense layers"},
      {"Initial weights",
       "normal with standard deviation 0.01; biases 1 in some layers, 0 in others"},
      {"Optimizer", "stochastic gradient descent"},
      {"Batch size", "128"},
      {"Learning rate", "0.01, divided by 10 three times"},
      {"Momentum", "0.9"},
      {"Weight decay", "0.0005"},
      {"Epochs", "about 90"},
      {"Repetitions", "no spread over repetitions is given"},
      {"Machine", "two GTX 580 GPUs with 3 GB each, five to six days"},
  };
  const auto found = sides.find(what);
  if (found == sides.end()) throw std::logic_error("no side of the paper for " + std::string(what));
  return found->second;
}

}  // namespace reprise::reports
