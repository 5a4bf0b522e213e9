// layers: rates, decay, schedules and initial values of single layers, and their ways to text.
#include "reprise/run/layer_settings.hpp"

#include <algorithm>
#include <bit>
#include <filesystem>

#include "reprise/core/error.hpp"
#include "reprise/data/dataset.hpp"
#include "reprise/record_file/record_file.hpp"
#include "reprise/run/training.hpp"
#include "support/catch.hpp"
#include "support/close.hpp"
#include "support/command.hpp"
#include "support/errors.hpp"
#include "support/golden.hpp"
#include "support/small_data.hpp"
#include "support/temporary_folder.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

TrainingConfiguration with_layers(const std::string& layers) {
  TrainingConfiguration c;
  c.optimizer = "sgd";
  c.learning_rate = 0.01;
  c.weight_decay = 0.0005;
  c.epochs = 2;
  c.batch_size = 16;
  c.train_images = 48;
  c.layers = canonical_layers("test", layers);
  return c;
}

std::string canonical(const std::string& text) {
  return canonical_layers("here", text);
}

Sequential lenet5_of(const TrainingConfiguration& c) {
  return make_model(c, {28, 28, 1}, 10);
}

/// The group that holds the first value of a parameter.
ParameterGroup group_of(const TrainingConfiguration& c, const std::string& layer,
                        const std::string& parameter, std::size_t epoch = 0) {
  Sequential model = lenet5_of(c);
  const auto at = static_cast<std::size_t>(model.parameter(layer, parameter).data() -
                                           model.parameters().data());
  for (const ParameterGroup& group : parameter_groups(c, model, epoch)) {
    if (group.begin <= at && at < group.end) return group;
  }
  FAIL("no group");
  return {};
}

std::vector<float> values(Sequential& model, const char* layer, const char* parameter) {
  const auto span = model.parameter(layer, parameter);
  return {span.begin(), span.end()};
}

/// The parameters after the run.
Sequential trained(const TrainingConfiguration& c) {
  TrainingRun run(c, fixture(), 1);
  run.train({});
  Sequential model = lenet5_of(c);
  std::copy(run.model().parameters().begin(), run.model().parameters().end(),
            model.parameters().begin());
  return model;
}

}  // namespace

TEST_CASE("groups of parameters with their own rate and decay agree with PyTorch's") {
  const GoldenFile golden("optimizers.h5");
  const GoldenArray parameters = golden.array("sgd_groups/parameters");
  const std::vector<float> gradients = golden.array("sgd_groups/gradients").floats();
  const std::size_t count = parameters.shape[1];
  const std::vector<double> groups = golden.array("sgd_groups/groups").values;
  std::vector<ParameterGroup> own;
  for (std::size_t i = 0; i < groups.size(); i += 4) {
    own.push_back({static_cast<std::size_t>(groups[i]), static_cast<std::size_t>(groups[i + 1]),
                   groups[i + 2], groups[i + 3]});
  }
  REQUIRE(own.size() == 4);
  const OptimizerOptions options = {OptimizerKind::sgd, 0.9, 0.7, 0.0, 0.0, 0.0};
  for (const std::size_t threads : {1, 3}) {
    std::vector<float> w = parameters.floats();
    w.resize(count);
    OptimizerState state = make_optimizer_state(options, count);
    for (std::size_t step = 0; step + 1 < parameters.shape[0]; ++step) {
      optimizer_step(options, state, own, w, {gradients.data() + step * count, count}, threads);
      const auto begin =
          parameters.values.begin() + static_cast<std::ptrdiff_t>((step + 1) * count);
      const std::vector<double> expected(begin, begin + static_cast<std::ptrdiff_t>(count));
      // As test_optimizers.cpp has it, with the largest rate and a decay of 3 times 0.001.
      check_close("step " + std::to_string(step + 1), w, expected, [&](std::size_t i) {
        return static_cast<double>(step + 1) * kRoundoff *
               (std::abs(expected[i]) + 20 * 0.02 * 1000);
      });
    }
    CHECK(state.steps + 1 == parameters.shape[0]);
    // [25, 30) has the rate 0: not one bit of it moves, nor of its velocity.
    const std::vector<float> initial = parameters.floats();
    CHECK(std::equal(w.begin() + 25, w.begin() + 30, initial.begin() + 25));
    CHECK(std::count(state.first.begin() + 25, state.first.begin() + 30, 0.0F) == 5);
  }
}

