#include "reprise/core/random.hpp"

#include <numeric>
#include <utility>

#include "reprise/core/digest.hpp"
#include "reprise/core/philox.hpp"

namespace reprise {
namespace {

/// Little-endian value of a digest's first 8 bytes.
std::uint64_t first_64_bits(const Sha256::Bytes& bytes) {
  std::uint64_t value = 0;
  for (int i = 7; i >= 0; --i) value = (value << 8) | bytes[static_cast<std::size_t>(i)];
  return value;
}

std::uint64_t derive(std::uint64_t parent, std::string_view kind, std::string_view name) {
  Sha256 hash;
  hash.update_text("reprise.random.v1");
  hash.update_u64(parent);
  hash.update_text(kind);
  hash.update_text(name);
  return first_64_bits(hash.finish());
}

}  // namespace

RandomStream::RandomStream(std::uint64_t seed) : key_(derive(seed, "seed", "")) {}

RandomStream RandomStream::child(std::string_view name) const {
  return RandomStream(Key{derive(key_, "name", name)});
}

RandomStream RandomStream::child(std::uint64_t index) const {
  return RandomStream(Key{derive(key_, "index", std::to_string(index))});
}

std::array<std::uint32_t, 4> RandomStream::words(std::uint64_t counter) const {
  const auto low = [](std::uint64_t value) { return static_cast<std::uint32_t>(value); };
  return philox4x32_10({low(counter), low(counter >> 32), 0, 0}, {low(key_), low(key_ >> 32)});
}

std::uint64_t RandomStream::bits64(std::uint64_t counter) const {
  const auto word = words(counter);
  return (static_cast<std::uint64_t>(word[1]) << 32) | word[0];
}

double RandomStream::uniform(std::uint64_t counter) const {
  return static_cast<double>(bits64(counter) >> 11) * 0x1p-53;
}

std::uint64_t RandomStream::below(std::uint64_t bound, std::uint64_t counter) const {
  __extension__ using uint128 = unsigned __int128;
  return static_cast<std::uint64_t>((static_cast<uint128>(bits64(counter)) * bound) >> 64);
}

std::vector<std::uint32_t> RandomStream::permutation(std::uint32_t count) const {
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0U);
  for (std::uint32_t i = count; i > 1; --i) std::swap(order[i - 1], order[below(i, i)]);
  return order;
}

}  // namespace reprise
