/// \file
/// Two ranks whose messages go through byte streams, such as sockets or named pipes: processes of
/// different builds, on different processors.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "reprise/run/ranks.hpp"

namespace reprise::test {

class StreamRanks : public Ranks {
 public:
  /// Rank 0 or 1 of two, which reads what the other one writes. The descriptors are the caller's.
  StreamRanks(std::size_t rank, int reads, int writes)
      : rank_(rank), reads_(reads), writes_(writes) {}
  [[nodiscard]] std::size_t size() const override { return 2; }
  [[nodiscard]] std::size_t rank() const override { return rank_; }
  [[nodiscard]] std::string transport() const override { return "streams"; }

 private:
  void do_send(std::size_t to, std::span<const std::byte> message) override;
  void do_receive(std::size_t from, std::span<std::byte> message) override;

  std::size_t rank_;
  int reads_, writes_;
};

}  // namespace reprise::test
