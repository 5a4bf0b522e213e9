// Losses with options against PyTorch, and the predicted class: what becomes of NaN and infinities.
#include "reprise/nn/losses.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include "support/catch.hpp"
#include "support/close.hpp"
#include "support/errors.hpp"
#include "support/golden.hpp"
#include "support/special_floats.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

struct Loss {
  std::vector<float> probabilities;
  float loss = 0.0F;
};

Loss loss_of(const std::vector<float>& logits, std::uint8_t label) {
  Loss result{std::vector<float>(logits.size()), 0.0F};
  softmax_cross_entropy_forward(1, logits.size(), logits.data(), &label,
                                result.probabilities.data(), &result.loss);
  return result;
}

}  // namespace

TEST_CASE("a NaN among the logits makes the loss and all probabilities NaN") {
  for (std::size_t place = 0; place < 3; ++place) {
    for (std::uint8_t label = 0; label < 3; ++label) {
      CAPTURE(place, label);
      std::vector<float> logits{2.0F, 1.0F, 0.0F};
      logits[place] = kNan;
      const Loss result = loss_of(logits, label);
      CHECK(std::isnan(result.loss));
      for (const float p : result.probabilities) CHECK(std::isnan(p));
    }
  }
}

TEST_CASE("infinite logits: minus infinity has probability 0, infinity has none") {
  const Loss impossible = loss_of({0.0F, -kInfinity, 0.0F}, 0);
  CHECK(impossible.probabilities == std::vector<float>{0.5F, 0.0F, 0.5F});
  CHECK(impossible.loss == Approx(std::log(2.0)));
  CHECK(loss_of({0.0F, -kInfinity, 0.0F}, 1).loss == kInfinity);
  CHECK(std::isnan(loss_of({0.0F, kInfinity, 0.0F}, 1).loss));
  CHECK(std::isnan(loss_of({-kInfinity, -kInfinity}, 0).loss));
}

TEST_CASE("losses with class weights, an ignored label and smoothing agree with PyTorch") {
  const GoldenFile golden("layers.h5");
  for (const std::string name : {"weights", "smoothing", "ignored", "all"}) {
    CAPTURE(name);
    const auto array = [&](const char* which) {
      return golden.array("loss_options/" + name + "/" + which);
    };
    const std::vector<float> logits = array("logits").floats();
    const std::size_t N = array("logits").shape[0];
    const std::size_t classes = array("logits").shape[1];
    std::vector<std::uint8_t> labels;
    for (const double label : array("labels").values) {
      labels.push_back(static_cast<std::uint8_t>(label));
    }
    std::vector<float> weights;
    if (name == "weights" || name == "all") weights = array("class_weights").floats();
    LossOptions options;
    options.class_weights = weights;
    options.label_smoothing = array("label_smoothing").values[0];
    const double ignored = array("ignored").values[0];
    if (ignored >= 0) options.ignored_label = static_cast<std::uint8_t>(ignored);

    // Terms of up to 8 in magnitude times a weight of up to 3, each off by some roundoffs.
    const double bound = 200 * kRoundoff;
    std::vector<float> probabilities(N * classes), losses(N), gradient(N * classes);
    softmax_cross_entropy_forward(N, classes, logits.data(), labels.data(), options,
                                  probabilities.data(), losses.data());
    check_close("losses", losses, array("losses").values, bound);
    const double total = target_weight(N, classes, labels.data(), options);
    const auto scale = static_cast<float>(1.0 / total);
    softmax_cross_entropy_backward(N, classes, probabilities.data(), labels.data(), options, scale,
                                   gradient.data());
    check_close("grad_logits", gradient, array("grad_logits").values, 20 * kRoundoff);
    double mean = 0.0;
    for (const float loss : losses) mean += static_cast<double>(loss) / total;
    CHECK(mean == Approx(array("mean").values[0]).epsilon(1e-5));

    std::vector<float> log_probabilities(N * classes);
    log_softmax_forward(N, classes, logits.data(), log_probabilities.data());
    check_close("log-probabilities", log_probabilities, array("log_probabilities").values,
                20 * kRoundoff);
    negative_log_likelihood_forward(N, classes, log_probabilities.data(), labels.data(), options,
                                    losses.data());
    check_close("negative log-likelihood", losses, array("nll").values, bound);
    negative_log_likelihood_backward(N, classes, labels.data(), options, scale, gradient.data());
    check_close("its gradient", gradient, array("nll_grad").values, 20 * kRoundoff);

    // Through the logarithm of softmax the likelihood is the cross-entropy, but for smoothing.
    std::vector<float> through(N * classes);
    log_softmax_backward(N, classes, log_probabilities.data(), gradient.data(), through.data());
    if (options.label_smoothing == 0.0) {
      check_close("through log-softmax", through, array("grad_logits").values, 20 * kRoundoff);
    }
  }
}

TEST_CASE("a loss without options has the bits of the plain one") {
  const std::vector<float> logits{0.3F, -1.7F, 80.0F, 2.5F, 2.5F, -3.0F};
  const std::vector<std::uint8_t> labels{1, 2};
  std::vector<float> plain(6), with_options(6);
  std::vector<float> loss(2), loss_with_options(2);
  softmax_cross_entropy_forward(2, 3, logits.data(), labels.data(), plain.data(), loss.data());
  softmax_cross_entropy_forward(2, 3, logits.data(), labels.data(), LossOptions{},
                                with_options.data(), loss_with_options.data());
  CHECK(plain == with_options);
  CHECK(loss == loss_with_options);
}

TEST_CASE("loss options out of range are refused") {
  const std::vector<float> weights{1.0F, -1.0F};
  const std::vector<float> infinite{1.0F, kInfinity};
  const auto error = [&](std::span<const float> class_weights, double smoothing) {
    LossOptions options;
    options.class_weights = class_weights;
    options.label_smoothing = smoothing;
    const std::uint8_t label = 0;
    return error_of([&] { target_weight(1, 2, &label, options); });
  };
  CHECK(is_line_with(error(std::span(weights).first(1), 0.0), "1 class weights", "2, one"));
  CHECK(is_line_with(error(weights, 0.0), "-1", "0 or more"));
  CHECK(is_line_with(error(infinite, 0.0), "inf", "finite"));
  CHECK(is_line_with(error({}, 1.5), "1.5", "0 to 1"));
  CHECK(is_line_with(error({}, std::nan("")), "nan", "0 to 1"));
}

TEST_CASE("argmax takes the first of the largest, and NaN for larger than any number") {
  const auto best = [](const std::vector<float>& values) {
    return argmax(values.size(), values.data());
  };
  CHECK(best({1.0F, 3.0F, 3.0F}) == 1);
  CHECK(best({-kInfinity, -kInfinity}) == 0);
  CHECK(best({0.0F, -0.0F}) == 0);
  CHECK(best({1.0F, kInfinity, kNan, kNan}) == 2);
  CHECK(best({kNan, 5.0F}) == 0);
}
