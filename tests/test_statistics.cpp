// reports: paired tests, Holm's adjustment, the measures of runs, and the rule of verdicts.
#include <cmath>
#include <limits>

#include "contrast.hpp"
#include "reprise/nn/initializers.hpp"
#include "statistics.hpp"
#include "study.hpp"
#include "support/catch.hpp"
#include "support/study_record.hpp"

using namespace reprise;
using namespace reprise::reports;
using namespace reprise::test;

namespace {

bool close(double a, double b, double tolerance = 1e-6) {
  return std::abs(a - b) <= tolerance;
}

PairedTest test_of(const std::vector<double>& differences) {
  return paired_t_test(differences);
}

Verdict verdict_of(const std::vector<double>& differences, Expectation expectation,
                   double margin = 0) {
  return judge(test_of(differences), expectation, margin).verdict;
}

}  // namespace

TEST_CASE("Student's t distribution has its published quantiles") {
  // NIST/SEMATECH e-Handbook of Statistical Methods, section 1.3.6.7.2, column 0.975.
  struct Case {
    std::size_t degrees;
    double quantile;
  };
  for (const Case& c : {Case{1, 12.706}, Case{2, 4.303}, Case{4, 2.776}, Case{9, 2.262}}) {
    std::vector<double> differences(c.degrees + 1, 0.0);
    differences[0] = 1;
    const PairedTest test = test_of(differences);
    const double n = static_cast<double>(differences.size());
    CHECK(close((test.interval.high - test.mean) / (test.standard_deviation / std::sqrt(n)),
                c.quantile, 5e-4));
  }
}

TEST_CASE("a paired t-test has the values of its closed forms") {
  // Four degrees: F(t) = 1/2 + 3/8 x (1 - x^2 / 12 ...) with t = 3 sqrt 2; scipy.stats.ttest_rel
  // gives p = 0.0132355991.
  const PairedTest five = test_of({1, 2, 3, 4, 5});
  CHECK(five.pairs == 5);
  CHECK(five.mean == 3);
  CHECK(close(five.standard_deviation, std::sqrt(2.5)));
  CHECK(close(five.p, 0.0132355991));
  CHECK(close(five.interval.low, 3 - 2.7764451 * std::sqrt(0.5)));
  CHECK(close(five.interval.high, 3 + 2.7764451 * std::sqrt(0.5)));
  CHECK(close(five.detectable, noncentrality_for_power(4) * std::sqrt(0.5)));
  CHECK(close(test_of({-1, -2, -3, -4, -5}).p, five.p, 1e-15));

  // One degree is Cauchy's distribution: t = 2, p = 1 - 2 atan(2) / pi.
  const PairedTest two = test_of({1, 3});
  CHECK(close(two.p, 1 - 2 * std::atan(2.0) / std::acos(-1.0)));
  CHECK(close(two.interval.high - two.mean, 12.7062047, 1e-5));
}

TEST_CASE("the noncentrality of 80% power is that of published sample sizes") {
  // Cohen 1988, table 2.3.5 (two-tailed, 0.05) and G*Power: a standardized difference d needs n
  // pairs for a power of 0.80 (0.8 to the next larger n): sqrt(n) d is at least the noncentrality.
  struct Case {
    double d;
    std::size_t n;
  };
  for (const Case& c : {Case{0.2, 199}, Case{0.5, 34}, Case{0.8, 15}, Case{1.0, 10}}) {
    CAPTURE(c.n);
    CHECK(std::sqrt(static_cast<double>(c.n)) * c.d >= noncentrality_for_power(c.n - 1));
    CHECK(std::sqrt(static_cast<double>(c.n - 1)) * c.d < noncentrality_for_power(c.n - 2));
  }
}

