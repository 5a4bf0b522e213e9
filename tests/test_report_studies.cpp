// reports: the paper that studies make, from made-up records.
#include <filesystem>
#include <functional>
#include <numeric>
#include <regex>
#include <set>

#include "format.hpp"
#include "report.hpp"
#include "reprise/record_file/record_file.hpp"
#include "study.hpp"
#include "support/catch.hpp"
#include "support/command.hpp"
#include "support/comparison_record.hpp"
#include "support/errors.hpp"
#include "support/report_page.hpp"
#include "support/reports.hpp"
#include "support/study_record.hpp"
#include "support/temporary_folder.hpp"
#include "support/text.hpp"
#include "support/training_record.hpp"

using namespace reprise;
using namespace reprise::reports;
using namespace reprise::test;

namespace {

namespace fs = std::filesystem;

std::string between(const std::string& text, const std::string& begin, const std::string& end) {
  const std::size_t first = text.find(begin);
  if (first == std::string::npos) return "";
  return text.substr(first, text.find(end, first) - first);
}

/// A study of two variants; wrong test images by seed.
std::vector<NamedRecord> study_of(StudyRecordOptions options,
                                  const std::vector<std::int64_t>& baseline,
                                  const std::vector<std::int64_t>& variant) {
  std::vector<NamedRecord> records;
  const auto add = [&](const std::string& name, const std::vector<std::int64_t>& wrong) {
    options.variant = name;
    for (std::size_t i = 0; i < wrong.size(); ++i) {
      options.seed = static_cast<std::int64_t>(i + 1);
      options.wrong = wrong[i];
      records.push_back({options.study + "/" + name + std::to_string(options.seed) + ".h5",
                         study_record(options)});
    }
  };
  const std::string name = options.variant;
  add(options.baseline, baseline);
  add(name, variant);
  return records;
}

void append(std::vector<NamedRecord>& records, const std::vector<NamedRecord>& more) {
  records.insert(records.end(), more.begin(), more.end());
}

StudyRecordOptions epochs_study() {
  StudyRecordOptions options;
  options.study = "relu_vs_tanh";
  options.section = "3.1";
  options.measure = "epochs_to_train_error";
  options.variant = "relu";
  options.baseline = "tanh";
  options.paper_figure = "six times fewer epochs";
  return options;
}

/// Three studies: one claim supported, one contradicted, one undecided; pilots for the first.
std::vector<NamedRecord> three_studies() {
  std::vector<NamedRecord> records = study_of({}, {60, 62, 61, 66}, {50, 51, 50, 54});
  StudyRecordOptions second;
  second.study = "dropout";
  second.section = "4.2";
  second.variant = "dropout";
  second.baseline = "none";
  append(records, study_of(second, {60, 62, 61, 66}, {70, 73, 70, 77}));
  StudyRecordOptions third = epochs_study();
  third.measure = "test_error";
  append(records, study_of(third, {60, 62, 61, 66}, {58, 63, 60, 68}));
  for (const double rate : {0.1, 0.01}) {
    third.pilot = true;
    third.learning_rate = rate;
    third.train_error = rate;
    records.push_back({"pilot" + std::to_string(rate), study_record(third)});
  }
  return records;
}

/// With LeNet-5 and a comparison; made once.
const Report& whole_report() {
  static const Report report = [] {
    std::vector<NamedRecord> records = three_studies();
    records.push_back({"lenet1.h5", training_record({1, 2})});
    records.push_back({"lenet2.h5", training_record({2, 2})});
    records.push_back({"convolutions.h5", comparison_record()});
    return make_report(records, "");
  }();
  return report;
}

std::string verdict_row(const std::string& markdown, const std::string& name) {
  const std::string rows = between(markdown, "| Comparison | Section |", "\n\n");
  std::istringstream lines(rows);
  for (std::string line; std::getline(lines, line);) {
    if (holds(line, name)) return line;
  }
  return "";
}

std::string error_with(const std::vector<NamedRecord>& records) {
  return error_of([&] { make_report(records, ""); });
}

std::string& text_of(Record& record, const std::string& attribute) {
  return std::get<std::string>(record.groups["study"].attributes[attribute]);
}

/// The numbers at the axis of a drawing.
std::vector<std::string> tic_labels(const std::string& svg) {
  const std::regex label("<text[^>]*>(?:<tspan[^>]*>)?\\s*([-−]?[0-9.]+)\\s*<");
  std::vector<std::string> labels;
  for (std::sregex_iterator at(svg.begin(), svg.end(), label), end; at != end; ++at) {
    labels.push_back((*at)[1]);
  }
  return labels;
}

}  // namespace

