// Models and training: networks, data sets, and the run that train_lenet5 makes.
#include "reprise/run/training.hpp"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "arguments.hpp"
#include "network.hpp"
#include "parts.hpp"
#include "reprise/core/digest.hpp"
#include "reprise/core/error.hpp"
#include "reprise/linalg/blas.hpp"
#include "reprise/nn/models/models.hpp"
#include "reprise/record/contents.hpp"
#include "reprise/record_file/record_file.hpp"
#include "reprise/run/configuration.hpp"
#include "reprise/run/evaluation.hpp"
#include "reprise/run/training_record.hpp"
#include "settings.hpp"
#include "tree.hpp"

namespace reprise::python {
namespace {

using Data = std::shared_ptr<ImageDataset>;

py::dict as_dict(const EpochResult& result) {
  py::dict dict;
  dict["train_loss"] = result.train_loss;
  dict["train_error"] = result.train_error;
  dict["test_loss"] = result.test_loss;
  dict["test_error"] = result.test_error;
  dict["learning_rate"] = result.learning_rate;
  dict["parameters_sha256"] = result.parameters_sha256;
  dict["train_seconds"] = result.train_seconds;
  return dict;
}

using Bytes = py::array_t<std::uint8_t, py::array::c_style>;

/// Error unless there is a label below `classes` for each image.
ImageSet image_set(std::string_view where, const Bytes& pixels, const Bytes& labels,
                   std::size_t classes) {
  if (pixels.ndim() != 4 || labels.ndim() != 1 || labels.shape(0) != pixels.shape(0)) {
    throw Error(where,
                "images with " + std::to_string(pixels.ndim()) + " axes and " +
                    std::to_string(labels.size()) + " labels",
                "N,H,W,C and N");
  }
  ImageSet set;
  set.count = static_cast<std::size_t>(pixels.shape(0));
  set.height = static_cast<std::size_t>(pixels.shape(1));
  set.width = static_cast<std::size_t>(pixels.shape(2));
  set.channels = static_cast<std::size_t>(pixels.shape(3));
  set.pixels.assign(pixels.data(), pixels.data() + pixels.size());
  set.labels.assign(labels.data(), labels.data() + labels.size());
  const auto found = std::find_if(set.labels.begin(), set.labels.end(),
                                  [&](std::uint8_t label) { return label >= classes; });
  if (found != set.labels.end()) {
    throw Error(where,
                "label " + std::to_string(*found) + " of image " +
                    std::to_string(found - set.labels.begin()),
                "less than " + std::to_string(classes));
  }
  return set;
}

/// What stands for an input file in a record: an array's bytes, by their SHA-256.
DataFile array_file(const std::string& name, const std::vector<std::uint8_t>& bytes) {
  return {name, sha256_hex(std::as_bytes(std::span(bytes)))};
}

Data dataset_of(const std::string& name, const std::vector<std::string>& class_names,
                const Bytes& x, const Bytes& y, const Bytes& test_x, const Bytes& test_y) {
  auto data = std::make_shared<ImageDataset>();
  data->name = name;
  data->class_names = class_names;
  data->train = image_set("fit", x, y, class_names.size());
  data->test = image_set("fit", test_x, test_y, class_names.size());
  if (data->train.count == 0) throw Error("fit", "no images", "one or more");
  if (data->test.count == 0) throw Error("fit", "no validation images", "one or more");
  if (data->test.height != data->train.height || data->test.width != data->train.width ||
      data->test.channels != data->train.channels) {
    throw Error("fit", "validation images of another size than the training images", "the same");
  }
  data->files = {array_file("train_images", data->train.pixels),
                 array_file("train_labels", data->train.labels),
                 array_file("test_images", data->test.pixels),
                 array_file("test_labels", data->test.labels)};
  return data;
}

/// A run that has been trained to its end.
struct FinishedRun {
  Data data;
  RunEnvironment environment;
  std::unique_ptr<TrainingRun> run;

