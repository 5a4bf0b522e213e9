// ONNX, opset 13, IR version 7: images N,C,H,W with pixels in [0, 1] go in, logits N,classes come
// out. Weights are laid out as ONNX has them, once, so that there is no transposition in the graph.
#include "reprise/core/error.hpp"
#include "reprise/exchange/formats.hpp"

#ifdef REPRISE_HAVE_ONNX

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string>
#include <type_traits>

#include "reprise/core/byte_order.hpp"
#include "reprise/core/version.hpp"
#include "reprise/exchange/tensor_places.hpp"
#include "reprise/nn/layer_description.hpp"

namespace reprise::details {
namespace {

constexpr std::int64_t kOpset = 13;
constexpr std::size_t kMaxParameters = std::size_t{1} << 28;  // protobuf has files of below 2 GiB

using Sizes = std::vector<std::size_t>;

std::int64_t integer(std::size_t size) {
  return static_cast<std::int64_t>(size);
}

/// A graph that is a chain of nodes, and the constants they use.
class Chain {
 public:
  explicit Chain(onnx::GraphProto& graph) : graph_(graph) {}

  /// A node's attributes, after it was added.
  class Attributes {
   public:
    explicit Attributes(onnx::NodeProto& node) : node_(node) {}
    Attributes& set(const char* name, std::int64_t value) {
      add(name, onnx::AttributeProto::INT).set_i(value);
      return *this;
    }
    Attributes& set(const char* name, float value) {
      add(name, onnx::AttributeProto::FLOAT).set_f(value);
      return *this;
    }
    Attributes& set(const char* name, const std::vector<std::size_t>& values) {
      onnx::AttributeProto& attribute = add(name, onnx::AttributeProto::INTS);
      for (const std::size_t value : values) attribute.add_ints(integer(value));
      return *this;
    }

   private:
    onnx::AttributeProto& add(const char* name, onnx::AttributeProto::AttributeType type) {
      onnx::AttributeProto& attribute = *node_.add_attribute();
      attribute.set_name(name);
      attribute.set_type(type);
      return attribute;
    }
    onnx::NodeProto& node_;
  };

  /// Appends a node that takes what the chain has so far, then `others`; its output has the node's
  /// name.
  Attributes node(const std::string& operation, const std::string& name,
                  const std::vector<std::string>& others = {}) {
    return node_on(last_, operation, name, others);
  }
  /// The same on another value than the last.
  Attributes node_on(const std::string& input, const std::string& operation,
                     const std::string& name, const std::vector<std::string>& others = {}) {
    onnx::NodeProto& node = *graph_.add_node();
    node.set_op_type(operation);
    node.set_name(name);
    node.add_input(input);
    for (const std::string& other : others) node.add_input(other);
    node.add_output(name);
    last_ = name;
    return Attributes(node);
  }

  /// Constants return their names.
  std::string constant(const std::string& name, const Sizes& shape, std::span<const float> values) {
    onnx::TensorProto& tensor = add_constant(name, shape, onnx::TensorProto::FLOAT);
    set_values(tensor, values);
    return name;
  }
  std::string constant(const std::string& name, float value) {
    return constant(name, {}, std::span(&value, 1));
  }
  std::string constant(const std::string& name, const std::vector<std::int64_t>& values) {
    onnx::TensorProto& tensor = add_constant(name, {values.size()}, onnx::TensorProto::INT64);
    set_values(tensor, std::span(values));
    return name;
  }

  [[nodiscard]] const std::string& last() const { return last_; }
  /// Renames what the last node gives; nobody takes it yet.
  void name_output(const std::string& name) {
    graph_.mutable_node(graph_.node_size() - 1)->set_output(0, name);
  }

  static constexpr const char* kInput = "input";

 private:
  template <class Number>
  static void set_values(onnx::TensorProto& tensor, std::span<const Number> values) {
    to_little_endian(values, [&](std::span<const std::byte> bytes) {
      tensor.mutable_raw_data()->append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    });
  }
  onnx::TensorProto& add_constant(const std::string& name, const Sizes& shape,
                                  onnx::TensorProto::DataType type) {
    onnx::TensorProto& tensor = *graph_.add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(type);
    for (const std::size_t size : shape) tensor.add_dims(integer(size));
    return tensor;
  }