TEST_CASE(
    "10,000 studies without a difference err by the level; with one they find it by the power") {
  constexpr std::size_t studies = 10'000;
  for (const std::size_t pairs : {2, 3, 5, 10}) {
    CAPTURE(pairs);
    const std::vector<double> noise =
        standard_normals(RandomStream(20).child(pairs), 0, studies * pairs);
    const double found = noncentrality_for_power(pairs - 1) / std::sqrt(static_cast<double>(pairs));
    std::size_t false_positives = 0;
    std::size_t true_positives = 0;
    std::size_t covered = 0;
    for (std::size_t i = 0; i < studies; ++i) {
      std::vector<double> differences(noise.begin() + static_cast<long>(i * pairs),
                                      noise.begin() + static_cast<long>((i + 1) * pairs));
      const PairedTest null = test_of(differences);
      false_positives += null.p < kLevel ? 1 : 0;
      covered += null.interval.contains(0) ? 1 : 0;
      for (double& difference : differences) difference += found;
      true_positives += test_of(differences).p < kLevel ? 1 : 0;
    }
    // Three standard errors of a share of 10,000 are 0.65 points at 5%, 1.2 at 80%.
    CHECK(false_positives >= 430);
    CHECK(false_positives <= 570);
    CHECK(covered == studies - false_positives);
    CHECK(true_positives >= 7870);
    CHECK(true_positives <= 8130);
  }
}

TEST_CASE("a paired t-test knows its degenerate cases") {
  for (const std::vector<double>& few : {std::vector<double>{}, std::vector<double>{7}}) {
    const PairedTest test = test_of(few);
    CHECK(std::isnan(test.p));
    CHECK(test.interval.low == -std::numeric_limits<double>::infinity());
    CHECK(test.interval.high == std::numeric_limits<double>::infinity());
    CHECK(std::isinf(test.detectable));
  }
  const PairedTest zero = test_of({0, 0, 0});
  CHECK(zero.p == 1);
  CHECK(zero.interval.low == 0);
  CHECK(zero.interval.high == 0);
  CHECK(zero.detectable == 0);
  CHECK(!zero.lacks_spread);
}

TEST_CASE("equal differences that are not zero say nothing") {
  const auto says_nothing = [](const PairedTest& test) {
    return test.lacks_spread && std::isnan(test.p) && std::isinf(test.interval.high) &&
           std::isinf(test.detectable);
  };
  CHECK(says_nothing(test_of({0.5, 0.5, 0.5})));
  CHECK(says_nothing(test_of({0.3 - 0.1, 0.2, 0.4 - 0.2})));  // a spread of 1e-17
  CHECK(!test_of({0.5, 0.5, 0.51}).lacks_spread);

  // Ten or eleven of 500 images: a spread of 0.354 / 500 for one of eight that differs, 0.577 / 500
  // for one of three; the resolution is 0.408 / 500.
  TrainingRun run;
  run.test_images = 500;
  run.train_images = 250;
  const double resolution = resolution_of(run, Measure::test_error);
  CHECK(close(resolution, 0.408248 / 500, 1e-8));
  std::vector<double> eight(8, 0.02);
  eight[3] = 0.022;
  CHECK(says_nothing(paired_t_test(eight, resolution)));
  CHECK(!paired_t_test(std::vector<double>{0.02, 0.022, 0.02}, resolution).lacks_spread);
  CHECK(!paired_t_test(std::vector<double>{0, 0, 0}, resolution).lacks_spread);
  CHECK(close(resolution_of(run, Measure::train_error), 0.408248 / 250, 1e-8));
  CHECK(
      close(resolution_of(run, Measure::generalization_gap), 0.408248 * std::sqrt(5) / 500, 1e-8));
  CHECK(resolution_of(run, Measure::seconds_per_epoch) == 0);
  run.history.steps_per_epoch = 40;
  CHECK(close(resolution_of(run, Measure::epochs_to_train_error), 0.408248 / 40, 1e-7));

  for (const Expectation expectation :
       {Expectation::lower, Expectation::higher, Expectation::same}) {
    const Judgement judgement = judge(test_of({-0.5, -0.5}), expectation, 1);
    CHECK(judgement.verdict == Verdict::none);
    CHECK(judgement.uncertainty == Uncertainty::no_spread);
  }
}

