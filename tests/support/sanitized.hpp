/// \file
/// Whether the tests are built with sanitizers, for cases that then do fewer rounds.
#pragma once

namespace reprise::test {

/// With sanitizers a round takes several times as long, and what they find, they find in the first
/// rounds of each kind. Tests without them do all rounds.
#ifdef REPRISE_SANITIZED
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace reprise::test
