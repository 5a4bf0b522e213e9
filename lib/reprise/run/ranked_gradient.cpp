#include "reprise/run/ranked_gradient.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <span>

#include "reprise/core/byte_order.hpp"
#include "reprise/core/float_environment.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/core/parallel.hpp"

namespace reprise {
namespace {

/// What is added besides gradients.
struct Sums {
  double loss;
  std::uint64_t errors;
  std::uint64_t wishes;  ///< ranks that wish to stop, counted with every subtree they sum
};

/// The sums of a node of the tree, on the rank that has its first block.
struct Node {
  float* gradient;
  Sums sums;
};

class TreeSum {
 public:
  TreeSum(Ranks& ranks, std::size_t parameters, std::size_t threads, std::size_t blocks,
          const std::vector<std::size_t>& begins, float* received)
      : ranks_(ranks),
        parameters_(parameters),
        threads_(threads),
        blocks_(blocks),
        begins_(begins),
        received_(received) {}

  void add(const BatchGradient::Subtree& part) { parts_.push_back(part); }

  /// Those of ranks without blocks come to ranks with blocks. They send before they wait for
  /// anything, and are received when this rank has computed.
  void gather_wishes(bool wish) {
    wishes_ = wish ? 1 : 0;
    const std::vector<std::size_t> hearers = heard_by(begins_);
    const std::size_t own = ranks_.rank();
    if (hearers[own] != own) {
      const std::byte message{static_cast<unsigned char>(wishes_)};
      ranks_.send(hearers[own], std::span(&message, 1));
      return;
    }
    for (std::size_t rank = 0; rank < hearers.size(); ++rank) {
      if (rank == own || hearers[rank] != own) continue;
      std::byte message{};
      ranks_.receive(rank, std::span(&message, 1));
      wishes_ += std::to_integer<std::uint64_t>(message);
    }
  }

  /// The node over blocks first .. first + 2^level - 1, if this rank has its first block; with all
  /// that it takes of other ranks, and sends to them what they take.
  std::optional<Node> sum(std::size_t first, std::size_t level) {
    const std::size_t end = std::min(blocks_, first + (std::size_t{1} << level));
    const Share mine = {begins_[ranks_.rank()], begins_[ranks_.rank() + 1]};
    if (end <= mine.begin || first >= mine.end) return std::nullopt;
    if (auto whole = part_over(first, end)) return whole;
    const std::size_t middle = first + (std::size_t{1} << (level - 1));
    std::optional<Node> left = sum(first, level - 1);
    if (middle >= blocks_) return left;
    std::optional<Node> right = sum(middle, level - 1);
    const std::size_t left_rank = rank_of(first);
    const std::size_t right_rank = rank_of(middle);
    if (right && !left) {
      send(left_rank, *right);
      return std::nullopt;
    }
    if (left) add_into(*left, right ? *right : receive(right_rank));
    return left;
  }

  /// The root's sums for all ranks, in `gradient`.
  Sums broadcast(const std::optional<Node>& root, float* gradient) {
    if (root) store(*root);
    ranks_.broadcast(bytes_of(gradient));
    return take_message(gradient);
  }

 private:
  [[nodiscard]] std::size_t message_floats() const {
    return parameters_ + BatchGradient::kSpareFloats;
  }
  [[nodiscard]] std::span<std::byte> bytes_of(float* gradient) const {
    return std::as_writable_bytes(std::span(gradient, message_floats()));
  }

  [[nodiscard]] std::optional<Node> part_over(std::size_t first, std::size_t end) const {
    for (const BatchGradient::Subtree& part : parts_) {
      if (part.first != first) continue;
      if (std::min(blocks_, first + (std::size_t{1} << part.level)) != end) return std::nullopt;
      return Node{part.gradient, {part.totals.loss, part.totals.errors, wishes_}};
    }
    return std::nullopt;
  }

  /// Of two ranks of which one has no blocks the other has the block.
  [[nodiscard]] std::size_t rank_of(std::size_t block) const {
    const auto after = std::upper_bound(begins_.begin(), begins_.end(), block);
    return static_cast<std::size_t>(after - begins_.begin()) - 1;
  }

