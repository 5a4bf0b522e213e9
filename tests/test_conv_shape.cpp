// conv: sizes, padding and the one-line text form.
#include <cstdio>
#include <fstream>

#include "reprise/conv/conv_shape.hpp"
#include "reprise/core/error.hpp"
#include "support/catch.hpp"
#include "support/conv_cases.hpp"

using namespace reprise;
using Catch::Contains;

namespace {

/// The height of the output for a square kernel.
std::size_t output_height(std::size_t IH, std::size_t K, std::size_t stride, Padding2d padding,
                          std::size_t dilation = 1) {
  Conv2dOptions options;
  options.stride = {stride, stride};
  options.dilation = {dilation, dilation};
  options.padding = padding;
  return make_conv_shape(1, IH, IH, 1, 1, K, K, options).OH;
}

ConvShape with(const Conv2dOptions& options) {
  return make_conv_shape(1, 8, 8, 6, 4, 3, 3, options);
}

}  // namespace

TEST_CASE("output sizes follow OH = (IH + pads - dilation (KH - 1) - 1) / stride + 1") {
  CHECK(output_height(28, 5, 1, Padding2d::valid()) == 24);
  CHECK(output_height(227, 11, 4, Padding2d::valid()) == 55);
  CHECK(output_height(16, 7, 3, Padding2d::sides(2, 2, 2, 2)) == 5);
  CHECK(output_height(9, 3, 2, Padding2d::sides(1, 1, 1, 1), 2) == 4);
  CHECK(output_height(3, 5, 1, Padding2d::sides(1, 1, 1, 1)) == 1);
}

TEST_CASE("same padding gives OH = ceil(IH / stride), the odd cell at the bottom and right") {
  for (std::size_t IH = 1; IH < 20; ++IH) {
    for (std::size_t K = 1; K < 7; ++K) {
      for (std::size_t stride = 1; stride < 6; ++stride) {
        CHECK(output_height(IH, K, stride, Padding2d::same()) == (IH + stride - 1) / stride);
      }
    }
  }
  Conv2dOptions options;
  options.padding = Padding2d::same();
  const ConvShape s = make_conv_shape(1, 8, 9, 1, 1, 4, 2, options);
  CHECK(s.pad_top == 1);
  CHECK(s.pad_bottom == 2);
  CHECK(s.pad_left == 0);
  CHECK(s.pad_right == 1);
}

TEST_CASE("keep_size padding gives OH = IH for any stride, dilation and kernel") {
  for (std::size_t IH = 1; IH < 20; ++IH) {
    for (std::size_t K = 1; K < 7; ++K) {
      for (std::size_t stride = 1; stride < 6; ++stride) {
        for (std::size_t dilation = 1; dilation < 4; ++dilation) {
          CHECK(output_height(IH, K, stride, Padding2d::keep_size(), dilation) == IH);
        }
      }
    }
  }
  Conv2dOptions options;
  options.padding = Padding2d::keep_size();
  options.stride = {2, 2};
  const ConvShape s = make_conv_shape(1, 8, 6, 1, 1, 3, 5, options);
  CHECK(s.pad_top == 5);  // ceil((7*2 + 3 - 8) / 2) on both sides
  CHECK(s.pad_bottom == 5);
  CHECK(s.pad_left == 5);  // ceil((5*2 + 5 - 6) / 2)
  CHECK(s.pad_right == 5);
}

TEST_CASE("flops and terms count products") {
  const ConvShape s = parse_conv_shape("g2mb3ic4ih5iw6oc8kh3kw2");
  CHECK(s.flops() == 2.0 * 3 * 3 * 5 * 8 * 3 * 2 * 2);
  CHECK(s.terms(ConvPass::forward) == 3 * 2 * 2);
  CHECK(s.terms(ConvPass::grad_input) == 3 * 2 * 4);
  CHECK(s.terms(ConvPass::grad_weight) == 3 * 3 * 5);
}

TEST_CASE("a line in benchdnn's grammar means what it says") {
  const ConvShape s =
      parse_conv_shape("g2mb128ic4ih27iw30oc96oh5kh11kw3sh4sw2ph0pw1dh0dw2n\"a:b\"");
  CHECK(s.G == 2);
  CHECK(s.N == 128);
  CHECK(s.IC == 4);
  CHECK(s.IH == 27);
  CHECK(s.IW == 30);
  CHECK(s.OC == 96);
  CHECK(s.OH == 5);
  CHECK(s.KH == 11);
  CHECK(s.KW == 3);
  CHECK(s.stride_h == 4);
  CHECK(s.stride_w == 2);
  CHECK(s.dilation_h == 1);
  CHECK(s.dilation_w == 3);
  CHECK(s.pad_top == 0);
  CHECK(s.pad_left == 1);
  CHECK(s.pad_right == 1);
  CHECK(s.OW == 13);  // computed: (30 + 2 - 7) / 2 + 1
  CHECK(s.name == "a:b");
}

