#include "reprise/run/layer_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <optional>

#include "reprise/core/error.hpp"
#include "reprise/core/parse.hpp"

namespace reprise {
namespace {

constexpr const char* kAll = "all";

enum class Kind { not_negative, positive, number, epoch, epochs };

struct Key {
  std::string_view name;
  Kind kind;
};
constexpr std::array kKeys = {
    Key{"weight_lr", Kind::not_negative},      Key{"weight_lr_mult", Kind::not_negative},
    Key{"weight_decay", Kind::not_negative},   Key{"weight_deviation", Kind::not_negative},
    Key{"weight_value", Kind::number},         Key{"bias_lr", Kind::not_negative},
    Key{"bias_lr_mult", Kind::not_negative},   Key{"bias_decay", Kind::not_negative},
    Key{"bias_deviation", Kind::not_negative}, Key{"bias_value", Kind::number},
    Key{"lr_milestones", Kind::epochs},        Key{"lr_gamma", Kind::positive},
    Key{"frozen_from", Kind::epoch},
};

std::size_t place_of(std::string_view key) {
  const auto found =
      std::find_if(kKeys.begin(), kKeys.end(), [&](const Key& k) { return k.name == key; });
  return static_cast<std::size_t>(found - kKeys.begin());
}

/// Whether a comes before b, where digits in a row are a number.
struct ByNumber {
  bool operator()(const std::string& a, const std::string& b) const {
    const auto parts = [](const std::string& name) {
      const std::size_t digits = name.find_last_not_of("0123456789") + 1;
      return std::pair(name.substr(0, digits), parse_integer(name.substr(digits)).value_or(-1));
    };
    return std::pair(parts(a), a) < std::pair(parts(b), b);
  }
};

/// By layer, then by the place of the key in kKeys.
using Layers = std::map<std::string, std::map<std::size_t, std::string>, ByNumber>;

std::string canonical_number(const std::string& where, const Key& key, const std::string& text) {
  const std::optional<double> number = parse_real(text);
  const bool fits = number && (key.kind == Kind::number || *number > 0.0 ||
                               (*number == 0.0 && key.kind == Kind::not_negative));
  if (!fits) {
    throw Error(where, fmt::format("{} \"{}\"", key.name, text),
                key.kind == Kind::positive ? "a number above 0"
                : key.kind == Kind::number ? "a number"
                                           : "a number, 0 or more");
  }
  return fmt::format("{}", *number + 0.0);  // -0 is 0
}

std::string canonical_value(const std::string& where, const Key& key, const std::string& text) {
  if (key.kind == Kind::epoch) {
    return std::to_string(integer_of(where + ": " + std::string(key.name), text, {0}));
  }
  if (key.kind != Kind::epochs) return canonical_number(where, key, text);
  return fmt::format("{}", fmt::join(milestones_of(where + ": lr_milestones", text), ","));
}

const Key& key_named(const std::string& where, const std::string& name) {
  const std::size_t place = place_of(name);
  if (place < kKeys.size()) return kKeys.at(place);
  throw Error(where, "unknown key \"" + name + "\"",
              "a known one, such as " + nearest_name(name, layer_keys()));
}

/// Error for an item whose layer has another key that says the same.
void check_alone(const std::string& where, const std::string& layer,
                 const std::map<std::size_t, std::string>& given) {
  for (const auto& [a, b] :
       {std::pair("weight_lr", "weight_lr_mult"), std::pair("bias_lr", "bias_lr_mult"),
        std::pair("weight_deviation", "weight_value"), std::pair("bias_deviation", "bias_value")}) {
    if (given.count(place_of(a)) == 0 || given.count(place_of(b)) == 0) continue;
    throw Error(where, fmt::format("{0}.{1} and {0}.{2}", layer, a, b), "one of them");
  }
}

void add_item(const std::string& where, const std::string& item, Layers& layers) {
  const std::size_t equals = item.find('=');
  const std::size_t dot = item.substr(0, equals).rfind('.');
  if (equals == std::string::npos || dot == std::string::npos || dot == 0) {
    throw Error(where, "\"" + item + "\"", "LAYER.KEY=VALUE, such as conv1.bias_lr_mult=2");
  }
  const std::string layer = item.substr(0, dot);
  const Key& key = key_named(where, item.substr(dot + 1, equals - dot - 1));
  const std::string value = canonical_value(where, key, item.substr(equals + 1));
  if (!layers[layer].emplace(place_of(key.name), value).second) {
    throw Error(where, fmt::format("{}.{} twice", layer, key.name), "once");
  }
}

Layers layers_of(const std::string& where, const std::string& text) {
  Layers layers;
  for (std::size_t begin = text.find_first_not_of(' '); begin != std::string::npos;) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    add_item(where, text.substr(begin, end - begin), layers);
    begin = text.find_first_not_of(' ', end);
  }
  for (const auto& [layer, given] : layers) check_alone(where, layer, given);
  return layers;
}

std::string text_of(const Layers& layers) {
  std::string text;
  for (const auto& [layer, given] : layers) {
    for (const auto& [place, value] : given) {
      text +=
          (text.empty() ? "" : " ") + layer_item(layer, std::string(kKeys.at(place).name), value);
    }
  }
  return text;
}

/// What is said of one kind ("weight", "bias") of parameters of one layer.
class Parameters {
 public:
  Parameters(const Layers& layers, std::string layer, std::string kind)
      : layers_(layers), layer_(std::move(layer)), kind_(std::move(kind)) {}

