#include "support/stream_ranks.hpp"

#include <unistd.h>

namespace reprise::test {
namespace {

[[noreturn]] void lose(std::size_t rank) {
  throw RankLost("rank " + std::to_string(rank) + " of 2", "has ended", "both to go on");
}

}  // namespace

void StreamRanks::do_send(std::size_t to, std::span<const std::byte> message) {
  while (!message.empty()) {
    const ssize_t count = write(writes_, message.data(), message.size());
    if (count <= 0) lose(to);
    message = message.subspan(static_cast<std::size_t>(count));
  }
}

void StreamRanks::do_receive(std::size_t from, std::span<std::byte> message) {
  while (!message.empty()) {
    const ssize_t count = read(reads_, message.data(), message.size());
    if (count <= 0) lose(from);
    message = message.subspan(static_cast<std::size_t>(count));
  }
}

}  // namespace reprise::test
