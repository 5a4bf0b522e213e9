// A run's random numbers by what they decide: each kind follows its own seed, and no other.
#include "reprise/run/run_streams.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "reprise/data/drawn_holdout.hpp"
#include "reprise/record/plan.hpp"
#include "reprise/record_file/record_file.hpp"
#include "reprise/run/training.hpp"
#include "support/catch.hpp"
#include "support/command.hpp"
#include "support/errors.hpp"
#include "support/temporary_folder.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

constexpr std::size_t kHoldout = 200;

const ImageDataset& data() {
  static const ImageDataset loaded = load_dataset(kFixture, kHoldout);
  return loaded;
}

/// Four steps of a small network in which every kind of random number has a part.
TrainingConfiguration every_source() {
  TrainingConfiguration c;
  c.epochs = 2;
  c.train_images = 64;
  c.batch_size = 32;
  c.holdout = kHoldout;
  c.holdout_draw = "random";
  c.random_shift = 2;
  c.model_options.dropout = 0.5;
  return c;
}

/// What a run came to.
struct Outcome {
  std::string initial, trained;
  std::vector<std::uint8_t> held_out;  ///< labels

  bool operator==(const Outcome&) const = default;
};

Outcome outcome_of(const TrainingConfiguration& c) {
  TrainingRun run(c, data(), 1);
  run.train({});
  return {run.initial_parameters_sha256(), run.history().back().parameters_sha256,
          run.data().test.labels};
}

using SeedMember = std::int64_t TrainingConfiguration::*;
constexpr std::array<SeedMember, 5> kSeeds = {
    &TrainingConfiguration::parameters_seed, &TrainingConfiguration::order_seed,
    &TrainingConfiguration::augmentation_seed, &TrainingConfiguration::dropout_seed,
    &TrainingConfiguration::holdout_seed};

/// Numbers of images as pixels, so that an image tells where it came from.
ImageDataset numbered(std::size_t train, std::size_t held) {
  const auto set = [](std::size_t first, std::size_t count) {
    ImageSet images = {count, 1, 2, 1, {}, {}};
    for (std::size_t i = first; i < first + count; ++i) {
      images.pixels.push_back(static_cast<std::uint8_t>(i));
      images.pixels.push_back(static_cast<std::uint8_t>(255 - i));
      images.labels.push_back(static_cast<std::uint8_t>(i % 10));
    }
    return images;
  };
  ImageDataset dataset;
  dataset.name = "numbers";
  dataset.class_names.resize(10);
  dataset.files = {{"images", std::string(64, 'a')}};
  dataset.train = set(0, train);
  dataset.test = set(train, held);
  dataset.holdout = held;
  return dataset;
}

std::vector<std::uint8_t> numbers_of(const ImageSet& set) {
  std::vector<std::uint8_t> numbers;
  for (std::size_t i = 0; i < set.count; ++i) {
    const std::uint8_t number = set.pixels.at(2 * i);
    CHECK(set.pixels.at(2 * i + 1) == 255 - number);
    CHECK(set.labels.at(i) == number % 10);
    numbers.push_back(number);
  }
  return numbers;
}

}  // namespace

TEST_CASE("a source's seed changes what that source decides, and nothing else") {
  const TrainingConfiguration plain = every_source();
  const Outcome outcome = outcome_of(plain);
  for (std::size_t s = 0; s < kSeeds.size(); ++s) {
    INFO("source " << s);
    TrainingConfiguration c = plain;
    c.*kSeeds[s] = plain.seed;  // as the run's
    CHECK(outcome_of(c) == outcome);
    c.*kSeeds[s] = 77;
    const Outcome other = outcome_of(c);
    CHECK((other.initial == outcome.initial) == (s != 0));
    CHECK(other.trained != outcome.trained);
    CHECK((other.held_out == outcome.held_out) == (s != 4));
    // Where the source has nothing to decide, its seed decides nothing.
    TrainingConfiguration none = c;
    none.random_shift = 0;
    none.model_options.dropout = 0.0;
    none.holdout_draw = "last";
    TrainingConfiguration same = none;
    same.*kSeeds[s] = -1;
    CHECK((outcome_of(none) == outcome_of(same)) == (s > 1));
  }
  TrainingConfiguration all = plain;
  all.seed = 5;
  for (const SeedMember seed : kSeeds) all.*seed = plain.seed;
  CHECK(outcome_of(all) == outcome);  // nothing is left to the run's seed
}