TEST_CASE("a rate of 0 keeps a parameter of -0, an infinite gradient notwithstanding") {
  for (const std::string& name : optimizer_names()) {
    CAPTURE(name);
    OptimizerOptions options;
    options.kind = optimizer_kind(name);
    std::vector<float> w = {-0.0F, 1.0F, 2.0F};
    const std::vector<float> g = {INFINITY, 1.0F, NAN};
    OptimizerState state = make_optimizer_state(options, 3);
    const std::vector<ParameterGroup> groups = {{0, 1, 0.0, 0.5}, {1, 2, 0.5, 0.0}};
    optimizer_step(options, state, groups, w, g, 1);
    CHECK(std::bit_cast<std::uint32_t>(w[0]) == 0x80000000U);
    CHECK(state.first[0] == 0.0F);
    CHECK(w[1] < 1.0F);
    CHECK(w[2] == 2.0F);  // in no group
  }
}

TEST_CASE("layer settings have one way to be written") {
  CHECK(canonical("") == "");
  CHECK(canonical("   ") == "");
  CHECK(canonical("conv2.weight_lr=0.0010  conv10.bias_lr_mult=02 conv2.weight_decay=4e-3 "
                  "all.bias_decay=-0 conv1.lr_milestones=2,03 conv1.frozen_from=007") ==
        "all.bias_decay=0 conv1.lr_milestones=2,3 conv1.frozen_from=7 conv2.weight_lr=0.001 "
        "conv2.weight_decay=0.004 conv10.bias_lr_mult=2");
  CHECK(canonical("a.lr_milestones=") == "a.lr_milestones=");
  CHECK(canonical("a.b.bias_value=-1.5") == "a.b.bias_value=-1.5");
  CHECK(scaled_layers("a.lr_milestones=60,90,91 a.frozen_from=50 b.lr_milestones=1", 100, 10) ==
        "a.lr_milestones=6,9 a.frozen_from=5 b.lr_milestones=");
  CHECK(scaled_layers("a.frozen_from=9223372036854775807", 1, 1'000'000) ==
        "a.frozen_from=1000000000000000000");
}

