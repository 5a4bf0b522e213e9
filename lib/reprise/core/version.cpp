#include "reprise/core/version.hpp"

namespace reprise {

std::string_view version() {
  return REPRISE_VERSION;
}

}  // namespace reprise
