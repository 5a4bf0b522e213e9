// Plans, failures and journals of a store: what they say, and what is refused of strangers' ones.
#include <algorithm>
#include <limits>

#include "reprise/record/format.hpp"
#include "reprise/record/plan.hpp"
#include "reprise/record/store.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/text.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

const std::string kDigest(64, 'a');
const std::string kOther(64, 'b');

StudyPlan sample() {
  StudyPlan plan;
  plan.name = "mine";
  plan.question = "Is \"it\" so?";
  plan.claim = "It is.";
  plan.measure = "test_error";
  plan.rule = "the rule";
  plan.seeds = {1, 2};
  plan.pilot_seeds = {0};
  plan.learning_rates = {0.1, 0.3};
  plan.data = "MNIST";
  plan.data_sha256 = {kDigest};
  plan.variants = {{"plain", "as it is", "", 0.1}, {"other", "with more", "lower", 0.3}};
  plan.runs = {{"plain", "measured", 1, 0.1, kDigest}, {"other", "pilot", 0, 0.3, kOther}};
  return plan;
}

/// The sample's text with `what` in place of `part`.
std::string with(const std::string& part, const std::string& what) {
  return replaced(plan_text(sample()), part, what);
}

}  // namespace

TEST_CASE("a run's digest is that of its settings and data, whatever else a record says") {
  Group configuration;
  configuration.attributes = {
      {"seed", std::int64_t{3}}, {"epochs", std::int64_t{10}}, {"lr_milestones", "6,8"}};
  const std::string digest = run_digest(configuration, {kDigest});
  // The text that plan.hpp states: settings that differ from their defaults, then the data.
  // printf 'drop_epochs = "6,8"\nseed = 3\ndata = "aaa..."\n' | sha256sum
  CHECK(digest == "d82e80f7fa1fde56f0ff23f46e57e56ab31b6a79afe9db8de8d5b28fc2aefeaa");
  Group defaults = configuration;
  defaults.attributes["momentum"] = 0.9;
  CHECK(run_digest(defaults, {kDigest}) == digest);
  Group earlier = configuration;
  earlier.attributes.erase("lr_milestones");
  earlier.attributes["drop_epochs"] = "6,8";
  CHECK(run_digest(earlier, {kDigest}) == digest);
  CHECK(run_digest(configuration, {kOther}) != digest);
  CHECK(run_digest(configuration, {kDigest, kDigest}) != digest);
}

TEST_CASE("a plan's text gives the plan back") {
  const std::string text = plan_text(sample());
  const StudyPlan plan = plan_from("mine.toml", text);
  CHECK(plan_text(plan) == text);
  CHECK(plan.question == "Is \"it\" so?");
  CHECK(plan.variants[1].expectation == "lower");
  CHECK(plan.runs[1].role == "pilot");
  CHECK(plan.has_measured_runs());
}

TEST_CASE("a plan without a claim is read as it was written") {
  StudyPlan plan = sample();
  plan.claim.clear();
  for (PlannedVariant& variant : plan.variants) variant.expectation.clear();
  const StudyPlan read = plan_from("mine.toml", plan_text(plan));
  CHECK(read.claim.empty());
  CHECK(plan_text(read) == plan_text(plan));
}

TEST_CASE("what a plan cannot mean is refused in one line") {
  const auto refused = [&](const std::string& text, const auto&... parts) {
    const std::string error = error_of([&] { plan_from("mine.toml", text); });
    INFO(error << "\n" << text);
    CHECK(is_line_with(error, "mine.toml", parts...));
  };
  refused(with("claim", "clam"), "unknown key \"clam\"", "such as claim");
  refused(with("claim = \"It is.\"\n", ""), "no claim");
  refused(with("plan 1", "plan 2"), "plan 2", "plan 1");
  refused(with("\"test_error\"", "\"tset_error\""), "measure", "train_error");
  for (const std::string name : {"../up", "a/b", "/root", ".hidden", "-f", "a b", ""}) {
    refused(with("study = \"mine\"", "study = \"" + name + "\""), "study");
    refused(with("name = \"other\"", "name = \"" + name + "\""), "name");
  }
  refused(with("name = \"other\"", "name = \"plain\""), "plain twice");
  refused(with("variant = \"other\"", "variant = \"third\""), "third", "one of the plan's");
  refused(with("digest = \"aaa", "digest = \"xaa"), "digest", "64 hexadecimal");
  refused(with("role = \"pilot\"", "role = \"spare\""), "role", "measured, pilot");
  refused(with("seed = 1", "seed = -1"), "seed", "0 or more");
  refused(with("seed = 1", "seed = 1.5"), "seed");
  refused(with("margin = 0.0", "margin = -1.0"), "margin");
  refused(with("seeds = [1, 2]", "seeds = []"), "seeds", "0 items");
  refused(with("seeds = [1, 2]", "seeds = 1"), "seeds", "list");
  refused(with("[[runs]]", "[[rums]]"), "rums", "runs");
  refused("[[runs]]\n", "no format");
  refused(std::string(kMaxPlanBytes + 1, '#'), "bytes");
  refused("\xff", "UTF-8");
  refused("study = ", ":1");
  StudyPlan twice = sample();
  twice.runs.push_back(twice.runs[0]);
  refused(plan_text(twice), "plain, seed 1 twice");
  StudyPlan many = sample();
  for (std::int64_t seed = 0; many.runs.size() <= kMaxPlannedRuns; ++seed) {
    many.runs.push_back({"other", "measured", seed, 0.5, kOther});
  }
  refused(plan_text(many), "runs has 20001 items");
}

