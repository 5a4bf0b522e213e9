// reports: from records to one page, its figures, and the sentences that follow from the numbers.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <map>
#include <regex>
#include <set>

#include "draft.hpp"
#include "format.hpp"
#include "layout.hpp"
#include "markdown.hpp"
#include "report.hpp"
#include "report_files.hpp"
#include "reprise/record/format.hpp"
#include "reprise/record_file/record_file.hpp"
#include "sections/sections.hpp"
#include "statistics.hpp"
#include "support/catch.hpp"
#include "support/command.hpp"
#include "support/errors.hpp"
#include "support/report_page.hpp"
#include "support/reports.hpp"
#include "support/temporary_folder.hpp"
#include "support/text.hpp"
#include "support/training_record.hpp"
#include "support/web_module.hpp"
#include "svg.hpp"
#include "table.hpp"
#include "templates.hpp"

using namespace reprise;
using namespace reprise::reports;
using namespace reprise::test;

namespace {

std::vector<std::string> all_matches(const std::string& text, const std::string& pattern) {
  const std::regex expression(pattern);
  std::vector<std::string> found;
  for (std::sregex_iterator at(text.begin(), text.end(), expression), end; at != end; ++at) {
    found.push_back((*at)[1]);
  }
  return found;
}

Report report_of(const Record& record, const std::string& notes = "") {
  return make_report({{"run.h5", record}}, notes);
}

/// The report of the made-up record as it is; made once.
const Report& plain_report() {
  static const Report report = report_of(training_record());
  return report;
}

CommandResult run_write_report(const std::string& arguments, const std::string& before = "") {
  return run_command(before + "'" REPRISE_BINARY_DIR "/reports/write_report' " + arguments);
}

}  // namespace

TEST_CASE("Wilson's interval has the published values") {
  // R. G. Newcombe 1998, Statistics in Medicine 17, table I, method 3.
  struct Case {
    std::size_t successes, trials;
    double low, high;
  };
  for (const Case& c : {Case{81, 263, 0.2553, 0.3662}, Case{15, 148, 0.0624, 0.1605},
                        Case{0, 20, 0.0, 0.1611}, Case{1, 29, 0.0061, 0.1718}}) {
    const Interval interval = wilson_interval(c.successes, c.trials);
    CHECK(std::abs(interval.low - c.low) < 5e-5);
    CHECK(std::abs(interval.high - c.high) < 5e-5);
  }
  CHECK(wilson_interval(20, 20).high == 1.0);
  CHECK(wilson_interval(0, 0).low == 0.0);
  CHECK(wilson_interval(0, 0).high == 1.0);
}

TEST_CASE("a spread is mean, sample deviation, least and most") {
  const std::vector<double> values = {2, 4, 4, 6};
  const Spread spread = spread_of(values);
  CHECK(spread.mean == 4.0);
  CHECK(std::abs(spread.standard_deviation - std::sqrt(8.0 / 3.0)) < 1e-15);
  CHECK(spread.least == 2.0);
  CHECK(spread.most == 6.0);
  CHECK(spread_of(std::vector<double>{7}).standard_deviation == 0.0);
}

TEST_CASE("numbers are printed with sensible digits, units and true minus signs") {
  CHECK(fixed(-0.256, 2) == "\u22120.26");
  CHECK(fixed(-0.001, 2) == "0.00");
  CHECK(fixed(std::nan(""), 2) == "not finite");
  CHECK(shortest(1e-7) == "1e-07");
  CHECK(grouped(60000L) == "60,000");
  CHECK(grouped(-1234567L) == "-1,234,567");
  CHECK(grouped(-123L) == "-123");
  CHECK(count_word(12L) == "twelve");
  CHECK(count_word(13L) == "13");
  CHECK(counted(1L, "epoch") == "1 epoch");
  CHECK(percent(0.08934, 2) == "8.93%");
  CHECK(duration(43.06) == "43.1 s");
  CHECK(duration(151.2) == "2 min 31 s");
  CHECK(duration(4320) == "1 h 12 min");
  CHECK(listed(std::vector<std::string>{"a", "b", "c"}) == "a, b and c");
}

TEST_CASE("text from outside cannot become Markdown or HTML") {
  const std::string hostile = "<b>|*x*|`y` [z](http://a) @ref(q)\n# {{w}}";
  const Html html = html_from_markdown(Markdown(hostile));
  CHECK(html.str() == "<p>&lt;b&gt;|*x*|`y` [z](http://a) @ref(q) # {{w}}</p>\n");
  CHECK(html_from_markdown(code_span("a`b``c")).str() == "<p><code>a`b``c</code></p>\n");
  CHECK(html_from_markdown(code_span("`")).str() == "<p><code>`</code></p>\n");
  const Table table{{"A", "B"}, {{code_cell("x|y"), "p|q"}}};
  const std::string cells = html_from_markdown(to_markdown(table)).str();
  CHECK(holds(cells, "<th scope=\"col\" align=\"left\">A</th>"));
  CHECK(cells.starts_with("<table>\n<thead>\n<tr>\n"));
  CHECK(holds(cells,
              "<th scope=\"row\" align=\"left\"><code>x|y</code></th>\n"
              "<td align=\"left\">p|q</td>"));
  CHECK(code_block("```\nx\n").str() == "````\n```\nx\n````\n");
  CHECK(Html("a<b & \"c\"").str() == "a&lt;b &amp; &quot;c&quot;");
}

namespace {

/// As a template's text is when it has been read.
Markdown placed(std::string text) {
  for (std::size_t at = 0; (at = text.find('@', at)) != std::string::npos;) {
    text.replace(at, 1, kPlace);
  }
  return Markdown::as_it_is(text);
}

}  // namespace