  onnx::GraphProto& graph_;
  std::string last_ = kInput;
};

/// Writes the nodes of one layer after the other.
class Writer {
 public:
  Writer(const Sequential& model, Chain& chain)
      : model_(model), chain_(chain), places_(tensor_places(model, TensorLayout::channels_first)) {}

  void layer(const Sequential::Entry& entry) {
    entry_ = &entry;
    std::visit([&](const auto& operation) { write(operation); },
               entry.layer->description().operation);
    next_place_ += entry.parameters.size();
  }

 private:
  [[nodiscard]] const std::string& name() const { return entry_->name; }
  [[nodiscard]] std::string name(const char* part) const { return entry_->name + "." + part; }

  [[noreturn]] void refuse(const std::string& why) const {
    throw Error("layer " + name(), why, "layers that ONNX has operators for");
  }

  /// The layer's parameter of this number as a constant.
  std::string parameter(std::size_t number) {
    const TensorPlace& place = places_.at(next_place_ + number);
    return chain_.constant(place.name, place.shape, values_for_file(place, model_.parameters()));
  }

  void conv(const std::string& called, const ConvShape& shape, const std::string& weight,
            const std::string& bias) {
    chain_.node("Conv", called, {weight, bias})
        .set("kernel_shape", Sizes{shape.KH, shape.KW})
        .set("strides", Sizes{shape.stride_h, shape.stride_w})
        .set("dilations", Sizes{shape.dilation_h, shape.dilation_w})
        .set("group", integer(shape.G))
        .set("pads", Sizes{shape.pad_top, shape.pad_left, shape.pad_bottom, shape.pad_right});
  }

  void write(const UndescribedLayer&) {
    refuse("the layer \"" + std::string(entry_->layer->type()) +
           "\" does not say what it computes");
  }
  void write(const LocallyConnectedDescription&) {
    refuse("locally connected, which ONNX has no operator for");
  }

  void write(const Conv2dDescription& layer) {
    const std::string weight = parameter(0);
    conv(name(), layer.shape, weight, parameter(1));
  }

  /// A whole kernel with zeros where there is no connection, as the layer itself computes it.
  void write(const PartialConv2dDescription& layer) {
    const ConvShape& shape = layer.shape;
    const std::size_t cells = shape.KH * shape.KW;
    std::vector<float> kernel(shape.OC * shape.IC * cells, 0.0F);
    std::size_t first = 0;  // output channel of the group
    std::size_t at = entry_->parameter_offset;
    for (const ParameterSpec& spec : entry_->parameters) {
      if (spec.name == "bias") break;
      const std::size_t inputs = spec.shape[2], outputs = spec.shape[3];
      for (std::size_t cell = 0; cell < cells; ++cell) {
        for (std::size_t i = 0; i < inputs; ++i) {
          for (std::size_t o = first; o < first + outputs; ++o) {
            const std::size_t channel = layer.connections[o][i];
            kernel[(o * shape.IC + channel) * cells + cell] = model_.parameters()[at++];
          }
        }
      }
      first += outputs;
    }
    const std::string weight =
        chain_.constant(name("weight"), {shape.OC, shape.IC, shape.KH, shape.KW}, kernel);
    conv(name(), shape, weight, parameter(entry_->parameters.size() - 1));
  }

  /// A sum of four cells with one weight a channel: a convolution of each channel with itself.
  void write(const SubsamplingDescription&) {
    const std::size_t C = entry_->input.channels;
    std::vector<float> kernel;
    for (std::size_t c = 0; c < C; ++c) {
      kernel.insert(kernel.end(), 4, model_.parameters()[entry_->parameter_offset + c]);
    }
    ConvShape shape;
    shape.KH = shape.KW = shape.stride_h = shape.stride_w = 2;
    shape.G = C;
    const std::string weight = chain_.constant(name("weight"), {C, 1, 2, 2}, kernel);
    conv(name(), shape, weight, parameter(1));
  }

