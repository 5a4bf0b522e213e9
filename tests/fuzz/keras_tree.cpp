// Trees of Keras's .weights.h5 files, as the process that reads HDF5 hands them over: those of a
// network's weights, with changes that the input tells. What reads the files themselves has a
// target of its own, record_image.
#include "reprise/exchange/formats.hpp"
#include "support/mutate_record.hpp"
#include "support/small_model.hpp"

using namespace reprise;
using namespace reprise::fuzz;

namespace {

Group own_tree() {
  const Sequential model = small_model();
  const auto values = model.parameters();
  Group tree;
  auto& layers = tree.groups["layers"].groups;
  const auto dataset = [&](std::vector<std::size_t> shape, std::size_t at, std::size_t count) {
    const auto part = values.subspan(at, count);
    return Dataset{std::move(shape), std::vector<float>(part.begin(), part.end()), {}, {}};
  };
  layers["conv2d"].groups["vars"].datasets = {{"0", dataset({3, 3, 1, 2}, 0, 18)},
                                              {"1", dataset({2}, 18, 2)}};
  layers["dense"].groups["vars"].datasets = {{"0", dataset({32, 3}, 20, 96)},
                                             {"1", dataset({3}, 116, 3)}};
  layers["flatten"].groups["vars"];
  tree.groups["optimizer"].groups["vars"].datasets["0"] = {
      {}, std::vector<std::int64_t>{7}, {}, {}};
  return tree;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  Input input(bytes, size);
  Group tree = own_tree();
  mutate(tree, input);
  std::vector<float> values;
  if (!accepted([&] { values = details::from_keras(small_model(), tree); })) return 0;
  require(values.size() == small_model().parameters().size(), "a file gives all parameters");
  return 0;
}