TEST_CASE("figures and tables of two documents are numbered as they stand, and references follow") {
  Draft draft;
  const Svg drawing = Svg::literal("<svg/>");
  draft.add("second", Figure{{{"p2", "alt 2", drawing}}, {"abc", 3}});
  draft.add("first", Figure{{{"p1", "alt 1", drawing}}, "abc", {{"X"}, {{count_cell(1L)}}}});
  draft.add("numbers", TableEntry{{{"A"}, {{count_cell(1L)}}}, ""});
  draft.add("more", TableEntry{{{"A"}, {{count_cell(2L)}}}, ""});
  const std::string text =
      "See @ref(second),\n@ref(numbers) and\n@ref(more) in [it](@page(b)).\n\n@figure(first): One\n"
      "line.\n\n@figure(second): Two, unlike @ref(first).\n\n@table(numbers): Three.\n\n"
      "```sh\n@ref(code) stays\n\n\nas it is\n```\n";
  const Document other{"b", "b.html", "b.md", "S", placed("## B\n\n@table(more): Four.\n")};
  const auto documents = [&](const std::string& paper) {
    return std::vector<Document>{{"a", "a.html", "a.md", "", placed(paper)}, other};
  };
  CHECK(lay_out(documents(text), draft, Medium::markdown)[0].str() ==
        "See Figure 2, Table 1 and Table S1 in [it](b.md).\n\n![alt 1](figures/p1.svg)\n\n"
        "**Figure 1.** One line. Source: record `abc`. [Data](data/first.csv). "
        "[Command.](data/README.md)\n\n"
        "![alt 2](figures/p2.svg)\n\n"
        "**Figure 2.** Two, unlike Figure 1. Sources: 3 records, digest `abc`.\n\n"
        "**Table 1.** Three. [Data](data/numbers.csv). "
        "[Command.](data/README.md)\n\n| A |\n| --: |\n| 1 |\n\n" +
            placed("```sh\n@ref(code) stays\n\n\nas it is\n```\n").str());
  const std::vector<Markdown> laid_out = lay_out(documents(text), draft, Medium::html);
  CHECK(holds(laid_out[0].str(), "[Figure 2](#figure-2)"));
  CHECK(holds(laid_out[0].str(), "[Table S1](b.html#table-s1) in [it](b.html)"));
  const std::string html = with_figures(html_from_markdown(laid_out[0]), draft).str();
  CHECK(holds(html,
              "<figure class=\"first\" id=\"figure-1\">\n<div class=\"panels row\">\n<svg/></div>\n"
              "<figcaption>\n<p>"));
  CHECK(holds(html, "<div class=\"table numbers\" id=\"table-1\">\n<p><strong>Table 1.</strong>"));
  CHECK(holds(html,
              "</p>\n<div class=\"scroll\" role=\"region\" aria-label=\"Table 1\" "
              "tabindex=\"0\">\n<table>"));
  Html contents;
  const Html headed = with_contents(html_from_markdown(laid_out[1]), contents);
  CHECK(holds(headed.str(), "<h2 id=\"section-1\">B</h2>"));
  CHECK(contents.str() == "<li class=\"h2\"><a href=\"#section-1\">B</a></li>\n");

  for (const char* more :
       {"\n@ref(nothing)\n", "\n@table(nothing): x\n", "\n@figure(first): x\n"}) {
    CHECK_THROWS_AS(lay_out(documents(text + more), draft, Medium::html), std::logic_error);
  }
  CHECK_THROWS_AS(lay_out(documents("@figure(first): x\n"), draft, Medium::html), std::logic_error);
}

TEST_CASE("a line of blanks ends a paragraph, as Markdown has it") {
  const Draft draft;
  const auto laid_out = [&](Literal text) {
    return lay_out({{"a", "a.html", "a.md", "", Markdown::literal(text)}}, draft,
                   Medium::markdown)[0]
        .str();
  };
  CHECK(laid_out("a\n   \nb\n  c\n \n \n") == "a\n\nb c\n\n");
  CHECK(laid_out(" \n").find_first_not_of('\n') == std::string::npos);
}

TEST_CASE("a table is rounded on the page and whole in its data, a line for each row") {
  const Table table{{"Name", "Share (%)", "Count"},
                    {{"a, \"b\"", percent_cell(1.0 / 3, 1), count_cell(7L)},
                     {"c", percent_cell(-0.5, 1), Cell()}}};
  CHECK(to_markdown(table).str() ==
        "| Name | Share (%) | Count |\n| :-- | --: | --: |\n| a, \"b\" | 33.3 | 7 |\n"
        "| c | -50.0 | – |\n");
  CHECK(to_csv(table).str() ==
        "Name,Share (%),Count\r\n\"a, \"\"b\"\"\",33.33333333333333,7\r\nc,-50,\r\n");
  CHECK(to_csv(with_columns(table, {"Count", "Name"})).str() ==
        "Count,Name\r\n7,\"a, \"\"b\"\"\"\r\n,c\r\n");
  CHECK_THROWS_AS(with_columns(table, {"Other"}), std::logic_error);
}

TEST_CASE("no text becomes a formula or a second cell of CSV") {
  for (const std::string begin : {"=", "+", "-", "@", "\t", "\r", "\uff1d", " ="}) {
    const std::string cell = Csv(begin + "1+a").str();
    INFO(cell);
    CHECK(cell.starts_with("'"));
  }
  CHECK(Csv("a=b").str() == "a=b");
  CHECK(Csv("a,b").str() == "\"a,b\"");
  CHECK(Csv("a;=1+1").str() == "\"a;=1+1\"");  // for spreadsheets that separate there
  CHECK(Csv("-1").str() == "-1");              // a number
  CHECK(Csv("a\nb\r").str() == "a\\nb\\r");
  CHECK(Csv("=HYPERLINK(\"x\",\"y\")").str() == "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\"");
  CHECK(Csv::format("{}", -0.5).str() == "-0.5");
}

