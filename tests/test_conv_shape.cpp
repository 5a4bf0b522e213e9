// conv: sizes, padding and the one-line text form.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <optional>

#include "reprise/conv/conv_shape.hpp"
#include "reprise/core/error.hpp"
#include "reprise/run/conv_shape_file.hpp"
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

/// Sizes of one axis as benchdnn holds them: dilation 0 is dense, and -1 is not given.
struct OracleAxis {
  int input, output, kernel, stride, dilation, pad;
  bool operator==(const OracleAxis&) const = default;
};
struct OracleProblem {
  OracleAxis h, w;
};

/// The sizes whose bits are set.
OracleAxis only(const OracleAxis& axis, unsigned bits) {
  const auto if_set = [bits](unsigned bit, int size) {
    return (bits >> bit & 1U) != 0 ? size : -1;
  };
  return {if_set(0, axis.input),  if_set(1, axis.output),   if_set(2, axis.kernel),
          if_set(3, axis.stride), if_set(4, axis.dilation), if_set(5, axis.pad)};
}

std::string text_of(char letter, const OracleAxis& axis) {
  std::string text = "_";
  const std::pair<char, int> sizes[] = {{'i', axis.input},    {'o', axis.output},
                                        {'k', axis.kernel},   {'s', axis.stride},
                                        {'d', axis.dilation}, {'p', axis.pad}};
  for (const auto& [kind, size] : sizes) {
    if (size >= 0) text += std::string{kind, letter} + std::to_string(size);
  }
  return text;
}

OracleAxis axis_of(std::size_t input, std::size_t output, std::size_t kernel, std::size_t stride,
                   std::size_t dilation, std::size_t pad) {
  const auto as_int = [](std::size_t size) { return static_cast<int>(size); };
  return {as_int(input),  as_int(output),       as_int(kernel),
          as_int(stride), as_int(dilation) - 1, as_int(pad)};
}

bool says_nothing(const OracleAxis& a) {
  return a.input < 0 && a.output < 0 && a.kernel < 0 && std::max(a.stride, 1) == 1 &&
         a.dilation <= 0 && a.pad <= 0;
}

/// An axis with its omitted sizes by benchdnn's rules; nothing if benchdnn refuses it, or this
/// library does: paddings before below 0, and padding after that no window of that kernel needs.
std::optional<OracleAxis> completed(OracleAxis a) {
  if (a.input < 0 || a.kernel < 0) return std::nullopt;
  a.stride = a.stride < 0 ? 1 : a.stride;
  a.dilation = std::max(a.dilation, 0);
  const int span = (a.kernel - 1) * (a.dilation + 1) + 1;
  if (a.output < 0) {
    a.pad = std::max(a.pad, 0);
    if (a.input + 2 * a.pad < span) return std::nullopt;
    a.output = (a.input - span + 2 * a.pad) / a.stride + 1;
    return a;
  }
  const int needed = (a.output - 1) * a.stride - a.input + span;
  const bool pad_given = a.pad >= 0;
  if (!pad_given) a.pad = needed / 2;
  if (a.pad < 0) return std::nullopt;
  const int after = std::max(needed - a.pad, 0);
  if ((a.input + a.pad + after - span) / a.stride + 1 != a.output) return std::nullopt;
  if (pad_given && after > std::max(a.pad, span - 1)) return std::nullopt;
  return a;
}

std::optional<OracleProblem> oracle(const OracleAxis& h, const OracleAxis& w) {
  if (says_nothing(h) && says_nothing(w)) return std::nullopt;
  if (says_nothing(w)) {
    const auto both = completed(h);
    if (!both) return std::nullopt;
    // What benchdnn passes over in silence is an error here: sizes that differ from the copied.
    const bool differs = (w.stride >= 0 && w.stride != both->stride) ||
                         (w.dilation >= 0 && w.dilation != both->dilation) ||
                         (w.pad >= 0 && w.pad != both->pad);
    if (differs) return std::nullopt;
    return OracleProblem{*both, *both};
  }
  const auto width = completed(w);
  const auto height = says_nothing(h) ? std::optional(OracleAxis{1, 1, 1, 1, 0, 0}) : completed(h);
  if (!width || !height) return std::nullopt;
  return OracleProblem{*height, *width};
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
  CHECK(parse_conv_shape("ih3kh1nunquoted:name").name == "unquoted:name");
}

TEST_CASE("all combinations of omitted sizes mean what benchdnn's rules say") {
  // Each axis: its six sizes where they are given. Between them all signs of paddings occur.
  const OracleAxis heights[] = {{10, 5, 3, 2, 0, 1}, {8, 8, 3, 1, 1, 2}, {7, 4, 2, 2, 0, 0}};
  const OracleAxis widths[] = {{15, 8, 1, 2, 0, 0}, {9, 4, 5, 2, 0, 1}, {12, 4, 1, 3, 0, 0}};
  std::size_t read = 0;
  for (const OracleAxis& height : heights) {
    for (const OracleAxis& width : widths) {
      for (unsigned chosen = 0; chosen < 1U << 12; ++chosen) {
        const auto h = only(height, chosen & 63U);
        const auto w = only(width, chosen >> 6);
        const std::string line = "ic2oc3" + text_of('h', h) + text_of('w', w);
        const std::optional<OracleProblem> expected = oracle(h, w);
        INFO(line);
        if (!expected) {
          CHECK_THROWS_AS(parse_conv_shape(line), Error);
          continue;
        }
        ++read;
        const ConvShape s = parse_conv_shape(line);
        CHECK(axis_of(s.IH, s.OH, s.KH, s.stride_h, s.dilation_h, s.pad_top) == expected->h);
        CHECK(axis_of(s.IW, s.OW, s.KW, s.stride_w, s.dilation_w, s.pad_left) == expected->w);
        CHECK(parse_conv_shape(to_line(s)) == s);
      }
    }
  }
  CHECK(read > 1900);
}

