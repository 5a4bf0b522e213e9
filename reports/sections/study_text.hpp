/// \file
/// How the sections on studies print values, differences and verdicts, and name their sources.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "contrast.hpp"
#include "draft.hpp"

namespace reprise::reports {

/// "percent", "epochs": of bare values.
std::string unit_name(const Study& study);
/// Without its unit, for a column with that title: "10.24".
std::string bare_value(const Study& study, double value);
/// "10.24%", "1.52 s"; of epochs the bare number.
std::string value_text(const Study& study, double value);
/// The same for a table's cell: "-1.24".
std::string value_cell(const Study& study, double value);
/// "points", "epochs", "s": of differences.
std::string_view difference_unit(const Study& study);
/// "−1.24 points", "−3.20 epochs".
std::string difference_text(const Study& study, double difference);
/// "1.24 percentage points", "3.20 epochs": the size, for sentences.
std::string size_text(const Study& study, double difference);
/// "−1.60 to −0.88 points".
std::string interval_text(const Study& study, const Interval& interval);
/// For a table's cell: "0.034", "2.1e-07", "–" for NaN.
std::string p_cell(double p);
/// "p = 0.034", "p < 0.001".
std::string p_phrase(double p);

/// "supported", "no difference seen with five seeds", "no verdict from one seed", ...
std::string verdict_text(const Contrast& contrast);
/// "ReLU against tanh".
UntrustedText contrast_name(const Contrast& contrast);

/// "with dropout", but "without conv2", as such a name says it itself: for the middle of a
/// sentence.
UntrustedText with_variant(const UntrustedText& name);

/// Everything that templates say of a contrast, for study_parts.cpp and study_conclusion.cpp.
void set_contrast_values(const Contrast& contrast, Draft& part);

/// The paper's figure; "" where there is none, also if the record says so in words, or if the study
/// is none of the paper's.
UntrustedText paper_figure(const Contrast& contrast);

/// A template's lines as one line, without blanks before punctuation.
Markdown one_line(const Markdown& text);
/// A template's lines that are not empty.
std::vector<Markdown> lines_of(const Markdown& text);

/// With a capital at its beginning and a mark at its end.
UntrustedText sentence(const UntrustedText& text);

/// The short digest over the records' digests, in the order of the alphabet, a line for each; of a
/// single record its own.
Source source_of(const std::vector<const TrainingRun*>& runs);

std::vector<const TrainingRun*> runs_of(const std::vector<Study>& studies);

}  // namespace reprise::reports