TEST_CASE("empty groups and blank lines leave a drawing of gnuplot's, and ids are made its own") {
  const std::string svg =
      "<svg viewBox=\"0 0 20 10\">\n<g id=\"gnuplot_canvas\">\n<g a=\"1\">\n <g b=\"2\">\n </g>\n"
      "</g>\n<g id=\"p\">\n\n  <use xlink:href='#dot'/>  </g>\n</g>\n</svg>\n";
  const std::string tidy = tidy_gnuplot(svg, "n", "alt").str();
  CHECK(tidy.substr(tidy.find("<g ")) ==
        "<g id=\"n_gnuplot_canvas\">\n<g id=\"n_p\">\n<use href='#n_dot'/>  </g>\n</g>\n</svg>\n");
  CHECK_THROWS_AS(tidy_gnuplot("<svg>", "n", "alt"), std::logic_error);
}

TEST_CASE("points of gnuplot's show their titles without its script") {
  const std::string svg = run_gnuplot(
      "set terminal svg name 'x'\n$d << EOD\n1 2 1\n2 3 0\nEOD\n"
      "plot $d using 1:2:3 with labels hypertext point pt 5\n");
  REQUIRE(holds(svg, "onmousemove"));
  const std::string tidy = tidy_gnuplot(svg, "n", "alt", {"<zero>", "one"}).str();
  CHECK(all_matches(tidy, "<title>([^<]*)</title>") ==
        std::vector<std::string>{"one", "&lt;zero&gt;"});
  CHECK(!holds(tidy, "onmouse"));
  CHECK_THROWS_AS(tidy_gnuplot(svg, "n", "alt", {"zero"}), std::logic_error);
}

TEST_CASE("a template that asks for an unknown value is an error, not a gap") {
  CHECK_THROWS_AS(render_template("paper.md.mustache", Draft()), std::logic_error);
  CHECK_THROWS_AS(render_template("page.html.mustache", Draft()), std::logic_error);
}

TEST_CASE("no template types a number by hand") {
  for (const auto& [name, contents] : template_files()) {
    if (!name.ends_with(".md.mustache")) continue;
    std::string prose =
        std::regex_replace(std::string(contents), std::regex(R"(\{\{[^}]*\}\})"), "");
    prose = std::regex_replace(prose, std::regex(R"(@(ref|table|figure)\(\w+\))"), "");
    prose = std::regex_replace(prose, std::regex(R"(\[[1-6]\])"), "");  // references
    prose =
        std::regex_replace(prose, std::regex("```[^`]*```|SHA256SUMS|sha256sum"), "");  // commands
    prose = std::regex_replace(prose,
                               std::regex("LeNet-5|`lenet5_fixture`|SHA-256|[Tt]op-1|[Tt]op-5|"
                                          "RFC 4180|Debian 12|RO-Crate 1[.]1|Crate 0[.]5"),
                               "");  // names
    INFO(name);
    CHECK(all_matches(prose, "([0-9]+)").empty());
  }
}

TEST_CASE("a picture becomes runs of pixels, and grey levels keep their order") {
  SvgCanvas canvas({2, 2});
  canvas.picture({0, 0}, 1, std::vector<std::uint8_t>{0, 0, 255, 0}, {2, 2, 1});
  const std::string svg = canvas.document("four \"pixels\"").str();
  CHECK(holds(svg, "fill=\"#000000\" d=\"M0 0h2v1h-2zM1 1h1v1h-1z\""));
  CHECK(holds(svg, "fill=\"#ffffff\" d=\"M0 1h1v1h-1z\""));
  CHECK(holds(svg, "aria-label=\"four &quot;pixels&quot;\""));
  CHECK(hex_colour(diverging_colour(0)) == "#ffffff");
  CHECK(hex_colour(diverging_colour(2)) == colour::kVermilion);
  CHECK(hex_colour(diverging_colour(-1)) == colour::kBlue);
}

TEST_CASE("a report has its sections in order and refers to every figure and table") {
  const std::string& text = plain_report().markdown;
  std::size_t place = 0;
  for (const char* heading :
       {"# LeNet-5 on ", "**Figure 1.**", "## Introduction", "## Procedures", "## Results",
        "## Conclusion", "## Personal Notes", "## How to check", "## References"}) {
    INFO(heading);
    const std::size_t found = text.find(heading, place);
    REQUIRE(found != std::string::npos);
    place = found;
  }
  const std::vector<std::string> captions =
      all_matches(text, R"(\*\*((?:Figure|Table) \d+)\.\*\*)");
  std::map<std::string, std::size_t> numbers;  // of figures and of tables
  for (const std::string& caption : captions) {
    const std::size_t blank = caption.find(' ');
    CHECK(caption.substr(blank + 1) == std::to_string(++numbers[caption.substr(0, blank)]));
  }
  CHECK(numbers["Figure"] == 1);
  CHECK(numbers["Table"] == 1);
  const std::string prose =
      std::regex_replace(text, std::regex(R"(\*\*(Figure|Table) \d+\.\*\*)"), "");
  for (const std::string& caption : captions) {
    INFO(caption);
    CHECK(std::regex_search(prose, std::regex(caption + "\\b")));
  }
  CHECK(!holds(text, "@ref"));
  CHECK(!holds(text, "{{"));
}

TEST_CASE("a report shows what is in the record") {
  const Record record = training_record();
  const std::string text = whole(plain_report());
  const auto& confusion = record.values<std::int64_t>("evaluation/confusion");
  std::int64_t right = 0;
  for (std::size_t label = 0; label < 10; ++label) right += confusion[11 * label];
  CHECK(holds(text, "misclassifies " + std::to_string(500 - right) + " of 500 test images"));
  CHECK(holds(text, digest_of(record)));
  CHECK(holds(text, "| `learning_rate` | 0.001 |"));
  CHECK(holds(text, "**61706**"));
  CHECK(holds(text, "| Processor | A processor \\| with a bar |"));
  CHECK(holds(text, record.values<std::string>("data/file_sha256")[0]));
  const auto epochs = record.group("configuration").attribute<std::int64_t>("epochs");
  CHECK(holds(text, "\nepochs = " + std::to_string(epochs) + "\n"));
  CHECK(holds(text, "\nlearning_rate = 0.001\n"));
  CHECK(holds(text, "git checkout 0123456789abcdef"));
  CHECK(!holds(text, "a-host-name"));
  const std::string& matrix = plain_report().figures.at("figures/confusion.svg");
  for (const std::int64_t count : confusion) {
    if (count > 0) CHECK(holds(matrix, ">" + std::to_string(count) + "</text>"));
  }
}