  /// What the layer says under the first of the keys that it has, else what `all` says.
  template <class Use>
  void first_of(const std::vector<std::string>& keys, const Use& use) const {
    for (const std::string& layer : {layer_, std::string(kAll)}) {
      const auto given = layers_.find(layer);
      if (given == layers_.end()) continue;
      for (const std::string& key : keys) {
        const auto found = given->second.find(place_of(key));
        if (found == given->second.end()) continue;
        use(key, found->second);
        return;
      }
    }
  }
  [[nodiscard]] double number(const std::string& key, double otherwise) const {
    first_of({key},
             [&](const std::string&, const std::string& text) { otherwise = *parse_real(text); });
    return otherwise;
  }

  [[nodiscard]] Initializer initializer(Initializer own) const {
    first_of({kind_ + "_deviation", kind_ + "_value"}, [&](const std::string& key,
                                                           const std::string& text) {
      const bool constant = key == kind_ + "_value";
      own = {constant ? InitializerKind::constant : InitializerKind::normal, *parse_real(text)};
    });
    return own;
  }

  /// The rate in an epoch.
  [[nodiscard]] double rate(const TrainingConfiguration& c, std::size_t epoch) const {
    TrainingConfiguration own = c;
    first_of({kind_ + "_lr", kind_ + "_lr_mult"},
             [&](const std::string& key, const std::string& text) {
               const double number = *parse_real(text);
               own.learning_rate = key == kind_ + "_lr" ? number : number * c.learning_rate;
             });
    first_of({"lr_milestones"},
             [&](const std::string&, const std::string& text) { own.lr_milestones = text; });
    own.lr_gamma = number("lr_gamma", c.lr_gamma);
    bool frozen = false;
    first_of({"frozen_from"}, [&](const std::string&, const std::string& text) {
      frozen = static_cast<std::int64_t>(epoch) >= *parse_integer(text);
    });
    return frozen ? 0.0 : learning_rate_of(own, epoch);
  }

  [[nodiscard]] double decay(const TrainingConfiguration& c) const {
    return number(kind_ + "_decay", c.weight_decay);
  }

 private:
  const Layers& layers_;
  std::string layer_, kind_;
};

std::string kind_of(const ParameterSpec& spec) {
  return spec.name.rfind("weight", 0) == 0 ? "weight" : "bias";
}

/// Error for a layer that the model lacks or that has no parameters.
void check_names(const Layers& layers, const Sequential& model) {
  std::vector<std::string> known;
  for (const Sequential::Entry& entry : model.layers()) {
    if (!entry.parameters.empty()) known.push_back(entry.name);
  }
  for (const auto& [layer, given] : layers) {
    if (layer == kAll || std::find(known.begin(), known.end(), layer) != known.end()) continue;
    throw Error("setting layers", "layer \"" + layer + "\" of " + model.name(),
                fmt::format("one with parameters, such as {} (of {}), or {}",
                            nearest_name(layer, known), join(known), kAll));
  }
}

}  // namespace

std::string layer_item(const std::string& layer, const std::string& key, const std::string& value) {
  return layer + "." + key + "=" + value;
}

std::vector<std::string> layer_keys() {
  std::vector<std::string> names;
  for (const Key& key : kKeys) names.emplace_back(key.name);
  return names;
}

std::string canonical_layers(const std::string& where, const std::string& text) {
  return text_of(layers_of(where, text));
}

std::string scaled_layers(const std::string& layers, std::int64_t from, std::int64_t to) {
  Layers scaled = layers_of("setting layers", layers);
  for (auto& [layer, given] : scaled) {
    const auto milestones = given.find(place_of("lr_milestones"));
    if (milestones != given.end()) {
      milestones->second = scaled_milestones(milestones->second, from, to);
    }
    const auto frozen = given.find(place_of("frozen_from"));
    if (frozen != given.end()) {
      frozen->second = std::to_string(scaled_epoch(*parse_integer(frozen->second), from, to));
    }
  }
  return text_of(scaled);
}

void check_layers(const TrainingConfiguration& c) {
  const OptimizerKind kind = optimizer_kind(c.optimizer);
  const bool decays = kind == OptimizerKind::sgd || kind == OptimizerKind::nesterov;
  for (const auto& [layer, given] : layers_of("setting layers", c.layers)) {
    for (const char* key : {"weight_decay", "bias_decay"}) {
      if (decays || given.count(place_of(key)) == 0) continue;
      throw Error("setting layers", fmt::format("{}.{} with optimizer {}", layer, key, c.optimizer),
                  "optimizer sgd or nesterov, which decay weights");
    }
  }
}

void set_initializers(const TrainingConfiguration& c, Sequential& model) {
  const Layers layers = layers_of("setting layers", c.layers);
  check_names(layers, model);
  for (const Sequential::Entry& entry : model.layers()) {
    for (const ParameterSpec& spec : entry.parameters) {
      const Parameters own(layers, entry.name, kind_of(spec));
      model.set_initializer(entry.name, spec.name, own.initializer(spec.initializer));
    }
  }
}

std::vector<ParameterGroup> parameter_groups(const TrainingConfiguration& c,
                                             const Sequential& model, std::size_t epoch) {
  const Layers layers = layers_of("setting layers", c.layers);
  std::vector<ParameterGroup> groups;
  for (const Sequential::Entry& entry : model.layers()) {
    std::size_t begin = entry.parameter_offset;
    for (const ParameterSpec& spec : entry.parameters) {
      const Parameters own(layers, entry.name, kind_of(spec));
      const ParameterGroup group = {begin, begin += spec.size(), own.rate(c, epoch), own.decay(c)};
      const bool as_before = !groups.empty() &&
                             groups.back().learning_rate == group.learning_rate &&
                             groups.back().weight_decay == group.weight_decay;
      if (as_before) {
        groups.back().end = group.end;
      } else {
        groups.push_back(group);
      }
    }
  }
  return groups;
}

}  // namespace reprise
