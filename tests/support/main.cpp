// Catch2's main, compiled once for all tests. Its exit status tells CTest a case that was skipped
// (skip.hpp) from one that passed: 77 if every case of the run was skipped and nothing failed.
#if __has_include(<catch2/catch_session.hpp>)
#include <catch2/catch_all.hpp>
#else
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#endif

#include "support/skip.hpp"

namespace {

int cases_ended = 0;
int cases_skipped = 0;

#if __has_include(<catch2/catch_session.hpp>)
using Listener = Catch::EventListenerBase;
#else
using Listener = Catch::TestEventListenerBase;
#endif

class CountSkipped : public Listener {
 public:
  using Listener::Listener;
  void testCaseEnded(const Catch::TestCaseStats& stats) override {
    Listener::testCaseEnded(stats);
    ++cases_ended;
    cases_skipped += reprise::test::skip_requested ? 1 : 0;
    reprise::test::skip_requested = false;
  }
};
CATCH_REGISTER_LISTENER(CountSkipped)

}  // namespace

bool reprise::test::skip_requested = false;

int main(int argc, char** argv) {
  constexpr int skipped = 77;
  const int failed = Catch::Session().run(argc, argv);
  if (failed != 0) return failed == skipped ? 1 : failed;
  return cases_skipped > 0 && cases_skipped == cases_ended ? skipped : 0;
}
