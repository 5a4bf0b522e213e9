#include "reprise/run/ranks.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "reprise/core/byte_order.hpp"
#include "reprise/core/integer.hpp"

namespace reprise {
namespace {

class OneRank : public Ranks {
 public:
  [[nodiscard]] std::size_t size() const override { return 1; }
  [[nodiscard]] std::size_t rank() const override { return 0; }
  [[nodiscard]] std::string transport() const override { return "none"; }

 private:
  void do_send(std::size_t, std::span<const std::byte>) override {}
  void do_receive(std::size_t, std::span<std::byte>) override {}
};

void check_peer(const Ranks& ranks, std::size_t peer) {
  if (peer < ranks.size() && peer != ranks.rank()) return;
  throw Error("ranks", fmt::format("a message between rank {} and rank {}", ranks.rank(), peer),
              fmt::format("another rank of {}", ranks.size()));
}

/// The bytes of a share of pieces.
std::span<std::byte> bytes_of(std::span<std::byte> values, std::size_t piece, const Share& share) {
  const std::size_t begin = std::min(values.size(), share.begin * piece);
  return values.subspan(begin, std::min(values.size(), share.end * piece) - begin);
}

/// A text that another rank sends with send_text().
std::string receive_text(Ranks& ranks, std::size_t from) {
  std::uint64_t size = 0;
  ranks.receive(from, std::as_writable_bytes(std::span(&size, 1)));
  swap_little_endian(std::span(&size, 1));
  constexpr std::uint64_t most = std::uint64_t{1} << 26;
  if (size > most) {
    throw RankLost("ranks", fmt::format("a text of {} bytes from rank {}", size, from),
                   "ranks of the same version of the program");
  }
  std::string text(static_cast<std::size_t>(size), '\0');
  ranks.receive(from, std::as_writable_bytes(std::span(text)));
  return text;
}

void send_text(Ranks& ranks, const std::string& text) {
  std::uint64_t size = text.size();
  swap_little_endian(std::span(&size, 1));
  ranks.send(0, std::as_bytes(std::span(&size, 1)));
  ranks.send(0, std::as_bytes(std::span(text)));
}

}  // namespace

void Ranks::send(std::size_t to, std::span<const std::byte> message) {
  check_peer(*this, to);
  bytes_sent_ += message.size();
  if (!message.empty()) do_send(to, message);
}

void Ranks::receive(std::size_t from, std::span<std::byte> message) {
  check_peer(*this, from);
  if (!message.empty()) do_receive(from, message);
}

void Ranks::broadcast(std::span<std::byte> message) {
  // A binomial tree: in each round whoever has the message sends it `distance` ranks on.
  std::size_t distance = 1;
  while (distance < size()) distance *= 2;
  for (distance /= 2; distance > 0; distance /= 2) {
    const std::size_t place = rank() % (2 * distance);
    if (place == distance) receive(rank() - distance, message);
    if (place == 0 && rank() + distance < size()) send(rank() + distance, message);
  }
}

Ranks& one_rank() {
  static OneRank one;
  return one;
}

Share share_of(std::size_t count, std::size_t rank, std::size_t ranks) {
  const auto begin_of = [&](std::size_t r) { return div_ceil(count * r, ranks); };
  return {begin_of(rank), begin_of(rank + 1)};
}

void gather_on_first(Ranks& ranks, std::span<std::byte> values, std::size_t piece_bytes) {
  const std::size_t pieces = div_ceil(values.size(), piece_bytes);
  const auto part = [&](std::size_t rank) {
    return bytes_of(values, piece_bytes, share_of(pieces, rank, ranks.size()));
  };
  if (!ranks.is_first()) return ranks.send(0, part(ranks.rank()));
  for (std::size_t rank = 1; rank < ranks.size(); ++rank) ranks.receive(rank, part(rank));
}

std::vector<std::string> texts_on_first(Ranks& ranks, const std::string& text) {
  if (!ranks.is_first()) {
    send_text(ranks, text);
    return {};
  }
  std::vector<std::string> texts = {text};
  for (std::size_t rank = 1; rank < ranks.size(); ++rank) {
    texts.push_back(receive_text(ranks, rank));
  }
  return texts;
}

void together(Ranks& ranks, const std::function<void()>& work) {
  std::exception_ptr failure;
  std::string reason;
  try {
    work();
  } catch (const RankLost&) {
    throw;
  } catch (const std::exception& error) {
    failure = std::current_exception();
    reason = error.what();
  }
  const std::vector<std::string> reasons = texts_on_first(ranks, reason);
  const auto failed =
      std::find_if(reasons.begin(), reasons.end(), [](const auto& text) { return !text.empty(); });
  std::uint8_t ends = failed == reasons.end() ? 0 : 1;
  broadcast_value(ranks, ends);
  if (ends == 0) return;
  if (!ranks.is_first()) throw EndedWithOthers();
  if (failure) std::rethrow_exception(failure);
  throw Error(fmt::format("rank {}", failed - reasons.begin()), *failed, "");
}

}  // namespace reprise
