// Arguments from Python, and arrays for results.
#include "arguments.hpp"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <optional>
#include <tuple>

#include "reprise/core/error.hpp"
#include "reprise/core/parallel.hpp"
#include "reprise/core/result_tensor.hpp"

namespace reprise::python {
namespace {

constexpr std::string_view kArrays =
    "an array of booleans, integers or floating-point numbers of at most 64 bits";

std::string label(std::string_view where, std::string_view name) {
  return std::string(where).append(": ").append(name);
}

/// "2x28x28x1", or "()" of a scalar.
std::string shape_text(const std::vector<std::size_t>& sizes) {
  return sizes.empty() ? "()" : sizes_text(sizes);
}

/// What `numpy` makes of the value; an exception of its own becomes one with our line, unless it is
/// a MemoryError or nothing that a value can cause.
py::array asked_of_numpy(std::string_view where, std::string_view name, const py::object& value,
                         const char* function) {
  try {
    return py::module_::import("numpy").attr(function)(value);
  } catch (py::error_already_set& error) {
    if (error.matches(PyExc_MemoryError)) {
      throw OutOfMemory(label(where, name), "a copy of it cannot be allocated", "more memory");
    }
    if (!error.matches(PyExc_Exception)) throw;
    throw_type_error(
        label(where, name),
        type_name(value) + ", of which numpy makes no array: " +
            py::cast<std::string>(py::str(error.value()).attr("encode")("utf-8", "replace")),
        kArrays);
  }
}

/// TypeError for a view whose sign or conjugation is still to be applied, as PyTorch's
/// .conj().imag: such a tensor's memory holds other values, and DLPack does not say so.
void check_resolved(std::string_view where, std::string_view name, const py::object& value) {
  for (const auto& [question, given, expected] :
       {std::tuple{"is_neg", "a view with the negative bit", "a tensor after .resolve_neg()"},
        std::tuple{"is_conj", "a view with the conjugate bit", "a tensor after .resolve_conj()"}}) {
    const py::object method = py::getattr(value, question, py::none());
    if (PyCallable_Check(method.ptr()) == 0 || !py::bool_(method())) continue;
    throw_type_error(label(where, name), given, expected);
  }
}

py::array as_array(std::string_view where, std::string_view name, const py::object& value) {
  const bool is_plain = Py_TYPE(value.ptr()) == py::detail::npy_api::get().PyArray_Type_;
  if (is_plain) return py::reinterpret_borrow<py::array>(value);
  if (value.is_none()) throw_type_error(label(where, name), "None", kArrays);
  if (py::isinstance<py::array>(value)) {
    if (py::isinstance(value, py::module_::import("numpy.ma").attr("MaskedArray"))) {
      throw_type_error(label(where, name), "a masked array",
                       "an array without a mask: fill it, as with .filled(0)");
    }
    return py::reinterpret_borrow<py::array>(value);
  }
  const bool is_dlpack = py::hasattr(value, "__dlpack__");
  if (is_dlpack) check_resolved(where, name, value);
  return asked_of_numpy(where, name, value, is_dlpack ? "from_dlpack" : "asarray");
}

void check_dtype(std::string_view where, std::string_view name, const py::array& array) {
  const char kind = array.dtype().kind();
  const bool is_number = kind == 'b' || kind == 'i' || kind == 'u' || kind == 'f';
  if (is_number && array.itemsize() <= 8) return;
  throw_type_error(
      label(where, name),
      "an array of dtype " + py::cast<std::string>(py::str(static_cast<py::object>(array.dtype()))),
      kArrays);
}

template <class T>
bool is_dense(const py::array& array) {
  constexpr int wanted = static_cast<int>(py::array::c_style) |
                         static_cast<int>(py::detail::npy_api::NPY_ARRAY_ALIGNED_);
  return (array.flags() & wanted) == wanted && array.dtype().is(py::dtype::of<T>());
}

template <class T>
py::array converted(std::string_view where, std::string_view name, const py::array& array) {
  try {
    return py::module_::import("numpy").attr("ascontiguousarray")(array, py::dtype::of<T>());
  } catch (py::error_already_set& error) {
    if (!error.matches(PyExc_MemoryError)) throw;
    throw OutOfMemory(label(where, name), "a copy of it cannot be allocated", "more memory");
  }
}

std::vector<std::size_t> sizes_of(const py::array& array) {
  return {array.shape(), array.shape() + array.ndim()};
}

/// Two values of a list, tuple or the like; nullopt if it is none of two.
std::optional<std::array<py::object, 2>> pair_in(const py::object& value) {
  if (py::isinstance<py::str>(value) || PySequence_Check(value.ptr()) == 0) return std::nullopt;
  try {
    const auto sequence = py::reinterpret_borrow<py::sequence>(value);
    if (sequence.size() != 2) return std::nullopt;
    return std::array<py::object, 2>{sequence[0], sequence[1]};
  } catch (py::error_already_set& error) {  // a memoryview with several axes has no items
    if (!error.matches(PyExc_Exception)) throw;
    return std::nullopt;
  }
}

/// The value as an integer of Python; none if it is not one, as arrays of several values are not.
py::object index_of(const py::handle& value) {
  if (PyIndex_Check(value.ptr()) == 0) return {};
  auto index = py::reinterpret_steal<py::object>(PyNumber_Index(value.ptr()));
  if (index) return index;
  if (PyErr_ExceptionMatches(PyExc_TypeError) == 0) throw py::error_already_set();
  PyErr_Clear();
  return {};
}

/// How an exception shows a value.
std::string shown(const py::handle& value) {
  const py::object repr = py::reinterpret_steal<py::object>(PyObject_ASCII(value.ptr()));
  if (!repr) throw py::error_already_set();
  return py::cast<std::string>(repr);
}

}  // namespace

std::string type_name(const py::handle& value) {
  return py::cast<std::string>(py::type::of(value).attr("__name__"));
}

void throw_type_error(std::string_view where, std::string_view given, std::string_view expected) {
  throw py::type_error(Error(where, given, expected).what());
}

template <class T>
ArrayArgument<T>::ArrayArgument(std::string_view where, std::string_view name,
                                const py::object& value, std::string_view axes)
    : where_(where), name_(name), array_(as_array(where, name, value)) {
  check_dtype(where, name, array_);
  sizes_ = sizes_of(array_);
  const auto rank = static_cast<std::size_t>(1 + std::count(axes.begin(), axes.end(), ','));
  if (sizes_.size() != rank) {
    throw Error(where, name_ + " of shape " + shape_text(sizes_),
                "an array with the axes " + std::string(axes));
  }
  if (!is_dense<T>(array_)) array_ = converted<T>(where, name, array_);
  data_ = static_cast<const T*>(array_.data());
}

template <class T>
void ArrayArgument<T>::check_sizes(const std::vector<std::size_t>& expected) const {
  if (sizes_ == expected) return;
  throw Error(where_, name_ + " of shape " + shape_text(sizes_), shape_text(expected));
}

template class ArrayArgument<float>;
template class ArrayArgument<double>;

template <class T>
py::array_t<T> result_array(std::string_view where, const std::vector<std::size_t>& sizes) {
  try {
    return py::array_t<T>(sizes);
  } catch (py::error_already_set& error) {
    if (!error.matches(PyExc_MemoryError) && !error.matches(PyExc_ValueError)) throw;
    throw OutOfMemory(where,
                      "a result of shape " + shape_text(sizes) + ", " + std::to_string(sizeof(T)) +
                          " bytes a value, cannot be allocated",
                      "more memory or a smaller batch");
  }
}

template py::array_t<float> result_array(std::string_view, const std::vector<std::size_t>&);
template py::array_t<double> result_array(std::string_view, const std::vector<std::size_t>&);

std::size_t size_argument(std::string_view where, std::string_view name, const py::handle& value,
                          std::size_t least) {
  const std::string expected = "an integer of " + std::to_string(least) + " or more";
  const py::object index = index_of(value);
  if (!index) throw_type_error(where, std::string(name) + " = " + shown(value), expected);
  int overflow = 0;
  const long long number = PyLong_AsLongLongAndOverflow(index.ptr(), &overflow);
  if (overflow > 0) throw Error(where, std::string(name) + " = " + shown(value), "less than 2^31");
  if (overflow < 0 || number < static_cast<long long>(least)) {
    throw Error(where, std::string(name) + " = " + shown(value), expected);
  }
  return static_cast<std::size_t>(number);
}

long long integer_argument(std::string_view where, std::string_view name, const py::handle& value) {
  const py::object index = index_of(value);
  if (!index) throw_type_error(where, std::string(name) + " = " + shown(value), "an integer");
  int overflow = 0;
  const long long number = PyLong_AsLongLongAndOverflow(index.ptr(), &overflow);
  if (overflow != 0) {
    throw Error(where, std::string(name) + " = " + shown(value), "an integer of 64 bits");
  }
  return number;
}

Extent2d extent_argument(std::string_view where, std::string_view name, const py::object& value) {
  if (index_of(value)) {
    const std::size_t both = size_argument(where, name, value, 1);
    return {both, both};
  }
  const auto pair = pair_in(value);
  if (!pair) {
    throw_type_error(where, std::string(name) + " = " + shown(value),
                     "an integer or a pair of integers (height, width)");
  }
  return {size_argument(where, std::string(name) + " height", (*pair)[0], 1),
          size_argument(where, std::string(name) + " width", (*pair)[1], 1)};
}

Padding2d padding_argument(std::string_view where, const py::object& value) {
  constexpr std::string_view expected =
      "\"valid\", \"same\", \"keep_size\", an integer, (height, width) or "
      "((top, bottom), (left, right))";
  if (py::isinstance<py::str>(value)) {
    const std::string name = utf8_of(where, "padding", value);
    if (name == "valid") return Padding2d::valid();
    if (name == "same") return Padding2d::same();
    if (name == "keep_size") return Padding2d::keep_size();
    throw Error(where, "padding = " + shown(value), expected);
  }
  const auto cells = [&](const py::object& size) {
    return size_argument(where, "padding", size, 0);
  };
  if (index_of(value)) {
    const std::size_t all = cells(value);
    return Padding2d::sides(all, all, all, all);
  }
  const auto pair = pair_in(value);
  if (!pair) throw_type_error(where, "padding = " + shown(value), expected);
  std::array<std::size_t, 4> sides{};
  for (std::size_t axis = 0; axis < 2; ++axis) {
    const auto both = pair_in((*pair)[axis]);
    sides[2 * axis] = cells(both ? (*both)[0] : (*pair)[axis]);
    sides[2 * axis + 1] = cells(both ? (*both)[1] : (*pair)[axis]);
  }
  return Padding2d::sides(sides[0], sides[1], sides[2], sides[3]);
}

std::array<std::size_t, 4> sizes_argument(std::string_view where, std::string_view name,
                                          const py::object& value) {
  const bool is_list = py::isinstance<py::tuple>(value) || py::isinstance<py::list>(value);
  if (!is_list || py::len(value) != 4) {
    throw_type_error(where, std::string(name) + " = " + shown(value), "four integers");
  }
  const auto sequence = py::reinterpret_borrow<py::sequence>(value);
  std::array<std::size_t, 4> sizes{};
  for (std::size_t i = 0; i < 4; ++i) sizes[i] = size_argument(where, name, sequence[i], 0);
  return sizes;
}

double number_argument(std::string_view where, std::string_view name, const py::handle& value) {
  const std::string given = std::string(name) + " = " + shown(value);
  if (PyBool_Check(value.ptr()) || PyUnicode_Check(value.ptr())) {
    throw_type_error(where, given, "a number");
  }
  const double number = PyFloat_AsDouble(value.ptr());
  if (PyErr_Occurred() != nullptr) {
    py::error_already_set error;
    if (error.matches(PyExc_OverflowError)) throw Error(where, given, "a finite number");
    if (!error.matches(PyExc_TypeError)) throw std::move(error);
    throw_type_error(where, given, "a number");
  }
  if (!std::isfinite(number)) throw Error(where, given, "a finite number");
  return number;
}

bool flag_argument(std::string_view where, std::string_view name, const py::handle& value) {
  if (!py::isinstance<py::bool_>(value)) {
    throw_type_error(where, std::string(name) + " = " + shown(value), "True or False");
  }
  return py::cast<bool>(value);
}

std::string utf8_of(std::string_view where, std::string_view name, const py::handle& text) {
  Py_ssize_t size = 0;
  const char* const bytes = PyUnicode_AsUTF8AndSize(text.ptr(), &size);
  if (bytes == nullptr) {
    PyErr_Clear();
    throw Error(where, std::string(name) + " = " + shown(text), "a text that UTF-8 can hold");
  }
  return {bytes, static_cast<std::size_t>(size)};
}

std::string path_argument(std::string_view where, const py::handle& value) {
  PyObject* converted = nullptr;
  if (PyUnicode_FSConverter(value.ptr(), &converted) == 0) {
    const bool other_type = PyErr_ExceptionMatches(PyExc_TypeError) != 0;
    if (!other_type && PyErr_ExceptionMatches(PyExc_ValueError) == 0) throw py::error_already_set();
    PyErr_Clear();
    if (other_type) throw_type_error(where, type_name(value), "the path of a file");
    throw Error(where, "the path " + shown(value), "one that the system can have");
  }
  return py::cast<std::string>(py::reinterpret_steal<py::bytes>(converted));
}

std::string text_argument(std::string_view where, std::string_view name, const py::handle& value) {
  if (!py::isinstance<py::str>(value)) {
    throw_type_error(where, std::string(name) + " = " + shown(value), "a text");
  }
  return utf8_of(where, name, value);
}

std::size_t threads_argument(std::string_view where, const py::object& value) {
  constexpr std::size_t most = 1024;
  const std::size_t wanted = size_argument(where, "threads", value, 1);
  if (wanted > most) {
    throw Error(where, "threads = " + std::to_string(wanted), "an integer of 1 to 1024");
  }
  if (wanted == 1) return 1;
  static std::mutex mutex;
  static std::size_t started = 1;
  static pid_t starter = 0;
  const py::gil_scoped_release release;  // starting them takes a while
  const std::lock_guard<std::mutex> lock(mutex);
  if (starter != 0 && starter != getpid()) return 1;
  starter = getpid();
  if (wanted > started) started = std::max(started, start_threads(wanted));
  return std::min(wanted, started);
}

}  // namespace reprise::python