  [[nodiscard]] std::shared_ptr<Record> record() const {
    const py::gil_scoped_release release;
    RecordLabels labels;
    labels.program = "python";
    return std::make_shared<Record>(
        to_tree(training_record(*run, evaluation_of(*run), environment, labels)));
  }
};

/// Trains the network; `told` gets a dictionary after each epoch. Signals are seen between steps.
/// An exception leaves the network with the parameters that it has got by then.
std::shared_ptr<FinishedRun> fit(Network& network, const Data& data, const py::dict& settings,
                                 bool fresh, const py::object& threads_wanted,
                                 const py::object& told) {
  auto finished = std::make_shared<FinishedRun>();
  TrainingConfiguration configuration = network.configuration();
  set_all_settings("fit", settings, configuration);
  check_same_model("fit", configuration, network.configuration());
  network.check_image("fit", {data->train.height, data->train.width, data->train.channels});
  if (data->class_names.size() != network.model().output_shape().size()) {
    throw Error("fit", std::to_string(data->class_names.size()) + " classes",
                std::to_string(network.model().output_shape().size()) + ", as the model has");
  }
  finished->data = data;
  finished->environment.threads = threads_argument("fit", threads_wanted);
  if (configuration.conv_algorithm == "im2col_gemm") set_blas_threads(1);
  std::optional<py::error_already_set> raised;
  const auto guarded = [&](const auto& call) {
    const py::gil_scoped_acquire acquire;
    try {
      call();
    } catch (py::error_already_set& error) {
      raised.emplace(std::move(error));
    }
  };
  TrainingRun::Observer observer;
  observer.step = [&](std::size_t, std::size_t) {
    if (!raised) guarded([] { pass_on_signals(); });
    return !raised;
  };
  observer.epoch = [&](const EpochResult& result) {
    if (!told.is_none()) guarded([&] { told(as_dict(result)); });
  };
  {
    const py::gil_scoped_release release;
    finished->run =
        std::make_unique<TrainingRun>(configuration, *data, finished->environment.threads);
    if (!fresh) {
      TrainingState state = finished->run->state();
      const auto parameters = network.model().parameters();
      state.parameters.assign(parameters.begin(), parameters.end());
      finished->run->restore(state);
    }
    try {
      finished->run->train(observer);
    } catch (...) {
      network.take_parameters(finished->run->model().parameters());
      throw;
    }
    network.take_parameters(finished->run->model().parameters());
  }
  if (raised) throw std::move(*raised);
  return finished;
}

py::array pixels_of(const ImageSet& set) {
  py::array_t<std::uint8_t> array({set.count, set.height, set.width, set.channels});
  std::copy(set.pixels.begin(), set.pixels.end(), array.mutable_data());
  return array;
}

py::array labels_of(const ImageSet& set) {
  py::array_t<std::uint8_t> array(static_cast<py::ssize_t>(set.count));
  std::copy(set.labels.begin(), set.labels.end(), array.mutable_data());
  return array;
}

void add_dataset(py::module_& module) {
  py::class_<ImageDataset, Data>(module, "Dataset",
                                 "Labelled images, a training and a test set; made by "
                                 "load_dataset().")
      .def_readonly("name", &ImageDataset::name)
      .def_readonly("class_names", &ImageDataset::class_names)
      .def_property_readonly("train",
                             [](const ImageDataset& data) {
                               return py::make_tuple(pixels_of(data.train), labels_of(data.train));
                             })
      .def_property_readonly("test", [](const ImageDataset& data) {
        return py::make_tuple(pixels_of(data.test), labels_of(data.test));
      });
  module.def("load_dataset", [](const py::object& folder, const py::object& held_out) {
    const std::string path = path_argument("load_dataset", folder);
    const std::size_t holdout = size_argument("load_dataset", "holdout", held_out, 0);
    const py::gil_scoped_release release;
    return std::make_shared<ImageDataset>(load_dataset(path, holdout));
  });
  module.def("default_data_folder", &default_data_folder);
  module.def("dataset_of", &dataset_of);
}

}  // namespace

void add_training(py::module_& module) {
  add_dataset(module);
  module.def("fit", &fit);
  py::class_<FinishedRun, std::shared_ptr<FinishedRun>>(module, "FinishedRun",
                                                        "A training run at its end.")
      .def("record", &FinishedRun::record)
      .def("train_images", [](const FinishedRun& run) { return run.run->train_images(); })
      .def("save", [](const FinishedRun& run, const py::object& path, bool force) {
        const std::string file = path_argument("save", path);
        const auto record = run.record();
        const py::gil_scoped_release release;
        return save_record(*record, file, force ? Overwrite::yes : Overwrite::no);
      });
  module.def("model_names", &model_names);
}

}  // namespace reprise::python
