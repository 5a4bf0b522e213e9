#include "reprise/run/conv_shape_file.hpp"

#include "reprise/core/file.hpp"

namespace reprise {

std::vector<ConvShape> read_conv_shapes(const std::string& file) {
  constexpr std::size_t most_bytes = std::size_t{64} << 20;
  const std::vector<std::byte> bytes = read_file(file, most_bytes);
  return parse_conv_shapes(file, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace reprise
