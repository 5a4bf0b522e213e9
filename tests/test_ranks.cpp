// Training on several ranks: the same bits for any number of them, and what ends all together.
#include "reprise/run/ranks.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <numeric>
#include <set>

#include "reprise/core/digest.hpp"
#include "reprise/data/dataset.hpp"
#include "reprise/record/contents.hpp"
#include "reprise/run/agreement.hpp"
#include "reprise/run/checkpoint.hpp"
#include "reprise/run/evaluation.hpp"
#include "reprise/run/ranked_gradient.hpp"
#include "reprise/run/training_record.hpp"
#include "support/catch.hpp"
#include "support/random_arrays.hpp"
#include "support/small_data.hpp"
#include "support/temporary_folder.hpp"
#include "support/thread_ranks.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

/// A few images of the fixture, read once.
const ImageDataset& small_data() {
  static const TemporaryFolder folder;
  static const ImageDataset data = load_dataset(write_small_data(folder.path(), 150, 40));
  return data;
}

/// Small networks with all that draws random numbers. Blocks are small, so that there are many.
TrainingConfiguration configuration_of(const std::string& model, std::int64_t batch,
                                       std::int64_t block) {
  TrainingConfiguration configuration;
  configuration.model = model;
  configuration.model_options = default_model_options(model);
  configuration.epochs = 1;
  configuration.train_images = 150;
  configuration.batch_size = batch;
  configuration.block_size = block;
  configuration.random_shift = 2;
  configuration.horizontal_flip = 1;
  return configuration;
}

/// The record's digest, of rank 0; "" on the others.
std::string digest_of_run(const TrainingRun& run) {
  EvaluationRecord evaluation = evaluation_of(run);
  if (!run.ranks().is_first()) return "";
  return digest_of(to_tree(training_record(run, std::move(evaluation), {})));
}

std::string digest_on(Ranks& ranks, const TrainingConfiguration& configuration,
                      std::size_t threads) {
  TrainingRun run(configuration, small_data(), threads, {}, ranks);
  run.train({});
  return digest_of_run(run);
}

std::string digest_on(std::size_t size, const TrainingConfiguration& configuration,
                      std::size_t threads = 1) {
  std::string digest;
  on_thread_ranks(size, [&](Ranks& ranks) {
    const std::string here = digest_on(ranks, configuration, threads);
    if (ranks.is_first()) digest = here;
  });
  return digest;
}

}  // namespace

TEST_CASE("blocks are dealt in order, each to one rank, none gets more than its part") {
  for (std::size_t blocks = 1; blocks <= 70; ++blocks) {
    for (std::size_t size = 1; size <= 70; ++size) {
      const std::vector<std::size_t> begins = deal_blocks(blocks, size);
      INFO(blocks << " blocks, " << size << " ranks");
      REQUIRE(begins.size() == size + 1);
      CHECK(begins.front() == 0);
      CHECK(begins.back() == blocks);
      CHECK(begins[1] > 0);  // the root of the tree lies with rank 0
      std::size_t most = 0;
      for (std::size_t rank = 0; rank < size; ++rank) {
        REQUIRE(begins[rank] <= begins[rank + 1]);
        most = std::max(most, begins[rank + 1] - begins[rank]);
      }
      CHECK(most == (blocks + size - 1) / size);
    }
  }
}

TEST_CASE("a power of two of ranks takes one subtree each") {
  CHECK(deal_blocks(8, 2) == std::vector<std::size_t>{0, 4, 8});
  CHECK(deal_blocks(8, 4) == std::vector<std::size_t>{0, 2, 4, 6, 8});
  CHECK(deal_blocks(8, 3) == std::vector<std::size_t>{0, 3, 6, 8});
  CHECK(deal_blocks(7, 2) == std::vector<std::size_t>{0, 4, 7});
  CHECK(deal_blocks(4, 3) == std::vector<std::size_t>{0, 2, 4, 4});
  CHECK(deal_blocks(2, 5) == std::vector<std::size_t>{0, 1, 1, 2, 2, 2});
}

