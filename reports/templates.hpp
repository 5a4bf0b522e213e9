/// \file
/// The templates of reports/templates, built into the program, and their rendering by mustache.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "draft.hpp"

namespace reprise::reports {

/// File name (such as "results.md.mustache") to contents; generated from the files by CMake.
const std::map<std::string_view, std::string_view>& template_files();

/// The rows of NAME.csv, a fixed table, without its titles. No cell holds a quote.
std::vector<std::vector<std::string>> fixed_rows(std::string_view file);
/// The table itself: what stands bare and begins with a digit is a number, a dash is nothing.
Table fixed_table(std::string_view file);

/// Fills a template: {{name}} is a value, {{> part}} the template "part.md.mustache".
/// std::logic_error if the template asks for a name that is not there, or is of another language.
Markdown render_template(std::string_view file, const TemplateValues<Markdown>& values);
Html render_template(std::string_view file, const TemplateValues<Html>& values);

}  // namespace reprise::reports
