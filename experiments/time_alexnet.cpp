// How long does one training step of AlexNet take, and how much memory?
//
// Trains on random images of the full size; nothing is learnt.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "reprise/core/digest.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/parallel.hpp"
#include "reprise/core/terminal.hpp"
#include "reprise/core/text.hpp"
#include "reprise/linalg/blas.hpp"
#include "reprise/linalg/simd.hpp"
#include "reprise/nn/batch_gradient.hpp"
#include "reprise/nn/models/alexnet.hpp"
#include "reprise/nn/optimizers.hpp"
#include "reprise/run/agreement.hpp"
#include "reprise/run/ranked_gradient.hpp"
#include "support/program.hpp"
#include "support/ranked_program.hpp"

namespace reprise {
namespace {

struct Options {
  std::size_t batch_size = 32;
  std::size_t block_size = 16;
  std::size_t steps = 3;
  std::size_t threads = 1;
  std::string ranks = "auto";
  std::string conv = "auto";
  std::string simd = "best";
  std::int64_t seed = 1;
};

/// nullopt if --help was asked for.
std::optional<Options> parse(const std::string& name, int argc, const char* const* argv,
                             std::size_t threads) {
  Options options;
  options.threads = threads;
  CommandLine line(name,
                   "Times training steps of AlexNet on random images, and prints a digest of the "
                   "parameters after them.");
  line.add_size("--batch-size", options.batch_size, {1, 4096}, "images per step");
  line.add_size(
      "--block-size", options.block_size, {1, 4096},
      "images per block, which one thread computes; each block keeps a gradient in memory");
  line.add_size("--steps", options.steps, {1, 1000}, "timed steps, after one untimed step");
  add_threads(line, options.threads, "number of threads, of each rank; affects no digest");
  RankedProgram::add_option(line, options.ranks);
  line.add_earlier_name("--conv", "--conv-algorithm");
  line.add_text("--conv-algorithm", options.conv, "convolution algorithm");
  line.set_choices("--conv-algorithm", conv_algorithm_names());
  add_simd(line, options.simd, "affects no digest");
  line.add_integer("--seed", options.seed, {0}, "seed of parameters, images and dropout");
  line.set_footer("Example:\n  " + name + " --batch-size 32 --steps 3");
  if (!line.parse(argc, argv)) return std::nullopt;
  as_usage([&] {
    conv_algorithm(options.conv);
    select_simd_target(options.simd);
  });
  return options;
}

/// Uniform in [0, 1), one draw per four values.
std::vector<float> random_images(const RandomStream& stream, std::size_t count) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; i += 4) {
    const auto words = stream.words(i / 4);
    for (std::size_t j = 0; j < std::min<std::size_t>(4, count - i); ++j) {
      values[i + j] = static_cast<float>(words[j] >> 8) * 0x1p-24F;
    }
  }
  return values;
}

/// A model in training on one batch of random images, again and again.
class Steps {
 public:
  Steps(const Options& options, Ranks& ranks)
      : N_(options.batch_size),
        threads_(options.threads),
        stream_(static_cast<std::uint64_t>(options.seed)),
        model_(alexnet({227, 227, 3}, 1000, conv_algorithm(options.conv))),
        images_(random_images(stream_.child("images"), N_ * model_.input_shape().size())),
        gradient_(model_, N_, options.block_size, options.threads, stream_.child("layers")),
        ranked_gradient_(ranks, gradient_, model_.parameters().size()),
        state_(make_optimizer_state(sgd(), model_.parameters().size())) {
    model_.initialize(stream_.child("parameters"));
  }

  /// Returns the batch's mean loss.
  double step() {
    const std::size_t size = model_.input_shape().size();
    const auto source = [&](std::size_t first, std::size_t count, float* images,
                            std::uint8_t* labels) {
      std::copy_n(images_.data() + first * size, count * size, images);
      for (std::size_t i = 0; i < count; ++i) {
        labels[i] = static_cast<std::uint8_t>((first + i) % 256);
      }
    };
    const BatchGradient::Totals totals =
        ranked_gradient_.run(N_, state_.steps, source, threads_, false).totals;
    optimizer_step(sgd(), state_, kLearningRate, model_.parameters(), gradient_.gradients(),
                   threads_);
    return totals.loss / static_cast<double>(N_);
  }

