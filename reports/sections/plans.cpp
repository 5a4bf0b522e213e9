// What the studies' plans want, how much of it is there, and what it took.
#include <fmt/format.h>

#include <set>

#include "format.hpp"
#include "sections/sections.hpp"

namespace reprise::reports {

void add_plans(const Inputs& inputs, Draft& draft) {
  const StoreCounts& stores = inputs.stores;
  PlanCount sum;
  for (const PlanCount& plan : stores.plans) {
    sum.wanted += plan.wanted;
    sum.found += plan.found;
    sum.failed += plan.failed;
    sum.diverged += plan.diverged;
  }
  const std::size_t missing =
      sum.wanted - std::min(sum.wanted, sum.found + sum.failed + sum.diverged);
  const auto number = [](std::size_t count) { return grouped(static_cast<std::int64_t>(count)); };
  draft.set("has_plans", !stores.plans.empty());
  draft.set("plan_wanted", number(sum.wanted));
  draft.set("plan_found", number(sum.found));
  draft.set("has_plan_failed", sum.failed > 0);
  draft.set("plan_failed", number(sum.failed));
  draft.set("has_plan_diverged", sum.diverged > 0);
  draft.set("plan_diverged", number(sum.diverged));
  draft.set("has_plan_missing", missing > 0);
  draft.set("plan_missing", number(missing));
  std::set<std::string> trainings;
  for (const TrainingRun& run : inputs.studies) trainings.insert(run.digest);
  draft.set("trainings", number(trainings.size()));
  draft.set("has_compute", stores.has_journal);
  const double hours = stores.thread_seconds / 3600;
  draft.set("cpu_hours", fixed(hours, hours < 1 ? 4 : 1));
  draft.set("has_untold", stores.untold > 0);
  draft.set("untold", number(stores.untold));
}

}  // namespace reprise::reports