  /// What hangs over the edge, which ONNX's ceil_mode would let through by runtimes' own rules, is
  /// padding at the bottom and right: neither kind of pooling counts it.
  void write(const Pool2dDescription& layer) {
    const PoolShape& s = layer.shape;
    const auto needed = [](std::size_t out, std::size_t stride, std::size_t dilation,
                           std::size_t kernel) {
      return (out - 1) * stride + dilation * (kernel - 1) + 1;
    };
    const auto pad_after = [](std::size_t needed_cells, std::size_t input, std::size_t before,
                              std::size_t after) {
      const std::size_t there = input + before + after;
      return needed_cells > there ? needed_cells - input - before : after;
    };
    const std::size_t bottom =
        pad_after(needed(s.OH, s.stride_h, s.dilation_h, s.KH), s.IH, s.pad_top, s.pad_bottom);
    const std::size_t right =
        pad_after(needed(s.OW, s.stride_w, s.dilation_w, s.KW), s.IW, s.pad_left, s.pad_right);
    const bool is_max = layer.mode == PoolMode::max;
    const bool is_dilated = s.dilation_h != 1 || s.dilation_w != 1;
    if (!is_max && is_dilated)
      refuse("dilated average pooling, which ONNX's opset 13 does not have");
    if (!is_max && layer.count_include_padding &&
        (bottom != s.pad_bottom || right != s.pad_right)) {
      refuse("average pooling that counts its padding but not what windows hang over the edge");
    }
    Chain::Attributes attributes = chain_.node(is_max ? "MaxPool" : "AveragePool", name());
    attributes.set("kernel_shape", Sizes{s.KH, s.KW})
        .set("strides", Sizes{s.stride_h, s.stride_w})
        .set("pads", Sizes{s.pad_top, s.pad_left, bottom, right});
    if (is_dilated) attributes.set("dilations", Sizes{s.dilation_h, s.dilation_w});
    if (!is_max) attributes.set("count_include_pad", std::int64_t{layer.count_include_padding});
  }

  void write(const DenseDescription&) {
    const std::string weight = parameter(0);
    chain_.node("Gemm", name(), {weight, parameter(1)}).set("transB", std::int64_t{1});
  }
  void write(const FlattenDescription&) {
    chain_.node("Flatten", name()).set("axis", std::int64_t{1});
  }
  void write(const ReluDescription&) { chain_.node("Relu", name()); }
  void write(const DropoutDescription&) {}  // nothing, but in training

  void write(const TanhDescription& layer) {
    if (layer.slope != 1.0F) {
      chain_.node("Mul", name("scaled"), {chain_.constant(name("slope"), layer.slope)});
    }
    if (layer.amplitude == 1.0F) {
      chain_.node("Tanh", name());
      return;
    }
    chain_.node("Tanh", name("tanh"));
    chain_.node("Mul", name(), {chain_.constant(name("amplitude"), layer.amplitude)});
  }

  /// ONNX divides alpha by the size, as PyTorch and Caffe do.
  void write(const LocalResponseNormalizationOptions& layer) {
    if (layer.within_maps) {
      normalize_within_maps(layer);
      return;
    }
    chain_.node("LRN", name())
        .set("alpha", static_cast<float>(layer.alpha * static_cast<double>(layer.n)))
        .set("beta", static_cast<float>(layer.beta))
        .set("bias", static_cast<float>(layer.k))
        .set("size", integer(layer.n));
  }

  /// ONNX has no operator for it, but its parts: k + alpha times the sum of squares over n x n
  /// cells is a convolution of each channel with itself. (Average pooling would do too, but OpenCV
  /// leaves out padding that is to count.)
  void normalize_within_maps(const LocalResponseNormalizationOptions& layer) {
    const std::string input = chain_.last();
    const std::size_t C = entry_->input.channels;
    ConvShape shape;
    shape.KH = shape.KW = layer.n;
    shape.pad_top = shape.pad_left = shape.pad_bottom = shape.pad_right = layer.n / 2;
    shape.G = C;
    const std::vector<float> alpha(C * layer.n * layer.n, static_cast<float>(layer.alpha));
    const std::vector<float> k(C, static_cast<float>(layer.k));
    chain_.node("Mul", name("squares"), {input});
    const std::string weight = chain_.constant(name("alpha"), {C, 1, layer.n, layer.n}, alpha);
    conv(name("sum"), shape, weight, chain_.constant(name("k"), {C}, k));
    chain_.node("Pow", name("divisor"),
                {chain_.constant(name("beta"), static_cast<float>(layer.beta))});
    chain_.node_on(input, "Div", name(), {chain_.last()});
  }

