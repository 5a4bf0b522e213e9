#include "reprise/record_file/record_stream.hpp"

#include <limits>
#include <type_traits>
#include <utility>

#include "reprise/core/byte_order.hpp"
#include "reprise/core/error.hpp"
#include "reprise/record_file/reading_limits.hpp"

namespace reprise::details {
namespace {

class Encoder {
 public:
  explicit Encoder(const ByteSink& sink) : sink_(sink) {}

  void byte(std::size_t value) { number(static_cast<std::uint8_t>(value)); }

  template <class Number>
  void number(Number value) {
    to_little_endian(std::span<const Number>(&value, 1), sink_);
  }

  void text(const std::string& text) {
    number<std::uint64_t>(text.size());
    sink_(std::as_bytes(std::span(text)));
  }

  void group(const Group& group, int depth) {
    if (depth > kDeepestGroup) {
      throw Error("record",
                  "groups in groups, more than " + std::to_string(kDeepestGroup) + " deep",
                  "fewer");
    }
    attributes(group.attributes);
    number<std::uint64_t>(group.datasets.size());
    for (const auto& [name, inner] : group.datasets) {
      text(name);
      dataset(inner);
    }
    number<std::uint64_t>(group.groups.size());
    for (const auto& [name, inner] : group.groups) {
      text(name);
      this->group(inner, depth + 1);
    }
  }

 private:
  void dataset(const Dataset& dataset) {
    byte(dataset.values.index());
    number<std::uint64_t>(dataset.shape.size());
    for (std::size_t axis = 0; axis < dataset.shape.size(); ++axis) {
      text(dataset.dimensions.at(axis));
      number<std::uint64_t>(dataset.shape[axis]);
    }
    std::visit([&](const auto& values) { this->values(values); }, dataset.values);
    attributes(dataset.attributes);
  }

  template <class T>
  void values(const std::vector<T>& values) {
    number<std::uint64_t>(values.size());
    if constexpr (std::is_same_v<T, std::string>) {
      for (const std::string& text : values) this->text(text);
    } else {
      to_little_endian(std::span(values), sink_);
    }
  }

  void attributes(const Attributes& attributes) {
    number<std::uint64_t>(attributes.size());
    for (const auto& [name, value] : attributes) {
      text(name);
      byte(value.index());
      std::visit([&](const auto& v) { this->value(v); }, value);
    }
  }

  void value(const std::string& text) { this->text(text); }
  template <class Number>
  void value(Number number) {
    this->number(number);
  }

  const ByteSink& sink_;
};

[[noreturn]] void refuse(const std::string& what) {
  throw Error("stream of a record", what, "one as it is defined");
}

/// A variant of the alternative at `index`, with its default value.
template <class Variant, std::size_t Index = 0>
Variant alternative(std::size_t index) {
  if constexpr (Index == std::variant_size_v<Variant>) {
    refuse("an unknown type");
  } else {
    if (index == Index) return Variant(std::in_place_index<Index>);
    return alternative<Variant, Index + 1>(index);
  }
}

class Decoder {
 public:
  explicit Decoder(std::span<const std::byte> bytes) : rest_(bytes) {}

  [[nodiscard]] std::size_t left() const { return rest_.size(); }

  std::size_t byte() { return number<std::uint8_t>(); }

  template <class Number>
  Number number() {
    return from_little_endian<Number>(take(sizeof(Number)));
  }

  std::string text() {
    const std::span<const std::byte> bytes = take(number<std::uint64_t>());
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  Group group(int depth) {
    if (depth > kDeepestGroup) refuse("groups too deep");
    Group group;
    group.attributes = attributes();
    map(group.datasets, [&] { return dataset(); });
    map(group.groups, [&] { return this->group(depth + 1); });
    return group;
  }

 private:
  std::span<const std::byte> take(std::uint64_t size) {
    if (size > rest_.size()) refuse("it ends too early");
    const auto taken = rest_.first(static_cast<std::size_t>(size));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }

  /// A number of things that take `bytes` or more each, which so must be there.
  std::size_t count(std::size_t bytes) {
    const auto count = number<std::uint64_t>();
    if (count > rest_.size() / bytes) refuse("it ends too early");
    return static_cast<std::size_t>(count);
  }

  template <class Value, class Decode>
  void map(std::map<std::string, Value>& map, const Decode& decode) {
    constexpr std::size_t least = 8 + 1;  // an empty name, and something
    for (std::size_t left = count(least); left > 0; --left) {
      std::string name = text();
      if (!map.empty() && name <= map.rbegin()->first) refuse("names that do not ascend");
      map.emplace_hint(map.end(), std::move(name), decode());
    }
  }

  Dataset dataset() {
    Dataset dataset{{}, alternative<DatasetValues>(byte()), {}};
    for (std::size_t axes = count(2 * sizeof(std::uint64_t)); axes > 0; --axes) {
      dataset.dimensions.push_back(text());
      dataset.shape.push_back(static_cast<std::size_t>(number<std::uint64_t>()));
    }
    std::visit([&](auto& values) { this->values(values); }, dataset.values);
    dataset.attributes = attributes();
    return dataset;
  }

  template <class T>
  void values(std::vector<T>& values) {
    if constexpr (std::is_same_v<T, std::string>) {
      for (std::size_t left = count(sizeof(std::uint64_t)); left > 0; --left) {
        values.push_back(text());
      }
    } else {
      const std::span<const std::byte> bytes = take(count(sizeof(T)) * sizeof(T));
      values.resize(bytes.size() / sizeof(T));
      from_little_endian(bytes, std::span(values));
    }
  }

  Attributes attributes() {
    Attributes attributes;
    map(attributes, [&] {
      auto value = alternative<AttributeValue>(byte());
      std::visit([&](auto& v) { this->value(v); }, value);
      return value;
    });
    return attributes;
  }

  void value(std::string& text) { text = this->text(); }
  template <class Number>
  void value(Number& number) {
    number = this->number<Number>();
  }

  std::span<const std::byte> rest_;
};

constexpr std::size_t kRecord = 1, kRefusal = 2, kNotConfined = 3;

ReaderMessage message(Decoder& decoder) {
  const std::size_t kind = decoder.byte();
  if (kind == kRecord) return decoder.group(0);
  if (kind == kRefusal) {
    Refusal refusal;
    refusal.given = decoder.text();
    refusal.expected = decoder.text();
    return refusal;
  }
  if (kind == kNotConfined) return NotConfined{decoder.text()};
  refuse("an unknown message");
}

}  // namespace

void encode(const ReaderMessage& message, const ByteSink& sink) {
  Encoder encoder(sink);
  if (const auto* record = std::get_if<Record>(&message)) {
    encoder.byte(kRecord);
    encoder.group(*record, 0);
  } else if (const auto* refusal = std::get_if<Refusal>(&message)) {
    encoder.byte(kRefusal);
    encoder.text(refusal->given);
    encoder.text(refusal->expected);
  } else {
    encoder.byte(kNotConfined);
    encoder.text(std::get<NotConfined>(message).reason);
  }
}

std::uint64_t stream_size(const Record& record) {
  std::uint64_t size = 1;
  const ByteSink count = [&](std::span<const std::byte> bytes) { size += bytes.size(); };
  Encoder(count).group(record, 0);
  return size;
}

ReaderMessage decode(std::span<const std::byte> bytes) {
  Decoder decoder(bytes);
  ReaderMessage decoded = message(decoder);
  if (decoder.left() > 0) refuse("bytes after its end");
  return decoded;
}

}  // namespace reprise::details
