/// \file
/// Sizes along an image's height and width, the rules of padding, and the checks of sizes that
/// convolution and pooling share.
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace reprise {

/// A pair of sizes along the image's height and width.
struct Extent2d {
  std::size_t h = 1;
  std::size_t w = 1;
  bool operator==(const Extent2d&) const = default;
};

/// How many cells of padding each side of the image gets.
class Padding2d {
 public:
  enum class Kind { valid, same, keep_size, sides };

  /// None.
  static Padding2d valid() { return Padding2d(Kind::valid); }
  /// TensorFlow's: OH = ceil(IH / stride); of an odd total the extra cell goes to the bottom/right.
  static Padding2d same() { return Padding2d(Kind::same); }
  /// OH = IH for any stride: both sides get ceil(((IH-1)*stride + span - IH) / 2), where span is
  /// the dilated kernel's extent; at stride 1 and an even span the top/left gets one cell less, as
  /// OH would be IH + 1 otherwise.
  static Padding2d keep_size() { return Padding2d(Kind::keep_size); }
  /// As given.
  static Padding2d sides(std::size_t top, std::size_t bottom, std::size_t left, std::size_t right);

  [[nodiscard]] Kind kind() const { return kind_; }

  struct Sides {
    std::size_t top = 0, bottom = 0, left = 0, right = 0;
    bool operator==(const Sides&) const = default;
  };
  /// The cells on each side, for an image `input` under a kernel whose dilated extent is `span`.
  [[nodiscard]] Sides resolve(Extent2d input, Extent2d span, Extent2d stride) const;

 private:
  explicit Padding2d(Kind kind) : kind_(kind) {}
  Kind kind_;
  Sides sides_;
};

/// A size and what a message calls it.
using NamedSize = std::pair<std::string_view, std::size_t>;
std::string text_of(const NamedSize& size);

/// Error, which begins with `where`, if a size is less than `least` (0 or 1) or 2^31 or more:
/// products of two sizes stay below 2^62.
void check_sizes(std::string_view where, std::initializer_list<NamedSize> sizes, std::size_t least);

/// Error if a tensor of these sizes has more than 2^40 elements; a size of 0 counts as 1.
void check_elements(std::string_view where, std::string_view tensor,
                    const std::array<std::size_t, 4>& sizes);

}  // namespace reprise