TEST_CASE("lines of benchdnn's own files are read as there") {
  const ConvShape s = parse_conv_shape("mb1_g16ic16oc16_ih10oh10kh3_iw15ow8kw1sw2pw0");
  CHECK(s.pad_top == 1);
  CHECK(s.pad_bottom == 1);
  CHECK(s.stride_h == 1);
  CHECK(s.pad_left == 0);
  CHECK(s.stride_w == 2);
  CHECK(parse_conv_shape("mb1ic16oc16_ih10kh5_kh5ph7sh1").OW == 20);
  const ConvShape line = parse_conv_shape("g1mb50ic3iw224oc64ow112kw7sw2pw3n\"conv1d:2\"");
  CHECK(line.IH == 1);
  CHECK(line.KH == 1);
  CHECK(line.stride_h == 1);
  CHECK(line.pad_right == 3);
  const ConvShape right =
      parse_conv_shape("mb1_ic16oc1_ih2oh1kh2sh1dh0ph0_iw100_ow90_kw3sw1dw64pw0");
  CHECK(right.pad_left == 0);
  CHECK(right.pad_right == 120);
  CHECK(parse_conv_shape("mb1_ic128ih1_oc16oh1_kh3_ph1").OW == 1);
  CHECK(parse_conv_shape("ic1ih5oc1kh3sd1pd0dd0").OH == 3);
  CHECK_THROWS_WITH(
      parse_conv_shape("mb1ic1oc16_kd2kh1kw1_id2ih1iw1_od1oh1ow1_sd2sh1sw1_pd1ph0pw0"),
      Contains("a depth") && Contains("two dimensions"));
}

TEST_CASE("bottom and right padding follow from oh and ow") {
  const ConvShape same = parse_conv_shape("ih8iw10oh4ow5kh3kw3sh2sw2ph0pw0");
  CHECK(same.pad_bottom == 1);
  CHECK(same.pad_right == 1);
  const ConvShape top = parse_conv_shape("ih6iw5oh6ow5kh3kw4ph2pw3");
  CHECK(top.pad_bottom == 0);
  CHECK(top.pad_right == 0);
}

TEST_CASE("parse and print are inverse to each other") {
  std::vector<ConvShape> shapes = test::edge_cases();
  for (const char* name : {"lenet5", "alexnet", "alexnet_ungrouped", "vgg", "resnet", "peers",
                           "googlenet", "mobilenet_v1", "mobilenet_v2", "mobilenet_v3",
                           "efficientnet_b0", "densenet121", "yolov3", "unet"}) {
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
  CHECK_THROWS_WITH(parse_conv_shape("ih8oh4kh3ph0"), Contains("oh4") && Contains("oh6"));
  CHECK_THROWS_WITH(parse_conv_shape("ih8iw8ow20kh3kw3pw0"), Contains("ow20") && Contains("ow6"));
  CHECK_THROWS_WITH(parse_conv_shape("ih8oh9kh3pb1"), Contains("oh9") && Contains("oh7"));
  CHECK_THROWS_WITH(parse_conv_shape("ih8oh0kh3"), Contains("oh0") && Contains("oh6"));
}

TEST_CASE("lines that do not parse say why") {
  CHECK_THROWS_WITH(parse_conv_shape("ih8zz3"), Contains("ih8zz3") && Contains("\"zz3\""));
  CHECK_THROWS_WITH(parse_conv_shape("ih8ih9"), Contains("ih given twice, as 8 and 9"));
  CHECK_THROWS_WITH(parse_conv_shape(""), Contains("no ih"));
  CHECK_THROWS_WITH(parse_conv_shape("ih8"), Contains("no kh"));
  CHECK_THROWS_WITH(parse_conv_shape("ih8kh3iw9"), Contains("no kw") && Contains("width"));
  CHECK_THROWS_WITH(parse_conv_shape("ih8kh3sw2"), Contains("no iw"));
  CHECK_THROWS_WITH(parse_conv_shape("ih8kh3sh2sw1"), Contains("sw1") && Contains("height's 2"));
  CHECK_THROWS_WITH(parse_conv_shape("ih8kh3ph1pw0"), Contains("pw0") && Contains("height's 1"));
  CHECK_THROWS_WITH(parse_conv_shape("ih12oh4kh1sh3"),
                    Contains("oh4 without ph") && Contains("padding of -1"));
  CHECK_THROWS_WITH(parse_conv_shape("ih"), Contains("no number after ih"));
  CHECK_THROWS_WITH(parse_conv_shape("ih-3"), Contains("no number after ih"));
  CHECK_THROWS_WITH(parse_conv_shape("ih3n\"open"), Contains("closing quote"));
  CHECK_THROWS_WITH(parse_conv_shape("ih3nold\"name"), Contains("quote in it"));
  CHECK_THROWS_WITH(parse_conv_shape("ih3n\"\xFF\""), Contains("UTF-8"));
  CHECK_THROWS_WITH(parse_conv_shape("ih3n\"\x1B[2J\""), Contains("control characters"));
  CHECK_THROWS_WITH(parse_conv_shape("ih99999999999999999999"), Contains("overflows"));
  CHECK_THROWS_WITH(parse_conv_shape("ih4294967296"), Contains("less than 2^31"));
  CHECK_THROWS_WITH(parse_conv_shape("ih5kh0"), Contains("KH = 0"));
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
