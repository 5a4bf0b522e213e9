/// \file
/// What the sections hand to the templates: values, figures and tables, each under a name.
#pragma once

#include <cstdint>
#include <kainjow/mustache.hpp>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "markdown.hpp"

namespace reprise::reports {

/// Stands for the @ of @figure(..), @table(..), @ref(..) and @notes once a template is read: a
/// character of private use, which no text of a record keeps when it is escaped (printable), so
/// that no record places or mentions anything.
inline const std::string kPlace = "\uE000";

/// One SVG file of a figure. Panels stand side by side where there is room, else below each other,
/// so each is narrow enough for a phone.
struct Panel {
  std::string name;  ///< of the file, without ".svg"
  std::string svg;   ///< a whole SVG document
  std::string alt;   ///< plain text that says what a reader would see
};

/// Which records a figure or table came from, as the end of its caption says.
struct Source {
  Source() = default;
  Source(std::string of_record)  // NOLINT(google-explicit-constructor): the usual case
      : digest(std::move(of_record)) {}
  Source(const char* of_record) : digest(of_record) {}  // NOLINT(google-explicit-constructor)
  Source(std::string of_all, std::size_t how_many) : digest(std::move(of_all)), records(how_many) {}

  std::string digest;       ///< short; of the record, or over the digests of several; "" for none
  std::size_t records = 1;  ///< several are listed in the table "records"
};

/// The caption is in the template, where the figure stands.
struct Figure {
  std::vector<Panel> panels;
  Source source;
};

struct TableEntry {
  Table table;
  Source source;
};

/// Templates find a value as {{name}} (escaped for Markdown) or {{{name}}} (Markdown already), a
/// condition as {{#name}}..{{/name}}, a figure or table as @figure(name), @table(name).
class Draft {
 public:
  void set(const std::string& name, const std::string& value) { values_[name] = value; }
  void set(const std::string& name, const char* value) { values_[name] = std::string(value); }
  void set(const std::string& name, bool condition) { values_[name] = condition; }
  void add(const std::string& name, Figure figure) { figures_[name] = std::move(figure); }
  void add(const std::string& name, TableEntry table) { tables_[name] = std::move(table); }

  /// A value that is text.
  [[nodiscard]] std::string text(const std::string& name) const {
    return values_.at(name).string_value();
  }

  using Values = std::map<std::string, kainjow::mustache::data>;
  [[nodiscard]] const Values& values() const { return values_; }
  [[nodiscard]] const std::map<std::string, Figure>& figures() const { return figures_; }
  [[nodiscard]] const std::map<std::string, TableEntry>& tables() const { return tables_; }

 private:
  Values values_;
  std::map<std::string, Figure> figures_;
  std::map<std::string, TableEntry> tables_;
};

}  // namespace reprise::reports
