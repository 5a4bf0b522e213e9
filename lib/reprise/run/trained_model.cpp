#include "reprise/run/trained_model.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "reprise/conv/conv_algorithm.hpp"
#include "reprise/core/error.hpp"
#include "reprise/nn/model_size.hpp"
#include "reprise/nn/models/models.hpp"
#include "reprise/record/schema.hpp"
#include "reprise/run/configuration.hpp"
#include "reprise/run/training.hpp"

namespace reprise {
namespace {

std::string size_text(std::int64_t height, std::int64_t width, std::int64_t channels) {
  return fmt::format("{}x{}x{}", height, width, channels);
}

/// One parameter from the record to its place in the model.
void copy_parameter(const Record& record, const std::string& path, const ParameterSpec& spec,
                    const std::string& where, float* to) {
  const Dataset* dataset = nullptr;
  try {
    dataset = &record.dataset(path);
  } catch (const Error&) {
    throw Error(where, "has no /" + path, "the parameters of a trained network");
  }
  const auto* values = std::get_if<std::vector<float>>(&dataset->values);
  if (values == nullptr || dataset->shape != spec.shape) {
    throw Error(where, fmt::format("/{} has the shape ({})", path, fmt::join(dataset->shape, ",")),
                fmt::format("float32 values of shape ({}), as its settings ask for",
                            fmt::join(spec.shape, ",")));
  }
  std::copy(values->begin(), values->end(), to);
}

std::size_t size_of(const Group& data, const std::string& name) {
  const auto size = data.attribute<std::int64_t>(name);
  if (size < 1) throw Error("/data@" + name, std::to_string(size), "1 or more");
  return static_cast<std::size_t>(size);
}

/// The values of /model's layers.
std::size_t parameters_in(const Record& record) {
  std::size_t count = 0;
  for (const auto& [layer, group] : record.group("model").groups) {
    for (const auto& [name, dataset] : group.datasets) {
      const auto* values = std::get_if<std::vector<float>>(&dataset.values);
      if (values != nullptr) count += values->size();
    }
  }
  return count;
}

/// Error if there are fewer than the settings' network has: no memory is taken for them.
void check_parameters(const Record& record, double wanted) {
  const std::size_t found = parameters_in(record);
  if (wanted <= static_cast<double>(found)) return;
  throw Error("/model", fmt::format("{} parameters", found),
              fmt::format("{:.0f}, as the settings' network has", wanted));
}

}  // namespace

void check_same_kind(const Record& record, const ImageDataset& data, const std::string& where,
                     bool by_number) {
  check_schema(record, "training", where);
  const Group& then = record.group("data");
  const auto sized = [&](const char* name) { return then.attribute<std::int64_t>(name); };
  const std::string wanted = size_text(sized("height"), sized("width"), sized("channels"));
  const auto given = [](std::size_t size) { return static_cast<std::int64_t>(size); };
  const std::string found =
      size_text(given(data.test.height), given(data.test.width), given(data.test.channels));
  if (found != wanted) {
    throw Error(data.name, "images of " + found,
                wanted + ", as the network of " + where + " takes");
  }
  const auto& names = record.values<std::string>("data/class_names");
  if (names.size() != data.class_names.size()) {
    throw Error(data.name, fmt::format("{} classes", data.class_names.size()),
                fmt::format("{}, as the network of {} tells apart", names.size(), where));
  }
  if (by_number || names == data.class_names) return;
  const auto [name, other] =
      std::mismatch(data.class_names.begin(), data.class_names.end(), names.begin());
  throw Error(data.name,
              fmt::format("class {} is called \"{}\"", name - data.class_names.begin(), *name),
              fmt::format("\"{}\", as in {}", *other, where));
}

ImageViews trained_views(const Record& record, const ImageDataset& data, const std::string& where) {
  const TrainingRecord training = training_from(record, where);
  const TrainingConfiguration configuration = configuration_from(record.group("configuration"));
  check(configuration);
  ImageInputOptions options = image_input_options(configuration);
  options.subtract_mean = false;  // not that of these images
  ImageInput input = image_input(options, data.test, 0);
  const std::optional<Array<float>>& mean = training.model.mean_image;
  const bool subtracts = configuration.subtract == "mean_image";
  const std::vector<std::size_t> shape = {input.height, input.width, input.channels};
  if (mean.has_value() != subtracts || (mean && mean->shape != shape)) {
    throw Error(
        where,
        mean ? fmt::format("/model/mean_image has the shape ({})", fmt::join(mean->shape, ","))
             : "has no /model/mean_image",
        subtracts ? fmt::format("one of shape ({}), as its settings ask for", fmt::join(shape, ","))
                  : "none, as its settings ask for");
  }
  if (mean) input.mean = mean->values;
  std::vector<View> views = test_views(configuration, input, data.test);
  return {std::move(input), std::move(views)};
}

Sequential trained_model(const Record& record, const std::string& where) {
  check_schema(record, "training", where);
  const TrainingConfiguration configuration = configuration_from(record.group("configuration"));
  check(configuration);
  const Group& data = record.group("data");
  const auto make = [&] {
    return make_model(configuration,
                      {size_of(data, "height"), size_of(data, "width"), size_of(data, "channels")},
                      record.values<std::string>("data/class_names").size());
  };
  Sequential model = errors_naming(where, [&] {
    check_parameters(record, model_size(make).parameters);
    return make();
  });
  for (const Sequential::Entry& entry : model.layers()) {
    float* to = model.parameters().data() + entry.parameter_offset;
    for (const ParameterSpec& spec : entry.parameters) {
      copy_parameter(record, "model/" + entry.name + "/" + spec.name, spec, where, to);
      to += spec.size();
    }
  }
  const auto& digest = record.group("model").attribute<std::string>("parameters_sha256");
  if (parameters_sha256(model.parameters()) != digest) {
    throw Error(where, "the parameters have another SHA-256 than /model@parameters_sha256", digest);
  }
  return model;
}

}  // namespace reprise
