// safetensors files with a network's weights. The first byte says whether the rest is a file, or
// the header of one whose length and buffer are right.
#include <algorithm>

#include "reprise/exchange/formats.hpp"
#include "support/small_model.hpp"

using namespace reprise;
using namespace reprise::fuzz;

namespace {

void read(const std::vector<std::byte>& file) {
  std::vector<float> values;
  if (!accepted([&] { values = details::from_safetensors(small_model(), file); })) return;
  require_weights(values, details::to_safetensors, details::from_safetensors);
}

std::vector<std::byte> with_header(std::span<const std::byte> header) {
  std::vector<std::byte> file;
  for (std::size_t i = 0; i < 8; ++i) {
    file.push_back(static_cast<std::byte>(header.size() >> (8 * i)));
  }
  file.insert(file.end(), header.begin(), header.end());
  const Sequential model = small_model();
  const auto buffer = std::as_bytes(model.parameters());
  file.insert(file.end(), buffer.begin(), buffer.end());
  return file;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  Input input(bytes, size);
  const bool is_file = input.byte() % 2 == 0;
  const auto rest = std::as_bytes(input.rest());
  read(is_file ? std::vector<std::byte>(rest.begin(), rest.end()) : with_header(rest));
  return 0;
}
