// run: what a record says of where and when it was made.
#include "reprise/run/provenance.hpp"
#include "support/catch.hpp"

using namespace reprise;

TEST_CASE("a wall clock that is set back changes no duration") {
  RunEnvironment environment;
  const Group before = environment_group(environment);
  CHECK(before.attribute<double>("seconds_total") >= 0);
  CHECK(before.attribute<double>("seconds_total") < 60);
  environment.started_unix += 7200;  // as if it had been set back two hours since
  const Group after = environment_group(environment);
  CHECK(after.attribute<double>("seconds_total") >= 0);
  CHECK(after.attribute<double>("seconds_total") < 60);
  CHECK(after.attribute<std::string>("started") == iso_time(environment.started_unix));
  CHECK(after.attribute<std::string>("ended") < after.attribute<std::string>("started"));
}

TEST_CASE("times are written in UTC") {
  CHECK(iso_time(0) == "1970-01-01T00:00:00Z");
  CHECK(iso_time(1790409600.9) == "2026-09-26T08:00:00Z");
}