TEST_CASE("a claim is supported, contradicted or inconclusive as its numbers say") {
  const std::string& text = whole_report().markdown;
  const std::string supported = verdict_row(text, "3×3 against 2×2");
  CHECK(holds(supported, "**supported**"));
  CHECK(holds(supported, "| -2.20 |"));  // 10, 11, 11 and 12 of 500 images fewer
  CHECK(holds(supported, "| -2.46 | -1.94 | points | \\<0.001 |"));
  CHECK(holds(whole_report().supplement_markdown,  // the standard deviation of these
              "| Overlapping pooling: 3×3 against 2×2 | -2.20 | 0.16 |"));
  CHECK(holds(verdict_row(text, "| Dropout |"), "**contradicted**"));
  CHECK(holds(verdict_row(text, "ReLU against tanh"), "| inconclusive |"));

  CHECK(holds(
      text,
      "The baseline, “2×2”, has a mean test error of 12.45%. “3×3” has a mean test error of "
      "10.25%, 2.20 points lower (95% confidence interval of the difference −2.46 to −1.94 "
      "points; adjusted p \\< 0.001); the verdict is **supported**. In the AlexNet paper: 0.4 "
      "points lower."));
  CHECK(holds(text, "The detectable difference is "));
  CHECK(holds(whole_report().html,  // no line breaks within a quantity
              "−2.46\u00a0to\u00a0−1.94\u00a0points; adjusted\u00a0p\u00a0&lt;\u00a00.001)"));
  const std::string conclusion = between(text, "## Conclusion", "## Personal Notes");
  CHECK(holds(conclusion,
              "- **Supported (1):** overlapping pooling: 3×3 against 2×2 (−2.20 points).\n"));
  CHECK(holds(conclusion, "- **Contradicted (1):** dropout ("));
  CHECK(holds(conclusion, "- **Inconclusive (1):** ReLU against tanh ("));
  CHECK(!holds(conclusion, "Not tested at the paper's scale"));  // none is
  CHECK(holds(
      text,
      "Comparisons that test their claims: 1 supported, 1 contradicted, 1 inconclusive. Of their "
      "claims, the only supported one is overlapping pooling: 3×3 against 2×2 (test error: −2.20 "
      "points, 95% confidence interval −2.46 to −1.94 points). Of their claims, the only "
      "contradicted one is dropout (test error: +"));
}

namespace {

/// That the references are numbered from one on, each is cited, and there is none beyond.
void check_references(const Report& report) {
  const std::size_t list = report.markdown.find("## References");
  const std::string cited = report.markdown.substr(0, list) + report.supplement_markdown;
  const std::string references = report.markdown.substr(list);
  const std::regex item("\n(\\d+)[.] ");
  std::size_t count = 0;
  for (std::sregex_iterator at(references.begin(), references.end(), item), end; at != end; ++at) {
    const std::string number = (*at)[1];
    INFO(number);
    CHECK(number == std::to_string(++count));
    CHECK(std::regex_search(cited, std::regex(R"(\[(\d+, )*)" + number + R"((, \d+)*\])")));
  }
  CHECK(count > 4);
  CHECK(!holds(cited, "[" + std::to_string(count + 1) + "]"));
}

}  // namespace

TEST_CASE("references are numbered in order, and only those that are cited stand there") {
  check_references(whole_report());
  CHECK(holds(whole_report().markdown, "is minimized by Adam [6] ("));
  CHECK(holds(whole_report().markdown, " images [7]. "));

  std::vector<NamedRecord> records = study_of({}, {60, 62}, {50, 51});
  for (NamedRecord& record : records) {
    record.record.groups["configuration"].attributes["optimizer"] = "sgd";
    record.record.groups["data"].attributes["name"] = "CIFAR-10";
  }
  const Report cifar = make_report(records, "");
  check_references(cifar);
  CHECK(!holds(cifar.markdown, "Kingma"));
  CHECK(holds(cifar.markdown, " images [6]. "));
  CHECK(holds(cifar.markdown, "\n6. A. Krizhevsky. "));

  const NamedRecord lenet = {"lenet1.h5", training_record({1, 2})};
  const Report alone = make_report({lenet}, "");
  check_references(alone);
  CHECK(!holds(alone.markdown, "Holm"));
  CHECK(holds(alone.markdown, "is minimized by Adam [5] ("));
  CHECK(holds(alone.markdown, " images [6]. "));

  records.push_back(lenet);
  const Report both = make_report(records, "");
  check_references(both);
  CHECK(holds(both.markdown, " images [7, 8]. "));
}

TEST_CASE("a claim is told once where studies that follow one another share it") {
  StudyRecordOptions options;
  std::vector<NamedRecord> records = study_of(options, {60, 62, 61}, {50, 51, 52});
  options.study = "overlapping_pooling_again";
  append(records, study_of(options, {60, 62, 61}, {55, 56, 58}));
  options.study = "with_another_figure";
  options.paper_figure = "0.3 points lower";
  append(records, study_of(options, {60, 62, 61}, {55, 56, 58}));
  const std::string text = make_report(records, "").markdown;
  const std::string first = between(text, "**Overlapping pooling (", "\n\n");
  const std::string second = between(text, "**Overlapping pooling again (", "\n\n");
  const std::string third = between(text, "**With another figure (", "\n\n");
  for (const char* told : {"The AlexNet paper's claim: It matters.", "In the AlexNet paper: "}) {
    INFO(told);
    CHECK(holds(first, told));
    CHECK(!second.empty());
    CHECK(!holds(second, told));
    CHECK(holds(third, told));
  }
}

TEST_CASE("the abstract is short, and the paper has at most eight figures and eight tables") {
  const std::string& text = whole_report().markdown;
  std::istringstream abstract(between(text, "\n\n", "\n\n!["));
  std::size_t words = 0;
  for (std::string word; abstract >> word;) ++words;
  CHECK(words > 60);
  CHECK(words <= 150);
  CHECK(holds(text, "**Figure 5.**"));
  CHECK(!holds(text, "**Figure 9.**"));
  CHECK(holds(text, "**Table 4.**"));
  CHECK(!holds(text, "**Table 9.**"));
}

