// Models and training: networks, data sets, and the run that train_lenet5 makes.
#include "reprise/run/training.hpp"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "arguments.hpp"
#include "parts.hpp"
#include "reprise/core/digest.hpp"
#include "reprise/core/error.hpp"
#include "reprise/linalg/blas.hpp"
#include "reprise/nn/losses.hpp"
#include "reprise/nn/models/models.hpp"
#include "reprise/record/contents.hpp"
#include "reprise/record/format.hpp"
#include "reprise/record_file/record_file.hpp"
#include "reprise/run/configuration.hpp"
#include "reprise/run/evaluation.hpp"
#include "reprise/run/training_record.hpp"
#include "tree.hpp"

namespace reprise::python {
namespace {

using Data = std::shared_ptr<ImageDataset>;

/// Throws what a signal's handler raised, such as KeyboardInterrupt.
void pass_on_signals() {
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
}

/// Sets one setting. Error names it, what was given and what was expected.
void set(std::string_view where, const Setting& setting, const py::handle& value) {
  const bool is_text = std::holds_alternative<std::string*>(setting.value);
  if (py::isinstance<py::bool_>(value) || (!is_text && py::isinstance<py::str>(value)) ||
      (is_text && !py::isinstance<py::str>(value))) {
    throw_type_error(where, setting.name + " = " + py::cast<std::string>(py::repr(value)),
                     setting.description);
  }
  set_from_text(std::string(where) + ": " + setting.name, py::cast<std::string>(py::str(value)),
                setting);
}

/// Sets all that `settings` names, by today's names or earlier ones (record/format.hpp); Error
/// names the nearest known one if one is unknown, and both names if one setting is there under two.
void set_all(std::string_view where, const py::dict& settings, TrainingConfiguration& c) {
  const std::vector<Setting> known = settings_of(c);
  std::map<std::string, std::string> given;  // by today's name
  for (const auto& [key, value] : settings) {
    const auto written = py::cast<std::string>(py::str(key));
    const std::string name = name_today(written, format_settings("training"));
    const auto [earlier, is_first] = given.emplace(name, written);
    if (!is_first) {
      throw Error(where,
                  "the settings " + earlier->second + " and " + written + ", which are the same",
                  "one of them, " + name);
    }
    const auto found = std::find_if(known.begin(), known.end(),
                                    [&](const Setting& setting) { return setting.name == name; });
    if (found == known.end()) {
      std::vector<std::string> names;
      for (const Setting& setting : known) names.push_back(setting.name);
      throw Error(where, "setting \"" + name + "\"",
                  "one of " + join(names) + "; nearest is " + nearest_name(name, names));
    }
    set(where, *found, value);
  }
}

/// Settings over those that the model has by itself.
TrainingConfiguration configuration_of(std::string_view where, const py::dict& settings) {
  TrainingConfiguration c;
  if (settings.contains("model")) c.model = text_argument(where, "model", settings["model"]);
  c.model_options = default_model_options(c.model);
  set_all(where, settings, c);
  check(c);
  return c;
}

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

/// A network by the settings of a run: which model, of what, its options and the seed.
class Network {
 public:
  Network(const py::dict& settings, const std::array<std::size_t, 3>& image, std::size_t classes)
      : configuration_(configuration_of("model", settings)),
        model_(make_model(configuration_.model, {image[0], image[1], image[2]}, classes,
                          configuration_.model_options,
                          conv_algorithm(configuration_.conv_algorithm))) {
    model_.initialize(
        RandomStream(static_cast<std::uint64_t>(configuration_.seed)).child("parameters"));
  }

  [[nodiscard]] const TrainingConfiguration& configuration() const { return configuration_; }
  [[nodiscard]] const Sequential& model() const { return model_; }

  /// (layer, parameter, values) in the model's order.
  [[nodiscard]] py::list parameters() const {
    py::list list;
    for (const auto& [name, spec, offset] : places()) {
      py::array_t<float> values = result_array<float>("get_weights", spec.shape);
      std::copy_n(model_.parameters().data() + offset, spec.size(), values.mutable_data());
      list.append(py::make_tuple(name, spec.name, values));
    }
    return list;
  }

  /// Error, and nothing is set, unless the arrays are of the parameters' shapes.
  void set_parameters(const py::sequence& arrays) {
    const auto wanted = places();
    if (arrays.size() != wanted.size()) {
      throw Error("set_weights", std::to_string(arrays.size()) + " arrays",
                  std::to_string(wanted.size()) + ", one for each parameter");
    }
    std::vector<float> values(model_.parameters().size());
    std::size_t i = 0;
    for (const auto& [layer, spec, offset] : wanted) {
      const std::string name = layer + " " + spec.name;
      const ArrayArgument<float> array("set_weights", name, arrays[i++],
                                       join(spec.dimensions, ","));
      array.check_sizes(spec.shape);
      std::copy_n(array.data(), spec.size(), values.data() + offset);
    }
    std::copy(values.begin(), values.end(), model_.parameters().begin());
  }
  void take_parameters(std::span<const float> values) {
    std::copy(values.begin(), values.end(), model_.parameters().begin());
  }