TEST_CASE("shares follow each other and differ by one at most") {
  for (const std::size_t count : {0, 1, 5, 64, 625}) {
    for (std::size_t size = 1; size <= 64; ++size) {
      std::size_t next = 0;
      for (std::size_t rank = 0; rank < size; ++rank) {
        const Share share = share_of(count, rank, size);
        REQUIRE(share.begin == next);
        REQUIRE(share.size() <= (count + size - 1) / size);
        REQUIRE(share.size() >= count / size);
        next = share.end;
      }
      REQUIRE(next == count);
    }
  }
}

TEST_CASE("a broadcast and a gathering reach all they are for, for any number of ranks") {
  for (std::size_t size = 1; size <= 17; ++size) {
    INFO(size << " ranks");
    std::mutex mutex;
    std::size_t right = 0;
    on_thread_ranks(size, [&](Ranks& ranks) {
      std::string text = ranks.is_first() ? "from rank 0" : "";
      broadcast_list(ranks, text);
      std::vector<std::uint32_t> values(31);
      const Share share = share_of(11, ranks.rank(), size);  // pieces of 3, the last of 1
      for (std::size_t i = 3 * share.begin; i < std::min<std::size_t>(31, 3 * share.end); ++i) {
        values[i] = static_cast<std::uint32_t>(i);
      }
      gather_on_first(ranks, values, 3);
      std::vector<std::uint32_t> all(31);
      std::iota(all.begin(), all.end(), 0U);
      const std::vector<std::string> texts =
          texts_on_first(ranks, "of " + std::to_string(ranks.rank()));
      const bool has_all = !ranks.is_first() || (values == all && texts.size() == size &&
                                                 texts.back() == "of " + std::to_string(size - 1));
      const std::lock_guard lock(mutex);
      if (text == "from rank 0" && has_all) ++right;
    });
    CHECK(right == size);
  }
}

TEST_CASE("the gradient of a batch has the same bits on 1 to 64 ranks, for any number of blocks") {
  const Sequential model = [] {
    Sequential made = make_model(configuration_of("lenet5", 64, 1), {12, 12, 1}, 10);
    made.initialize(RandomStream(1));
    return made;
  }();
  const std::vector<float> images = random_floats(64 * 144, 3, "images");
  const BatchGradient::Source source = [&](std::size_t first, std::size_t count, float* to,
                                           std::uint8_t* labels) {
    std::copy_n(images.data() + first * 144, count * 144, to);
    for (std::size_t i = 0; i < count; ++i) labels[i] = static_cast<std::uint8_t>((first + i) % 10);
  };
  const std::size_t parameters = model.parameters().size();
  const auto sha256 = [](const BatchGradient& gradient, const BatchGradient::Totals& totals) {
    Sha256 hash;
    hash.update_floats(gradient.gradients());
    hash.update_doubles(std::span(&totals.loss, 1));
    hash.update_u64(totals.errors);
    return hash.finish_hex();
  };
  for (const std::size_t N : {1, 2, 3, 5, 7, 8, 13, 31, 64}) {  // blocks of one image
    BatchGradient alone(model, 64, 1, 1, RandomStream(1));
    const BatchGradient::Totals totals = alone.run(N, 0, source);
    const std::string expected = sha256(alone, totals);
    for (const std::size_t size : {2, 3, 4, 5, 6, 7, 8, 11, 16, 29, 64}) {
      INFO(N << " blocks, " << size << " ranks");
      std::mutex mutex;
      std::set<std::string> found;
      on_thread_ranks(size, [&](Ranks& ranks) {
        BatchGradient gradient(model, 64, 1, 1 + ranks.rank() % 2, RandomStream(1));
        RankedGradient ranked(ranks, gradient, parameters);
        const RankedGradient::Step step = ranked.run(N, 0, source, 1, false);
        const std::string here = sha256(gradient, step.totals);
        const std::lock_guard lock(mutex);
        found.insert(step.stop ? "stopped" : here);
      });
      CHECK(found == std::set<std::string>{expected});
    }
  }
}

