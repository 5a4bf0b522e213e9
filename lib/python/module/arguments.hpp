/// \file
/// Arguments from Python: arrays, sizes, pairs and padding, each checked, with the library's line
/// as the text of the exception. `where` is the Python function that is called.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "reprise/core/geometry.hpp"

namespace reprise::python {
namespace py = pybind11;

/// "WHERE: GIVEN; expected EXPECTED" as TypeError.
[[noreturn]] void throw_type_error(std::string_view where, std::string_view given,
                                   std::string_view expected);

/// The name of a value's type.
std::string type_name(const py::handle& value);

/// A dense array of T (float or double) in C order: the caller's own where it is one, with no copy;
/// else one converted once, of any array, buffer, DLPack tensor or nested list of numbers.
template <class T>
class ArrayArgument {
 public:
  /// TypeError if it is not an array of booleans, integers or floats; ValueError unless it has an
  /// axis for each name in `axes`, such as "N,IH,IW,IC"; MemoryError if there is no room for a
  /// copy.
  ArrayArgument(std::string_view where, std::string_view name, const py::object& value,
                std::string_view axes);

  [[nodiscard]] const T* data() const { return data_; }
  [[nodiscard]] const std::vector<std::size_t>& sizes() const { return sizes_; }
  /// The array itself, or the one converted.
  [[nodiscard]] const py::array& array() const { return array_; }
  /// The sizes of an array that has four axes.
  [[nodiscard]] std::array<std::size_t, 4> sizes4() const {
    return {sizes_.at(0), sizes_.at(1), sizes_.at(2), sizes_.at(3)};
  }
  /// Error unless the sizes are these.
  void check_sizes(const std::vector<std::size_t>& expected) const;

 private:
  std::string where_, name_;
  py::array array_;  ///< keeps the memory
  const T* data_ = nullptr;
  std::vector<std::size_t> sizes_;
};
extern template class ArrayArgument<float>;
extern template class ArrayArgument<double>;

/// An array of a result, contents unspecified, which owns its memory; OutOfMemory if it cannot be
/// allocated.
template <class T>
py::array_t<T> result_array(std::string_view where, const std::vector<std::size_t>& sizes);
extern template py::array_t<float> result_array(std::string_view, const std::vector<std::size_t>&);
extern template py::array_t<double> result_array(std::string_view, const std::vector<std::size_t>&);

/// An integer of `least` or more; TypeError if it is no integer, ValueError if it is less.
std::size_t size_argument(std::string_view where, std::string_view name, const py::handle& value,
                          std::size_t least);

/// An integer of any sign; TypeError if it is none, ValueError if it has more than 64 bits.
long long integer_argument(std::string_view where, std::string_view name, const py::handle& value);

/// An integer for both axes, or a pair (height, width).
Extent2d extent_argument(std::string_view where, std::string_view name, const py::object& value);

/// "valid", "same", "keep_size", an integer, a pair (height, width), or a pair of pairs
/// ((top, bottom), (left, right)).
Padding2d padding_argument(std::string_view where, const py::object& value);

/// Four sizes of 0 or more.
std::array<std::size_t, 4> sizes_argument(std::string_view where, std::string_view name,
                                          const py::object& value);

/// A finite number; TypeError if it is none, ValueError if it is not finite.
double number_argument(std::string_view where, std::string_view name, const py::handle& value);

/// True or False; TypeError if it is neither.
bool flag_argument(std::string_view where, std::string_view name, const py::handle& value);

/// The bytes of a text in UTF-8; ValueError if it has none, as of half a surrogate pair.
std::string utf8_of(std::string_view where, std::string_view name, const py::handle& text);

/// The name of a file or folder, of a text, bytes or a path object, as the system has it.
std::string path_argument(std::string_view where, const py::handle& value);

/// A text; TypeError if it is none.
std::string text_argument(std::string_view where, std::string_view name, const py::handle& value);

/// The number of threads, 1 to 1024, or as many of them as the system grants. In a process that was
/// forked after threads were started it is 1.
std::size_t threads_argument(std::string_view where, const py::object& value);

}  // namespace reprise::python