  void write(const RescaleLayerOptions& layer) {
    chain_.node("Mul", name("scaled"), {chain_.constant(name("factor"), layer.high - layer.low)});
    const std::string low = chain_.constant(name("low"), layer.low);
    chain_.node("Add", name("shifted"), {low});
    const std::int64_t cells = integer(layer.padding);
    const std::vector<std::int64_t> frame = {0, 0, cells, cells, 0, 0, cells, cells};
    chain_.node("Pad", name(), {chain_.constant(name("frame"), frame), low});
  }

  /// -(sum of (x - code)^2): the input once for each code, less the codes, squared; then a product
  /// that sums. OpenCV takes this, and neither broadcasting nor ReduceSum.
  void write(const RbfDescription& layer) {
    const std::size_t inputs = layer.codes.front().size(), classes = layer.codes.size();
    std::vector<float> codes, sums(classes * classes * inputs, 0.0F);
    for (std::size_t c = 0; c < classes; ++c) {
      codes.insert(codes.end(), layer.codes[c].begin(), layer.codes[c].end());
      std::fill_n(sums.begin() + static_cast<long>((c * classes + c) * inputs), inputs, -1.0F);
    }
    const std::string input = chain_.last();
    chain_.node("Concat", name("repeated"), std::vector<std::string>(classes - 1, input))
        .set("axis", std::int64_t{1});
    chain_.node("Sub", name("difference"),
                {chain_.constant(name("codes"), {classes * inputs}, codes)});
    chain_.node("Mul", name("squares"), {chain_.last()});
    const std::string weight = chain_.constant(name("sums"), {classes, classes * inputs}, sums);
    const std::vector<float> none(classes, 0.0F);
    chain_.node("Gemm", name(), {weight, chain_.constant(name("none"), {classes}, none)})
        .set("transB", std::int64_t{1});
  }

  const Sequential& model_;
  Chain& chain_;
  std::vector<TensorPlace> places_;
  const Sequential::Entry* entry_ = nullptr;
  std::size_t next_place_ = 0;
};

/// float32 of shape N,C,H,W, or N,C where it is flat.
void describe(onnx::ValueInfoProto& value, const char* name, const FeatureShape& shape) {
  value.set_name(name);
  onnx::TypeProto::Tensor& type = *value.mutable_type()->mutable_tensor_type();
  type.set_elem_type(onnx::TensorProto::FLOAT);
  type.mutable_shape()->add_dim()->set_dim_param("N");
  Sizes sizes = {shape.channels};
  if (!shape.flat) sizes = {shape.channels, shape.height, shape.width};
  for (const std::size_t size : sizes) {
    type.mutable_shape()->add_dim()->set_dim_value(integer(size));
  }
}

}  // namespace

bool has_onnx() {
  return true;
}

std::vector<std::byte> to_onnx(const Sequential& model) {
  if (model.parameters().size() >= kMaxParameters || model.layers().empty()) {
    throw Error(
        "model " + model.name(), fmt::format("{} parameters", model.parameters().size()),
        fmt::format("layers, and fewer than {} parameters in an ONNX file", kMaxParameters));
  }
  onnx::ModelProto file;
  file.set_ir_version(onnx::IR_VERSION_2020_5_8);
  file.set_producer_name("reprise");
  file.set_producer_version(std::string(version()));
  file.add_opset_import()->set_version(kOpset);
  onnx::GraphProto& graph = *file.mutable_graph();
  graph.set_name(model.name());
  graph.set_doc_string(
      "input: N,C,H,W, pixels divided by 255 unless it was trained otherwise; logits: N,classes");
  describe(*graph.add_input(), Chain::kInput, model.input_shape());
  Chain chain(graph);
  Writer writer(model, chain);
  for (const Sequential::Entry& entry : model.layers()) writer.layer(entry);
  chain.name_output("logits");
  describe(*graph.add_output(), "logits", model.output_shape());
  std::vector<std::byte> bytes(file.ByteSizeLong());
  if (!file.SerializeToArray(bytes.data(), static_cast<int>(bytes.size()))) {
    throw Error("model " + model.name(), "protobuf cannot write it", "an ONNX file below 2 GiB");
  }
  return bytes;
}

}  // namespace reprise::details

#else

namespace reprise::details {

bool has_onnx() {
  return false;
}

std::vector<std::byte> to_onnx(const Sequential& /*model*/) {
  throw Error("format onnx", "this build does not have it",
              "npz, safetensors, keras, or a build with libonnx-dev (REPRISE_WITH_ONNX)");
}

}  // namespace reprise::details

#endif
