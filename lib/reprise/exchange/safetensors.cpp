// safetensors, in the layout of PyTorch: 8 bytes with the length of the header, little-endian; the
// header, JSON; the values, one tensor after the other.
//
//   {"__metadata__": {"format": "pt"},
//    "conv1.weight": {"dtype": "F32", "shape": [6, 1, 5, 5], "data_offsets": [0, 600]}, ...}
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

#include "reprise/core/byte_order.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/exchange/formats.hpp"
#include "reprise/exchange/incoming_weights.hpp"
#include "reprise/exchange/tensor_places.hpp"

namespace reprise::details {
namespace {

using nlohmann::json;
constexpr std::size_t kLengthSize = 8;
constexpr std::uint64_t kMaxHeader = 100'000'000;  // the format's own limit, in bytes
constexpr const char* kMetadata = "__metadata__";

[[noreturn]] void refuse(const std::string& given, const std::string& expected) {
  throw Error("safetensors header", given, expected);
}

/// A tensor as the header describes it.
struct Description {
  const TensorPlace* place = nullptr;
  std::string type;
  std::vector<std::uint64_t> shape, offsets;
};

/// Error unless the tensor is what the model has, by as many bytes as it takes.
void check(const Description& tensor, const IncomingWeights& weights) {
  const std::string where = "tensor " + tensor.place->name;
  if (tensor.type != "F32") throw Error(where, "dtype \"" + tensor.type + "\"", "F32");
  weights.check_shape(*tensor.place, {tensor.shape.begin(), tensor.shape.end()});
  const std::uint64_t bytes = tensor.place->size() * sizeof(float);
  const bool fits = tensor.offsets.size() == 2 && tensor.offsets[0] <= tensor.offsets[1] &&
                    tensor.offsets[1] - tensor.offsets[0] == bytes;
  if (fits) return;
  throw Error(where, fmt::format("data_offsets [{}]", fmt::join(tensor.offsets, ",")),
              fmt::format("a beginning and an end {} bytes behind it", bytes));
}

/// Takes the header's JSON as the parser comes upon it, so that neither depth nor number of what a
/// file says takes memory, and nothing is there twice.
class HeaderReader : public json::json_sax_t {
 public:
  explicit HeaderReader(IncomingWeights& weights) : weights_(weights) {}

  [[nodiscard]] const std::vector<Description>& tensors() const { return tensors_; }

  bool start_object(std::size_t /*size*/) override {
    if (in_ == In::file) {
      in_ = In::header;
    } else if (in_ == In::header && key_ == kMetadata) {
      in_ = In::metadata;
    } else if (in_ == In::header) {
      in_ = In::tensor;
    } else {
      misplaced("an object");
    }
    keys_.clear();
    return true;
  }

  bool key(string_t& name) override {
    key_ = name;
    if (in_ == In::header) {
      if (name != kMetadata) {
        tensors_.push_back({&weights_.take(name), {}, {}, {}});
      } else if (std::exchange(has_metadata_, true)) {
        refuse("__metadata__ twice", "each key once");
      }
      return true;
    }
    if (!keys_.insert(name).second) refuse(whose() + "\"" + name + "\" twice", "each key once");
    if (in_ == In::tensor && name != "dtype" && name != "shape" && name != "data_offsets") {
      refuse(whose() + "the key \"" + name + "\"", "dtype, shape, data_offsets");
    }
    return true;
  }

  bool end_object() override {
    if (in_ == In::tensor) {
      if (keys_.size() != 3) refuse(whose() + "not all keys", "dtype, shape, data_offsets");
      check(tensors_.back(), weights_);
    }
    in_ = in_ == In::header ? In::file : In::header;
    return true;
  }

  bool string(string_t& text) override {
    if (in_ == In::tensor && key_ == "dtype") {
      tensors_.back().type = text;
    } else if (in_ != In::metadata) {
      misplaced("a text");
    }
    return true;
  }

  bool start_array(std::size_t /*size*/) override {
    if (in_ != In::tensor || key_ == "dtype") misplaced("an array");
    in_ = In::numbers;
    return true;
  }
  bool end_array() override {
    in_ = In::tensor;
    return true;
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (in_ != In::numbers) misplaced("a number");
    Description& tensor = tensors_.back();
    std::vector<std::uint64_t>& numbers = key_ == "shape" ? tensor.shape : tensor.offsets;
    constexpr std::size_t most = 8;
    if (numbers.size() == most) refuse(whose() + "a long " + key_, "8 numbers or fewer");
    numbers.push_back(value);
    return true;
  }

  bool null() override { misplaced("null"); }
  bool boolean(bool /*value*/) override { misplaced("true or false"); }
  bool number_integer(number_integer_t /*value*/) override { misplaced("a negative number"); }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override {
    misplaced("a number with a fraction or beyond 64 bits");
  }
  bool binary(binary_t& /*value*/) override { misplaced("bytes"); }
  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const json::exception& /*error*/) override {
    refuse(fmt::format("no JSON at byte {}", kLengthSize + position), "one JSON object");
  }

