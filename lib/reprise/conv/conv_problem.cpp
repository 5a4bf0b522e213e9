#include "reprise/conv/conv_problem.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "reprise/conv/conv_reference.hpp"
#include "reprise/core/digest.hpp"
#include "reprise/core/random.hpp"

namespace reprise {
namespace {

constexpr std::size_t kCheckedElements = 4096;

/// Fills `count` values, uniform in [-1, 1) but for a fraction of zeros, and returns the largest
/// magnitude.
double fill(const RandomStream& stream, std::size_t count, float* values, double zeros = 0.0) {
  const RandomStream zero_stream = stream.child("zeros");
  double largest = 0.0;
  for (std::size_t i = 0; i < count; ++i) {
    const bool is_zero = zeros > 0.0 && zero_stream.uniform(i) < zeros;
    values[i] = is_zero ? 0.0F : static_cast<float>(2.0 * stream.uniform(i) - 1.0);
    largest = std::max(largest, std::abs(static_cast<double>(values[i])));
  }
  return largest;
}

}  // namespace

ConvProblem::ConvProblem(const ConvShape& shape, ConvPass pass, std::uint64_t seed, double zeros)
    : shape_(shape),
      pass_(pass),
      seed_(seed),
      a_(make_aligned_buffer<float>(operand_a_size(shape, pass))),
      b_(make_aligned_buffer<float>(operand_b_size(shape, pass))),
      bias_(make_aligned_buffer<float>(shape.OC)),
      result_(make_aligned_buffer<float>(result_size(shape, pass))) {
  const RandomStream stream(seed);
  const double zeros_of_a = pass == ConvPass::forward ? 0.0 : zeros;
  largest_a_ = fill(stream.child("a"), operand_a_size(shape, pass), a_.get(), zeros_of_a);
  largest_b_ = fill(stream.child("b"), operand_b_size(shape, pass), b_.get());
  largest_bias_ = fill(stream.child("bias"), shape.OC, bias_.get());
}

void ConvProblem::run(const ConvAlgorithm& algorithm, std::size_t threads) {
  const ConvResources resources{
      workspace_.require(algorithm.workspace_bytes(shape_, pass_, threads), algorithm.name),
      threads};
  switch (pass_) {
    case ConvPass::forward:
      return algorithm.forward(shape_, a_.get(), b_.get(), bias_.get(), result_.get(), resources);
    case ConvPass::grad_input:
      return algorithm.grad_input(shape_, a_.get(), b_.get(), result_.get(), resources);
    case ConvPass::grad_weight:
      return algorithm.grad_weight(shape_, a_.get(), b_.get(), result_.get(), resources);
  }
}

std::vector<std::size_t> ConvProblem::checked_elements() const {
  const std::size_t size = result_size(shape_, pass_);
  std::vector<std::size_t> elements(std::min(size, kCheckedElements));
  const RandomStream stream = RandomStream(seed_).child("checked");
  for (std::size_t i = 0; i < elements.size(); ++i) {
    elements[i] = size <= kCheckedElements ? i : stream.below(size, i);
  }
  if (!elements.empty()) {
    elements.front() = 0;
    elements.back() = size - 1;
  }
  return elements;
}

ConvCheck ConvProblem::check(const ConvAlgorithm& algorithm, std::size_t threads) {
  ConvCheck check;
  const std::string reason = algorithm.unsupported(shape_, pass_);
  if (!reason.empty()) {
    check.status = "unsupported: " + reason;
    return check;
  }
  const std::size_t size = result_size(shape_, pass_);
  std::fill_n(result_.get(), size, std::numeric_limits<float>::quiet_NaN());
  run(algorithm, threads);
  const bool written =
      std::none_of(result_.get(), result_.get() + size, [](float v) { return std::isnan(v); });

  Sha256 digest;
  digest.update_floats({result_.get(), size});
  check.result_sha256 = digest.finish_hex();

  const double bound = algorithm.error_bound(shape_, pass_) * 0x1p-24;
  const double bias = pass_ == ConvPass::forward ? largest_bias_ : 0.0;
  const double tensor_scale =
      static_cast<double>(shape_.terms(pass_)) * largest_a_ * largest_b_ + bias;
  double worst = 0.0, squared_error = 0.0, squared_value = 0.0, largest = 0.0;
  std::size_t zeros = 0;
  const std::vector<std::size_t> elements = checked_elements();
  for (const std::size_t i : elements) {
    const ReferenceElement exact = reference_element(
        shape_, pass_, a_.get(), b_.get(), pass_ == ConvPass::forward ? bias_.get() : nullptr, i);
    const double error = std::abs(result_[i] - exact.value);
    const bool elementwise = algorithm.error_scale == ErrorScale::elementwise;
    const double allowed = bound * (elementwise ? exact.magnitude : tensor_scale);
    if (error > 0.0) check.worst_of_bound = std::max(check.worst_of_bound, error / allowed);
    worst = std::max(worst, error);
    squared_error += error * error;
    squared_value += exact.value * exact.value;
    largest = std::max(largest, std::abs(exact.value));
    if (exact.value == 0.0) ++zeros;
  }
  check.elements = elements.size();
  if (largest > 0.0) {
    const auto top = static_cast<float>(largest);
    check.worst_ulp = worst / (std::nextafter(top, std::numeric_limits<float>::max()) - top);
    check.rms_relative = std::sqrt(squared_error / squared_value);
  }
  check.status = "ok";
  if (zeros * 10 > elements.size() * 9) check.status = "untrusted";
  if (!written || !(check.worst_of_bound <= 1.0)) check.status = "WRONG";
  return check;
}

}  // namespace reprise