  [[nodiscard]] std::string digest() const {
    Sha256 hash;
    hash.update_floats(model_.parameters());
    return hash.finish_hex();
  }
  [[nodiscard]] std::size_t parameter_count() const { return model_.parameters().size(); }

 private:
  static constexpr double kLearningRate = 0.01;

  /// The paper's, section 5.
  static OptimizerOptions sgd() {
    OptimizerOptions options;
    options.kind = OptimizerKind::sgd;
    options.weight_decay = 0.0005;
    return options;
  }

  std::size_t N_, threads_;
  RandomStream stream_;
  Sequential model_;
  std::vector<float> images_;
  BatchGradient gradient_;
  RankedGradient ranked_gradient_;
  OptimizerState state_;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : 0.5 * (values[middle - 1] + values[middle]);
}

/// The most memory that the process had at a time.
double peak_memory_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

/// What all ranks must have in common.
std::vector<CommonFact> facts_of(const Options& options) {
  return {{"batch size", std::to_string(options.batch_size)},
          {"block size", std::to_string(options.block_size)},
          {"steps", std::to_string(options.steps)},
          {"convolution algorithm", options.conv},
          {"seed", std::to_string(options.seed)}};
}

void time_steps(const Options& options, Ranks& ranks) {
  Steps steps(options, ranks);
  print_line(fmt::format("alexnet: {} parameters, batch size {}, block size {}, threads {}, {}, {}",
                         steps.parameter_count(), options.batch_size, options.block_size,
                         options.threads, options.conv, simd_target()));
  if (ranks.size() > 1) print_line(fmt::format("{} ranks, {}", ranks.size(), ranks.transport()));
  print_line(fmt::format("loss of the first step: {:.4f}", steps.step()));
  const std::uint64_t sent_before = ranks.bytes_sent();
  std::vector<double> seconds;
  for (std::size_t i = 0; i < options.steps; ++i) {
    const double start = steady_seconds();
    steps.step();
    seconds.push_back(steady_seconds() - start);
  }
  const double step_seconds = median(seconds);
  print_line(fmt::format("step: median {:.3f} s of {}, {:.3f} to {:.3f} s", step_seconds,
                         seconds.size(), *std::min_element(seconds.begin(), seconds.end()),
                         *std::max_element(seconds.begin(), seconds.end())));
  print_line(fmt::format("images a second: {:.2f}",
                         static_cast<double>(options.batch_size) / step_seconds));
  if (ranks.size() > 1) {
    print_line(fmt::format("bytes that rank 0 sends a step: {}",
                           (ranks.bytes_sent() - sent_before) / options.steps));
  }
  print_line(fmt::format("peak memory: {:.0f} MiB", peak_memory_mib()));
  print_line(fmt::format("parameters after {}: sha256:{}", count_of(options.steps + 1, "step"),
                         steps.digest()));
}

int time_alexnet(const std::string& name, int argc, const char* const* argv) {
  RankedProgram program("time_alexnet", name);
  std::optional<Options> options;
  Ranks& ranks = program.join([&]() -> std::optional<std::string> {
    options = parse(name, argc, argv, program.default_threads());
    if (!options) return std::nullopt;
    return options->ranks;
  });
  if (!options) return 0;
  return program.work_and_leave([&] {
    options->threads = have_threads(options->threads);
    set_blas_threads(1);
    check_agreement(ranks, facts_of(*options));
    time_steps(*options, ranks);
    return 0;
  });
}

}  // namespace
}  // namespace reprise

int main(int argc, char** argv) {
  return reprise::run_program("time_alexnet", argc, argv, [&](const std::string& name) {
    return reprise::time_alexnet(name, argc, argv);
  });
}