 private:
  enum class In { file, header, metadata, tensor, numbers };

  [[nodiscard]] std::string whose() const {
    return in_ == In::metadata || tensors_.empty() ? ""
                                                   : "tensor " + tensors_.back().place->name + ": ";
  }
  [[noreturn]] void misplaced(const char* what) const {
    refuse(whose() + what + std::string(" where none belongs"),
           "tensors with dtype, shape and data_offsets");
  }

  IncomingWeights& weights_;
  std::vector<Description> tensors_;
  In in_ = In::file;
  std::string key_;
  std::set<std::string> keys_;
  bool has_metadata_ = false;
};

/// Error unless the tensors follow each other without gap or overlap and use the buffer to its end.
void check_offsets(std::vector<Description> tensors, std::uint64_t buffer) {
  std::sort(tensors.begin(), tensors.end(),
            [](const Description& a, const Description& b) { return a.offsets[0] < b.offsets[0]; });
  std::uint64_t at = 0;
  for (const Description& tensor : tensors) {
    if (tensor.offsets[0] != at) {
      throw Error("tensor " + tensor.place->name,
                  fmt::format("its values begin at byte {} of the buffer", tensor.offsets[0]),
                  fmt::format("{}: no gap, no overlap", at));
    }
    at = tensor.offsets[1];
  }
  if (at == buffer) return;
  throw Error("safetensors", fmt::format("a buffer of {} bytes", buffer),
              fmt::format("{}, which the tensors take", at));
}

std::string_view header_of(std::span<const std::byte> file) {
  if (file.size() < kLengthSize) refuse("no length", "8 bytes with its length");
  std::uint64_t length = 0;
  for (std::size_t i = kLengthSize; i-- > 0;) {
    length = length << 8 | std::to_integer<std::uint64_t>(file[i]);
  }
  if (length > kMaxHeader) {
    refuse(fmt::format("{} bytes", length), fmt::format("at most {}", kMaxHeader));
  }
  if (length > file.size() - kLengthSize) {
    refuse(fmt::format("{} bytes in a file of {}", length, file.size()), "a whole file");
  }
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  const std::string_view header = text.substr(kLengthSize, length);
  if (!header.starts_with('{')) refuse("it does not begin with {", "a JSON object");
  const std::size_t nul = header.find('\0');  // to the parser it is the end of its input
  if (nul != header.npos) {
    refuse(fmt::format("a NUL at byte {}", kLengthSize + nul), "one JSON object");
  }
  return header;
}

}  // namespace

std::vector<std::byte> to_safetensors(const Sequential& model) {
  nlohmann::ordered_json header;
  header[kMetadata] = {{"format", "pt"},
                       {"model", model.name()},
                       {"layout",
                        "convolutions OC,IC/G,KH,KW; dense layers out,in; a dense layer "
                        "behind a flatten layer takes C,H,W"}};
  const std::vector<TensorPlace> places = tensor_places(model, TensorLayout::channels_first);
  std::uint64_t at = 0;
  for (const TensorPlace& place : places) {
    const std::uint64_t end = at + place.size() * sizeof(float);
    header[place.name] = {{"dtype", "F32"}, {"shape", place.shape}, {"data_offsets", {at, end}}};
    at = end;
  }
  std::string text = header.dump();
  text.resize(round_up(text.size(), kLengthSize), ' ');
  std::vector<std::byte> file;
  file.reserve(kLengthSize + text.size() + static_cast<std::size_t>(at));
  for (std::size_t i = 0; i < kLengthSize; ++i) {
    file.push_back(static_cast<std::byte>(text.size() >> (8 * i) & 0xFF));
  }
  const auto append = [&](std::span<const std::byte> bytes) {
    file.insert(file.end(), bytes.begin(), bytes.end());
  };
  append(std::as_bytes(std::span(text)));
  for (const TensorPlace& place : places) {
    const std::vector<float> values = values_for_file(place, model.parameters());
    to_little_endian(std::span(values), append);
  }
  return file;
}

std::vector<float> from_safetensors(const Sequential& model, std::span<const std::byte> file) {
  IncomingWeights weights(model.name(), tensor_places(model, TensorLayout::channels_first));
  const std::string_view header = header_of(file);
  HeaderReader reader(weights);
  json::sax_parse(header, &reader);
  const std::span<const std::byte> buffer = file.subspan(kLengthSize + header.size());
  check_offsets(reader.tensors(), buffer.size());
  for (const Description& tensor : reader.tensors()) {
    weights.set(*tensor.place, buffer.subspan(static_cast<std::size_t>(tensor.offsets[0]),
                                              tensor.place->size() * sizeof(float)));
  }
  return weights.finish();
}

}  // namespace reprise::details
