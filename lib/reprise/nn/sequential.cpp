#include "reprise/nn/sequential.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "reprise/core/error.hpp"
#include "reprise/core/float_environment.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/core/parallel.hpp"
#include "reprise/nn/model_size.hpp"

namespace reprise {
namespace {

/// Whether models that this thread builds take memory for their parameters: within model_size()
/// they do not.
thread_local bool has_parameters = true;

/// Models without parameters, as long as it lives.
class ShapesAlone {
 public:
  ShapesAlone() : before_(std::exchange(has_parameters, false)) {}
  ~ShapesAlone() { has_parameters = before_; }
  ShapesAlone(const ShapesAlone&) = delete;
  ShapesAlone& operator=(const ShapesAlone&) = delete;

 private:
  bool before_;
};

double size_of(const ParameterSpec& spec) {
  double size = 1.0;
  for (const std::size_t extent : spec.shape) size *= static_cast<double>(extent);
  return size;
}

/// "62,006".
std::string with_commas(std::size_t number) {
  if (number < 1000) return std::to_string(number);
  return fmt::format("{},{:03}", with_commas(number / 1000), number % 1000);
}

[[noreturn]] void throw_missing(const std::string& model, std::string_view layer,
                                std::string_view parameter) {
  throw Error("model " + model, "parameter " + std::string(layer) + "/" + std::string(parameter),
              "one that the model has");
}

}  // namespace

ModelSize model_size(const std::function<Sequential()>& make) {
  const ShapesAlone shapes_alone;
  const Sequential model = make();
  ModelSize size;
  for (const Sequential::Entry& entry : model.layers()) {
    for (const ParameterSpec& spec : entry.parameters) size.parameters += size_of(spec);
    size.activations += static_cast<double>(entry.output.height) *
                        static_cast<double>(entry.output.width) *
                        static_cast<double>(entry.output.channels);
  }
  return size;
}

std::size_t Sequential::Entry::parameter_count() const {
  std::size_t count = 0;
  for (const ParameterSpec& spec : parameters) count += spec.size();
  return count;
}

Sequential::Sequential(std::string name, FeatureShape input)
    : name_(std::move(name)), input_(input) {}

const FeatureShape& Sequential::output_shape() const {
  return layers_.empty() ? input_ : layers_.back().output;
}

Sequential& Sequential::add(const std::string& name, std::unique_ptr<Layer> layer) {
  for (const Entry& entry : layers_) {
    if (entry.name == name) throw Error("model " + name_, "two layers called " + name, "one");
  }
  Entry entry;
  entry.name = name;
  entry.input = output_shape();
  entry.output = layer->build(entry.input);
  entry.parameters = layer->parameters();
  entry.parameter_offset = parameters_.size();
  entry.layer = std::move(layer);
  if (has_parameters) parameters_.resize(parameters_.size() + entry.parameter_count());
  layers_.push_back(std::move(entry));
  return *this;
}

void Sequential::set_initializer(std::string_view layer, std::string_view parameter,
                                 const Initializer& initializer) {
  for (Entry& entry : layers_) {
    for (ParameterSpec& spec : entry.parameters) {
      if (entry.name != layer || spec.name != parameter) continue;
      spec.initializer = initializer;
      return;
    }
  }
  throw_missing(name_, layer, parameter);
}

void Sequential::initialize(const RandomStream& stream) {
  const FloatEnvironment environment;
  for (const Entry& entry : layers_) {
    std::size_t offset = entry.parameter_offset;
    for (const ParameterSpec& spec : entry.parameters) {
      reprise::initialize(spec.initializer, spec.fans, stream.child(entry.name).child(spec.name),
                          parameters().subspan(offset, spec.size()));
      offset += spec.size();
    }
  }
}

std::span<float> Sequential::parameter(std::string_view layer, std::string_view name) {
  for (const Entry& entry : layers_) {
    std::size_t offset = entry.parameter_offset;
    for (const ParameterSpec& spec : entry.parameters) {
      if (entry.name == layer && spec.name == name)
        return parameters().subspan(offset, spec.size());
      offset += spec.size();
    }
  }
  throw_missing(name_, layer, name);
}

std::string Sequential::summary() const {
  const std::string rule(65, '=');
  std::string text = fmt::format("Model: \"{}\"\n{}\n", name_, std::string(65, '_'));
  text += fmt::format("{:<29}{:<26}{:<10}\n{}\n", " Layer (type)", "Output Shape", "Param #", rule);
  for (const Entry& entry : layers_) {
    text += fmt::format("{:<29}{:<26}{:<10}\n",
                        fmt::format(" {} ({})", entry.name, entry.layer->type()),
                        entry.output.text(), with_commas(entry.parameter_count()));
  }
  return text + fmt::format("{}\nTotal params: {}\n", rule, with_commas(parameters_.size()));
}

Tensor<4> Sequential::predict(const Tensor<4>& images, std::size_t threads) const {
  const FloatEnvironment environment;
  const auto& sizes = images.shape();
  if (sizes[1] != input_.height || sizes[2] != input_.width || sizes[3] != input_.channels) {
    throw Error("predict", "images of " + sizes_text(sizes),
                fmt::format("Nx{}x{}x{}", input_.height, input_.width, input_.channels));
  }
  const FeatureShape& out = output_shape();
  const std::size_t N = sizes[0];
  auto outputs = make_tensor<4>({N, out.height, out.width, out.channels});
  constexpr std::size_t block = 16;
  const std::size_t blocks = div_ceil(N, block);
  std::vector<std::unique_ptr<BlockWorkspace>> workspaces(std::max<std::size_t>(1, threads));
  parallel_for(threads, blocks, [&](std::size_t task, std::size_t worker) {
    auto& workspace = workspaces[worker];
    if (!workspace) workspace = std::make_unique<BlockWorkspace>(*this, block);
    BlockWorkspace::Call call;
    call.first_image = task * block;
    call.N = std::min(block, N - task * block);
    std::copy_n(images.data() + call.first_image * input_.size(), call.N * input_.size(),
                workspace->input());
    workspace->forward(call);
    std::copy_n(workspace->output(), call.N * out.size(),
                outputs.data() + call.first_image * out.size());
  });
  return outputs;
}

BlockWorkspace::BlockWorkspace(const Sequential& model, std::size_t capacity, std::size_t threads,
                               const RandomStream& stream)
    : model_(model), threads_(threads) {
  const auto buffer = [&](std::size_t features) {
    return make_aligned_buffer<float>(capacity * features);
  };
  std::size_t most = model.input_shape().size();
  activations_.push_back(buffer(most));
  const std::vector<Sequential::Entry>& layers = model.layers();
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const bool taken = layers[i].layer->is_relu() && i + 1 < layers.size() &&
                       layers[i + 1].layer->can_fuse_input_relu();
    if (taken) continue;
    const bool takes =
        i > 0 && layers[i - 1].layer->is_relu() && layers[i].layer->can_fuse_input_relu();
    const Sequential::Entry& entry = layers[i];
    steps_.push_back({entry, stream.child(entry.name), takes});
    activations_.push_back(buffer(entry.output.size()));
    most = std::max(most, entry.output.size());
    workspace_bytes_ = std::max(workspace_bytes_, entry.layer->workspace_bytes(capacity, threads));
  }
  for (Buffer& gradient : gradients_) gradient = buffer(most);
  workspace_ = make_aligned_buffer<std::byte>(workspace_bytes_);
}

