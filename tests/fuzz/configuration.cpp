// TOML files of settings: what is read and checked means the same written and read again.
#include "reprise/run/configuration.hpp"

#include <cmath>

#include "support/fuzz.hpp"

using namespace reprise;
using namespace reprise::fuzz;

namespace {

TrainingConfiguration read(std::span<const std::uint8_t> toml) {
  TrainingConfiguration configuration;
  read_toml(write_scratch("settings.toml", toml), configuration);
  return configuration;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  TrainingConfiguration configuration;
  const bool valid = accepted([&] {
    configuration = read({bytes, size});
    check(configuration);
  });
  if (!valid) return 0;
  const std::string text = to_toml(configuration);
  const auto* again = reinterpret_cast<const std::uint8_t*>(text.data());
  require(to_toml(read({again, text.size()})) == text, "settings outlast TOML");
  require(to_toml(configuration_from(to_group(configuration))) == text,
          "settings outlast a record");
  for (const std::size_t epoch : {0, 1, 1000}) {
    require(!std::isnan(learning_rate_of(configuration, epoch)), "a learning rate is a number");
  }
  return 0;
}
