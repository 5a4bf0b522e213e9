// Wraps the main of Catch2's library. The exit status tells CTest a case that was skipped
// (skip.hpp) from one that passed: 77 if every case of the run was skipped and nothing failed. The
// linker makes this the program's main (--wrap=main).
#if !__has_include(<catch2/catch_all.hpp>)
#define CATCH_CONFIG_EXTERNAL_INTERFACES
#endif

#include "support/skip.hpp"

namespace {

int cases_ended = 0;
int cases_skipped = 0;

#if __has_include(<catch2/catch_all.hpp>)
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

// Names that the linker gives.
extern "C" int __real_main(int argc, char** argv);

extern "C" int __wrap_main(int argc, char** argv) {
  constexpr int skipped = 77;
  const int failed = __real_main(argc, argv);
  if (failed != 0) return failed == skipped ? 1 : failed;
  return cases_skipped > 0 && cases_skipped == cases_ended ? skipped : 0;
}
