#include "reprise/nn/models/digit_codes.hpp"

#include <array>
#include <cstddef>
#include <string_view>

namespace reprise {
namespace {

constexpr std::size_t kHeight = 12, kWidth = 7, kGap = 2, kDigitsPerLine = 5;

/// 0 to 4, then 5 to 9, side by side.
// clang-format off
constexpr std::array<std::string_view, 2 * kHeight> kDrawing{
    ".......  .......  .......  .......  .......",
    "..###..  ...#...  .#####.  .#####.  #....#.",
    ".#...#.  ..##...  #.....#  #.....#  #....#.",
    "#.....#  .#.#...  ......#  ......#  #....#.",
    "#.....#  ...#...  ......#  ......#  #....#.",
    "#.....#  ...#...  .....#.  ..####.  #....#.",
    "#.....#  ...#...  ....#..  ......#  #######",
    "#.....#  ...#...  ...#...  ......#  .....#.",
    "#.....#  ...#...  ..#....  ......#  .....#.",
    ".#...#.  ...#...  .#.....  #.....#  .....#.",
    "..###..  .#####.  #######  .#####.  .....#.",
    ".......  .......  .......  .......  .......",

    ".......  .......  .......  .......  .......",
    "#######  ....##.  #######  .#####.  .#####.",
    "#......  ..##...  ......#  #.....#  #.....#",
    "#......  .#.....  .....#.  #.....#  #.....#",
    "#......  #......  .....#.  .#...#.  #.....#",
    "######.  #.####.  ....#..  ..###..  #....##",
    "......#  ##....#  ....#..  .#...#.  .####.#",
    "......#  #.....#  ...#...  #.....#  ......#",
    "......#  #.....#  ...#...  #.....#  .....#.",
    "#.....#  #.....#  ..#....  #.....#  ...##..",
    ".#####.  .#####.  ..#....  .#####.  .##....",
    ".......  .......  .......  .......  .......",
};
// clang-format on

}  // namespace

std::vector<std::vector<float>> digit_codes() {
  std::vector<std::vector<float>> codes(10);
  for (std::size_t digit = 0; digit < codes.size(); ++digit) {
    const std::size_t top = digit / kDigitsPerLine * kHeight;
    const std::size_t left = digit % kDigitsPerLine * (kWidth + kGap);
    for (std::size_t row = 0; row < kHeight; ++row) {
      for (const char cell : kDrawing[top + row].substr(left, kWidth)) {
        codes[digit].push_back(cell == '#' ? 1.0F : -1.0F);
      }
    }
  }
  return codes;
}

}  // namespace reprise