TEST_CASE("omitted widths copy heights, other omitted sizes are those of ConvShape") {
  const ConvShape s = parse_conv_shape("ic3ih227oc96kh11sh4ph2dh1");
  CHECK(s.N == 1);
  CHECK(s.G == 1);
  CHECK(s.IW == 227);
  CHECK(s.KW == 11);
  CHECK(s.stride_w == 4);
  CHECK(s.pad_left == 2);
  CHECK(s.dilation_w == 2);
  CHECK(s.OH == 53);
  CHECK(s.OW == 53);
  CHECK(parse_conv_shape("_mb2_ic3 ih4\tkh2_").N == 2);
  CHECK(parse_conv_shape("").OH == 1);
  CHECK(parse_conv_shape("ih3nunquoted:name").name == "unquoted:name");
}

TEST_CASE("bottom and right padding follow from oh and ow") {
  const ConvShape same = parse_conv_shape("ih8iw10oh4ow5kh3sh2ph0");
  CHECK(same.pad_bottom == 1);
  CHECK(same.pad_right == 1);
  const ConvShape top = parse_conv_shape("ih6iw5oh6ow5kh3kw4ph2pw3");
  CHECK(top.pad_bottom == 0);
  CHECK(top.pad_right == 0);
}

TEST_CASE("parse and print are inverse to each other") {
  std::vector<ConvShape> shapes = test::edge_cases();
  for (const char* name : {"lenet5", "alexnet", "alexnet_ungrouped", "vgg", "resnet", "peers"}) {
    const auto more = read_conv_shapes(std::string(REPRISE_FIXTURES "/shapes/") + name);
    CHECK(!more.empty());
    shapes.insert(shapes.end(), more.begin(), more.end());
  }
  for (const ConvShape& shape : shapes) {
    INFO(to_line(shape));
    CHECK(parse_conv_shape(to_line(shape)) == shape);
  }
  for (std::uint64_t i = 0; i < 2000; ++i) {
    const ConvShape shape = test::random_shape(RandomStream(11).child(i));
    INFO(to_line(shape) << " pb" << shape.pad_bottom << " pr" << shape.pad_right);
    CHECK(parse_conv_shape(to_line(shape)) == shape);
  }
  CHECK(to_line(parse_conv_shape("ih8kh3sh2ph1pb0pr0")).find("pb0pr0") != std::string::npos);
  CHECK(to_line(parse_conv_shape("ih8kh3sh2ph1pb1")).find("pb") == std::string::npos);
  CHECK(parse_conv_shape("ih8kh3pb20").OH == 26);
}

TEST_CASE("an oh that contradicts the rest prints both") {
  CHECK_THROWS_WITH(parse_conv_shape("ic3ih227oc96oh60kh11sh4ph0"),
                    Contains("oh60") && Contains("oh55"));
  CHECK_THROWS_WITH(parse_conv_shape("ih8oh4kh3"), Contains("oh4") && Contains("oh6"));
  CHECK_THROWS_WITH(parse_conv_shape("ih8iw8ow20kh3kw3"), Contains("ow20") && Contains("ow6"));
  CHECK_THROWS_WITH(parse_conv_shape("ih8oh9kh3pb1"), Contains("oh9") && Contains("oh7"));
  CHECK_THROWS_WITH(parse_conv_shape("ih8oh0kh3"), Contains("oh0") && Contains("oh6"));
}

TEST_CASE("lines that do not parse say why") {
  CHECK_THROWS_WITH(parse_conv_shape("ih8zz3"), Contains("ih8zz3") && Contains("\"zz3\""));
  CHECK_THROWS_WITH(parse_conv_shape("ih8ih9"), Contains("ih given twice"));
  CHECK_THROWS_WITH(parse_conv_shape("ih"), Contains("no number after ih"));
  CHECK_THROWS_WITH(parse_conv_shape("ih-3"), Contains("no number after ih"));
  CHECK_THROWS_WITH(parse_conv_shape("ih3n\"open"), Contains("closing quote"));
  CHECK_THROWS_WITH(parse_conv_shape("ih3nold\"name"), Contains("quote in it"));
  CHECK_THROWS_WITH(parse_conv_shape("ih3n\"\xFF\""), Contains("UTF-8"));
  CHECK_THROWS_WITH(parse_conv_shape("ih3n\"\x1B[2J\""), Contains("control characters"));
  CHECK_THROWS_WITH(parse_conv_shape("ih99999999999999999999"), Contains("overflows"));
  CHECK_THROWS_WITH(parse_conv_shape("ih4294967296"), Contains("less than 2^31"));
  CHECK_THROWS_WITH(parse_conv_shape("kh0"), Contains("KH = 0"));
  CHECK_THROWS_WITH(parse_conv_shape("ih5oh3kh3sh0"), Contains("stride_h = 0"));
}