TEST_CASE("the first difference of two texts is named by its line") {
  CHECK(first_difference("a\nb\n", "a\nb\n").empty());
  CHECK(first_difference("a\nb\n", "a\nc\n") == "line 2: b against c");
  CHECK(first_difference("a\n", "a\nc\n") == "line 2: nothing against c");
  CHECK(first_difference("", "").empty());
}

TEST_CASE("a failure and a journal give themselves back, on one line each") {
  const RunFailure failure = failure_from("x", failure_text({true, "no\nmemory \"left\""}));
  CHECK(failure.diverged);
  CHECK(failure.reason == "no\\nmemory \"left\"");
  CHECK(is_line_with(error_of([] { failure_from("x", "kind = \"good\"\nreason = \"\"\n"); }),
                     "kind"));
  CHECK(is_line_with(error_of([] { failure_from("x", "kind = \"error\"\n"); }), "reason"));

  const std::string lines =
      journal_line({"2026-01-31T12:34:56Z", "begun", kDigest, 0, ""}) +
      journal_line({"2026-01-31T12:35:56Z", "failed", kDigest, 120.5, "a\tb\nc"}) +
      journal_line({"2026-01-31T12:36:56Z", "begun", kOther, 0, ""}) +
      journal_line({"2026-01-31T12:37:56Z", "stopped", kOther, 0, ""}) +
      journal_line({"2026-01-31T12:38:56Z", "begun", kOther, 0, ""});
  CHECK(std::count(lines.begin(), lines.end(), '\n') == 5);
  const std::vector<JournalEntry> entries = journal_from("j", lines + "2026");
  REQUIRE(entries.size() == 5);
  CHECK(entries[1].reason == "a\\tb\\nc");
  const Compute all = compute_of(entries);
  CHECK(all.thread_seconds == 120.5);
  CHECK(all.untold == 1);
  CHECK(all.stopped == 1);
  CHECK(compute_of(entries, {kOther}).thread_seconds == 0);
  CHECK(all.cpu_seconds == 0);
  CHECK(all.unmeasured_thread_seconds == 120.5);
  CHECK(is_line_with(error_of([] { journal_from("j", "2026\tbegun\tabc\t0\t\n"); }), "j:1"));
  CHECK(is_line_with(error_of([] { journal_from("j", "\n"); }), "j:1"));
}

TEST_CASE("a journal counts CPU time where it was measured, and each attempt once") {
  const auto line = [](const char* event, double thread_seconds, const char* reason,
                       std::optional<double> cpu_seconds) {
    return journal_line(
        {"2026-01-31T12:34:56Z", event, kDigest, thread_seconds, reason, cpu_seconds});
  };
  const std::string lines = line("begun", 0, "", {}) + line("stopped", 100, "", {}) +
                            line("begun", 0, "", 0) + line("killed", 40, "", 12.25) +
                            line("begun", 0, "", 0) + line("stopped", 9, kAfterTakeover, 1.5) +
                            line("begun", 0, "", 0) + line("done", 20, "", 10);
  const std::vector<JournalEntry> entries = journal_from("j", lines);
  std::string again;
  for (const JournalEntry& entry : entries) again += journal_line(entry);
  CHECK(again == lines);
  const Compute compute = compute_of(entries);
  CHECK(compute.cpu_seconds == 23.75);
  CHECK(compute.thread_seconds == 169);
  CHECK(compute.unmeasured_thread_seconds == 100);
  CHECK(compute.killed == 1);
  CHECK(compute.stopped == 1);
  CHECK(compute.untold == 1);  // of four attempts one has no end
  const std::string start = std::string("t\tdone\t") + kDigest + "\t1\t";
  for (const char* end : {"\t", "\t-1", "\tx", "\t1\t1"}) {
    INFO(end);
    CHECK(is_line_with(error_of([&] { journal_from("j", start + end + "\n"); }), "j:1", "CPU"));
  }
}

TEST_CASE("how far a run is follows from what its store has of it") {
  const auto state = [](const RunTraces& traces) { return std::string(name_of(state_of(traces))); };
  CHECK(state({}) == "missing");
  CHECK(state({.checkpoint = true}) == "interrupted");
  CHECK(state({.failure = true, .checkpoint = true}) == "failed");
  CHECK(state({.damaged = true, .failure = true, .checkpoint = true}) == "missing");
  CHECK(state({.unusable = true, .checkpoint = true}) == "failed");
  CHECK(state({.recorded = true, .failure = true, .checkpoint = true}) == "done");
}