TEST_CASE("layer settings that mean nothing are refused in a line") {
  const auto refused = [](const std::string& text, const auto&... parts) {
    INFO(text);
    CHECK(is_line_with(error_of([&] { canonical(text); }), "here", parts...));
    TrainingConfiguration c;
    c.layers = text;
    CHECK(is_line_with(error_of([&] { check(c); }), "setting layers", parts...));
  };
  refused("conv1", "\"conv1\"", "conv1.bias_lr_mult=2");
  refused("conv1=2", "LAYER.KEY=VALUE");
  refused(".weight_lr=2", "LAYER.KEY=VALUE");
  refused("conv1.weight_lr", "LAYER.KEY=VALUE");
  refused("conv1.weight_rate=1", "unknown key \"weight_rate\"", "such as weight_value");
  refused("conv1.weigth_lr=1", "unknown key \"weigth_lr\"", "such as weight_lr");
  refused("conv1.weight_lr=-1", "weight_lr \"-1\"", "0 or more");
  refused("conv1.weight_lr=", "weight_lr \"\"");
  refused("conv1.weight_lr=inf", "weight_lr \"inf\"");
  refused("conv1.weight_lr=nan", "weight_lr \"nan\"");
  refused("conv1.weight_lr=1e999", "weight_lr \"1e999\"");
  refused("conv1.lr_gamma=0", "lr_gamma \"0\"", "above 0");
  refused("conv1.lr_milestones=3,2", "lr_milestones", "rising integers");
  refused("conv1.frozen_from=-1", "frozen_from", "-1", "0 or more");
  refused("conv1.frozen_from=1.5", "frozen_from", "1.5");
  refused("a.weight_lr=1 a.weight_lr=1", "a.weight_lr twice");
  refused("a.weight_lr=1 a.weight_lr_mult=1", "a.weight_lr and a.weight_lr_mult", "one of them");
  refused("a.bias_value=1 a.bias_deviation=1", "a.bias_deviation and a.bias_value");

  TrainingConfiguration c;
  c.layers = "all.bias_decay=0";
  CHECK(is_line_with(error_of([&] { check(c); }), "all.bias_decay with optimizer adam", "sgd"));
  const auto unknown = [](const std::string& layers) {
    return error_of([&] { TrainingRun(with_layers(layers), fixture(), 1); });
  };
  CHECK(is_line_with(unknown("conv3.weight_lr=1"), "layer \"conv3\" of lenet5", "such as conv",
                     "conv1, conv2, dense1, dense2, dense3", "or all"));
  CHECK(is_line_with(unknown("dens3.weight_lr=1"), "such as dense3"));
  CHECK(is_line_with(unknown("relu1.weight_lr=1"), "one with parameters"));
}

TEST_CASE("rates and decay follow the layer, then all layers, then the common settings") {
  const TrainingConfiguration c = with_layers(
      "conv1.weight_lr=0.5 conv1.weight_decay=4 all.bias_lr_mult=2 all.bias_decay=0 "
      "dense3.bias_lr=0.125 dense2.bias_lr_mult=0");
  CHECK(group_of(c, "conv1", "weight").learning_rate == 0.5);
  CHECK(group_of(c, "conv1", "weight").weight_decay == 4.0);
  CHECK(group_of(c, "conv1", "bias").learning_rate == 0.02);
  CHECK(group_of(c, "conv1", "bias").weight_decay == 0.0);
  CHECK(group_of(c, "dense1", "weight").learning_rate == 0.01);
  CHECK(group_of(c, "dense1", "weight").weight_decay == 0.0005);
  CHECK(group_of(c, "dense2", "bias").learning_rate == 0.0);
  CHECK(group_of(c, "dense3", "bias").learning_rate == 0.125);
  const Sequential model = lenet5_of(c);
  std::size_t end = 0;
  for (const ParameterGroup& group : parameter_groups(c, model, 0)) {
    CHECK(group.begin == end);
    end = group.end;
  }
  CHECK(end == model.parameters().size());
  CHECK(parameter_groups(with_layers(""), model, 0).size() == 1);
}

TEST_CASE("a layer has its own schedule, and may be frozen from an epoch on") {
  TrainingConfiguration c = with_layers(
      "conv1.lr_milestones=2,3 conv1.lr_gamma=0.5 conv1.frozen_from=4 "
      "conv2.lr_milestones= dense1.lr_gamma=0.25");
  c.learning_rate = 1.0;
  c.lr_milestones = "3";
  c.lr_gamma = 0.125;
  const auto rates = [&](const std::string& layer) {
    std::vector<double> found;
    for (std::size_t epoch = 0; epoch < 5; ++epoch) {
      found.push_back(group_of(c, layer, "weight", epoch).learning_rate);
    }
    return found;
  };
  CHECK(rates("conv1") == std::vector<double>{1, 1, 0.5, 0.25, 0});
  CHECK(rates("conv2") == std::vector<double>{1, 1, 1, 1, 1});
  CHECK(rates("dense1") == std::vector<double>{1, 1, 1, 0.25, 0.25});
  CHECK(rates("dense2") == std::vector<double>{1, 1, 1, 0.125, 0.125});
}

