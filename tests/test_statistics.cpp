// reports: paired tests, Holm's adjustment, the measures of runs, and the rule of verdicts.
#include <algorithm>
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

/// Of a report's only claim, whose p-value the adjustment leaves as it is.
Judgement judgement_of(const std::vector<double>& differences, Expectation expectation,
                       double margin = 0) {
  const PairedTest test = test_of(differences);
  const double p = claim_p(test, expectation, margin);
  return judge(test, p, p, expectation, margin);
}

Verdict verdict_of(const std::vector<double>& differences, Expectation expectation,
                   double margin = 0) {
  return judgement_of(differences, expectation, margin).verdict;
}

}  // namespace

TEST_CASE("a share of a variance is a ratio with the interval of the F distribution") {
  const std::vector<double> values = {1, 2, 3}, others = {2, 4, 6};
  const VarianceFraction share = variance_fraction(values, others);
  CHECK(close(share.fraction, 0.25));
  CHECK(close(share.interval.low, 0.25 / 39));  // F(2, 2) has the quantiles 1/39 and 39
  CHECK(close(share.interval.high, 0.25 * 39));
  const std::vector<double> one = {1}, same = {2, 2, 2};
  for (const auto& [a, b] :
       {std::pair{one, others}, std::pair{values, one}, std::pair{values, same}}) {
    const VarianceFraction none = variance_fraction(a, b);
    CHECK(std::isnan(none.fraction));
    CHECK(none.interval.low == 0);
    CHECK(std::isinf(none.interval.high));
  }
  CHECK(variance_fraction(same, others).fraction == 0);
}

TEST_CASE("the interval of a share holds the true one 95 times in 100") {
  constexpr std::size_t kTrials = 10'000, kValues = 5, kOthers = 8;
  std::size_t held = 0;
  for (std::size_t trial = 0; trial < kTrials; ++trial) {
    const RandomStream stream = RandomStream(3).child("share").child(trial);
    std::vector<double> values = standard_normals(stream, 0, kValues);
    for (double& value : values) value *= 0.5;
    const std::vector<double> others = standard_normals(stream.child("others"), 0, kOthers);
    held += variance_fraction(values, others).interval.contains(0.25) ? 1 : 0;
  }
  CHECK(held > 9430);
  CHECK(held < 9570);
}

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
    const Judgement judgement = judgement_of({-0.5, -0.5}, expectation, 1);
    CHECK(judgement.verdict == Verdict::inconclusive);
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
  contrast.differences = {-1, 3, -9};
  CHECK(contrast.dissenters() == 1);
  contrast.differences = {-1, -3};
  CHECK(contrast.exceptions() == 0);
}

TEST_CASE("algorithms are compared by digests, which is no claim and moves no other p-value") {
  std::vector<TrainingRun> runs;
  const auto add = [&](const std::string& study, const std::string& variant, std::int64_t seed,
                       const std::string& algorithm, std::int64_t wrong) {
    StudyRecordOptions options;
    options.study = study;
    options.baseline = "direct";
    options.variant = variant;
    options.expectation = study == "choice" ? "same" : "lower";
    options.margin = study == "choice" ? 0.01 : 0;
    options.seed = seed;
    options.wrong = wrong;
    Record record = study_record(options);
    record.groups["configuration"].attributes["conv_algorithm"] = algorithm;
    for (const char* name : {"conv", "variant"}) {
      record.groups["configuration"].attributes.erase(name);
    }
    runs.push_back(read_training_run({study + variant + std::to_string(seed), record}));
  };
  for (const std::int64_t seed : {1, 2, 3}) {
    add("choice", "direct", seed, "direct", 60);
    add("choice", "fft", seed, "fft", 60 + seed);
    add("other", "direct", seed, "direct", 60);
    add("other", "less", seed, "direct", 60 - 10 * seed);
  }
  const std::vector<Study> studies = group_studies(runs);
  const std::vector<Contrast> contrasts = contrasts_of(studies);
  REQUIRE(contrasts.size() == 2);
  const auto of = [&](const char* name) -> const Contrast& {
    return contrasts[contrasts[0].study->name == name ? 0 : 1];
  };
  REQUIRE(of("choice").identical);
  CHECK(!of("choice").has_claim());
  CHECK(of("choice").judgement.uncertainty == Uncertainty::by_digest);
  CHECK(std::isnan(of("choice").adjusted_p));
  CHECK(!of("other").identical);
  CHECK(of("other").adjusted_p == of("other").p);  // of one claim
}