TEST_CASE("a commit of backticks at the beginning of a line is no code block") {
  Record record = training_record();
  const std::string plain = whole(report_of(record));
  record.groups["environment"].attributes["git_commit"] = "```\n````";
  const auto tables = [](const std::string& text) {
    return std::count(text.begin(), text.end(), '|');
  };
  CHECK(tables(whole(report_of(record))) == tables(plain));
}

TEST_CASE("numbers in tables paste as numbers, and no paragraph is torn") {
  for (const Report& report : {plain_report(), report_of(training_record({1}), "Notes.")}) {
    CHECK(cells_without_numbers(report.html + report.supplement_html).empty());
    CHECK(torn_paragraphs(report.markdown).empty());
    CHECK(torn_paragraphs(report.supplement_markdown).empty());
  }
  CHECK(cells_without_numbers("<td align=\"right\">\u22120.5</td>\n<td align=\"right\">1,234</td>\n"
                              "<td align=\"right\"><strong>-1.5e-07</strong></td>\n"
                              "<td align=\"right\">5%</td>\n") == "[\u22120.5][1,234][5%]");
  CHECK(torn_paragraphs("A b.\n\n so it is\n\nC.\n") == "[ so it is]");
  CHECK(cell(-0.04, 1) == "0.0");
  CHECK(cell(-1234.5, 1) == "-1234.5");
}

TEST_CASE("a commit that is unknown is neither named nor to be checked out") {
  Record record = training_record();
  record.groups["environment"].attributes["git_commit"] = std::string("unknown");
  const std::string text = whole(report_of(record));
  CHECK(!holds(text, "git checkout"));
  CHECK(!holds(text, "was built from commit"));
}

TEST_CASE("the most confident mistakes are listed, the surest first") {
  const Record record = training_record();
  const auto& truth = record.values<std::uint8_t>("evaluation/test_labels");
  const auto& labels = record.values<std::uint8_t>("evaluation/top5_labels");
  const auto& probabilities = record.values<float>("evaluation/top5_probabilities");
  std::size_t surest = truth.size();
  for (std::size_t image = 0; image < truth.size(); ++image) {
    if (labels[5 * image] == truth[image]) continue;
    if (surest == truth.size() || probabilities[5 * image] > probabilities[5 * surest]) {
      surest = image;
    }
  }
  const std::string& text = plain_report().supplement_markdown;
  const std::size_t begin = text.find("| Test image |");
  const std::string table = text.substr(begin, text.find("\n\n", begin) - begin);
  const std::vector<std::string> rows = all_matches(table, R"(\n\| (\d+) \|)");
  REQUIRE(rows.size() == 5);
  CHECK(rows[0] == std::to_string(surest));
}

