// conv: where oneDNN errs, `onednn` offers nothing or goes another way. All its calls are in child
// processes: they may crash, and its threads do not survive a fork.
#include <algorithm>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/conv_cases.hpp"
#include "support/sanitized.hpp"
#include "support/skip.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

/// onednn, or null where it is not built.
const ConvAlgorithm* onednn() {
  for (const ConvAlgorithm* algorithm : conv_algorithms()) {
    if (algorithm->name == "onednn") return algorithm;
  }
  return nullptr;
}

/// "" if `algorithm` gives the exact sums of integers and stays in its memory, with each number of
/// threads, or does not offer the pass; else what went wrong.
std::string fault_of(const ConvAlgorithm& algorithm, const ConvShape& shape, ConvPass pass) {
  if (!algorithm.unsupported(shape, pass).empty()) return "";
  const ConvOperands<float> operands =
      integer_operands(shape, RandomStream(1).child(to_line(shape)), 2);
  const std::vector<double> exact = exact_result(shape, pass, widened(operands));
  for (const std::size_t threads : {1, 2}) {
    const GuardedResult result = run_guarded(algorithm, shape, pass, operands, threads);
    const std::string with = " with " + std::to_string(threads) + " threads";
    if (!result.stayed_inside) return "wrote outside its memory" + with;
    if (worst_error(result.values, exact, std::vector<double>(exact.size(), 1.0)) > 0.0) {
      return "wrong" + with;
    }
  }
  return "";
}

void check_in_child(const ConvShape& shape, ConvPass pass) {
  INFO(name_of(pass) << " of " << to_line(shape));
  CHECK(in_child([&] { return fault_of(*onednn(), shape, pass); }) == "");
}

ConvShape pointwise(std::size_t N, std::size_t IC, std::size_t OC, Extent2d image, Extent2d stride,
                    std::size_t groups = 1) {
  Conv2dOptions options;
  options.stride = stride;
  options.groups = groups;
  return make_conv_shape(N, image.h, image.w, IC * groups, OC * groups, 1, 1, options);
}

}  // namespace

TEST_CASE("onednn: strided 1x1 convolutions of any number of channels are right if offered") {
  if (onednn() == nullptr) REPRISE_SKIP("oneDNN is not built in");
  check_in_child(parse_conv_shape("g1mb2ic15ih57iw56oc64kh1kw1sh1sw2ph0pw0"),
                 ConvPass::grad_weight);
  for (const std::size_t IC : {1, 3, 7, 8, 9, 15, 16, 17, 31}) {
    if (kSanitized && IC != 3 && IC != 16) continue;  // oneDNN itself is built without them
    for (const Extent2d stride : {Extent2d{1, 2}, {2, 1}, {3, 1}}) {
      check_in_child(pointwise(2, IC, 8, {57, 56}, stride), ConvPass::grad_weight);
    }
    check_in_child(pointwise(1, IC, 8, {57, 56}, {1, 2}, 2), ConvPass::grad_weight);
    check_in_child(pointwise(1, IC, 8, {9, 130}, {1, 3}), ConvPass::grad_weight);
    check_in_child(pointwise(1, IC, 16, {57, 56}, {1, 2}), ConvPass::grad_input);
    check_in_child(pointwise(1, IC, 16, {57, 56}, {1, 2}), ConvPass::forward);
  }
}

TEST_CASE("onednn: fewer channels than a block do not cost the shape its yardstick") {
  if (onednn() == nullptr) REPRISE_SKIP("oneDNN is not built in");
  const std::string reason = in_child([] {
    return onednn()->unsupported(pointwise(2, 15, 64, {57, 56}, {1, 2}), ConvPass::grad_weight);
  });
  CHECK(reason == "");
}