TEST_CASE("initial values are those of the distribution and stream that a layer is given") {
  TrainingConfiguration by_layer = with_layers(
      "all.weight_deviation=0.01 conv2.bias_value=1 dense1.bias_deviation=0.5 "
      "dense2.weight_value=0.25");
  TrainingConfiguration alexnet = with_layers("");
  alexnet.model_options.initializer = "alexnet";  // weights N(0, 0.01), biases 1 in conv2
  Sequential a = lenet5_of(by_layer);
  Sequential b = lenet5_of(alexnet);
  a.initialize(RandomStream(7));
  b.initialize(RandomStream(7));
  for (const char* layer : {"conv1", "conv2", "dense1", "dense3"}) {
    CHECK(values(a, layer, "weight") == values(b, layer, "weight"));
  }
  CHECK(values(a, "conv2", "bias") == std::vector<float>(16, 1.0F));
  CHECK(values(a, "conv1", "bias") == std::vector<float>(6, 0.0F));
  CHECK(values(a, "dense2", "weight") == std::vector<float>(120 * 84, 0.25F));
  const std::vector<float> spread = values(a, "dense1", "bias");
  const std::vector<double> normal =
      standard_normals(RandomStream(7).child("dense1").child("bias"), 0, 120);
  CHECK(spread[3] == static_cast<float>(0.5 * normal[3]));
}

TEST_CASE("a run changes each layer by its own settings, to the bit") {
  Sequential plain = trained(with_layers(""));
  Sequential same =
      trained(with_layers("all.weight_lr_mult=1 all.bias_lr=0.01 "
                          "conv1.weight_decay=0.0005 conv2.lr_milestones="));
  CHECK(
      std::equal(plain.parameters().begin(), plain.parameters().end(), same.parameters().begin()));

  Sequential frozen =
      trained(with_layers("conv1.weight_lr=0 conv1.bias_lr_mult=0 "
                          "dense3.frozen_from=1"));
  Sequential initial = lenet5_of(with_layers(""));
  initial.initialize(RandomStream(1).child("parameters"));
  CHECK(values(frozen, "conv1", "weight") == values(initial, "conv1", "weight"));
  CHECK(values(frozen, "conv1", "bias") == values(initial, "conv1", "bias"));
  CHECK(values(frozen, "conv2", "weight") != values(initial, "conv2", "weight"));
  TrainingConfiguration one_epoch = with_layers("conv1.weight_lr=0 conv1.bias_lr_mult=0");
  one_epoch.epochs = 1;
  Sequential after_one = trained(one_epoch);
  CHECK(values(frozen, "dense3", "weight") == values(after_one, "dense3", "weight"));
  CHECK(values(frozen, "dense2", "weight") != values(after_one, "dense2", "weight"));
}