TEST_CASE("a run has the same digest for any number of ranks and threads") {
  TrainingConfiguration lenet5 = configuration_of("lenet5", 50, 4);  // 13 blocks
  lenet5.model_options.dropout = 0.3;
  lenet5.distortion = 0.1;
  const std::string expected = digest_on(one_rank(), lenet5, 1);
  for (const std::size_t size : {2, 3, 5, 7, 8, 13, 16, 50}) {
    INFO(size << " ranks");
    CHECK(digest_on(size, lenet5) == expected);
  }
  CHECK(digest_on(3, lenet5, 2) == expected);
  TrainingConfiguration four = configuration_of("four_layer_cnn", 30, 4);
  four.train_images = 60;
  four.model_options.width = 4;
  four.model_options.dropout = 0.5;
  const std::string expected_of_four = digest_on(one_rank(), four, 2);
  for (const std::size_t size : {2, 3, 5}) CHECK(digest_on(size, four) == expected_of_four);
}

TEST_CASE("all ranks stop after the same step, and any number of them goes on from there") {
  const TrainingConfiguration configuration = configuration_of("lenet5", 30, 4);
  const std::string expected = digest_on(one_rank(), configuration, 1);
  const TemporaryFolder folder;
  const std::string path = folder / "run.checkpoint";
  std::mutex mutex;
  std::set<std::uint64_t> steps;
  on_thread_ranks(3, [&](Ranks& ranks) {
    TrainingRun run(configuration, small_data(), 1, {}, ranks);
    TrainingRun::Observer observer;
    observer.step = [&](std::size_t step, std::size_t) { return ranks.rank() != 2 || step < 2; };
    const bool finished = run.train(observer);
    if (ranks.is_first()) save_checkpoint(run, path);
    const std::lock_guard lock(mutex);
    steps.insert(finished ? 0 : run.state().step_in_epoch);
  });
  CHECK(steps == std::set<std::uint64_t>{3});
  for (const std::size_t size : {1, 2, 5}) {
    INFO(size << " ranks go on");
    std::string digest;
    on_thread_ranks(size, [&](Ranks& ranks) {
      TrainingRun run(configuration, small_data(), 1, {}, ranks);
      if (ranks.is_first()) restore_checkpoint(run, path);
      run.take_state_of_first();
      run.train({});
      const std::string here = digest_of_run(run);
      if (ranks.is_first()) digest = here;
    });
    CHECK(digest == expected);
  }
}

TEST_CASE("a rank for which a step has no blocks can stop all ranks as well") {
  const TrainingConfiguration configuration = configuration_of("lenet5", 30, 15);  // 2 blocks
  for (const std::size_t stopper : {1, 2, 3, 4}) {  // of five ranks 0 and 2 have a block
    INFO("rank " << stopper);
    std::mutex mutex;
    std::set<std::uint64_t> steps;
    on_thread_ranks(5, [&](Ranks& ranks) {
      TrainingRun run(configuration, small_data(), 1, {}, ranks);
      TrainingRun::Observer observer;
      observer.step = [&](std::size_t step, std::size_t) {
        return ranks.rank() != stopper || step < 2;
      };
      const bool finished = run.train(observer);
      const std::lock_guard lock(mutex);
      steps.insert(finished ? 0 : run.state().step_in_epoch);
    });
    CHECK(steps == std::set<std::uint64_t>{3});
  }
  // Each is heard by one that has blocks, none by many more than another.
  CHECK(heard_by(deal_blocks(2, 5)) == std::vector<std::size_t>{0, 0, 2, 2, 0});
  CHECK(heard_by(deal_blocks(8, 4)) == std::vector<std::size_t>{0, 1, 2, 3});
}

TEST_CASE("what one rank throws ends all, and rank 0 tells it") {
  for (const std::size_t thrower : {0, 2}) {
    std::mutex mutex;
    std::map<std::size_t, std::string> told;
    on_thread_ranks(4, [&](Ranks& ranks) {
      try {
        together(ranks, [&] {
          if (ranks.rank() == thrower) throw Error("file", "missing", "one");
        });
      } catch (const std::exception& error) {
        const std::lock_guard lock(mutex);
        told[ranks.rank()] = error.what();
      }
    });
    CHECK(told[0] ==
          (thrower == 0 ? "file: missing; expected one" : "rank 2: file: missing; expected one"));
    for (std::size_t rank = 1; rank < 4; ++rank) CHECK(told[rank] == EndedWithOthers().what());
  }
}

