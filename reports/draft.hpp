/// \file
/// What the sections hand to the templates: values, figures and tables, each under a name.
#pragma once

#include <concepts>
#include <kainjow/mustache.hpp>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "gnuplot.hpp"
#include "markdown.hpp"
#include "table.hpp"

namespace reprise::reports {

/// Stands for the @ of @figure(..), @table(..), @ref(..) and @notes once a template is read: a
/// character of private use, which no text of a record keeps when it is escaped (printable), so
/// that no record places or mentions anything.
inline const std::string kPlace = "\uE000";

/// One SVG file of a figure. Panels stand side by side where there is room, else below each other,
/// so each is narrow enough for a phone.
struct Panel {
  std::string name;   ///< of the file, without ".svg"; letters, digits and underscores
  UntrustedText alt;  ///< says what a reader would see
  Svg svg;            ///< a whole document; empty until it is drawn from `plot`
  std::optional<Plot> plot = std::nullopt;
};

/// A panel that is still to be drawn.
inline Panel plotted(Plot plot) {
  return {plot.name, plot.alt, {}, std::move(plot)};
}

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
  Table data = {};  ///< what is drawn; none for pictures that the records hold
};

struct TableEntry {
  Table table;
  Source source;
  Table data = {};  ///< what data/ has in its place, if anything
};

/// Values of a template, which finds them as {{name}}, and conditions as {{#name}}..{{/name}}. Text
/// is escaped when it is set; only a Fragment of the template's language enters as it is.
template <class Fragment>
class TemplateValues {
 public:
  void set(const std::string& name, const Fragment& value) { values_[name] = value.str(); }
  void set(const std::string& name, std::same_as<bool> auto condition) {
    values_[name] = condition;
  }

  [[nodiscard]] const std::map<std::string, kainjow::mustache::data>& values() const {
    return values_;
  }

 private:
  std::map<std::string, kainjow::mustache::data> values_;
};

/// Values for templates of Markdown, and the figures and tables that these place: @figure(name),
/// @table(name).
class Draft : public TemplateValues<Markdown> {
 public:
  void add(const std::string& name, Figure figure) { figures_[name] = std::move(figure); }
  void add(const std::string& name, TableEntry table) { tables_[name] = std::move(table); }

  [[nodiscard]] const std::map<std::string, Figure>& figures() const { return figures_; }
  [[nodiscard]] const std::map<std::string, TableEntry>& tables() const { return tables_; }

  /// Forgets all figures and tables but that of this name; false if there is none.
  bool keep_only(const std::string& name) {
    const auto is_other = [&](const auto& entry) { return entry.first != name; };
    std::erase_if(figures_, is_other);
    std::erase_if(tables_, is_other);
    return !figures_.empty() || !tables_.empty();
  }

  /// Draws the panels that are plots.
  template <class Draw>
  void draw_plots(const Draw& draw) {
    for (auto& [name, figure] : figures_) {
      for (Panel& panel : figure.panels) {
        if (panel.plot) panel.svg = draw(*panel.plot);
      }
    }
  }

 private:
  std::map<std::string, Figure> figures_;
  std::map<std::string, TableEntry> tables_;
};

/// The name of a figure or table, which templates place by it. std::logic_error if it is not of
/// letters, digits and underscores.
Markdown place_name(const std::string& name);

}  // namespace reprise::reports
