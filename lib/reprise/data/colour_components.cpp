#include "reprise/data/colour_components.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "reprise/core/float_environment.hpp"

namespace reprise {
namespace {

/// Rotates rows and columns p and q so that matrix[p][q] becomes 0, and the rows of `vectors`.
void rotate(Matrix3& matrix, Matrix3& vectors, std::size_t p, std::size_t q) {
  if (matrix[p][q] == 0.0) return;
  const double theta = (matrix[q][q] - matrix[p][p]) / (2.0 * matrix[p][q]);
  const double root = std::sqrt(theta * theta + 1.0);
  const double t = theta < 0.0 ? 1.0 / (theta - root) : 1.0 / (theta + root);
  const double c = 1.0 / std::sqrt(t * t + 1.0);
  const double s = t * c;
  const auto turn = [&](double& a, double& b) {
    const double before = a;
    a = c * before - s * b;
    b = s * before + c * b;
  };
  for (std::size_t k = 0; k < 3; ++k) turn(matrix[k][p], matrix[k][q]);
  for (std::size_t k = 0; k < 3; ++k) turn(matrix[p][k], matrix[q][k]);
  for (std::size_t k = 0; k < 3; ++k) turn(vectors[p][k], vectors[q][k]);
  matrix[p][q] = matrix[q][p] = 0.0;
}

/// The vector, or its opposite, so that its entry of largest magnitude is positive.
std::array<double, 3> with_sign(std::array<double, 3> vector) {
  const auto largest = std::max_element(
      vector.begin(), vector.end(), [](double a, double b) { return std::abs(a) < std::abs(b); });
  if (*largest < 0.0) {
    for (double& entry : vector) entry = -entry;
  }
  return vector;
}

}  // namespace

SymmetricEigen symmetric_eigen(Matrix3 matrix) {
  const FloatEnvironment environment;
  Matrix3 vectors{{{1.0, 0.0, 0.0}, {0.0, 1.0, 0.0}, {0.0, 0.0, 1.0}}};
  // Convergence is quadratic: 3x3 matrices take about five sweeps, the rest change nothing.
  for (int sweep = 0; sweep < 16; ++sweep) {
    rotate(matrix, vectors, 0, 1);
    rotate(matrix, vectors, 0, 2);
    rotate(matrix, vectors, 1, 2);
  }
  std::array<std::size_t, 3> order{0, 1, 2};
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return matrix[a][a] > matrix[b][b]; });
  SymmetricEigen eigen{};
  for (std::size_t k = 0; k < 3; ++k) {
    eigen.values[k] = matrix[order[k]][order[k]];
    eigen.vectors[k] = with_sign(vectors[order[k]]);
  }
  return eigen;
}

Matrix3 colour_covariance(const ImageSet& set) {
  const FloatEnvironment environment;
  // Whole numbers: exact in any order.
  std::uint64_t sums[3] = {};
  std::uint64_t products[3][3] = {};
  for (std::size_t at = 0; at + 3 <= set.pixels.size(); at += 3) {
    const std::uint8_t* pixel = set.pixels.data() + at;
    for (std::size_t i = 0; i < 3; ++i) {
      sums[i] += pixel[i];
      for (std::size_t j = 0; j <= i; ++j) {
        products[i][j] += static_cast<std::uint64_t>(pixel[i]) * pixel[j];
      }
    }
  }
  const std::size_t pixels = set.pixels.size() / 3;
  const auto count = static_cast<double>(pixels);
  Matrix3 covariance{};
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      const double mean_product = static_cast<double>(products[i][j]) / count;
      const double means =
          (static_cast<double>(sums[i]) / count) * (static_cast<double>(sums[j]) / count);
      covariance[i][j] = covariance[j][i] = (mean_product - means) / (255.0 * 255.0);
    }
  }
  return covariance;
}

}  // namespace reprise
