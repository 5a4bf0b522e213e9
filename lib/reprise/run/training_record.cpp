#include "reprise/run/training_record.hpp"

#include <utility>

#include "reprise/conv/conv_algorithm.hpp"

namespace reprise {
namespace {

LayerRecord layer_record(const Sequential& model, const Sequential::Entry& entry) {
  LayerRecord layer;
  layer.name = entry.name;
  layer.type = entry.layer->type();
  layer.output_shape = entry.output.text();
  layer.settings = entry.layer->settings();
  layer.parameters = static_cast<std::int64_t>(entry.parameter_count());
  std::size_t offset = entry.parameter_offset;
  for (const ParameterSpec& spec : entry.parameters) {
    const auto values = model.parameters().subspan(offset, spec.size());
    layer.tensors[spec.name] = {
        spec.shape, std::vector<float>(values.begin(), values.end()), spec.dimensions, {}};
    offset += spec.size();
  }
  return layer;
}

ModelRecord model_record(const TrainingRun& run) {
  const Sequential& model = run.model();
  ModelRecord record;
  record.parameters = static_cast<std::int64_t>(model.parameters().size());
  record.initial_parameters_sha256 = run.initial_parameters_sha256();
  record.parameters_sha256 = parameters_sha256(model.parameters());
  record.conv_reproducibility =
      name_of(conv_algorithm(run.configuration().conv_algorithm).reproducibility);
  record.summary = model.summary();
  const ImageInput& input = run.input();
  if (!input.mean.empty()) {
    record.mean_image = {{input.height, input.width, input.channels}, input.mean};
  }
  for (const Sequential::Entry& entry : model.layers()) {
    record.layers.push_back(layer_record(model, entry));
  }
  return record;
}

/// All but what is known at the end only.
TrainingRecord begun_record(const TrainingRun& run) {
  TrainingRecord record;
  record.configuration = configuration_record(run.configuration());
  record.data = data_record(run.data());
  record.history = run.history();
  record.model = model_record(run);
  return record;
}

}  // namespace

DataRecord data_record(const ImageDataset& data) {
  DataRecord record;
  record.name = data.name;
  record.train_images = static_cast<std::int64_t>(data.train.count);
  record.test_images = static_cast<std::int64_t>(data.test.count);
  record.height = static_cast<std::int64_t>(data.train.height);
  record.width = static_cast<std::int64_t>(data.train.width);
  record.channels = static_cast<std::int64_t>(data.train.channels);
  for (const DataFile& file : data.files) {
    record.file_names.push_back(file.name);
    record.file_sha256.push_back(file.sha256);
  }
  record.class_names = data.class_names;
  return record;
}

TrainingRecord training_record(const TrainingRun& run, EvaluationRecord evaluation,
                               const RunEnvironment& environment, const RecordLabels& labels) {
  TrainingRecord record = begun_record(run);
  record.evaluation = std::move(evaluation);
  record.study = labels.study;
  record.environment = environment_group(environment);
  record.environment.attributes["program"] = labels.program;
  return record;
}

Record unevaluated_tree(const TrainingRun& run) {
  Record tree = to_tree(begun_record(run));
  tree.groups.erase("evaluation");
  tree.groups.erase("environment");
  tree.groups["model"].groups.clear();
  tree.groups["model"].attributes.erase("parameters_sha256");
  return tree;
}

}  // namespace reprise
