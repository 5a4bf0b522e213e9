#include "support/sample_record.hpp"

#include <limits>
#include <numeric>

#include "reprise/record/configuration_text.hpp"

namespace reprise::test {
namespace {

template <class T>
std::vector<T> counting(std::size_t count) {
  std::vector<T> values(count);
  std::iota(values.begin(), values.end(), T{0});
  return values;
}

Group configuration() {
  Group group;
  group.attributes = {{"seed", std::int64_t{-1}},
                      {"learning_rate", 0.001},
                      {"optimizer", "adam"},
                      {"note", std::string()}};
  for (int i = 0; i < 20; ++i) group.attributes["option_" + std::to_string(i)] = std::int64_t{i};
  std::string text;
  for (const auto& [setting, value] : group.attributes) text += setting_line(setting, value);
  group.datasets["toml"] = scalar_text(text);
  return group;
}

Group data() {
  Group group;
  group.attributes["name"] = "Fashion-MNIST";
  group.datasets["class_names"] =
      list<std::string>({"T-shirt/top", "", "Größe", "Ankle boot"}, "class");
  group.datasets["file"] = list<std::string>({"images", "labels"}, "file");
  group.datasets["sha256"] = list<std::string>({"c59f", "bad3"}, "file");
  return group;
}

Group history() {
  Group group;
  group.datasets["epoch"] = list<std::int64_t>({1, 2, 3}, "epoch");
  group.datasets["train_loss"] = list<double>({0.5, 0.25, -0.0}, "epoch");
  group.datasets["train_loss"].attributes["unit"] = "nats";
  group.datasets["test_loss"] = list<double>(
      {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN(), 5e-324},
      "epoch");
  return group;
}

Group conv1() {
  Group group;
  group.attributes["position"] = std::int64_t{0};
  group.datasets["kernel"] = {{5, 5, 1, 6}, counting<float>(150), {"kh", "kw", "ic", "oc"}};
  group.datasets["bias"] = list<float>({0, -1, 2, 3.5F, 1e-45F, 1e38F}, "oc");
  group.datasets["no_values"] = {{2, 0}, std::vector<float>(), {"row", "nothing"}};
  return group;
}

Group evaluation() {
  Group group;
  group.datasets["logits"] = {{5, 10}, counting<float>(50), {"image", "class"}};
  group.datasets["sample_pixels"] = {
      {2, 3, 4}, counting<std::uint8_t>(24), {"image", "height", "width"}};
  group.datasets["sample_labels"] = {
      {2, 1}, std::vector<std::string>{"Bag", "Coat"}, {"image", "rank"}};
  group.datasets["confusion"] = {
      {3, 3}, counting<std::uint32_t>(9), {"true_class", "predicted_class"}};
  group.datasets["class"] = {{2, 10}, counting<std::int64_t>(20), {"side", "class"}};
  group.datasets["counts"] = {{300, 100}, counting<std::int64_t>(30000), {"row", "column"}};
  return group;
}

}  // namespace

Record sample_record() {
  Record record;
  record.attributes["title"] = "a sample";
  record.groups["configuration"] = configuration();
  record.groups["data"] = data();
  record.groups["history"] = history();
  record.groups["model"].groups["conv1"] = conv1();
  record.groups["evaluation"] = evaluation();
  record.groups["environment"].attributes["host"] = "here";
  record.groups["environment"].datasets["seconds"] = list<double>({1.5, 2.5}, "epoch");
  return record;
}

}  // namespace reprise::test