TEST_CASE("a claim for a scale that is not reached is not judged, whatever the numbers say") {
  std::vector<TrainingRun> runs;
  for (const std::int64_t seed : {1, 2, 3, 4}) {
    for (const char* variant : {"2x2", "3x3"}) {
      StudyRecordOptions options;
      options.variant = variant;
      options.seed = seed;
      options.wrong = variant == std::string("2x2") ? 90 : 20 + seed;
      runs.push_back(read_training_run({variant + std::to_string(seed), study_record(options)}));
      runs.back().study->tested_instead = "a small network";
    }
  }
  const std::vector<Study> studies = group_studies(runs);
  const std::vector<Contrast> contrasts = contrasts_of(studies);
  REQUIRE(contrasts.size() == 1);
  CHECK(contrasts[0].p < 1e-3);
  CHECK(contrasts[0].judgement.verdict == Verdict::out_of_scale);
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
  CHECK(verdict_of(mixed, Expectation::lower) == Verdict::inconclusive);
  CHECK(verdict_of(mixed, Expectation::higher) == Verdict::inconclusive);
  CHECK(verdict_of({1, 2}, Expectation::higher) == Verdict::inconclusive);  // p = 0.2

  // The same: the mean of `up` is 3, its standard error sqrt(0.5); t of four degrees is above 2.132
  // with a probability of 5%, above 2.776 with one of 2.5%.
  const double error = std::sqrt(0.5);
  CHECK(verdict_of(up, Expectation::same, 3 + 2.14 * error) == Verdict::supported);
  CHECK(verdict_of(up, Expectation::same, 3 + 2.12 * error) == Verdict::inconclusive);
  CHECK(verdict_of(up, Expectation::same, 3 - 2.76 * error) == Verdict::inconclusive);
  CHECK(verdict_of(up, Expectation::same, 3 - 2.79 * error) == Verdict::contradicted);
  CHECK(verdict_of(down, Expectation::same, 1) == Verdict::contradicted);
  CHECK(verdict_of(mixed, Expectation::same, 1) == Verdict::inconclusive);
  CHECK(verdict_of({0, 0, 0}, Expectation::same, 0.1) == Verdict::supported);
}

TEST_CASE("a verdict is by the adjusted p-value, and says so where only the adjustment decides") {
  const PairedTest test = test_of({-1, -2, -3, -4, -5});  // p = 0.0132
  const auto judged = [&](double adjusted) {
    return judge(test, test.p, adjusted, Expectation::lower, 0);
  };
  CHECK(judged(0.0499).verdict == Verdict::supported);
  CHECK(judged(0.05).verdict == Verdict::inconclusive);
  CHECK(judged(0.05).uncertainty == Uncertainty::adjusted);
  const PairedTest weak = test_of({1, 2});
  CHECK(judge(weak, weak.p, 1, Expectation::lower, 0).uncertainty == Uncertainty::none);
}

TEST_CASE("a claim of the same errs by the level at the margin, on either side of it") {
  constexpr std::size_t studies = 10'000;
  constexpr std::size_t pairs = 5;
  const std::vector<double> noise =
      standard_normals(RandomStream(20).child("same"), 0, studies * pairs);
  const auto share = [&](double true_mean, Verdict verdict) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < studies; ++i) {
      std::vector<double> differences(noise.begin() + static_cast<long>(i * pairs),
                                      noise.begin() + static_cast<long>((i + 1) * pairs));
      for (double& difference : differences) difference += true_mean;
      count += verdict_of(differences, Expectation::same, 4) == verdict ? 1 : 0;
    }
    return static_cast<double>(count) / studies;
  };
  CHECK(std::abs(share(4, Verdict::supported) - 0.05) < 0.007);  // as different as it may not be
  CHECK(std::abs(share(4, Verdict::contradicted) - 0.025) < 0.005);
  CHECK(share(0, Verdict::supported) > 0.95);
  CHECK(share(9, Verdict::contradicted) > 0.95);
}