TEST_CASE("a median of an even number of values is the mean of the two in the middle") {
  CHECK(median_of({3, 1, 2}) == 2);
  CHECK(median_of({4, 1, 3, 2}) == 2.5);
  CHECK(std::isnan(median_of({})));
}

TEST_CASE("a difference is a bound only if the capped side has the larger mean") {
  struct Case {
    bool variant, baseline;
    double mean;
    bool is_bound;
  };
  for (const Case& c :
       {Case{true, false, 1, true}, Case{true, false, -1, false}, Case{false, true, -1, true},
        Case{false, true, 1, false}, Case{true, true, 1, false}, Case{false, false, -1, false}}) {
    Contrast contrast;
    contrast.censored_variant = c.variant;
    contrast.censored_baseline = c.baseline;
    contrast.test.mean = c.mean;
    CHECK(contrast.is_lower_bound() == c.is_bound);
  }
}

TEST_CASE("a difference of zero is an exception to unanimity but no dissent") {
  Contrast contrast;
  contrast.differences = {-1, 0, -2};
  contrast.test = paired_t_test(contrast.differences);
  CHECK(contrast.dissenters() == 0);
  CHECK(contrast.exceptions() == 1);
  CHECK(!contrast.is_unanimous());
  contrast.differences = {-1, 3, -9};
  CHECK(contrast.dissenters() == 1);
  contrast.differences = {-1, -3};
  CHECK(contrast.is_unanimous());
}

TEST_CASE("Holm's adjustment multiplies, keeps the order and stops at one") {
  const double nan = std::nan("");
  const std::vector<double> adjusted =
      holm_adjusted(std::vector<double>{0.01, 0.04, nan, 0.03, 0.005});
  CHECK(close(adjusted[0], 0.03));
  CHECK(close(adjusted[1], 0.06));
  CHECK(std::isnan(adjusted[2]));
  CHECK(close(adjusted[3], 0.06));
  CHECK(close(adjusted[4], 0.02));
  CHECK(holm_adjusted(std::vector<double>{0.6, 0.7}) == std::vector<double>{1, 1});
  CHECK(holm_adjusted(std::vector<double>{0.2}) == std::vector<double>{0.2});
  CHECK(holm_adjusted({}).empty());
}

TEST_CASE("verdicts follow the rule") {
  const std::vector<double> down = {-1, -2, -3, -4, -5};  // p = 0.013
  const std::vector<double> up = {1, 2, 3, 4, 5};
  const std::vector<double> mixed = {-1, 2, -1, 1, 0};
  CHECK(verdict_of(down, Expectation::lower) == Verdict::supported);
  CHECK(verdict_of(up, Expectation::lower) == Verdict::contradicted);
  CHECK(verdict_of(up, Expectation::higher) == Verdict::supported);
  CHECK(verdict_of(down, Expectation::higher) == Verdict::contradicted);
  CHECK(verdict_of(mixed, Expectation::lower) == Verdict::no_difference);
  CHECK(verdict_of(mixed, Expectation::higher) == Verdict::no_difference);
  CHECK(verdict_of({1, 2}, Expectation::higher) == Verdict::no_difference);  // p = 0.2

  // The interval of `up` is 1.04 to 4.96.
  CHECK(verdict_of(up, Expectation::same, 5) == Verdict::supported);
  CHECK(verdict_of(up, Expectation::same, 1) == Verdict::contradicted);
  CHECK(verdict_of(down, Expectation::same, 1) == Verdict::contradicted);
  CHECK(verdict_of(mixed, Expectation::same, 1) == Verdict::no_difference);
  CHECK(verdict_of({0, 0, 0}, Expectation::same, 0.1) == Verdict::supported);
  const Judgement borderline = judge(test_of(up), Expectation::same, 2);
  CHECK(borderline.verdict == Verdict::none);
  CHECK(borderline.uncertainty == Uncertainty::borderline);
}