LayerContext BlockWorkspace::context_for(const Call& call, const Step& step) {
  return {.N = call.N,
          .training = call.training,
          .step = call.step,
          .first_image = call.first_image,
          .stream = step.stream,
          .workspace = {workspace_.get(), workspace_bytes_},
          .threads = threads_,
          .fuses_input_relu = step.fuses_input_relu};
}

void BlockWorkspace::forward(const Call& call) {
  const FloatEnvironment environment;
  const float* parameters = model_.parameters().data();
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const Sequential::Entry& entry = steps_[i].entry;
    entry.layer->forward(context_for(call, steps_[i]), activations_[i].get(),
                         parameters + entry.parameter_offset, activations_[i + 1].get());
  }
}

void BlockWorkspace::backward(const Call& call, std::span<float> grad_parameters) {
  const FloatEnvironment environment;
  const float* parameters = model_.parameters().data();
  for (std::size_t i = steps_.size(); i-- > 0;) {
    const Sequential::Entry& entry = steps_[i].entry;
    float* grad_input = i == 0 ? nullptr : gradients_[i % 2].get();
    entry.layer->backward(context_for(call, steps_[i]), gradients_[(i + 1) % 2].get(),
                          activations_[i].get(), activations_[i + 1].get(),
                          parameters + entry.parameter_offset, grad_input,
                          grad_parameters.data() + entry.parameter_offset);
  }
}

}  // namespace reprise