TEST_CASE("a run's digest knows of a source's seed only where it has one") {
  const auto digest = [](const TrainingConfiguration& c) {
    return run_digest(to_group(c), {std::string(64, 'a')});
  };
  const TrainingConfiguration plain;
  Group before = to_group(plain);
  for (const char* name : {"parameters_seed", "order_seed", "augmentation_seed", "dropout_seed",
                           "holdout_seed", "holdout_draw"}) {
    CHECK(before.attributes.erase(name) == 1);
  }
  CHECK(digest(plain) == run_digest(before, {std::string(64, 'a')}));
  CHECK(to_toml(configuration_from(before)) == to_toml(plain));
  for (const SeedMember seed : kSeeds) {
    TrainingConfiguration c;
    c.*seed = 0;
    CHECK(digest(c) != digest(plain));
  }
}

TEST_CASE("a drawn split holds out each image at most once, and keeps their order") {
  const ImageDataset loaded = numbered(70, 30);
  std::vector<std::vector<std::uint8_t>> drawn;
  for (const std::uint64_t seed : {1, 2}) {
    const ImageDataset split = with_drawn_holdout(loaded, RandomStream(seed));
    CHECK(split.name == "numbers");
    CHECK(split.files.size() == 1);
    CHECK(split.holdout == 30);
    CHECK(split.train.count == 70);
    CHECK(split.test.count == 30);
    std::vector<std::uint8_t> all = numbers_of(split.train);
    const std::vector<std::uint8_t> held = numbers_of(split.test);
    CHECK(std::is_sorted(all.begin(), all.end()));
    CHECK(std::is_sorted(held.begin(), held.end()));
    all.insert(all.end(), held.begin(), held.end());
    std::sort(all.begin(), all.end());
    CHECK(std::adjacent_find(all.begin(), all.end()) == all.end());
    CHECK(all.size() == 100);
    // By the stream's permutation, as documented.
    const std::vector<std::uint32_t> order = RandomStream(seed).permutation(100);
    std::vector<std::uint8_t> expected(order.begin() + 70, order.end());
    std::sort(expected.begin(), expected.end());
    CHECK(held == expected);
    drawn.push_back(held);
  }
  CHECK(drawn[0] != drawn[1]);
}

TEST_CASE("a record with drawn held-out images is verified, and applied to those images") {
  const TemporaryFolder folder;
  const std::string data_option = " --data " + kFixture + " ";
  const std::string record = folder / "a.h5";
  const CommandResult trained = run_command(
      kPrograms + "train_lenet5" + data_option +
      "--epochs 1 --train-images 256 --holdout 500 --holdout-draw random --output " + record);
  INFO(trained.err);
  REQUIRE(trained.status == 0);
  const CommandResult verified = run_command(kPrograms + "verify" + data_option + record);
  INFO(verified.out << verified.err);
  CHECK(verified.status == 0);
  CHECK_THAT(verified.out, Catch::Contains("judged by 500, drawn at random, of the training"));
  const double error = load_record(record).values<double>("history/test_error").back();
  const CommandResult applied =
      run_command(kPrograms + "evaluate --images holdout" + data_option + record);
  INFO(applied.out << applied.err);
  CHECK(applied.status == 0);
  CHECK_THAT(applied.out, Catch::Contains(fmt::format("error {:.2f}%", 100 * error)));
}

TEST_CASE("seeds of sources that cannot be are refused") {
  TrainingConfiguration c;
  c.order_seed = -2;
  CHECK(is_line_with(error_of([&] { check(c); }), "setting order_seed", "-2", "-1 or more"));
  c = {};
  c.holdout_draw = "random";
  CHECK(is_line_with(error_of([&] { check(c); }), "holdout_draw", "random with holdout 0"));
  c.holdout_draw = "first";
  CHECK(is_line_with(error_of([&] { check(c); }), "holdout_draw", "\"first\"", "last or random"));
}
