// A training run for the page's worker: settings as TOML in, progress and digests out, as JSON.
#include <exception>
#include <string>

#include "reprise/core/digest.hpp"
#include "reprise/core/file.hpp"
#include "reprise/core/version.hpp"
#include "reprise/data/dataset.hpp"
#include "reprise/linalg/simd.hpp"
#include "reprise/run/configuration.hpp"
#include "reprise/run/training.hpp"
#include "tell.hpp"

namespace reprise {
namespace {

void train(const std::string& settings, const std::string& folder) {
  TrainingConfiguration configuration;
  read_toml_text("settings", settings, configuration);
  check(configuration);
  const ImageDataset data = load_dataset(folder, static_cast<std::size_t>(configuration.holdout));
  TrainingRun run(configuration, data, 1);
  tell("\"kind\":\"begun\"" + member("parameters", quoted(run.initial_parameters_sha256())) +
       member("epochs", static_cast<std::size_t>(configuration.epochs)) +
       member("steps", run.steps_per_epoch()) + member("images", run.train_images()) +
       member("simd", quoted(simd_target())));
  TrainingRun::Observer observer;
  observer.step = [&](std::size_t done, std::size_t steps) {
    tell("\"kind\":\"step\"" + member("epoch", run.epochs_done() + 1) + member("done", done) +
         member("steps", steps) + member("loss", run.state().step_losses.back()));
    return true;
  };
  observer.epoch = [&](const EpochResult& result) {
    tell("\"kind\":\"epoch\"" + member("epoch", run.epochs_done()) +
         member("train_loss", result.train_loss) + member("train_error", result.train_error) +
         member("test_loss", result.test_loss) + member("test_error", result.test_error) +
         member("seconds", result.train_seconds) +
         member("parameters", quoted(result.parameters_sha256)));
  };
  run.train(observer);
  tell("\"kind\":\"done\"" + member("parameters", quoted(run.history().back().parameters_sha256)));
}

}  // namespace
}  // namespace reprise

/// Trains by the settings, a text of TOML, on the data set in a folder of the module's file system.
/// Tells the caller of: begun, step, epoch, done; or error, with the line that says why.
extern "C" EMSCRIPTEN_KEEPALIVE void reprise_train(const char* settings, const char* folder) {
  try {
    reprise::train(settings, folder);
  } catch (const std::exception& error) {
    reprise::tell_error(error);
  }
}

/// SHA-256 of a file of the module's file system, in hexadecimal digits; "" after telling "error".
extern "C" EMSCRIPTEN_KEEPALIVE const char* reprise_sha256(const char* path) {
  static std::string digits;
  digits.clear();
  try {
    digits = reprise::sha256_hex(reprise::read_file(path, std::size_t{1} << 28));
  } catch (const std::exception& error) {
    reprise::tell_error(error);
  }
  return digits.c_str();
}

extern "C" EMSCRIPTEN_KEEPALIVE const char* reprise_version() {
  static const std::string version(reprise::version());
  return version.c_str();
}