TEST_CASE("numbers in tables of studies paste as numbers, and no paragraph is torn") {
  CHECK(cells_without_numbers(whole_report().html + whole_report().supplement_html).empty());
  CHECK(torn_paragraphs(whole_report().markdown).empty());
  CHECK(torn_paragraphs(whole_report().supplement_markdown).empty());
}

TEST_CASE("any name of a variant fits into the sentences") {
  StudyRecordOptions options;
  CHECK(words_of("3x3_onednn 2x") == "3×3 oneDNN 2x");
  CHECK(words_of("cuda_convnet_19pct") == "cuda-convnet's layers-19pct");
  CHECK(heading_of("onednn") == "oneDNN");
  CHECK(heading_of("four_layer_cnn") == "Four-layer CNN");
  options.variant = "without_conv2";
  options.baseline = "whole";
  const std::string text =
      make_report(study_of(options, {60, 62, 61, 66}, {50, 51, 50, 54}), "").markdown;
  CHECK(holds(text, "The baseline, “whole”, has a mean test error of "));
  CHECK(holds(text, "“Without conv2” has a mean test error of "));
}

TEST_CASE("studies of one folder have different titles, which fit over a panel") {
  for (const char* folder : {"/experiments/studies", "/experiments/studies/cifar10"}) {
    std::set<UntrustedText> titles;
    std::size_t studies = 0;
    for (const auto& entry : fs::directory_iterator(REPRISE_SOURCE_DIR + std::string(folder))) {
      if (entry.path().extension() != ".toml") continue;
      const UntrustedText title = heading_of(entry.path().stem().string());
      INFO(terminal_text(title));
      CHECK(title.size() <= 46);
      titles.insert(title);
      ++studies;
    }
    CHECK(studies > 10);
    CHECK(titles.size() == studies);
  }
  CHECK(heading_of("relu_vs_tanh_he_255") == "ReLU against tanh (He's weights, 0 to 255)");
}

TEST_CASE("studies stand in the order of the paper's sections, with all that belongs to them") {
  const std::string& text = whole_report().markdown;
  std::size_t place = 0;
  for (const char* heading :
       {"# AlexNet's claims, ", "**Figure 1.**", "## Introduction", "## Procedures",
        "| Batch size | 128 | 32 |", "## Results", "### Claims", "| Comparison |",
        "**ReLU against tanh (section 3.1 of [2]).** ",
        "**Overlapping pooling (section 3.4 of [2]).** ", "**Dropout (section 4.2 of [2]).** ",
        "### LeNet-5", "### Convolution algorithms", "## Conclusion", "## Personal Notes",
        "## How to check", "## References"}) {
    INFO(heading);
    const std::size_t found = text.find(heading, place);
    REQUIRE(found != std::string::npos);
    place = found;
  }
  const std::string& supplement = whole_report().supplement_markdown;
  CHECK(holds(supplement, "**60965224**"));
  CHECK(holds(supplement, "| 0.01 | **1.0** |"));  // the better rate of the pilots
  CHECK(holds(supplement, "60 of 72 are of the same class"));
  CHECK(holds(supplement, "| `dropout/none1.h5` | dropout | none | 1 |"));
  for (const char* left : {"@ref", "@page", "{{"}) {
    INFO(left);
    CHECK(!holds(whole(whole_report()), left));
  }
}

