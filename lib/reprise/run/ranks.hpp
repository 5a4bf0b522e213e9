/// \file
/// The processes that compute one training run together, its ranks: messages from one to another.
/// Nothing here adds numbers, so that no library chooses an order of summation. Numbers are sent
/// little-endian: ranks may run on different processors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "reprise/core/byte_order.hpp"
#include "reprise/core/error.hpp"

namespace reprise {

/// A rank that this one waits for has ended, or the messages of two ranks do not fit each other.
class RankLost : public Error {
 public:
  using Error::Error;
};

/// Another process, mostly rank 0, reports why this rank ended.
class EndedWithOthers : public std::exception {
 public:
  [[nodiscard]] const char* what() const noexcept override { return "told by another process"; }
};

class Ranks {
 public:
  Ranks() = default;
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;
  virtual ~Ranks() = default;

  [[nodiscard]] virtual std::size_t size() const = 0;
  [[nodiscard]] virtual std::size_t rank() const = 0;       ///< of this process, from 0
  [[nodiscard]] virtual std::string transport() const = 0;  ///< such as "Open MPI 4.1.4"
  /// "0: 4711, 1: 4712", the ranks on this host with their processes, by which a launcher may name
  /// the one that has ended; "" if not known.
  [[nodiscard]] virtual std::string processes() const { return ""; }

  [[nodiscard]] bool is_first() const { return rank() == 0; }

  /// Sends to rank `to`, which must receive as many bytes from this rank; messages from one rank to
  /// another arrive in the order in which they were sent. May wait until the message is received.
  /// RankLost if a rank has ended.
  void send(std::size_t to, std::span<const std::byte> message);
  void receive(std::size_t from, std::span<std::byte> message);
  /// From rank 0 to all. Every rank calls it, with as many bytes.
  void broadcast(std::span<std::byte> message);

  /// That this rank has sent so far, broadcasts included.
  [[nodiscard]] std::uint64_t bytes_sent() const { return bytes_sent_; }

 protected:
  virtual void do_send(std::size_t to, std::span<const std::byte> message) = 0;
  virtual void do_receive(std::size_t from, std::span<std::byte> message) = 0;

 private:
  std::uint64_t bytes_sent_ = 0;
};

/// A process by itself.
Ranks& one_rank();

/// The elements begin .. end - 1 of a list.
struct Share {
  std::size_t begin = 0, end = 0;
  [[nodiscard]] std::size_t size() const { return end - begin; }
};
/// What a rank takes of `count` things: shares follow each other, and differ by one thing at most.
Share share_of(std::size_t count, std::size_t rank, std::size_t ranks);

/// Every rank has computed its share of pieces of `piece` values (the last may be shorter) in its
/// `values`, of which all ranks have as many: rank 0 has all then, the others what they had.
void gather_on_first(Ranks& ranks, std::span<std::byte> values, std::size_t piece_bytes);
template <class T>
void gather_on_first(Ranks& ranks, std::vector<T>& values, std::size_t piece) {
  swap_little_endian(std::span(values));
  gather_on_first(ranks, std::as_writable_bytes(std::span(values)), piece * sizeof(T));
  swap_little_endian(std::span(values));
}

/// A number of rank 0's for all.
template <class T>
void broadcast_value(Ranks& ranks, T& value) {
  swap_little_endian(std::span(&value, 1));
  ranks.broadcast(std::as_writable_bytes(std::span(&value, 1)));
  swap_little_endian(std::span(&value, 1));
}
/// A text, or a list of plain values, of rank 0's for all, of any length.
template <class List>
void broadcast_list(Ranks& ranks, List& list) {
  std::uint64_t size = list.size();
  broadcast_value(ranks, size);
  list.resize(static_cast<std::size_t>(size));
  swap_little_endian(std::span(list));
  ranks.broadcast(std::as_writable_bytes(std::span(list)));
  swap_little_endian(std::span(list));
}

/// The texts of all ranks, on rank 0; nothing on the others.
std::vector<std::string> texts_on_first(Ranks& ranks, const std::string& text);

/// Does the same on all ranks. If it throws on any of them, it ends on all: with the exception on
/// rank 0, which is an Error that names the rank if it was thrown on others only, and with
/// EndedWithOthers elsewhere. RankLost is thrown on as it is.
void together(Ranks& ranks, const std::function<void()>& work);

}  // namespace reprise
