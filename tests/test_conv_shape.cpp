// conv: sizes, padding and the one-line text form.
#include "reprise/conv/conv_shape.hpp"
#include "reprise/core/error.hpp"
#include "support/catch.hpp"

using namespace reprise;

TEST_CASE("a line in benchdnn's grammar means what it says") {
  const ConvShape s = parse_conv_shape("g1mb128ic3ih227oc96oh55kh11sh4ph0n\"alexnet:conv1\"");
  CHECK(s.N == 128);
  CHECK(s.IW == 227);
  CHECK(s.OH == 55);
  CHECK(s.OW == 55);
  CHECK(s.stride_w == 4);
  CHECK(s.name == "alexnet:conv1");
  CHECK(parse_conv_shape(to_line(s)) == s);
}

TEST_CASE("an oh that contradicts the rest prints both") {
  CHECK_THROWS_WITH(parse_conv_shape("ic3ih227oc96oh60kh11sh4ph0"),
                    Catch::Contains("oh60") && Catch::Contains("oh55"));
}
