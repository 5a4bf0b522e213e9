#include "setting.hpp"

#include "format.hpp"

namespace reprise::reports {

Settings settings_of(const Attributes& attributes) {
  Settings settings;
  for (const auto& [name, value] : attributes) {
    settings[UntrustedText::from_record(name)] = std::visit(
        [](const auto& held) -> Setting {
          if constexpr (std::is_same_v<decltype(held), const std::string&>) {
            return UntrustedText(held);
          } else {
            return held;
          }
        },
        value);
  }
  return settings;
}

Settings environment_of(const Group& environment) {
  Settings settings = settings_of(environment.attributes);
  for (const char* name : {"packages", "variables"}) {
    const auto found = environment.datasets.find(name);
    if (found == environment.datasets.end()) continue;
    const auto* lines = std::get_if<std::vector<std::string>>(&found->second.values);
    if (lines != nullptr && lines->size() == 1) settings[name] = UntrustedText(lines->front());
  }
  return settings;
}

UntrustedText setting_text(const Setting& setting) {
  if (const auto* whole = std::get_if<std::int64_t>(&setting)) return std::to_string(*whole);
  if (const auto* real = std::get_if<double>(&setting)) return shortest(*real);
  return std::get<UntrustedText>(setting).shortened();
}

UntrustedText setting_text(const Settings& settings, const UntrustedText& name) {
  const auto found = settings.find(name);
  return found == settings.end() ? "" : setting_text(found->second);
}

std::optional<std::int64_t> setting_number(const Settings& settings, const UntrustedText& name) {
  const auto found = settings.find(name);
  const auto* number =
      found == settings.end() ? nullptr : std::get_if<std::int64_t>(&found->second);
  return number == nullptr ? std::nullopt : std::optional(*number);
}

}  // namespace reprise::reports