  /// Error unless these are images for the network.
  void check_image(std::string_view where, std::size_t height, std::size_t width,
                   std::size_t channels) const {
    const FeatureShape& s = model_.input_shape();
    if (height == s.height && width == s.width && channels == s.channels) return;
    throw Error(where, "images of " + sizes_text(std::array{height, width, channels}),
                sizes_text(std::array{s.height, s.width, s.channels}));
  }

 private:
  struct Place {
    std::string layer;
    ParameterSpec spec;
    std::size_t offset;
  };
  [[nodiscard]] std::vector<Place> places() const {
    std::vector<Place> places;
    for (const Sequential::Entry& entry : model_.layers()) {
      std::size_t offset = entry.parameter_offset;
      for (const ParameterSpec& spec : entry.parameters) {
        places.push_back({entry.name, spec, offset});
        offset += spec.size();
      }
    }
    return places;
  }

  TrainingConfiguration configuration_;
  Sequential model_;
};

/// Logits or probabilities of images N,H,W,C, a block at a time, between which signals are seen.
py::array predict(const Network& network, const py::object& images, bool logits,
                  const py::object& threads_wanted) {
  constexpr std::size_t kImages = 256;
  constexpr std::string_view where = "predict";
  const ArrayArgument<float> input(where, "x", images, "N,H,W,C");
  const auto [N, H, W, C] = input.sizes4();
  network.check_image(where, H, W, C);
  const std::size_t threads = threads_argument(where, threads_wanted);
  const std::size_t classes = network.model().output_shape().size();
  py::array_t<float> output = result_array<float>(where, {N, classes});
  float* const result = output.mutable_data();
  for (std::size_t begin = 0; begin < N; begin += kImages) {
    const std::size_t count = std::min(kImages, N - begin);
    float* const block = result + begin * classes;
    {
      const py::gil_scoped_release release;
      Tensor<4> some = make_tensor<4>({count, H, W, C});
      std::copy_n(input.data() + begin * H * W * C, some.size(), some.data());
      const Tensor<4> said = network.model().predict(some, threads);
      std::copy(said.begin(), said.end(), block);
      if (!logits) {
        const std::vector<std::uint8_t> labels(count, 0);
        std::vector<float> losses(count), values(block, block + count * classes);
        softmax_cross_entropy_forward(count, classes, values.data(), labels.data(), block,
                                      losses.data());
      }
    }
    pass_on_signals();
  }
  return output;
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

std::pair<double, double> evaluated(const Network& network, const Bytes& x, const Bytes& y,
                                    const py::object& threads_wanted) {
  constexpr std::string_view where = "evaluate";
  const ImageSet set = image_set(where, x, y, network.model().output_shape().size());
  network.check_image(where, set.height, set.width, set.channels);
  if (set.count == 0) throw Error(where, "no images", "one or more");
  const std::size_t threads = threads_argument(where, threads_wanted);
  const py::gil_scoped_release release;
  const Evaluation evaluation = evaluate(network.model(), set, threads);
  return {evaluation.loss, 1.0 - evaluation.error};
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
  set_all("fit", settings, configuration);
  network.check_image("fit", data->train.height, data->train.width, data->train.channels);
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
  module.def("load_dataset", [](const std::string& folder, std::int64_t holdout) {
    if (holdout < 0) throw Error("load_dataset: holdout", std::to_string(holdout), "0 or more");
    const py::gil_scoped_release release;
    return std::make_shared<ImageDataset>(load_dataset(folder, static_cast<std::size_t>(holdout)));
  });
  module.def("default_data_folder", &default_data_folder);
  module.def("dataset_of", &dataset_of);
}

}  // namespace

void add_training(py::module_& module) {
  add_dataset(module);
  py::class_<Network>(module, "Network", "A model and its parameters.")
      .def(py::init<const py::dict&, const std::array<std::size_t, 3>&, std::size_t>())
      .def("summary", [](const Network& network) { return network.model().summary(); })
      .def("parameters", &Network::parameters)
      .def("set_parameters", &Network::set_parameters)
      .def("predict", &predict)
      .def("evaluate", &evaluated)
      .def("fit", &fit);
  py::class_<FinishedRun, std::shared_ptr<FinishedRun>>(module, "FinishedRun",
                                                        "A training run at its end.")
      .def("record", &FinishedRun::record)
      .def("save", [](const FinishedRun& run, const std::string& path, bool force) {
        const auto record = run.record();
        const py::gil_scoped_release release;
        return save_record(*record, path, force ? Overwrite::yes : Overwrite::no);
      });
  module.def("model_names", &model_names);
}

}  // namespace reprise::python