TEST_CASE("10,000 reports without a true claim have a false verdict as often as the level says") {
  constexpr std::size_t reports = 10'000;
  constexpr std::size_t claims = 8;
  constexpr std::size_t pairs = 5;
  const std::vector<double> noise =
      standard_normals(RandomStream(20).child("reports"), 0, reports * claims * pairs);
  std::size_t with_false = 0;
  std::size_t unadjusted = 0;
  for (std::size_t r = 0; r < reports; ++r) {
    std::vector<double> p_values;
    for (std::size_t c = 0; c < claims; ++c) {
      const auto first = noise.begin() + static_cast<long>((r * claims + c) * pairs);
      p_values.push_back(test_of({first, first + static_cast<long>(pairs)}).p);
    }
    const std::vector<double> adjusted = holm_adjusted(p_values);
    const auto counts = [](double p) { return p < kLevel; };
    with_false += std::any_of(adjusted.begin(), adjusted.end(), counts) ? 1 : 0;
    unadjusted += std::any_of(p_values.begin(), p_values.end(), counts) ? 1 : 0;
  }
  CHECK(with_false >= 430);  // 1 - (1 - 0.05 / 8)^8 is 4.9%
  CHECK(with_false <= 570);
  CHECK(unadjusted > 3000);  // 1 - 0.95^8 is 34%
}

TEST_CASE("how often a variant has less comes with Wilson's interval, and a bootstrap from 29 on") {
  const FractionBelow five = fraction_below(std::vector<double>{-1, -2, -1, -3, -1});
  CHECK(five.fraction == 1);
  CHECK(close(five.wilson.low, 0.5655, 1e-4));  // 5 / (5 + 1.96^2)
  CHECK(five.wilson.high == 1);
  CHECK(!five.bootstrap);
  const FractionBelow tied = fraction_below(std::vector<double>{-1, 0, 1, 0});
  CHECK(tied.fraction == 0.5);
  CHECK(close(tied.wilson.low, 0.15, 1e-2));
  CHECK(close(tied.wilson.low + tied.wilson.high, 1));
  CHECK(fraction_below(std::vector<double>{}).wilson.high == 1);

  std::vector<double> many(28, -1);
  CHECK(!fraction_below(many).bootstrap);
  for (std::size_t i = 0; i < 12; ++i) many.push_back(1);
  const FractionBelow forty = fraction_below(many);  // 28 of 40
  REQUIRE(forty.bootstrap);
  // The binomial's own quantiles, of 0.7 and 40, are 22 and 33 at 2.5% and 97.5%.
  CHECK(forty.bootstrap->low == 22.0 / 40);
  CHECK(forty.bootstrap->high == 33.0 / 40);
}

TEST_CASE("the bootstrap's interval is the same on any machine and covers as often as it says") {
  std::vector<double> values;
  for (int i = 0; i < 64; ++i) values.push_back(i % 8);
  const Interval interval = bootstrap_interval(values);
  CHECK(interval.low == bootstrap_interval(values).low);
  // Means of 64 values from 0 to 7, whose standard deviation is 2.29: 3.5 -+ 1.96 * 0.286.
  CHECK(close(interval.low, 2.94, 0.05));
  CHECK(close(interval.high, 4.06, 0.05));
  CHECK(interval.low * 64 == std::floor(interval.low * 64));  // a mean of whole numbers
}

TEST_CASE("one seed never gets a verdict") {
  for (const Expectation expectation :
       {Expectation::lower, Expectation::higher, Expectation::same}) {
    for (const double difference : {-1e9, -1.0, 0.0, 1.0, 1e9}) {
      const Judgement judgement = judgement_of({difference}, expectation, 1e12);
      CHECK(judgement.verdict == Verdict::inconclusive);
      CHECK(judgement.uncertainty == Uncertainty::few_seeds);
    }
  }
  const double nan = std::nan("");
  CHECK(judgement_of({1, nan}, Expectation::lower).uncertainty == Uncertainty::not_finite);
  CHECK(judgement_of({1, 2}, Expectation::none).uncertainty == Uncertainty::no_claim);
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
  run.evaluation.test_accuracy = 0.75;
  run.evaluation.train_error = 0.125;
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
  CHECK(contrast.exceptions() == 0);
}
