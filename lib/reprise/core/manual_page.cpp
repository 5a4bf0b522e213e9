#include "reprise/core/manual_page.hpp"

#include <algorithm>
#include <cctype>
#include <sstream>
#include <utility>

#include "reprise/core/version.hpp"

namespace reprise {
namespace {

std::string with_dashes(std::string name) {
  std::replace(name.begin(), name.end(), ' ', '-');
  return name;
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

/// The first sentence, as a man page's NAME has it: in one line, beginning small, without its stop.
std::string summary_of(const std::string& description) {
  std::string first = description.substr(0, description.find(".\n"));
  first = first.substr(0, first.find(". "));
  std::replace(first.begin(), first.end(), '\n', ' ');
  if (first.ends_with('.')) first.pop_back();
  if (!first.empty()) {
    first[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(first[0])));
  }
  return first;
}

/// Lines that begin with a blank as they are, and the others as text that flows.
class FooterText {
 public:
  void add(const std::string& line) {
    const bool verbatim = line.starts_with(' ');
    if (line.empty()) {
      end_verbatim();
      needs_paragraph_ = !text_.empty();
      return;
    }
    if (verbatim) {
      begin_verbatim();
    } else {
      end_verbatim();
      if (needs_paragraph_) text_ += ".PP\n";
    }
    needs_paragraph_ = false;
    text_ += roff_lines(line);
  }
  std::string take() {
    end_verbatim();
    needs_paragraph_ = false;
    return std::exchange(text_, "");
  }

 private:
  void begin_verbatim() {
    if (!verbatim_) text_ += text_.empty() ? ".nf\n" : ".PP\n.nf\n";
    verbatim_ = true;
  }
  void end_verbatim() {
    if (!verbatim_) return;
    text_ += ".fi\n";
    verbatim_ = false;
    needs_paragraph_ = true;
  }

  std::string text_;
  bool verbatim_ = false;
  bool needs_paragraph_ = false;
};

}  // namespace

std::string roff_text(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '-') {
      result += "\\-";
    } else if (c == '\\') {
      result += "\\e";
    } else if (c == '\'') {
      result += "\\(aq";
    } else {
      result += c;
    }
  }
  return result;
}

std::string roff_lines(const std::string& text) {
  std::istringstream lines(text);
  std::string result, line;
  while (std::getline(lines, line)) {
    if (line.starts_with('.')) result += "\\&";
    result += roff_text(line) + "\n";
  }
  return result;
}

std::string roff_heading(const std::string& text) {
  return "\"" + roff_text(upper(text)) + "\"";
}

std::string manual_head(const std::string& program, const std::string& description) {
  const std::string page = with_dashes(program);
  return ".TH " + roff_heading(page) + " 1 \"\" \"Reprise " + std::string(version()) +
         "\" \"Reprise\"\n.SH NAME\n" + roff_text(page) + " \\- " +
         roff_text(summary_of(description)) + "\n.SH SYNOPSIS\n.B " + roff_text(program) + "\n";
}

std::string manual_item(const std::string& tag, const std::string& description,
                        const std::string& initial) {
  std::string text = ".TP\n" + tag + "\n" + roff_lines(description);
  if (!initial.empty()) text += "[" + roff_text(initial) + "]\n";
  return text;
}

std::string manual_footer(const std::string& footer) {
  std::istringstream lines(footer);
  FooterText text;
  std::string notes, examples, line;
  bool in_example = false;
  const auto finish = [&] { (in_example ? examples : notes) += text.take(); };
  while (std::getline(lines, line)) {
    const bool example_ends = in_example && !line.starts_with(' ');
    if (line != "Example:" && !example_ends) {
      text.add(line);
      continue;
    }
    finish();
    in_example = line == "Example:";
    if (!in_example) text.add(line);
  }
  finish();
  std::string result;
  if (!notes.empty()) result += ".SH NOTES\n" + notes;
  if (!examples.empty()) result += ".SH EXAMPLES\n" + examples;
  return result;
}

}  // namespace reprise
