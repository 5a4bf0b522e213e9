// The text files of a store: plans, the reasons of failures, summaries, journals. What is read
// gives a text that gives itself back.
#include "reprise/record/plan.hpp"
#include "reprise/record/store.hpp"
#include "reprise/record/summary.hpp"
#include "support/fuzz.hpp"

using namespace reprise;
using namespace reprise::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(bytes), size);
  accepted([&] {
    const StudyPlan plan = plan_from("plan.toml", text);
    require(is_plain_name(plan.name), "a study's name leads out of no folder");
    for (const PlannedVariant& variant : plan.variants) {
      require(is_plain_name(variant.name), "a variant's name leads out of no folder");
    }
    const std::string written = plan_text(plan);
    require(plan_text(plan_from("plan.toml", written)) == written, "a plan gives itself back");
  });
  accepted([&] {
    const std::string written = failure_text(failure_from("run.failed", text));
    require(failure_text(failure_from("run.failed", written)) == written,
            "a failure gives itself back");
  });
  accepted([&] {
    const Record summary = summary_from_text("run.toml", text);
    require(summary_text(summary) == text, "a summary gives itself back");
    require(!training_from_summary(summary, "run.toml").history.empty(), "it has epochs");
  });
  accepted([&] {
    std::string written;
    for (const JournalEntry& entry : journal_from("journal.tsv", text)) {
      written += journal_line(entry);
    }
    std::string again;
    for (const JournalEntry& entry : journal_from("journal.tsv", written)) {
      again += journal_line(entry);
    }
    require(again == written, "a journal gives itself back");
  });
  return 0;
}