TEST_CASE("every figure and table of the paper is mentioned in it, and ids are unique") {
  const Report& report = whole_report();
  const std::regex caption(R"(\*\*((?:Figure|Table) \d+)\.\*\*)");
  const std::string prose = std::regex_replace(report.markdown, caption, "");
  std::size_t captions = 0;
  for (std::sregex_iterator at(report.markdown.begin(), report.markdown.end(), caption), end;
       at != end; ++at) {
    INFO((*at)[1]);
    ++captions;
    CHECK(std::regex_search(prose, std::regex((*at)[1].str() + "\\b")));
  }
  CHECK(captions >= 9);
  const std::regex id(R"re(\bid=['"](\w[\w-]*)['"])re");
  for (const std::string* html : {&report.html, &report.supplement_html}) {
    std::set<std::string> ids;
    for (std::sregex_iterator at(html->begin(), html->end(), id), end; at != end; ++at) {
      INFO((*at)[1]);
      CHECK(ids.insert((*at)[1]).second);
    }
    CHECK(html->find("<script") == html->rfind("<script"));  // the page's own
  }
}

TEST_CASE("studies alone make a report, and one without a claim to judge") {
  const Report alone = make_report(study_of({}, {60, 62}, {50, 51}), "");
  CHECK(holds(alone.markdown, "**Overlapping pooling (section 3.4 of [2]).** "));
  CHECK(!holds(whole(alone), "# Convolution algorithms"));
  CHECK(!holds(whole(alone), "# LeNet-5"));
  const Report baseline_only = make_report(study_of({}, {60, 62}, {}), "");
  CHECK(holds(baseline_only.markdown, "No other variant has a run."));
  CHECK(holds(baseline_only.markdown, "so nothing is compared"));
}

TEST_CASE("names from a record cannot leave the folder or break the page") {
  StudyRecordOptions options;
  options.study = "../a <script> study";
  options.variant = "<b>|*x*";
  const Report report = make_report(study_of(options, {60, 62}, {50, 51}), "");
  for (const auto& [path, svg] : report.figures) CHECK(!holds(path, ".."));
  for (const auto& [path, csv] : report.data) CHECK(!holds(path, ".."));
  CHECK(!holds(report.html + report.supplement_html, "<script> study"));
  CHECK(!holds(report.html + report.supplement_html, "<b>"));
}

TEST_CASE("runs shorter than the smoothing have curves by epoch") {
  StudyRecordOptions options = epochs_study();
  options.epochs = 1;
  std::vector<NamedRecord> records = study_of(options, {60}, {50});
  for (NamedRecord& record : records) {
    for (const char* name : {"step_loss", "step_error"}) {
      record.record.groups["history"].datasets[name] = {
          {1, 4}, std::vector<double>(4, 0.5), {"epoch", "step"}};
    }
  }
  const Report report = make_report(records, "");
  CHECK(holds(report.supplement_markdown, "| tanh (baseline) | \\>1.00"));
  std::size_t curves = 0;  // whose points have their values under the pointer
  for (const auto& [path, svg] : report.figures) {
    curves += holds(svg, "<title>Epoch 1, ReLU: ") ? 1 : 0;
  }
  CHECK(curves == 2);
}

TEST_CASE("of a curve of many steps some points have titles, evenly spaced") {
  const auto step_titles = [](std::size_t steps) {
    StudyRecordOptions options;
    options.study = "relu_vs_tanh";
    options.measure = "epochs_to_train_error";
    options.epochs = 1;
    std::vector<NamedRecord> records = study_of(options, {60}, {50});
    for (NamedRecord& record : records) {
      for (const char* name : {"step_loss", "step_error"}) {
        record.record.groups["history"].datasets[name] = {
            {1, steps}, std::vector<double>(steps, 0.5), {"epoch", "step"}};
      }
    }
    const std::string svg = make_report(records, "").figures.at("figures/train_relu_vs_tanh.svg");
    const std::regex title("<title>Epoch [^<]*: 50.0%</title>");
    return std::distance(std::sregex_iterator(svg.begin(), svg.end(), title), {});
  };
  CHECK(step_titles(40) == 2 * (40 - 10 + 1));
  CHECK(step_titles(1000) > 2 * 30);
  CHECK(step_titles(1000) <= 2 * 60);
}

TEST_CASE("smoothed errors are the means of the last steps, at a cost linear in the steps") {
  reports::TrainingRun run;
  run.history.steps_per_epoch = 1'500'000;  // in one epoch
  std::vector<double>& errors = run.history.step_error;
  for (std::size_t i = 0; i < 2'000'000; ++i) {
    errors.push_back(static_cast<double>(i * i % 129) / 128);  // sums of them are exact
  }
  const std::size_t width = smoothing_steps(run.history.steps_per_epoch);
  REQUIRE(width == 150'000);
  const std::vector<double> means = smoothed_error(run);
  REQUIRE(means.size() == errors.size() - width + 1);
  for (const std::size_t begin : {std::size_t{0}, std::size_t{1}, width - 1, width, width + 1,
                                  5 * width + 7, means.size() - 1}) {
    const auto first = errors.begin() + static_cast<std::ptrdiff_t>(begin);
    const double sum = std::accumulate(first, first + static_cast<std::ptrdiff_t>(width), 0.0);
    CHECK(means[begin] == sum / static_cast<double>(width));
  }
  errors.resize(width - 1);
  CHECK(smoothed_error(run).empty());
}

TEST_CASE("a run outside the studies shows its neighbours too") {
  Record record = study_record();
  record.groups.erase("study");
  const std::string text = whole(make_report({{"lenet.h5", record}}, ""));
  CHECK(holds(text, "nearest to theirs (LeNet-5, seed 1)."));
  CHECK(holds(text, "60 of 72 are of the same class"));
  CHECK(!holds(text, "### Claims"));
}

TEST_CASE("one seed decides nothing anywhere") {
  const std::string text = make_report(study_of({}, {90}, {10}), "").markdown;
  CHECK(holds(verdict_row(text, "3×3 against 2×2"), "inconclusive (one seed)"));
  CHECK(!holds(verdict_row(text, "3×3 against 2×2"), "supported"));
  const std::string conclusion = between(text, "## Conclusion", "## References");
  CHECK(!holds(conclusion, "**Supported"));
  CHECK(holds(
      conclusion,
      "**Inconclusive (1):** overlapping pooling: 3×3 against 2×2 (−16.00 points; one seed)"));
}

TEST_CASE("differences without spread get no verdict, and none is said to have shown") {
  const std::string text = make_report(study_of({}, {60, 62, 61}, {50, 52, 51}), "").markdown;
  CHECK(holds(verdict_row(text, "3×3 against 2×2"), "inconclusive (no spread over seeds)"));
  CHECK(!holds(verdict_row(text, "3×3 against 2×2"), "<0.001"));
  const std::string same = make_report(study_of({}, {60, 62, 61}, {60, 62, 61}), "").markdown;
  CHECK(holds(verdict_row(same, "3×3 against 2×2"), "| inconclusive |"));
  CHECK(!holds(same, "The detectable difference is 0.00"));
}

TEST_CASE("a claim without a section is not the paper's") {
  StudyRecordOptions options;
  options.section = "";
  const std::string own = make_report(study_of(options, {60, 62, 61}, {70, 73, 70}), "").markdown;
  CHECK(holds(verdict_row(own, "3×3 against 2×2"), "**contradicted**"));
  CHECK(holds(verdict_row(own, "3×3 against 2×2"), "| – |"));
  CHECK(!holds(own, "0.4 points lower"));
  CHECK(holds(own, "Our expectation: It matters."));
  options.section = "3.4";
  const std::string paper = make_report(study_of(options, {60, 62, 61}, {70, 73, 70}), "").markdown;
  CHECK(holds(verdict_row(paper, "3×3 against 2×2"), "| 3.4 |"));
  CHECK(holds(paper, "In the AlexNet paper: 0.4 points lower."));
  CHECK(holds(paper, "The AlexNet paper's claim: It matters."));
}

TEST_CASE("a gap is told with what test error did, and runs at a time with the times") {
  StudyRecordOptions options;
  options.measure = "generalization_gap";
  std::vector<NamedRecord> records = study_of(options, {60, 62, 61}, {50, 50, 51});
  const std::string text = whole(make_report(records, ""));
  CHECK(holds(text, "The test error of “3×3” is 2.13 points lower (95% confidence interval −"));
  CHECK(holds(text, "at most 1 run at work"));
  for (NamedRecord& record : records) {
    record.record.groups["environment"].attributes["runs_at_once"] = std::int64_t{2};
  }
  CHECK(holds(make_report(records, "").supplement_markdown, "at most 2 runs at work"));
}

TEST_CASE("seeds that one variant lacks are named and left out") {
  const std::string text = make_report(study_of({}, {60, 62, 61}, {50, 51}), "").markdown;
  CHECK(holds(text, "Seeds without a partner, left out: 3."));
  CHECK(holds(verdict_row(text, "3×3 against 2×2"), "| 2 |"));
}

TEST_CASE("runs that never reach the threshold are bounds, and ratios stand beside differences") {
  StudyRecordOptions options = epochs_study();
  std::vector<NamedRecord> records;
  for (const std::int64_t seed : {1, 2, 3}) {
    options.seed = seed;
    options.variant = "tanh";
    options.quarter = seed == 3 ? 9 : 2.0 + 0.1 * static_cast<double>(seed);
    records.push_back({"tanh" + std::to_string(seed), study_record(options)});
    options.variant = "relu";
    options.quarter = 0.5;
    records.push_back({"relu" + std::to_string(seed), study_record(options)});
  }
  const Report report = make_report(records, "");
  const std::string& text = report.markdown;
  CHECK(holds(report.supplement_markdown, "| tanh (baseline) | \\>"));
  CHECK(holds(text,
              "Of the runs of “tanh”, 1 of 3 never reached the threshold and count with their full "
              "length, so the true difference is larger in size, and the interval treats these "
              "runs as if"));
  CHECK(holds(verdict_row(text, "ReLU against tanh"), "| epochs to 25% training error |"));
  CHECK(holds(verdict_row(text, "ReLU against tanh"), "| epochs (bound) |"));
  CHECK(holds(text, "Runs that never reached their threshold: ReLU against tanh: tanh (1 of 3)."));
  CHECK(holds(text, "The ratio of the geometric means is "));
}

TEST_CASE("variants that differ in the seeds of sources alone get their shares of the variance") {
  std::vector<NamedRecord> records = study_of({}, {60, 64, 62, 58}, {61, 62, 61, 60});
  const std::string before = make_report(records, "").supplement_markdown;
  CHECK(!holds(before, "sum of the shares"));
  for (NamedRecord& named : records) {
    Record& record = named.record;
    Attributes& settings = record.groups["configuration"].attributes;
    settings.erase("variant");
    const bool is_baseline = record.group("study").attribute<std::string>("variant") == "2x2";
    settings["order_seed"] = std::int64_t{is_baseline ? -1 : 0};
  }
  StudyRecordOptions other;
  other.study = "dropout";
  other.variant = "dropout";
  other.baseline = "none";
  append(records, study_of(other, {60, 62}, {70, 73}));
  const Report report = make_report(records, "");
  CHECK(holds(report.markdown,
              "Over 4 seeds, the standard deviation of the test error is 0.52 points when the "
              "seed sets every source of randomness. When it sets one alone and one draw fixes the "
              "others, it is 0.16 points (3×3); the supplement has fractions"));
  CHECK(verdict_row(report.markdown, "3×3 against 2×2").empty());
  CHECK(!verdict_row(report.markdown, "| Dropout |").empty());
  const std::string text = report.supplement_markdown;
  // Of 500 images: variances 20/3 and 2/3, a tenth; F(3, 3) has the quantile 15.44.
  CHECK(holds(text, "| 2×2 | 4 | 0.52 | – | – | – |"));
  CHECK(holds(text, "| 3×3 | 4 | 0.16 | 10 | 1 | 154 |"));
  CHECK(holds(text, "| sum of the shares | – | – | 10 | – | – |"));
}

TEST_CASE("a claim of sameness is judged by its margin") {
  StudyRecordOptions options;
  options.expectation = "same";
  options.margin = 0.05;
  const std::string same = make_report(study_of(options, {60, 62, 61}, {61, 61, 62}), "").markdown;
  CHECK(holds(verdict_row(same, "3×3 against 2×2"), "**supported**"));
  options.margin = 0.002;
  const std::string other = make_report(study_of(options, {60, 62, 61}, {90, 91, 92}), "").markdown;
  CHECK(holds(verdict_row(other, "3×3 against 2×2"), "**contradicted**"));
}

TEST_CASE("records that do not make the table that they claim are refused by name") {
  const std::vector<NamedRecord> whole = study_of({}, {60, 62}, {50, 51});
  struct Case {
    std::string name, expected;
    std::function<void(Record&)> damage;
  };
  const auto& last = whole.back().name;
  const std::vector<Case> cases = {
      {last, "another batch_size of overlapping_pooling, 3x3",
       [](Record& r) { r.groups["configuration"].attributes["batch_size"] = std::int64_t{64}; }},
      {last, "another data of overlapping_pooling",
       [](Record& r) {
         std::get<std::vector<std::string>>(r.groups["data"].datasets["file_sha256"].values)[0] =
             std::string(64, '0');
       }},
      {last, "seed 1 of overlapping_pooling, 3x3, which overlapping_pooling/3x31.h5 has too",
       [](Record& r) { r.groups["configuration"].attributes["seed"] = std::int64_t{1}; }},
      {last, "another measure", [](Record& r) { text_of(r, "measure") = "train_error"; }},
      {last, "another claim", [](Record& r) { text_of(r, "claim") = "It does not"; }},
      {last, "another baseline", [](Record& r) { text_of(r, "baseline") = "3x3"; }},
      {last, "/study@measure is \"luck\"", [](Record& r) { text_of(r, "measure") = "luck"; }},
      {last, "/study@expectation is \"more\"",
       [](Record& r) { text_of(r, "expectation") = "more"; }},
      {last, "/study@role is \"spare\"", [](Record& r) { text_of(r, "role") = "spare"; }},
      {last, "/study@margin is 0", [](Record& r) { text_of(r, "expectation") = "same"; }},
      {last, "question", [](Record& r) { r.groups["study"].attributes.erase("question"); }},
      {last, "nearest_labels",
       [](Record& r) { r.groups["evaluation"].datasets.erase("nearest_labels"); }},
      {last, "step_error",
       [](Record& r) {
         r.groups["history"].datasets["step_error"].shape = {1, 120};
       }},
  };
  for (const Case& c : cases) {
    INFO(c.expected);
    std::vector<NamedRecord> records = whole;
    c.damage(records.back().record);
    CHECK(is_line_with(error_with(records), c.name, c.expected));
  }
  CHECK(is_line_with(error_with(study_of({}, {}, {50, 51})), "overlapping_pooling",
                     "no measured run of its baseline 2x2"));

  std::vector<NamedRecord> without_steps = study_of(epochs_study(), {60}, {50});
  without_steps[1].record.groups["history"].datasets.erase("step_error");
  CHECK(is_line_with(error_with(without_steps), "relu1.h5", "/history/step_error is missing"));
}

TEST_CASE(
    "every seed is a dot in the drawing of differences, and none is judged to be an outlier") {
  const Report report = make_report(study_of({}, {60, 61, 62, 61, 200}, {50, 51, 52, 51, 50}), "");
  const std::string& svg = report.figures.at("figures/differences.svg");
  for (const char* title :
       {"<title>Overlapping pooling: 3×3 against 2×2, seed 1: −2.00 points</title>",
        "<title>Overlapping pooling: 3×3 against 2×2, seed 5: −30.00 points</title>",
        "<title>Overlapping pooling: 3×3 against 2×2: −7.60 points (95% confidence interval "}) {
    INFO(title);
    CHECK(holds(svg, title));
  }
  const std::regex seed("<title>[^<]*, seed ");
  CHECK(std::distance(std::sregex_iterator(svg.begin(), svg.end(), seed), {}) == 5);
  CHECK(!holds(report.markdown, "z-score"));
}

TEST_CASE("more differences than a panel has rows for are shared out among panels with one axis") {
  std::vector<NamedRecord> records;
  for (int i = 0; i < 11; ++i) {
    StudyRecordOptions options;
    options.study = std::string("study_") + static_cast<char>('a' + i);
    append(records, study_of(options, {60, 62}, {60 + 10 * i, 61 + 10 * i}));
  }
  const Report report = make_report(records, "");
  CHECK(report.figures.count("figures/differences.svg") == 0);
  const std::string& first = report.figures.at("figures/differences_1.svg");
  const std::string& second = report.figures.at("figures/differences_2.svg");
  const std::regex dot("<title>[^<]*, seed ");
  const auto dots = [&](const std::string& svg) {
    return std::distance(std::sregex_iterator(svg.begin(), svg.end(), dot), {});
  };
  CHECK(dots(first) == 10);
  CHECK(dots(second) == 12);
  CHECK(!tic_labels(first).empty());
  CHECK(tic_labels(first) == tic_labels(second));
}

TEST_CASE("verdicts.toml has the numbers behind the verdicts") {
  const std::string& values = whole_report().verdicts;
  CHECK(holds(values,
              "study = \"overlapping_pooling\"\nvariant = \"3x3\"\nbaseline = \"2x2\"\n"
              "verdict = \"supported\"\nseeds = [1, 2, 3, 4]\n"));
  CHECK(holds(values, "less = 1\n"));
  CHECK(holds(values, "adjusted_p = "));
  CHECK(make_report({{"lenet.h5", training_record({1, 2})}}, "").verdicts.empty());
}

TEST_CASE("write_report reads all records of a folder and names them from there") {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "records/overlapping_pooling");
  for (const NamedRecord& record : study_of({}, {60, 62}, {50, 51})) {
    save_record(record.record, folder / ("records/" + record.name));
  }
  const std::string program = "'" REPRISE_BINARY_DIR "/reports/write_report' --output '";
  const CommandResult outcome =
      run_command(program + (folder / "out") + "' '" + (folder / "records") + "'");
  CHECK(outcome.err.empty());
  CHECK(outcome.status == 0);
  CHECK(holds(test::read_file(folder / "out/supplement.md"), "`overlapping_pooling/2x22.h5`"));

  std::filesystem::create_directory(folder / "empty");
  const CommandResult none =
      run_command(program + (folder / "out2") + "' '" + (folder / "empty") + "'");
  CHECK(none.status == 1);
  CHECK(is_line_with(none.err.substr(0, none.err.size() - 1), "empty", "without records"));
}

namespace {

Inputs inputs_of(const std::vector<NamedRecord>& records) {
  Inputs inputs;
  for (const NamedRecord& record : records) add_record(record, inputs);
  return inputs;
}

/// In place of gnuplot, for tests of the text.
Svg undrawn(const Plot& /*plot*/) {
  return Svg::literal("<svg></svg>");
}

}  // namespace

TEST_CASE("records are set against earlier ones: digests, means beyond the spread, verdicts") {
  std::vector<NamedRecord> records = study_of({}, {60, 62, 61}, {50, 51, 52});
  records.push_back({"convolutions.h5", comparison_record()});
  const Inputs now = inputs_of(records);
  const Report same = make_report(now, {"", &now});
  CHECK(holds(same.markdown,
              "6 of 6 common runs have identical digests, and 0 of 6 means changed by more than"));
  CHECK(holds(same.supplement_markdown,
              "| Overlapping pooling: 3×3 | test error (%) | 10.20 | 10.20 | 0.00 | 0.20 | "
              "no, digests identical | 3 | 3 |"));
  CHECK(holds(same.supplement_markdown, "| `direct` | 30 | 1.00 | 0 | 0 |"));

  const Inputs before = inputs_of(study_of({}, {60, 62, 61}, {80, 81, 82}));
  const Report other = make_report(now, {"", &before});
  CHECK(holds(other.markdown,
              "3 of 6 common runs have identical digests, and 2 of 6 means changed by more than"));
  CHECK(holds(other.supplement_markdown,
              "| Overlapping pooling: 3×3 | test error (%) | 16.20 | 10.20 | -6.00 | 0.20 | yes | "
              "3 | 0 |"));
  CHECK(holds(other.supplement_markdown, "| Overlapping pooling: 3×3 | training error (%) | "));
  CHECK(holds(other.supplement_markdown, "3×3 | generalization gap (points) | "));
  CHECK(holds(same.data.at("data/against_times.csv"), ",direct,"));
  CHECK(holds(other.data.at("data/against_verdicts.csv"), ",contradicted,"));

  StudyRecordOptions options;
  options.study = "another";
  const Inputs foreign = inputs_of(study_of(options, {60, 62}, {50, 51}));
  CHECK(is_line_with(error_of([&] {
                       make_report(now, {"", &foreign});
                     }),
                     "--against", "no study and variant in common"));
  options.study = "overlapping_pooling";
  options.measure = "train_error";
  const Inputs measured = inputs_of(study_of(options, {60, 62}, {50, 51}));
  CHECK(is_line_with(error_of([&] {
                       make_report(now, {"", &measured});
                     }),
                     "--against", "another measure"));

  // Other settings are another experiment, and one seed on each side tells no spread.
  std::vector<NamedRecord> faster = study_of({}, {60, 62, 61}, {50, 51, 52});
  for (NamedRecord& record : faster) {
    record.record.groups["configuration"].attributes["learning_rate"] = 0.5;
  }
  const Inputs other_rate = inputs_of(faster);
  CHECK(is_line_with(error_of([&] {
                       make_report(now, {"", &other_rate});
                     }),
                     "--against", "with learning_rate 0.5, now"));
  const Inputs one = inputs_of(study_of({}, {60}, {50}));
  const Inputs changed = inputs_of(study_of({}, {60}, {80}));
  const Report by_one = make_report(one, {"", &changed});
  CHECK(holds(by_one.supplement_markdown,
              "| 16.00 | 10.00 | -6.00 | – | unknown, one seed | 1 | 0 |"));
  CHECK(holds(by_one.markdown, "and 0 of 6 means changed by more than"));
}

TEST_CASE("the paper says what the studies train on, and of many values the least and the most") {
  StudyRecordOptions options;
  std::vector<NamedRecord> records;
  for (int i = 1; i <= 7; ++i) {
    options.study = "study_" + std::to_string(i);
    options.learning_rate = i / 8.0;
    append(records, study_of(options, {60}, {50}));
  }
  Inputs inputs = inputs_of(records);
  const std::string images = grouped(inputs.studies.front().train_images);
  const std::string of_test_set = make_report(inputs, {}, undrawn).markdown;
  CHECK(holds(of_test_set, "The studies train on " + images + " images."));
  CHECK(!holds(of_test_set, "held out"));
  CHECK(holds(of_test_set, "| 7 values, 0.125 to 0.875 |"));
  for (TrainingRun& run : inputs.studies) run.settings["holdout"] = std::int64_t{500};
  const std::string held_out = make_report(inputs, {}, undrawn).markdown;
  CHECK(holds(held_out,
              "The studies train on " + images + " images (judged by 500 held-out images)."));
  CHECK(holds(held_out, "Where training images are held out, it is measured on those."));
  CHECK(holds(held_out, "; the data set's own test images are not read"));
  for (TrainingRun& run : inputs.studies) {
    if (run.study->name == "study_7") run.settings["holdout"] = std::int64_t{0};
  }
  CHECK(holds(make_report(inputs, {}, undrawn).markdown,
              "(judged by 500 held-out images), except study 7 (" + images + ")."));
}

TEST_CASE("a run that two studies share counts once, in texts and in digests of sources") {
  const std::vector<NamedRecord> records = study_of({}, {60, 62}, {50, 51});
  Inputs shared = inputs_of(records);
  const std::string one = make_report(shared, {}, undrawn).markdown;
  for (const TrainingRun& run : inputs_of(records).studies) {
    shared.studies.push_back(run);
    shared.studies.back().study->name = "another";
  }
  const std::string two = make_report(shared, {}, undrawn).markdown;
  CHECK(holds(two, "in 2 studies, with 4 training runs of small"));
  CHECK(holds(two, "The report rests on 4 training runs, made on 2024-05-01 on the processor"));
  const std::string source = between(one, "Sources: 4 records, digest ", ".");
  CHECK(!source.empty());
  CHECK(holds(two, source));
}

TEST_CASE("the paper says whether all planned runs are there, and what they took") {
  Inputs inputs = inputs_of(study_of({}, {60, 62}, {50, 51}));
  inputs.stores.plans = {{"overlapping_pooling", 4, 4, 0, 0}};
  inputs.stores.has_journal = true;
  inputs.stores.compute.thread_seconds = inputs.stores.compute.unmeasured_thread_seconds = 104;
  const std::string whole = make_report(inputs, {}, undrawn).markdown;
  CHECK(holds(
      whole,
      "Of the 4 runs that the plans ask for, all are there; a run that studies share counts in "
      "each plan. All attempts took 1 min 44 s of thread time (seconds times threads)."));
  CHECK(holds(whole,
              "No run failed, was interrupted or is missing, and no pilot's loss left the range"));
  CHECK(holds(whole, ", each by one process."));
  inputs.stores.compute.cpu_seconds = 75;
  CHECK(holds(make_report(inputs, {}, undrawn).markdown,
              "All attempts took 1 min 15 s of CPU time and, where that was not measured, "
              "1 min 44 s of thread time (seconds times threads)."));
  inputs.stores.compute.unmeasured_thread_seconds = 0;
  CHECK(holds(make_report(inputs, {}, undrawn).markdown,
              "each plan. All attempts took 1 min 15 s of CPU time. In training"));
  inputs.stores.plans = {{"overlapping_pooling", 9, 4, 1, 1, 2}};
  inputs.stores.compute.stopped = 3;
  inputs.stores.compute.killed = 2;
  inputs.studies[0].environment["ranks"] = std::int64_t{4};
  inputs.studies[1].environment["ranks"] = std::int64_t{2};
  const std::string part = make_report(inputs, {}, undrawn).markdown;
  CHECK(holds(
      part,
      "Of the 9 runs that the plans ask for, 4 are there; a run that studies share counts in "
      "each plan. All attempts took 1 min 15 s of CPU time. Attempts that were killed, counted "
      "to their last sign of life: 2."));
  CHECK(holds(part,
              "Planned runs that failed: 2 (diverged pilots: 1), interrupted: 2, missing: 1. "
              "Attempts stopped: 3, killed: 2, of unknown end: 0."));
  inputs.stores.compute.untold = 4;
  const std::string untold = make_report(inputs, {}, undrawn).markdown;
  CHECK(holds(untold,
              "All attempts whose end is known took 1 min 15 s of CPU time. Attempts that were "
              "killed, counted to their last sign of life: 2. In training"));
  CHECK(holds(untold, "Attempts stopped: 3, killed: 2, of unknown end: 4."));
  CHECK(holds(part, "by 1 to 4 ranks."));
}

TEST_CASE("write_report --against takes earlier records, and refuses others in one line") {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "now");
  std::filesystem::create_directories(folder / "empty");
  std::size_t number = 0;
  for (const NamedRecord& record : study_of({}, {60, 62}, {50, 51})) {
    save_record(record.record, (folder / "now/") + std::to_string(++number) + ".h5");
  }
  const auto write = [&](const std::string& against) {
    return run_command("'" REPRISE_BINARY_DIR "/reports/write_report' --output '" +
                       (folder / "out") + "' --against '" + (folder / against) + "' '" +
                       (folder / "now") + "'");
  };
  const CommandResult written = write("now");
  INFO(written.err);
  CHECK(written.status == 0);
  CHECK(holds(test::read_file(folder / "out/report.md"), "4 of 4 common runs have identical"));
  write_file(folder / "README.md", "# Notes\n");  // of another format
  for (const char* wrong : {"empty", "missing", "README.md"}) {
    const CommandResult refused = write(wrong);
    CHECK(refused.status == 1);
    CHECK(is_line_with(refused.err.substr(0, refused.err.size() - 1), wrong));
  }
}
