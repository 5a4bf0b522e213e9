/// \file
/// The principal components of a data set's colours (Krizhevsky, Sutskever, Hinton 2012, section
/// 4.1).
#pragma once

#include <array>

#include "reprise/data/dataset.hpp"

namespace reprise {

using Matrix3 = std::array<std::array<double, 3>, 3>;

struct SymmetricEigen {
  std::array<double, 3> values;  ///< largest first
  Matrix3 vectors;  ///< vectors[k] belongs to values[k]: of length 1, its largest entry positive
};

/// The eigenvalues and eigenvectors of a symmetric matrix by Jacobi's rotations in double: the same
/// bits everywhere, as there are no operations but IEEE's.
SymmetricEigen symmetric_eigen(Matrix3 matrix);

/// The covariance of red, green and blue, in units of pixel / 255, over all pixels of a set with
/// three channels and at least one image.
Matrix3 colour_covariance(const ImageSet& set);

}  // namespace reprise
