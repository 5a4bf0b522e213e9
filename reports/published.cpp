#include "published.hpp"

#include <array>
#include <cctype>
#include <string_view>

namespace reprise::reports {
namespace {

constexpr std::array<std::string_view, 2> kKnown = {"Fashion-MNIST", "MNIST"};

/// Its letters and digits, in lower case.
std::string folded(const UntrustedText& name) {
  std::string letters = name.identifier();
  std::erase(letters, '_');
  for (char& c : letters) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return letters;
}

bool is_or_is_part_of(const UntrustedText& data, std::string_view known) {
  return data == known || data.starts_with(std::string(known) + " ");
}

}  // namespace

UntrustedText data_display_name(const UntrustedText& name) {
  for (const std::string_view known : kKnown) {
    if (folded(known) == folded(name)) return known;
  }
  return name;
}

bool is_fashion_mnist(const UntrustedText& data) {
  return is_or_is_part_of(data, kKnown[0]);
}

bool is_cifar10(const UntrustedText& data) {
  return is_or_is_part_of(data, "CIFAR-10");
}

}  // namespace reprise::reports
