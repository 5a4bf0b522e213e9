// pool: golden values, ties, padding, NaN.
#include "reprise/pool/pool2d.hpp"
#include "support/catch.hpp"
#include "support/golden.hpp"

using namespace reprise;

TEST_CASE("pooling agrees with the golden values") {
  const test::GoldenFile file("pool2d.h5");
  for (const std::string& name : file.names()) {
    INFO(name);
    const auto size = [&](const char* attribute) {
      return static_cast<std::size_t>(file.integer(name, attribute));
    };
    Pool2dOptions options;
    options.mode = file.text(name, "mode") == "max" ? PoolMode::max : PoolMode::average;
    options.kernel = {size("kernel_h"), size("kernel_w")};
    options.stride = {size("stride_h"), size("stride_w")};
    options.padding =
        Padding2d::sides(size("pad_top"), size("pad_bottom"), size("pad_left"), size("pad_right"));
    options.count_include_padding = size("count_include_padding") == 1;
    options.rounding = size("ceil_mode") == 1 ? Rounding::ceil : Rounding::floor;
    const auto tensor = [&](const std::string& dataset) {
      const test::GoldenArray array = file.array(name + "/" + dataset);
      Tensor<4> t =
          make_tensor<4>({array.shape[0], array.shape[1], array.shape[2], array.shape[3]});
      std::copy(array.values.begin(), array.values.end(), t.begin());
      return t;
    };
    const Tensor<4> input = tensor("input");
    const auto check_close = [&](const Tensor<4>& result, const std::string& dataset) {
      const test::GoldenArray golden = file.array(name + "/" + dataset);
      REQUIRE(result.size() == golden.values.size());
      for (std::size_t i = 0; i < result.size(); ++i) {
        CHECK(result.data()[i] == Approx(golden.values[i]).margin(1e-5));
      }
    };
    check_close(pool2d_forward(input, options), "output");
    check_close(pool2d_backward(tensor("grad_output"), input, options), "grad_input");
  }
}