  /// Makes a message of the gradient, with the totals behind it.
  void store(const Node& node) const {
    std::array<std::uint64_t, 3> sums{std::bit_cast<std::uint64_t>(node.sums.loss),
                                      node.sums.errors, node.sums.wishes};
    static_assert(sizeof sums <= BatchGradient::kSpareFloats * sizeof(float));
    swap_little_endian(std::span(sums));
    swap_little_endian(std::span(node.gradient, parameters_));
    std::memset(node.gradient + parameters_, 0, BatchGradient::kSpareFloats * sizeof(float));
    std::memcpy(node.gradient + parameters_, sums.data(), sizeof sums);
  }
  /// Makes a gradient of a message: what store() put behind it.
  Sums take_message(float* gradient) const {
    std::array<std::uint64_t, 3> sums;
    from_little_endian(
        std::as_bytes(std::span(gradient + parameters_, BatchGradient::kSpareFloats)),
        std::span(sums));
    swap_little_endian(std::span(gradient, parameters_));
    return {std::bit_cast<double>(sums[0]), sums[1], sums[2]};
  }

  void send(std::size_t to, const Node& node) {
    store(node);
    ranks_.send(to, bytes_of(node.gradient));
  }
  Node receive(std::size_t from) {
    ranks_.receive(from, bytes_of(received_));
    return {received_, take_message(received_)};
  }

  void add_into(Node& left, const Node& right) const {
    constexpr std::size_t slice = 4096;
    parallel_for(threads_, div_ceil(parameters_, slice), [&](std::size_t task, std::size_t) {
      const std::size_t end = std::min(parameters_, (task + 1) * slice);
      for (std::size_t i = task * slice; i < end; ++i) left.gradient[i] += right.gradient[i];
    });
    left.sums.loss += right.sums.loss;
    left.sums.errors += right.sums.errors;
    left.sums.wishes += right.sums.wishes;
  }

  Ranks& ranks_;
  std::size_t parameters_, threads_, blocks_;
  const std::vector<std::size_t>& begins_;
  std::vector<BatchGradient::Subtree> parts_;
  std::uint64_t wishes_ = 0;
  float* received_;
};

}  // namespace

std::vector<std::size_t> deal_blocks(std::size_t blocks, std::size_t ranks) {
  const std::size_t most = div_ceil(blocks, ranks);
  const auto units_of = [&](std::size_t level) {
    return div_ceil(blocks, std::size_t{1} << level);
  };
  std::size_t level = 0;
  while ((div_ceil(units_of(level + 1), ranks) << (level + 1)) <= most) ++level;
  std::vector<std::size_t> begins;
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    begins.push_back(std::min(blocks, share_of(units_of(level), rank, ranks).begin << level));
  }
  begins.push_back(blocks);
  return begins;
}

std::vector<std::size_t> heard_by(const std::vector<std::size_t>& begins) {
  const std::size_t ranks = begins.size() - 1;
  std::vector<std::size_t> with_blocks;
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    if (begins[rank] < begins[rank + 1]) with_blocks.push_back(rank);
  }
  std::vector<std::size_t> hearers;
  std::size_t without = 0;
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    const bool has_blocks = begins[rank] < begins[rank + 1];
    hearers.push_back(has_blocks ? rank : with_blocks[without++ % with_blocks.size()]);
  }
  return hearers;
}

RankedGradient::RankedGradient(Ranks& ranks, BatchGradient& gradient, std::size_t parameters)
    : ranks_(ranks),
      gradient_(gradient),
      parameters_(parameters),
      received_(ranks.size() > 1
                    ? make_aligned_buffer<float>(parameters + BatchGradient::kSpareFloats)
                    : nullptr) {}

RankedGradient::Step RankedGradient::run(std::size_t N, std::uint64_t step,
                                         const BatchGradient::Source& source, std::size_t threads,
                                         bool wishes_to_stop) {
  if (ranks_.size() == 1) return {gradient_.run(N, step, source), wishes_to_stop};
  const FloatEnvironment environment;
  const std::size_t blocks = gradient_.blocks_of(N);
  const std::vector<std::size_t> begins = deal_blocks(blocks, ranks_.size());
  const BatchGradient::Range range = {begins[ranks_.rank()], begins[ranks_.rank() + 1]};
  TreeSum tree(ranks_, parameters_, threads, blocks, begins, received_.get());
  for (const BatchGradient::Subtree& part : gradient_.run_range(N, step, source, range)) {
    tree.add(part);
  }
  tree.gather_wishes(wishes_to_stop);
  std::size_t levels = 0;
  while ((std::size_t{1} << levels) < blocks) ++levels;
  const Sums sums = tree.broadcast(tree.sum(0, levels), gradient_.gradient_memory());
  return {{sums.loss, static_cast<std::size_t>(sums.errors)}, sums.wishes > 0};
}

}  // namespace reprise