TEST_CASE("Markdown shows every figure by a relative path, with text instead") {
  const Report& report = plain_report();
  std::set<std::string> shown;
  for (const std::string& path : all_matches(whole(report), R"(!\[[^\]]+\]\(([^)]+)\))")) {
    shown.insert(path);
  }
  std::set<std::string> made;
  for (const auto& [path, svg] : report.figures) {
    made.insert(path);
    CHECK(all_matches(svg, "aria-label=\"([^\"]+)\"").size() == 1);
    CHECK(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
  }
  CHECK(shown == made);
  const std::vector<std::string> kinds = {"kernels", "loss", "error", "confusion", "test_image"};
  for (const std::string& kind : kinds) {
    INFO(kind);
    CHECK(std::any_of(made.begin(), made.end(), [&](const std::string& path) {
      return path.find(kind) != std::string::npos;
    }));
  }
}

namespace {

std::vector<std::string> ids_of(const std::string& html) {
  return all_matches(html, R"re(\bid=['"](\w[\w-]*)['"])re");
}

}  // namespace

TEST_CASE(
    "each page is one file that asks for nothing from elsewhere, and its links lead somewhere") {
  const Report& report = plain_report();
  std::size_t drawings = 0;
  for (const std::string& html : {report.html, report.supplement_html}) {
    drawings += all_matches(html, "(<svg )").size();
    for (const char* loader : {"<script ", "<link", "<img", "<!--", "@import"}) {
      INFO(loader);
      CHECK(!holds(html, loader));
    }
    CHECK(all_matches(html, R"re((src=))re").empty());
    CHECK(all_matches(html, R"re((url\((?!#)))re").empty());
    const std::string without_links =
        std::regex_replace(html, std::regex("<a href=\"[^\"]*\">"), "");
    CHECK(all_matches(without_links, R"re((href="[^#]))re").empty());
    const std::vector<std::string> list = ids_of(html);
    CHECK(std::set<std::string>(list.begin(), list.end()).size() == list.size());
    for (const std::string& target : all_matches(html, R"re(href=['"]#([\w-]+)['"])re")) {
      INFO(target);
      CHECK(std::count(list.begin(), list.end(), target) == 1);
    }
    for (const std::string& file : all_matches(html, R"re(href="(data/[^"]*)")re")) {
      INFO(file);
      CHECK(report.data.count(file) == 1);
    }
  }
  CHECK(drawings == report.figures.size());
  const std::vector<std::string> supplement = ids_of(report.supplement_html);
  const std::vector<std::string> links =
      all_matches(report.html, R"re(href="supplement.html#([\w-]+)")re");
  CHECK(links.size() > 3);
  for (const std::string& target : links) {
    INFO(target);
    CHECK(std::count(supplement.begin(), supplement.end(), target) == 1);
  }
  CHECK(holds(report.html, "<a href=\"supplement.html\">"));
  CHECK(holds(report.supplement_html, "<a href=\"index.html\">"));
}

TEST_CASE("the data list every file with its digest, and have what the tables round") {
  const Report& report = plain_report();
  const std::string& list = report.data.at("data/README.md");
  for (const auto& [path, text] : report.data) {
    if (path == "data/README.md") continue;
    INFO(path);
    CHECK(holds(list, "| `" + path.substr(path.find('/') + 1) + "` | "));
    CHECK(text.ends_with("\r\n"));
  }
  CHECK(holds(list, "write_report --output report"));
  const Record record = training_record();
  const std::string loss =
      Csv::format("{}", record.values<double>("history/test_loss").back()).str();
  CHECK(loss.size() > 8);
  CHECK(holds(report.data.at("data/epochs.csv"), "," + loss + ","));
}

TEST_CASE("from the same record the report is the same to the byte") {
  const Report again = report_of(training_record());
  CHECK(again.markdown == plain_report().markdown);
  CHECK(again.html == plain_report().html);
  CHECK(again.supplement_html == plain_report().supplement_html);
  CHECK(again.supplement_markdown == plain_report().supplement_markdown);
  CHECK(again.data == plain_report().data);
  CHECK(again.figures == plain_report().figures);
  CHECK(!holds(again.figures.at("figures/loss.svg"), "patchlevel"));
}

TEST_CASE("several seeds are compared, other differences are refused by name") {
  const Record first = training_record({1, 2});
  const Record second = training_record({2, 2});
  const std::string text = whole(make_report({{"a.h5", first}, {"b.h5", second}}, ""));
  CHECK(holds(text, "Over 2 seeds, the mean error is"));
  CHECK(holds(text, digest_of(second)));

  const auto error_with = [&](const Record& other) {
    return error_of([&] { make_report({{"a.h5", first}, {"b.h5", other}}, ""); });
  };
  CHECK(is_line_with(error_with(first), "b.h5", "seed 1", "a.h5"));
  Record changed = second;
  changed.groups["configuration"].attributes["batch_size"] = std::int64_t{64};
  CHECK(is_line_with(error_with(changed), "b.h5", "batch_size"));
  changed = second;
  changed.groups["configuration"].attributes["nesterov"] = std::int64_t{1};
  CHECK(is_line_with(error_with(changed), "b.h5", "nesterov"));
  changed = second;
  values_in<std::string>(changed, "data", "file_sha256")[2] = std::string(64, '0');
  CHECK(is_line_with(error_with(changed), "b.h5", "data files"));
}

TEST_CASE("LeNet-5 stands beside the paper of 1998, plain and distorted") {
  std::vector<NamedRecord> records;
  for (const std::int64_t seed : {1, 2, 3}) {
    records.push_back({"plain" + std::to_string(seed), training_record({seed, 1})});
    Record distorted = training_record({seed, 1});
    distorted.groups["configuration"].attributes["shift"] = std::int64_t{2};
    records.push_back({"shifted" + std::to_string(seed), distorted});
  }
  const std::string clothes = make_report(records, "").markdown;
  CHECK(holds(clothes, ", as they are | "));
  CHECK(holds(clothes, ", distorted | "));
  CHECK(holds(clothes, "| 3 | 0.95 |"));
  CHECK(holds(clothes, "| 3 | 0.80 |"));
}

TEST_CASE("a record without one of the parts that the report needs is refused by name") {
  const Record whole = training_record({1, 2});
  for (const auto& [group_name, group] : whole.groups) {
    for (const auto& [name, dataset] : group.datasets) {
      if (name == "packages" || name == "variables") continue;  // of later releases
      INFO(group_name << "/" << name);
      Record record = whole;
      record.groups[group_name].datasets.erase(name);
      CHECK(is_line_with(error_of([&] { report_of(record); }), "run.h5", name));
    }
    Record record = whole;
    record.groups.erase(group_name);
    CHECK(is_line_with(error_of([&] { report_of(record); }), "run.h5", group_name));
  }
  for (const auto& [group_name, name] :
       std::vector<std::pair<std::string, std::string>>{{"configuration", "epochs"},
                                                        {"data", "name"},
                                                        {"data", "test_images"},
                                                        {"data", "channels"},
                                                        {"model", "parameters"},
                                                        {"evaluation", "test_accuracy"}}) {
    INFO(group_name << "/" << name);
    Record record = whole;
    record.groups[group_name].attributes.erase(name);
    CHECK(is_line_with(error_of([&] { report_of(record); }), "run.h5", name));
  }
  // What a record does not set has its format's default: the seed is 1.
  Record record = whole;
  record.groups["configuration"].attributes.erase("seed");
  CHECK(error_of([&] { report_of(record); }).empty());
}

TEST_CASE("a record that contradicts itself or is of another kind is refused by name") {
  const Record whole = training_record({1, 3});
  struct Case {
    std::string expected;
    std::function<void(Record&)> damage;
  };
  const std::vector<Case> cases = {
      {"kind", [](Record& r) { r.attributes.erase("kind"); }},
      {"\"study\"", [](Record& r) { r.attributes["kind"] = "study"; }},
      {"/history/epoch has 3 along epoch; expected 4",
       [](Record& r) { r.groups["configuration"].attributes["epochs"] = std::int64_t{4}; }},
      {"train_loss", [](Record& r) { values_in<double>(r, "history", "train_loss").pop_back(); }},
      {"confusion", [](Record& r) { ++values_in<std::int64_t>(r, "evaluation", "confusion")[1]; }},
      {"test_accuracy",
       [](Record& r) { r.groups["evaluation"].attributes["test_accuracy"] = 0.5; }},
      {"/evaluation/top5_labels[1,2] is 10; expected less than 10",
       [](Record& r) { values_in<std::uint8_t>(r, "evaluation", "top5_labels")[7] = 10; }},
      {"/evaluation/test_labels[7] is 200",
       [](Record& r) { values_in<std::uint8_t>(r, "evaluation", "test_labels")[7] = 200; }},
      {"/evaluation/sample_index[0] is 500",
       [](Record& r) { values_in<std::int64_t>(r, "evaluation", "sample_index")[0] = 500; }},
      {"/evaluation/sample_index[0] is -1",
       [](Record& r) { values_in<std::int64_t>(r, "evaluation", "sample_index")[0] = -1; }},
      {"parameters",
       [](Record& r) { ++values_in<std::int64_t>(r, "model", "layer_parameters")[0]; }},
      {"channels", [](Record& r) { r.groups["data"].attributes["channels"] = std::int64_t{2}; }},
      {"test_images",
       [](Record& r) { r.groups["data"].attributes["test_images"] = std::int64_t{-5}; }},
      {"sample_images",
       [](Record& r) { values_in<std::uint8_t>(r, "evaluation", "sample_images").pop_back(); }},
  };
  for (const Case& c : cases) {
    INFO(c.expected);
    Record record = whole;
    c.damage(record);
    CHECK(is_line_with(error_of([&] { report_of(record); }), "run.h5", c.expected));
  }
}

TEST_CASE("the report says what each setting means, by the name that it has today") {
  const auto settings = format_settings("training");
  for (const FormatSetting& row : settings) {
    const std::string name = name_today(row.setting, settings);
    INFO(name);
    CHECK(!setting_meaning(name).empty());
  }
}

TEST_CASE("a setting that a record lacks counts as its default beside one that names it") {
  Record other = training_record({2, 2});
  const auto report_with = [&](std::int64_t holdout) {
    other.groups["configuration"].attributes["holdout"] = holdout;
    return error_of([&] { make_report({{"a.h5", training_record({1, 2})}, {"b.h5", other}}, ""); });
  };
  CHECK(report_with(0).empty());
  CHECK(is_line_with(report_with(7), "b.h5", "another holdout"));
}

TEST_CASE("the paper gives the generalization gap and the epoch of the least loss") {
  Record record = training_record({1, 3});
  values_in<double>(record, "history", "test_loss") = {0.6, 0.5, 0.55};
  record.groups["evaluation"].attributes["train_error"] = 0.25;
  const double gap = 1 - record.group("evaluation").attribute<double>("test_accuracy") - 0.25;
  const std::string text = report_of(record).markdown;
  CHECK(holds(text,
              "misclassifies 25.0% of its training images, which gives a generalization gap of " +
                  points(gap, 2) + "."));
  CHECK(holds(text, "Its test loss is lowest after epoch 2 of 3, at 0.500 nats."));
}

TEST_CASE("what a network confuses stands in one sentence, however many pairs there are") {
  const std::string text = report_of(training_record({1, 2})).markdown;
  CHECK(std::regex_search(
      text,
      std::regex(R"(Confusions between \S.* and \S.* \(\d+\).* make up \d+% of all errors\.)")));
}

TEST_CASE("a network without errors has a report too") {
  Record record = training_record({1, 2});
  Group& evaluation = record.groups["evaluation"];
  const auto labels = record.values<std::uint8_t>("evaluation/test_labels");
  auto& top_k = values_in<std::uint8_t>(record, "evaluation", "top5_labels");
  auto& confusion = values_in<std::int64_t>(record, "evaluation", "confusion");
  std::fill(confusion.begin(), confusion.end(), 0);
  for (std::size_t image = 0; image < labels.size(); ++image) {
    top_k[5 * image] = labels[image];
    ++confusion[11 * labels[image]];
  }
  evaluation.attributes["test_accuracy"] = 1.0;
  const std::string text = whole(report_of(record));
  CHECK(holds(text, "misclassifies 0 of 500 test images"));
  CHECK(!holds(text, "Confusions between "));
  CHECK(!holds(text, "| Test image |"));
}

TEST_CASE("a training that diverged from the start can still be drawn") {
  Record record = training_record({1, 1});
  for (const char* name : {"train_loss", "test_loss"}) {
    values_in<double>(record, "history", name).back() = std::nan("");
  }
  for (const char* name : {"top5_probabilities", "first_layer_kernels"}) {
    std::vector<float>& values = values_in<float>(record, "evaluation", name);
    std::fill(values.begin(), values.end(), std::nanf(""));
  }
  const Report report = report_of(record);
  CHECK(holds(report.supplement_markdown, "| 1 | not finite | not finite |"));
  for (const auto& [path, svg] : report.figures) {
    INFO(path);
    CHECK(!holds(svg, "\"nan\""));
  }
}

TEST_CASE("where two labels are equally likely, either may have been counted") {
  Record record = training_record({1, 1});
  auto& labels = values_in<std::uint8_t>(record, "evaluation", "top5_labels");
  auto& probabilities = values_in<float>(record, "evaluation", "top5_probabilities");
  std::swap(labels[0], labels[1]);
  CHECK(is_line_with(error_of([&] { report_of(record); }), "run.h5", "confusion"));
  probabilities[1] = probabilities[0];
  CHECK(error_of([&] { report_of(record); }).empty());
}

TEST_CASE("class names from the data cannot break the page") {
  Record record = training_record({1, 2});
  values_in<std::string>(record, "data", "class_names")[4] = "<script>|\"'`*x* & co";
  const Report report = report_of(record);
  CHECK(!holds(report.html + report.supplement_html, "<script>|"));
  CHECK(holds(report.supplement_html, "&lt;script&gt;"));
}

TEST_CASE("the author's notes are added as Markdown, but bring nothing in from elsewhere") {
  const Record record = training_record({1, 2});
  const Report report = report_of(record, "I *like* it. @ref(x) {{y}} <script>z</script>");
  CHECK(holds(report.markdown, "### From the author\n\nI *like* it. @ref(x) {{y}} <script>"));
  CHECK(holds(report.html, "I <em>like</em> it. @ref(x) {{y}} "));
  CHECK(!holds(report.html, "<script>z"));
  CHECK(is_line_with(error_of([&] { report_of(record, "![x](http://a/b.png)"); }), "image"));
}

TEST_CASE("a report is written whole, again over itself, and never over anything else") {
  const TemporaryFolder folder;
  const std::string output = folder / "new/deep";
  write_report(plain_report(), output);
  CHECK(test::read_file(output + "/report.md") == plain_report().markdown);
  CHECK(test::read_file(output + "/index.html") == plain_report().html);
  CHECK(test::read_file(output + "/supplement.html") == plain_report().supplement_html);
  CHECK(test::read_file(output + "/supplement.md") == plain_report().supplement_markdown);
  for (const auto& [path, csv] : plain_report().data)
    CHECK(test::read_file(output + "/" + path) == csv);
  for (const auto& [path, svg] : plain_report().figures)
    CHECK(test::read_file(output + "/" + path) == svg);

  std::ofstream(output + "/figures/mine.txt") << "mine";
  check_report_folder(output);
  write_report(plain_report(), output);
  CHECK(test::read_file(output + "/figures/mine.txt") == "mine");
  std::size_t entries = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(output)) ++entries;
  CHECK(entries == 8);
  CHECK(run_command("cd '" + output + "' && sha256sum --check --quiet SHA256SUMS").status == 0);

  Report shorter = plain_report();
  const auto [unchanged, text] = *shorter.data.begin();
  shorter.data.erase(unchanged);
  const std::string changed = shorter.data.rbegin()->first;
  shorter.data.erase(changed);
  std::ofstream(output + "/" + changed, std::ios::app) << "mine";
  write_report(shorter, output);
  CHECK_FALSE(std::filesystem::exists(output + "/" + unchanged));
  CHECK(std::filesystem::exists(output + "/" + changed));

  const std::string other = folder / "other";  // a file of mine with a name that a report has
  std::filesystem::create_directories(other + "/data");
  std::ofstream(other + "/" + unchanged) << "mine";
  CHECK(is_line_with(error_of([&] { write_report(plain_report(), other); }), unchanged,
                     "that write_report has not made"));
  CHECK(test::read_file(other + "/" + unchanged) == "mine");
  CHECK_FALSE(std::filesystem::exists(other + "/index.html"));
  for (const char* name : {"SHA256SUMS", "ro-crate-metadata.json", "verdicts.toml"}) {
    const TemporaryFolder mine;
    std::ofstream(mine / name) << "mine";
    CHECK(is_line_with(error_of([&] { check_report_folder(mine.path()); }), name));
  }

  std::ofstream(folder / "index.html") << "a page of mine";
  CHECK(is_line_with(error_of([&] { check_report_folder(folder.path()); }), "index.html"));
  CHECK(
      is_line_with(error_of([&] { check_report_folder(folder / "index.html"); }), "not a folder"));
  CHECK(is_line_with(error_of([&] { check_report_folder((folder / "index.html") + "/sub"); }),
                     "index.html/sub"));
}

TEST_CASE("a record is named by its path inside the report's folder, or its file's name") {
  CHECK(record_name("/a/b/records/x.h5", "/a/b") == "records/x.h5");
  CHECK(record_name("/a/c/x.h5", "/a/b") == "x.h5");
  CHECK(record_name("x.h5", ".") == "x.h5");
}

TEST_CASE("write_report makes a report from a file") {
  const TemporaryFolder folder;
  save_record(training_record({1, 2}), folder / "run.h5");
  std::ofstream(folder / "notes.md") << "My notes.\n";
  const std::string output = folder / "out";
  const CommandResult outcome =
      run_write_report("--output '" + output + "' --notes '" + (folder / "notes.md") + "' '" +
                       (folder / "run.h5") + "'");
  CHECK(outcome.status == 0);
  CHECK(outcome.err.empty());
  CHECK(outcome.out == output + "/index.html\n");
  CHECK(holds(test::read_file(output + "/report.md"), "My notes."));

  const CommandResult help = run_write_report("--help");
  CHECK(help.status == 0);
  CHECK(holds(help.out, "Example:"));
}

TEST_CASE("the page that runs again holds module, data, settings and digests, or is refused") {
  const TemporaryFolder folder;
  const Record record = training_record({1, 2});
  save_record(record, folder / "run.h5");
  std::filesystem::create_directory(folder / "web");
  std::filesystem::create_directory(folder / "none");
  const auto write = [&](const std::string& options) {
    return run_write_report("--output '" + (folder / "out") + "' " + options + " '" +
                            (folder / "run.h5") + "'");
  };
  const std::string web = "--interactive '" + (folder / "web") + "' ";
  const std::string data = "--interactive-data '" REPRISE_FIXTURES "/fashion-mnist'";
  const auto line_of = [](const CommandResult& result) {
    return result.err.substr(0, result.err.size() - 1);
  };
  const auto refuses = [&](const std::string& options, const std::string& part, int status = 1) {
    const CommandResult result = write(options);
    return result.status == status && is_line_with(line_of(result), part) &&
           !std::filesystem::exists(folder / "out");
  };
  CHECK(refuses(web, "--interactive-data", 2));
  CHECK(refuses(data, "--interactive", 2));
  CHECK(refuses(web + data, "reprise_web.js"));
  test::write_web_module(folder / "web", "the module", "ab");
  for (const char* name : {"reprise_web.js", "reprise_web.wasm.gz"}) {
    for (const char* other : {"", "a"}) {
      std::ofstream(folder / ("web/" + std::string(name))) << other;
      CHECK(
          refuses(web + data, std::string(name) + ": not the file that reprise_web.sha256 names"));
    }
    test::write_web_module(folder / "web", "the module", "ab");
  }
  std::filesystem::remove(folder / "web/reprise_web.sha256");
  CHECK(refuses(web + data, "reprise_web.sha256: no such file; expected a folder"));
  test::write_web_module(folder / "web", "the module", "ab");
  CHECK(refuses("--only course " + web + data, "--only: given with --interactive", 2));
  CHECK(refuses(web + "--interactive-data '" + (folder / "none") + "'",
                "has no file of the SHA-256"));
  CHECK(refuses(web + "--interactive-data '" + (folder / "absent") + "'", "No such file"));

  REQUIRE(write(web + data).status == 0);
  const std::string page = test::read_file(folder / "out/run_again.html");
  for (const std::string& part : {std::string("the module"), std::string("id=\"wasm\">YWI=<"),
                                  std::string("data-name=\"train-labels-idx1-ubyte.gz\""),
                                  std::string("\"seed = 1\""), digest_of(record)}) {
    CHECK(holds(page, part));
  }
  CHECK(holds(page, " 2 epochs, seed 1."));
  CHECK(holds(test::read_file(folder / "out/index.html"), "href=\"run_again.html\""));

  const Record other = training_record({2, 2});
  save_record(other, folder / "other.h5");
  const std::string of_other = "--interactive-record '" + (folder / "other.h5") + "' ";
  CHECK(is_line_with(line_of(write(of_other)), "--interactive-record", "--interactive"));
  CHECK(is_line_with(line_of(write("--interactive-record '" + folder.path() + "' " + web + data)),
                     "not one run of LeNet-5"));
  Record another = other;
  another.groups["configuration"].attributes["model"] = std::string("four_layer_cnn");
  save_record(another, folder / "another.h5");
  CHECK(is_line_with(
      line_of(write("--interactive-record '" + (folder / "another.h5") + "' " + web + data)),
      "another.h5: a run of the model four_layer_cnn outside a study; expected lenet5"));
  save_record(training_record({2, 1}), folder / "short.h5");
  REQUIRE(write("--interactive-record '" + (folder / "short.h5") + "' " + web + data).status == 0);
  CHECK(holds(test::read_file(folder / "out/run_again.html"), " 1 epoch, seed 2."));
  REQUIRE(write(of_other + web + data).status == 0);
  const std::string other_page = test::read_file(folder / "out/run_again.html");
  CHECK(holds(other_page, "\"seed = 2\""));
  CHECK(holds(other_page, digest_of(other)));
  CHECK_FALSE(holds(other_page, digest_of(record)));
  const std::string own = "\"in_page\": false";  // the report's run, on files of the reader's
  CHECK_FALSE(holds(other_page, own));           // whose data are the page's

  Record elsewhere = record;
  values_in<std::string>(elsewhere, "data", "file_sha256")[0] = std::string(64, '0');
  save_record(elsewhere, folder / "run.h5", Overwrite::yes);
  REQUIRE(write(of_other + web + data).status == 0);
  const std::string two_runs = test::read_file(folder / "out/run_again.html");
  CHECK(holds(two_runs, own));
  CHECK(holds(two_runs, std::string(64, '0')));

  test::write_web_module(folder / "web", "const end = '</script>';", "ab");
  CHECK(is_line_with(line_of(write(web + data)), "reprise_web.js", "ends a script"));
}

TEST_CASE("write_report refuses bad input with one line and leaves nothing behind") {
  const TemporaryFolder folder;
  const std::string record = folder / "run.h5";
  save_record(training_record({1, 2}), record);
  Record study = training_record({1, 2});
  study.attributes["kind"] = "study";
  save_record(study, folder / "study.h5");
  Record incomplete = training_record({1, 2});
  incomplete.groups.erase("evaluation");
  save_record(incomplete, folder / "incomplete.h5");
  std::ofstream(folder / "text.h5") << "no record";
  std::filesystem::create_directory(folder / "empty");
  const std::vector<std::string> before = folder.names();

  const std::string output = "--output '" + (folder / "out") + "' ";
  const auto quoted = [&](const std::string& name) { return " '" + (folder / name) + "'"; };
  struct Case {
    std::string arguments, expected, before;
    int status = 1;
  };
  for (const Case& c : std::vector<Case>{
           {output + quoted("none.h5"), "none.h5", ""},
           {output + quoted("text.h5"), "text.h5", ""},
           {output + quoted("study.h5"), "study.h5: a record of the kind \"study\"", ""},
           {output + quoted("incomplete.h5"), "incomplete.h5", ""},
           {output + quoted("run.h5") + quoted("incomplete.h5"), "incomplete.h5", ""},
           {output + "--notes" + quoted("none.md") + quoted("run.h5"), "none.md", ""},
           {"--output" + quoted("text.h5") + quoted("run.h5"), "not a folder", ""},
           {"--output" + quoted("text.h5/sub") + quoted("run.h5"), "text.h5/sub", ""},
           {output + quoted("run.h5"), "gnuplot", "PATH=" + (folder / "empty") + " "},
           {quoted("run.h5"), "--output", "", 2},
           {output, "RECORD", "", 2},
           {output + "--outpu" + quoted("run.h5"), "--outpu", "", 2},
       }) {
    INFO(c.before << "write_report " << c.arguments);
    const CommandResult outcome = run_write_report(c.arguments, c.before);
    CHECK(outcome.status == c.status);
    CHECK(outcome.out.empty());
    REQUIRE(outcome.err.ends_with('\n'));
    CHECK(
        is_line_with(outcome.err.substr(0, outcome.err.size() - 1), "write_report: ", c.expected));
    CHECK(folder.names() == before);
  }
}