TEST_CASE("the rank with other settings, data or code is named before the first step") {
  const auto told_with = [](std::size_t odd, std::size_t size) -> std::string {
    try {
      on_thread_ranks(size, [&](Ranks& ranks) {
        TrainingConfiguration configuration = configuration_of("lenet5", 50, 4);
        if (ranks.rank() == odd) configuration.learning_rate = 0.25;
        const TrainingRun run(configuration, small_data(), 1, {}, ranks);
        check_agreement(ranks, code_facts());
        check_agreement(ranks, run_facts(run));
      });
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  const std::string differs =
      ": setting learning_rate 0.25; expected setting learning_rate 0.001, as rank ";
  CHECK(told_with(1, 2) == "rank 1" + differs + "0 has");
  CHECK(told_with(2, 4) == "rank 2" + differs + "0 has");
  CHECK(told_with(0, 3) == "rank 0" + differs + "1 has");
  CHECK(told_with(9, 3).empty());
  const auto told_of = [](const std::vector<CommonFact>& odd) -> std::string {
    try {
      on_thread_ranks(3, [&](Ranks& ranks) {
        const std::vector<CommonFact> usual = {{"code of commit", "0a"}, {"data x", "1b"}};
        check_agreement(ranks, ranks.rank() == 1 ? odd : usual);
      });
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  CHECK(told_of({{"code of commit", "ff"}, {"data x", "1b"}}) ==
        "rank 1: code of commit ff; expected code of commit 0a, as rank 0 has");
  CHECK(told_of({{"code of commit", "0a"}}) ==
        "rank 1: no data x; expected data x 1b, as rank 0 has");
  // One fact of both is told, wherever in the lists it is.
  CHECK(told_of({{"uncommitted changes", "2c"}, {"code of commit", "0a"}, {"data x", "1b"}}) ==
        "rank 1: uncommitted changes 2c; expected no uncommitted changes, as rank 0 has");
  CHECK(told_of({{"code of version", "9"}, {"setting seed", "1"}, {"data x", "ff"}}) ==
        "rank 1: no code of commit; expected code of commit 0a, as rank 0 has");
  CHECK(told_of({{"setting seed", "1"}, {"code of commit", "0a"}, {"data x", "ff"}}) ==
        "rank 1: data x ff; expected data x 1b, as rank 0 has");
}

TEST_CASE("there are no more ranks than images in a batch") {
  const TrainingConfiguration configuration = configuration_of("lenet5", 3, 1);
  std::string told;
  on_thread_ranks(4, [&](Ranks& ranks) {
    try {
      const TrainingRun run(configuration, small_data(), 1, {}, ranks);
    } catch (const Error& error) {
      if (ranks.is_first()) told = error.what();
    }
  });
  CHECK(told == "ranks: 4; expected at most 3, the images of a batch");
}

TEST_CASE("a rank sends its sums once up each level at most, and its part of the broadcast") {
  const TrainingConfiguration configuration = configuration_of("lenet5", 150, 19);  // 8 blocks
  std::vector<std::uint64_t> sent(4);
  std::size_t message = 0;
  on_thread_ranks(4, [&](Ranks& ranks) {
    TrainingRun run(configuration, small_data(), 1, {}, ranks);
    TrainingRun::Observer observer;
    observer.step = [&](std::size_t, std::size_t) {
      sent[ranks.rank()] = ranks.bytes_sent();
      return true;
    };
    run.train(observer);
    if (ranks.is_first()) message = 4 * run.model().parameters().size() + 32;
  });
  // Up: 1 to 0, 3 to 2, 2 to 0. Down: 0 to 2 and 1, 2 to 3.
  CHECK(sent == std::vector<std::uint64_t>{2 * message, message, 2 * message, message});
}
