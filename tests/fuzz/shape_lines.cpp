// Files of shape lines: a shape that is read has sizes that fit each other, and its canonical line
// gives it back.
#include "reprise/conv/conv_shape.hpp"
#include "reprise/run/conv_shape_file.hpp"
#include "support/fuzz.hpp"

using namespace reprise;
using namespace reprise::fuzz;

namespace {

void check_axis(std::size_t in, std::size_t out, std::size_t span, std::size_t stride,
                std::size_t padding) {
  require(out >= 1 && in + padding >= span && out == (in + padding - span) / stride + 1,
          "the output has the size that the formula gives");
}

void check_shape(const ConvShape& s) {
  check_axis(s.IH, s.OH, s.span_h(), s.stride_h, s.pad_top + s.pad_bottom);
  check_axis(s.IW, s.OW, s.span_w(), s.stride_w, s.pad_left + s.pad_right);
  constexpr std::size_t most = std::size_t{1} << 40;
  require(s.input_size() <= most && s.weight_size() <= most && s.output_size() <= most,
          "no tensor has more than 2^40 elements");
  require(s.G >= 1 && s.IC % s.G == 0 && s.OC % s.G == 0, "groups divide the channels");
  const std::string line = to_line(s);
  require(parse_conv_shape(line) == s, "a canonical line gives the shape back: " + line);
  require(to_line(parse_conv_shape(line)) == line, "a canonical line gives itself back: " + line);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string path = write_scratch("shapes", {bytes, size});
  accepted([&] {
    for (const ConvShape& shape : read_conv_shapes(path)) check_shape(shape);
  });
  return 0;
}