TEST_CASE("a file of shapes names file and line of an error") {
  const std::string file = std::string(REPRISE_BINARY_DIR) + "/test_conv_shape.txt";
  {
    std::ofstream stream(file);
    stream << "# a comment\n\n  ih5kh3n\"one\"  # another\nmb2ih6kh3\nih5kh3zz\n";
  }
  CHECK_THROWS_WITH(read_conv_shapes(file), Contains("test_conv_shape.txt:5") && Contains("zz"));
  {
    std::ofstream stream(file);
    stream << "\xEF\xBB\xBFih5kh3n\"one\"  # a comment\r\n\n  mb2ih6kh3\n";
  }
  const std::vector<ConvShape> shapes = read_conv_shapes(file);
  std::remove(file.c_str());
  REQUIRE(shapes.size() == 2);
  CHECK(shapes[0].name == "one");
  CHECK(shapes[1].N == 2);
  CHECK_THROWS_WITH(read_conv_shapes("no/such/file"), Contains("no/such/file"));
}

TEST_CASE("sizes and options that make no sense are errors that name them") {
  CHECK_THROWS_WITH(make_conv_shape(1, 0, 8, 1, 1, 3, 3), Contains("IH = 0"));
  CHECK_THROWS_WITH(make_conv_shape(1, 8, 8, 0, 1, 3, 3), Contains("IC = 0"));
  CHECK_THROWS_WITH(make_conv_shape(1, 8, 8, 1, 1, 3, 0), Contains("KW = 0"));
  CHECK_NOTHROW(make_conv_shape(0, 8, 8, 1, 1, 3, 3));
  Conv2dOptions options;
  options.stride = {0, 1};
  CHECK_THROWS_WITH(with(options), Contains("stride_h = 0"));
  options = {};
  options.dilation = {1, 0};
  CHECK_THROWS_WITH(with(options), Contains("dilation_w = 0"));
  options = {};
  options.groups = 0;
  CHECK_THROWS_WITH(with(options), Contains("groups = 0"));
  options.groups = 4;
  CHECK_THROWS_WITH(with(options), Contains("IC = 6 in 4 groups"));
  options.groups = 3;
  CHECK_THROWS_WITH(with(options), Contains("OC = 4 in 3 groups"));
  options = {};
  options.dilation = {4, 1};
  CHECK_THROWS_WITH(with(options), Contains("height 9") && Contains("8") && Contains("no output"));
  CHECK_THROWS_AS(make_conv_shape(1, 2, 2, 1, 1, 3, 3), Error);
}

TEST_CASE("sizes that overflow are errors, not wrong numbers") {
  const std::size_t most = (std::size_t{1} << 31) - 1;
  CHECK_THROWS_WITH(make_conv_shape(1, most + 1, 1, 1, 1, 1, 1), Contains("less than 2^31"));
  CHECK_THROWS_WITH(make_conv_shape(most, most, most, most, 1, 1, 1), Contains("at most 2^40"));
  CHECK_THROWS_WITH(make_conv_shape(1, 1, 1, most, most, 1, 1), Contains("weight"));
  CHECK_THROWS_AS(make_conv_shape(0, most, most, 1, 1, 1, 1), Error);
  Conv2dOptions options;
  options.dilation = {most, most};
  CHECK_THROWS_AS(make_conv_shape(1, 8, 8, 1, 1, most, most, options), Error);
  options = {};
  options.padding = Padding2d::sides(most, most, most, most);
  CHECK_THROWS_AS(make_conv_shape(1, 8, 8, 1, 1, 3, 3, options), Error);

  std::size_t lines = 0;
  std::ifstream stream(REPRISE_FIXTURES "/shapes/too_large");
  for (std::string line; std::getline(stream, line);) {
    if (line.empty() || line.front() == '#') continue;
    ++lines;
    if (line.find("beyond_64_bits") != std::string::npos) {
      CHECK_THROWS_WITH(parse_conv_shape(line), Contains("at most 2^40"));
    } else {
      CHECK(parse_conv_shape(line).flops() > 1e9);
    }
  }
  CHECK(lines == 6);
}