TEST_CASE("tables of layers in TOML are the setting layers") {
  TrainingConfiguration by_tables, by_text;
  read_toml_text("c.toml",
                 "optimizer = \"sgd\"\n[layer.dense3]\nweight_decay = 3\n"
                 "[layer.conv1]\nweight_deviation = 1e-4\nlr_milestones = \"2,3\"\n"
                 "[layer.all]\nbias_lr_mult = 2\nbias_decay = 0.0\n",
                 by_tables);
  read_toml_text("c.toml",
                 "optimizer = \"sgd\"\nlayers = \"dense3.weight_decay=3.0 "
                 "conv1.lr_milestones=2,3 all.bias_decay=0 all.bias_lr_mult=2 "
                 "conv1.weight_deviation=0.0001\"\n",
                 by_text);
  CHECK(by_tables.layers ==
        "all.bias_lr_mult=2 all.bias_decay=0 conv1.weight_deviation=0.0001 "
        "conv1.lr_milestones=2,3 dense3.weight_decay=3");
  CHECK(by_text.layers == by_tables.layers);
  TrainingConfiguration read;
  read_toml_text("c.toml", to_toml(by_tables), read);
  CHECK(read.layers == by_tables.layers);
  CHECK(configuration_from(to_group(by_tables)).layers == by_tables.layers);

  const auto refused = [](const std::string& text, const auto&... parts) {
    INFO(text);
    TrainingConfiguration c;
    CHECK(is_line_with(error_of([&] { read_toml_text("c.toml", text, c); }), parts...));
  };
  refused("\n[layer.conv1]\nweight_rl = 1\n", "c.toml:3", "unknown key \"weight_rl\"", "weight_lr");
  refused("\n[layer.conv1]\nweight_lr = true\n", "c.toml:3", "weight_lr is of type boolean");
  refused("\n[layer.conv1]\nweight_lr = -1\n", "c.toml:3", "weight_lr \"-1\"");
  refused("\n[layer.conv1]\nweight_lr = 1e-400\n", "c.toml:3", "weight_lr is too small");
  refused("\n[layer.conv1]\nweight_lr = inf\n", "c.toml:3", "weight_lr \"inf\"");
  refused("\n[layer.conv1]\nweight_lr = \"1 2\"\n", "c.toml:3", "without blanks");
  refused("\n[layer.\"a b\"]\nweight_lr = 1\n", "c.toml:3", "without blanks");
  refused("\n[layer.\"\"]\nweight_lr = 1\n", "c.toml:3", "LAYER.KEY=VALUE");
  refused("layer = 3\n", "c.toml:1", "a table such as [layer.conv1]");
  refused("layer.conv1 = 3\n", "c.toml:1", "a table such as [layer.conv1]");
  refused("layers = \"a.bias_lr=1\"\nlayer.a.bias_lr = 1\n", "c.toml:", "layer", "the same");
  refused("[layer.conv1.deep]\nweight_lr = 1\n", "c.toml:1", "deep is of type table");
}

TEST_CASE("train_lenet5 takes layer settings from a file and the command line, verify knows them") {
  const TemporaryFolder folder;
  write_file(folder / "c.toml",
             "optimizer = \"sgd\"\nlearning_rate = 0.01\n[layer.conv1]\nbias_lr_mult = 2\n");
  const std::string train = kPrograms + "train_lenet5 --data " + kFixture +
                            " --epochs 1 --train-images 64 --batch-size 32 ";
  const CommandResult by_file =
      run_command(train + "--config " + (folder / "c.toml") + " --output " + (folder / "a.h5"));
  const CommandResult by_line =
      run_command(train +
                  "--optimizer sgd --learning-rate 0.01 --layers conv1.bias_lr_mult=2.0 "
                  "--output " +
                  (folder / "b.h5"));
  INFO(by_file.err << by_line.err);
  REQUIRE(by_file.status == 0);
  CHECK(by_file.last_line() == by_line.last_line());
  const CommandResult verified =
      run_command(kPrograms + "verify --data " + kFixture + " " + (folder / "a.h5"));
  INFO(verified.out << verified.err);
  CHECK(verified.status == 0);
  const CommandResult plain =
      run_command(train + "--optimizer sgd --learning-rate 0.01 --output " + (folder / "c.h5"));
  CHECK(plain.last_line() != by_line.last_line());

  const CommandResult unknown =
      run_command(train + "--layers conv7.weight_lr=1 --output " + (folder / "d.h5"));
  CHECK(unknown.status == 1);
  CHECK_THAT(unknown.err, Catch::Contains("setting layers") && Catch::Contains("\"conv7\""));
  CHECK_FALSE(std::filesystem::exists(folder / "d.h5"));
  const CommandResult misused =
      run_command(train + "--layers conv1.weight_lr=x --output " + (folder / "d.h5"));
  CHECK(misused.status == 2);
  CHECK_THAT(misused.err, Catch::Contains("--layers") && Catch::Contains("weight_lr \"x\""));
}
