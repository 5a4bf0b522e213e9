// run: what a record says of where and when it was made.
#include <cstdlib>
#include <fstream>
#include <sstream>
#include "reprise/run/provenance.hpp"

#include "support/catch.hpp"

using namespace reprise;

namespace {

std::string text_of(const Group& environment, const std::string& name) {
  return environment.values<std::string>(name).front();
}

}  // namespace

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

TEST_CASE(
    "the environment names system, memory, variables that could matter, packages and source") {
  setenv("OMP_NUM_THREADS", "3", 1);
  setenv("OPENBLAS_CORETYPE", "Haswell\033", 1);
  setenv("UNRELATED_OMP_SECRET", "not to be recorded", 1);
  const Group group = environment_group(RunEnvironment());
  const std::string variables = text_of(group, "variables");
  CHECK_THAT(variables, Catch::Contains("OMP_NUM_THREADS=3\n"));
  CHECK_THAT(variables, Catch::Contains("OPENBLAS_CORETYPE=Haswell"));
  CHECK(variables.find('\033') == std::string::npos);
  CHECK_THAT(variables, !Catch::Contains("UNRELATED"));
  CHECK(variables.find("OMP_NUM_THREADS") < variables.find("OPENBLAS_CORETYPE"));
  const auto memory = group.attribute<std::int64_t>("memory_bytes");
  const auto peak = group.attribute<std::int64_t>("peak_memory_bytes");
  CHECK(peak > 1'000'000);
  CHECK(peak < memory);
  for (const char* name : {"system", "kernel", "libc", "source_tree"}) {
    INFO(name);
    CHECK_FALSE(group.attribute<std::string>(name).empty());
  }
  CHECK_THAT(group.attribute<std::string>("kernel"), Catch::StartsWith("Linux "));
  CHECK(text_of(group, "packages") == source_version().packages);
}

TEST_CASE("memory that a run takes shows in its peak") {
  const auto peak = [] {
    return environment_group(RunEnvironment()).attribute<std::int64_t>("peak_memory_bytes");
  };
  const std::int64_t before = peak();
  constexpr std::size_t kBytes = 256'000'000;
  const std::vector<char> taken(kBytes, 1);
  CHECK(peak() - before > static_cast<std::int64_t>(taken.size() / 2));
}

TEST_CASE("docs/record_format.md lists every part of the environment") {
  std::ifstream file(REPRISE_SOURCE_DIR "/docs/record_format.md");
  std::ostringstream text;
  text << file.rdbuf();
  RunEnvironment environment;
  environment.data_folder = "data";
  const Group group = environment_group(environment);
  for (const auto& [name, value] : group.attributes) {
    INFO(name);
    CHECK(text.str().find("`@" + name + "`") != std::string::npos);
  }
  for (const auto& [name, value] : group.datasets) {
    INFO(name);
    CHECK(text.str().find("| `" + name + "` |") != std::string::npos);
  }
}
