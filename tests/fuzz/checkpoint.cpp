// Checkpoints with wrong values: a run refuses one, or takes its state and goes on from it.
#include "reprise/run/checkpoint.hpp"

#include "support/base_records.hpp"
#include "support/mutate_record.hpp"

using namespace reprise;
using namespace reprise::fuzz;

namespace {

/// The checkpoints that runs with each optimizer leave in the second epoch.
struct Stopped {
  TrainingConfiguration configuration;
  Record checkpoint;
};

Stopped stop_run(const std::string& optimizer) {
  Stopped stopped{small_configuration(optimizer), {}};
  TrainingRun run(stopped.configuration, small_dataset(), 1);
  std::size_t steps = 0;
  run.train({[&](std::size_t, std::size_t) { return ++steps < 5; }, [](const EpochResult&) {}});
  stopped.checkpoint = checkpoint_record(run);
  return stopped;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const std::vector<Stopped> stopped = {stop_run("adam"), stop_run("sgd")};
  Input input(bytes, size);
  const Stopped& base = stopped[input.below(stopped.size())];
  Record checkpoint = base.checkpoint;
  mutate(checkpoint, input);
  if (!accepted([&] { check_record(checkpoint); })) return 0;
  TrainingRun run(base.configuration, small_dataset(), 1);
  if (!accepted([&] { restore_checkpoint(run, checkpoint, "checkpoint"); })) return 0;
  const Record kept = checkpoint_record(run);
  TrainingRun again(base.configuration, small_dataset(), 1);
  require(accepted([&] { restore_checkpoint(again, kept, "checkpoint"); }),
          "a run takes the checkpoint that it keeps");
  require(digest_of(checkpoint_record(again)) == digest_of(kept), "it is the same state again");
  std::size_t steps = 0;
  accepted([&] {  // it may diverge
    run.train({[&](std::size_t, std::size_t) { return ++steps < 2; }, [](const EpochResult&) {}});
  });
  return 0;
}
