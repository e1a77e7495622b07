#include "analysis/overview_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "analysis/label_rates.h"
#include "analysis/layer_balance.h"
#include "analysis/unit_page.h"
#include "io/chart.h"
#include "io/html_page.h"

namespace expertoire {
namespace {

constexpr int64_t kMostCells = 4096;  // of one map; a layer with more units has none
constexpr int64_t kColumns = 64;
constexpr int kCell = 15;  // pixels

using Place = std::pair<int, UnitKind>;

// What a map shows of a unit.
struct Cell {
  double mass = 0;
  int label = -1;  // with the highest rate
  double skew = 0;
};

std::map<Place, std::map<int64_t, Cell>> cells_of(const ExpertIndex& index) {
  std::map<Place, std::map<int64_t, Cell>> maps;
  for (const IndexedLayer& layer : index.units().layers()) {
    if (layer.keys > 0) {
      maps[{layer.layer, UnitKind::kLeft}], maps[{layer.layer, UnitKind::kRight}];
    } else if (layer.experts <= kMostCells) {
      maps[{layer.layer, UnitKind::kExpert}];
    }
  }
  // One unit at a time: of hundreds of thousands of joint experts no record is needed.
  for (auto& [place, cells] : maps) {
    const IndexedLayer& layer = index.units().layer(place.first);
    const int64_t count = place.second == UnitKind::kExpert ? layer.experts : layer.keys;
    for (int64_t id = 0; id < count; ++id) {
      Cell& cell = cells[id];
      const auto record = index.find({place.first, place.second, id});
      if (!record) continue;
      const std::vector<LabelRate> rates = label_rates(*record, index.info());
      const bool labelled = !rates.empty() && rates[0].rate > 0;
      cell = {record->mass, labelled ? rates[0].label : -1, label_skew(rates)};
    }
  }
  return maps;
}

// 0 … 8: from an eighth of an even load or less to eight times and more.
int load_step(double mass, double even) {
  return static_cast<int>(
             std::clamp(std::round(4 * std::log(mass / even) / std::log(8)), -4.0, 4.0)) +
         4;
}

double hue(int label, size_t labels) {
  return label < 0 ? 0 : 360.0 * label / static_cast<double>(labels);
}

// Full colour where a label's rate is twice the next one's.
double colour_strength(double skew) { return std::clamp(skew - 1, 0.08, 1.0); }

std::string cell_html(const Unit& unit, const Cell& cell, double even, const ExportedUnits& units) {
  const ExpertIndex& index = units.index();
  const std::vector<std::string>& labels = index.info().labels;
  std::string shape = fmt::format(
      "<rect class=\"cell {}\" x=\"{}\" y=\"{}\" width=\"{}\" "
      "height=\"{}\"",
      cell.mass > 0 ? fmt::format("l{}", load_step(cell.mass, even)) : std::string("dead"),
      unit.id % kColumns * kCell, unit.id / kColumns * kCell, kCell, kCell);
  std::string title = index.units().name(unit);
  if (cell.mass > 0) {
    shape += fmt::format(" style=\"--hue:{:.0f};--much:{:.2f}\"", hue(cell.label, labels.size()),
                         colour_strength(cell.skew));
    title += fmt::format(": {:.2g} × an even load", cell.mass / even);
    if (cell.label >= 0) {
      title += fmt::format(
          "; {}{}", xml_text(labels[static_cast<size_t>(cell.label)]),
          std::isfinite(cell.skew) ? fmt::format(" {:.2f} × the next", cell.skew) : " only");
    }
  } else {
    title += ": never used";
  }
  shape += "><title>" + title + "</title></rect>";
  if (!units.contains(unit)) return shape + "\n";
  return fmt::format("<a href=\"units/{}\">{}</a>\n", page_name(index.units(), unit), shape);
}

std::string map_html(const Place& place, const std::map<int64_t, Cell>& cells,
                     const ExportedUnits& units) {
  const auto count = static_cast<int64_t>(cells.size());
  double sum = 0;
  for (const auto& [id, cell] : cells) sum += cell.mass;
  const char* kind = place.second == UnitKind::kExpert ? ""
                     : place.second == UnitKind::kLeft ? ", left keys"
                                                       : ", right keys";
  std::string svg = fmt::format(
      "<div class=\"map\"><h3>layer {}{}</h3>\n<svg width=\"{}\" height=\"{}\" role=\"img\">\n",
      place.first, kind, std::min(count, kColumns) * kCell,
      (count + kColumns - 1) / kColumns * kCell);
  for (const auto& [id, cell] : cells) {
    svg +=
        cell_html({place.first, place.second, id}, cell, sum / static_cast<double>(count), units);
  }
  return svg + "</svg></div>\n";
}

std::string legends(const IndexInfo& info) {
  constexpr const char* kSteps[] = {
      "an eighth of an even load or less", "", "", "", "even", "", "", "",
      "eight times as much or more"};
  std::string html = "<div class=\"legend of-load\">";
  for (size_t i = 0; i < std::size(kSteps); ++i) {
    html += fmt::format(
        "<span><svg width=\"13\" height=\"13\" style=\"display:inline;"
        "vertical-align:-2px\"><rect class=\"l{}\" width=\"13\" height=\"13\"/></svg> "
        "{}</span>",
        i, kSteps[i]);
  }
  html += "</div>\n<div class=\"legend of-label\">";
  for (size_t i = 0; i < info.labels.size(); ++i) {
    html += fmt::format("<span><i style=\"background:hsl({:.0f},65%,48%)\"></i>{}</span>",
                        hue(static_cast<int>(i), info.labels.size()), xml_text(info.labels[i]));
  }
  return html + "<span>full colour: twice the rate of the next label</span></div>\n";
}

std::string maps_section(const ExportedUnits& units) {
  const auto maps = cells_of(units.index());
  if (maps.empty()) return "";
  std::string html =
      "<section id=\"maps\"><h2>Map</h2>\n<div class=\"controls\"><label>colour <select "
      "id=\"colour\"><option value=\"load\">load</option><option value=\"label\">documents that "
      "use "
      "it most</option></select></label></div>\n" +
      legends(units.index().info());
  for (const auto& [place, cells] : maps) html += map_html(place, cells, units);
  return html + "</section>\n";
}

std::string balance_section(const ExpertIndex& index) {
  std::string html =
      "<section><h2>Load</h2>\n<table><tr><th>layer</th><th>units</th><th>never used</th>"
      "<th>entropy</th><th>Gini</th><th>Jain</th><th>share of the top 1 %</th></tr>\n";
  for (const LayerBalance& layer : layer_balances(index, Load::kMass)) {
    const LoadBalance& load = layer.load;
    html += fmt::format(
        "<tr><td>{} {}</td><td>{}</td><td>{}</td><td>{:.4f}</td><td>{:.4f}</td>"
        "<td>{:.4f}</td><td>{:.1f} %</td></tr>\n",
        layer.layer, kUnitKindNames[static_cast<size_t>(layer.kind)], load.units, load.dead,
        load.entropy, load.gini, load.jain, 100 * load.top_share);
  }
  return html + "</table></section>\n";
}

std::string provenance_section(const IndexInfo& info) {
  std::string html = "<section><h2>How this was made</h2>\n<table>\n";
  for (const auto& [key, value] : info.provenance) {
    html += fmt::format("<tr><td>{}</td><td><code>{}</code></td></tr>\n", xml_text(key),
                        xml_text(value));
  }
  return html + "</table></section>\n";
}

}  // namespace

std::string overview_row(const UnitView& view, const ExpertIndex& index) {
  const UnitRecord& record = view.record;
  std::string label, tokens, said;
  double skew = 0;
  if (!view.rates.empty() && view.rates[0].rate > 0) {
    skew = std::min(label_skew(view.rates), 1e9);
    label = xml_text(index.info().labels[static_cast<size_t>(view.rates[0].label)]) +
            (skew < 1e9 ? fmt::format(" {:.2f} ×", skew) : " only");
  }
  for (size_t i = 0; i < std::min<size_t>(4, view.tokens.size()); ++i) {
    tokens += token_html(view.tokens[i].text) + " ";
  }
  if (!view.labels.empty() && view.labels[0].reliable) said = xml_text(view.labels[0].text);
  return fmt::format("<tr><td data-value=\"{}\"><a href=\"units/{}\">{}</a></td>",
                     index.units().number(record.unit), page_name(index.units(), record.unit),
                     view.name) +
         number_cell(static_cast<double>(record.count), std::to_string(record.count)) +
         number_cell(record.mass, fmt::format("{:.4g}", record.mass)) +
         number_cell(record.max, fmt::format("{:.3f}", record.max)) +
         fmt::format("<td data-value=\"{}\">{}</td><td>{}</td><td>{}</td></tr>\n", skew, label,
                     tokens, said);
}

std::string overview_page(const ExportedUnits& units, const std::string& rows) {
  const IndexInfo& info = units.index().info();
  const auto model = info.provenance.find("model");
  const std::string title =
      "Experts of " + (model == info.provenance.end() ? std::string("a model") : model->second);
  return page_head(title, "") +
         fmt::format(
             "<h1>{}</h1>\n<p class=\"soft\">{} documents with {} tokens; {} of {} experts "
             "and keys have a page.</p>\n",
             xml_text(title), info.documents, info.tokens, units.records().size(),
             units.index().units().size()) +
         maps_section(units) +
         "<section><h2>Units</h2>\n<div class=\"controls\"><input id=\"filter\" type=\"search\" "
         "placeholder=\"words, tokens, labels\"> <span id=\"count\" class=\"soft\"></span></div>\n"
         "<table id=\"units\" class=\"sortable\"><thead><tr><th>unit</th><th "
         "class=\"number\">uses</th><th class=\"number\">mass</th>"
         "<th class=\"number\">highest</th><th>documents</th><th>tokens</th><th>said to "
         "do</th></tr></thead><tbody>\n" +
         rows + "</tbody></table></section>\n" + balance_section(units.index()) +
         provenance_section(info) + std::string(kPageEnd);
}

}  // namespace expertoire
