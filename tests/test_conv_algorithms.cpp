// conv: every algorithm x shape x pass against the loop nest in double.
#include <cmath>
#include <vector>

#include "reprise/conv/algorithms/naive.hpp"
#include "reprise/conv/conv_algorithm.hpp"
#include "reprise/conv/conv_workspace.hpp"
#include "reprise/core/random.hpp"
#include "support/catch.hpp"

using namespace reprise;

namespace {

std::vector<float> small_integers(std::size_t count, std::string_view stream) {
  const RandomStream random = RandomStream(1).child(stream);
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<float>(random.below(9, i)) - 4;
  return values;
}

std::vector<double> widened(const std::vector<float>& values) {
  return {values.begin(), values.end()};
}

void check_equal(const std::vector<float>& result, const std::vector<double>& exact) {
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    wrong += std::abs(static_cast<double>(result[i]) - exact[i]) < 0.5 ? 0 : 1;
  }
  CHECK(wrong == 0);
}

}  // namespace

TEST_CASE("every algorithm agrees with integer arithmetic on small integers") {
  for (const char* line : {"mb2ic3ih9iw7oc4kh3kw2sh2sw1ph1", "g2mb1ic4ih6iw8oc6kh5ph2dh1",
                           "mb0ic3ih5oc2kh3", "g3mb2ic3ih7oc6kh2sh3ph1"}) {
    const ConvShape s = parse_conv_shape(line);
    const auto x = small_integers(s.input_size(), "input");
    const auto w = small_integers(s.weight_size(), "weight");
    const auto b = small_integers(s.OC, "bias");
    const auto g = small_integers(s.output_size(), "grad_output");
    std::vector<double> y(s.output_size()), gx(s.input_size()), gw(s.weight_size());
    naive_forward(s, widened(x).data(), widened(w).data(), widened(b).data(), y.data(), 1);
    naive_grad_input(s, widened(g).data(), widened(w).data(), gx.data(), 1);
    naive_grad_weight(s, widened(g).data(), widened(x).data(), gw.data(), 1);
    for (const ConvAlgorithm* algorithm : conv_algorithms()) {
      for (const ConvPass pass : {ConvPass::forward, ConvPass::grad_input, ConvPass::grad_weight}) {
        if (!algorithm->unsupported(s, pass).empty()) continue;
        INFO(algorithm->name << " " << name_of(pass) << " " << to_line(s));
        ConvWorkspace workspace;
        const ConvResources resources{
            workspace.require(algorithm->workspace_bytes(s, pass, 1), "test"), 1};
        if (pass == ConvPass::forward) {
          std::vector<float> result(y.size(), NAN);
          algorithm->forward(s, x.data(), w.data(), b.data(), result.data(), resources);
          check_equal(result, y);
        } else if (pass == ConvPass::grad_input) {
          std::vector<float> result(gx.size(), NAN);
          algorithm->grad_input(s, g.data(), w.data(), result.data(), resources);
          check_equal(result, gx);
        } else {
          std::vector<float> result(gw.size(), NAN);
          algorithm->grad_weight(s, g.data(), x.data(), result.data(), resources);
          check_equal(result, gw);
        }
      }
    }
  }
}