TEST_CASE("one seed never gets a verdict") {
  for (const Expectation expectation :
       {Expectation::lower, Expectation::higher, Expectation::same}) {
    for (const double difference : {-1e9, -1.0, 0.0, 1.0, 1e9}) {
      const Judgement judgement = judge(test_of({difference}), expectation, 1e12);
      CHECK(judgement.verdict == Verdict::none);
      CHECK(judgement.uncertainty == Uncertainty::few_seeds);
    }
  }
  const double nan = std::nan("");
  CHECK(judge(test_of({1, nan}), Expectation::lower, 0).uncertainty == Uncertainty::not_finite);
  CHECK(judge(test_of({1, 2}), Expectation::none, 0).uncertainty == Uncertainty::no_claim);
}

TEST_CASE("the training error is smoothed over a tenth of an epoch, at least ten steps") {
  CHECK(smoothing_steps(1) == 10);
  CHECK(smoothing_steps(100) == 10);
  CHECK(smoothing_steps(469) == 47);
}

TEST_CASE(
    "epochs to a training error are counted in steps, and are bounds if it is never reached") {
  TrainingRun run;
  run.epochs = 2;
  run.history.steps_per_epoch = 20;
  run.history.step_error.assign(40, 1.0);
  std::fill(run.history.step_error.begin() + 15, run.history.step_error.end(), 0.0);
  // The mean of ten steps is at most 1/4 once eight of them are zero: after step 23.
  const Measured reached = measure_of(run, Measure::epochs_to_train_error, 0.25);
  CHECK(reached.value == 23.0 / 20);
  CHECK(!reached.censored);
  run.history.step_error.assign(40, 0.3);
  const Measured never = measure_of(run, Measure::epochs_to_train_error, 0.25);
  CHECK(never.value == 2);
  CHECK(never.censored);
  CHECK(!measure_of(run, Measure::epochs_to_train_error, 0.35).censored);
}

TEST_CASE("the other measures are the errors after the last epoch, their gap, and a median time") {
  TrainingRun run;
  run.test_accuracy = 0.75;
  run.train_error = 0.125;
  run.seconds_per_epoch = {9, 1, 2};
  CHECK(measure_of(run, Measure::test_error, 0).value == 0.25);
  CHECK(measure_of(run, Measure::train_error, 0).value == 0.125);
  CHECK(measure_of(run, Measure::generalization_gap, 0).value == 0.125);
  CHECK(measure_of(run, Measure::seconds_per_epoch, 0).value == 2);
}

TEST_CASE("contrasts pair the runs of one seed, and epochs are compared as ratios too") {
  std::vector<TrainingRun> runs;
  const auto add = [&](const std::string& variant, std::int64_t seed, double quarter) {
    StudyRecordOptions options;
    options.measure = "epochs_to_train_error";
    options.variant = variant;
    options.seed = seed;
    options.quarter = quarter;
    runs.push_back(read_training_run({variant + std::to_string(seed), study_record(options)}));
  };
  add("2x2", 1, 2);
  add("2x2", 2, 1.6);
  add("2x2", 5, 1.6);
  add("3x3", 2, 0.8);
  add("3x3", 1, 1);
  const std::vector<Study> studies = group_studies(runs);
  REQUIRE(studies.size() == 1);
  const std::vector<Contrast> contrasts = contrasts_of(studies);
  REQUIRE(contrasts.size() == 1);
  const Contrast& contrast = contrasts.front();
  CHECK(contrast.seeds == std::vector<std::int64_t>{1, 2});
  CHECK(contrast.missing_seeds == std::vector<std::int64_t>{5});
  CHECK(contrast.differences.size() == 2);
  for (const double difference : contrast.differences) CHECK(difference < -0.5);
  REQUIRE(contrast.ratio);
  CHECK(close(contrast.ratio->mean, 0.5, 0.04));
  CHECK(contrast.ratio->interval.contains(contrast.ratio->mean));
  CHECK(contrast.is_unanimous());
}
