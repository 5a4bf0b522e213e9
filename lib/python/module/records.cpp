// Records: reading, digests, comparison and verification.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "arguments.hpp"
#include "parts.hpp"
#include "reprise/core/digest.hpp"
#include "reprise/core/error.hpp"
#include "reprise/exchange/exchange.hpp"
#include "reprise/record/configuration_text.hpp"
#include "reprise/record_file/record_file.hpp"
#include "reprise/run/configuration.hpp"
#include "reprise/run/verification.hpp"
#include "tree.hpp"

namespace reprise::python {
namespace {

std::shared_ptr<Record> load(const py::object& path, const py::object& no_checksum,
                             const py::object& unconfined) {
  const std::string file = path_argument("open", path);
  LoadOptions options;
  options.no_checksum = py::cast<bool>(no_checksum);
  options.unconfined = py::cast<bool>(unconfined);
  const py::gil_scoped_release release;
  return std::make_shared<Record>(load_record(file, options));
}

/// SHA-256 of text(type), the number of axes, their sizes, the number of values, the values: what a
/// record's digest has of a dataset but for the axes' names.
template <class T>
std::string digest_of_values(const py::array& array, std::string_view type) {
  Sha256 hash;
  hash.update_text(type);
  hash.update_u64(static_cast<std::uint64_t>(array.ndim()));
  for (py::ssize_t axis = 0; axis < array.ndim(); ++axis) {
    hash.update_u64(static_cast<std::uint64_t>(array.shape(axis)));
  }
  const std::span<const T> values(static_cast<const T*>(array.data()),
                                  static_cast<std::size_t>(array.size()));
  if constexpr (std::is_same_v<T, float>) {
    hash.update_floats(values);
  } else if constexpr (std::is_same_v<T, double>) {
    hash.update_doubles(values);
  } else {
    hash.update_u64(values.size());
    hash.update(std::as_bytes(values));
  }
  return hash.finish_hex();
}

std::string array_digest(const py::array& array) {
  const py::array dense = py::module_::import("numpy").attr("ascontiguousarray")(array).attr(
      "reshape")(array.attr("shape"));
  const py::dtype dtype = dense.dtype();
  if (dtype.is(py::dtype::of<float>())) return digest_of_values<float>(dense, "float32");
  if (dtype.is(py::dtype::of<double>())) return digest_of_values<double>(dense, "float64");
  if (dtype.is(py::dtype::of<std::uint8_t>()))
    return digest_of_values<std::uint8_t>(dense, "uint8");
  if (dtype.is(py::dtype::of<std::int64_t>()))
    return digest_of_values<std::int64_t>(dense, "int64");
  throw_type_error("digest",
                   "an array of dtype " + py::cast<std::string>(py::str(py::object(dtype))),
                   "float32, float64, uint8 or int64, in the machine's byte order");
}

std::vector<std::pair<std::string, std::string>> compared(const Record& a, const Record& b,
                                                          const py::object& most) {
  const std::size_t count = size_argument("compare", "most", most, 1);
  std::vector<std::pair<std::string, std::string>> found;
  for (const RecordDifference& difference : differences(a, b, count)) {
    found.emplace_back(difference.path, difference.what);
  }
  return found;
}

std::string_view name_of(Verification::Verdict verdict) {
  switch (verdict) {
    case Verification::Verdict::identical:
      return "identical";
    case Verification::Verdict::partial:
      return "partial";
    case Verification::Verdict::cannot_judge:
      return "cannot_judge";
    case Verification::Verdict::different:
      return "different";
    case Verification::Verdict::stopped:
      return "stopped";
  }
  return "";
}

py::tuple verify(const Record& record, const ImageDataset& data, const py::object& epochs,
                 const py::object& threads, const py::object& initial) {
  VerificationOptions options;
  options.epochs = size_argument("verify", "epochs", epochs, 0);
  options.threads = threads_argument("verify", threads);
  const std::string file = initial.is_none() ? "" : path_argument("verify", initial);
  Verification verification;
  {
    const py::gil_scoped_release release;
    // A run that did not start from a file has no use for one.
    if (!file.empty()) {
      const auto configuration = configuration_from(record.group("configuration"));
      if (!configuration.initial_sha256.empty()) {
        options.initial = initial_weights(configuration, data, file).values;
      }
    }
    verification = verify_training(record, data, options, [](const TrainingRun&, std::size_t) {
      const py::gil_scoped_acquire acquire;
      return PyErr_CheckSignals() == 0;
    });
  }
  if (PyErr_Occurred() != nullptr) throw py::error_already_set();
  return py::make_tuple(name_of(verification.verdict), verification.findings);
}

}  // namespace

void add_records(py::module_& module) {
  py::class_<Record, std::shared_ptr<Record>>(module, "Tree", "A record in memory.")
      .def("as_tuple", &as_tuple)
      .def("digest", [](const Record& record) { return digest_of(record); });
  module.def("load_record", &load);
  module.def("array_digest", &array_digest);
  module.def("compare", &compared);
  module.def("verify", &verify);
}

}  // namespace reprise::python
