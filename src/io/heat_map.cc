#include "io/heat_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "io/chart.h"

namespace expertoire {
namespace {

// As styles: a page's own style sheet goes before attributes.
constexpr const char* kBold = " style=\"font-weight: 700\"";
constexpr const char* kSoft = " style=\"fill: #667085\"";
constexpr double kLetter = 7.2, kRow = 26, kTop = 64, kMargin = 12;

double widest(const std::vector<std::string>& names) {
  size_t letters = 0;
  for (const std::string& name : names) letters = std::max(letters, name.size());
  return kLetter * static_cast<double>(letters);
}

struct Layout {
  double left, cell, width, height;

  explicit Layout(const HeatMap& map)
      : left(std::max(widest(map.rows), kLetter * static_cast<double>(map.row_title.size())) +
             2 * kMargin),
        cell(std::max(52.0, widest(map.columns) + 10)),
        width(left + cell * static_cast<double>(map.columns.size()) + kMargin),
        height(kTop + kRow * static_cast<double>(map.rows.size()) + kMargin) {
    width = std::max(width, kLetter * static_cast<double>(map.title.size()) + 2 * kMargin);
  }
};

// From white to the colour of the sign.
std::string colour(double value, double most) {
  const double depth = most > 0 ? std::min(std::abs(value) / most, 1.0) : 0;
  const auto part = [&](double end) { return std::lround(255 + depth * (end - 255)); };
  return value > 0 ? fmt::format("#{:02x}{:02x}{:02x}", part(217), part(95), part(14))
                   : fmt::format("#{:02x}{:02x}{:02x}", part(38), part(110), part(190));
}

std::string label(double x, double y, const char* anchor, const std::string& text,
                  const char* style = "") {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>\n", x, y,
                     anchor, style, xml_text(text));
}

// Without the sign of what rounds to zero.
std::string shown(double value, int decimals) {
  const std::string text = fmt::format("{:.{}f}", value, decimals);
  return text.find_first_not_of("-0.") == std::string::npos && text[0] == '-' ? text.substr(1)
                                                                              : text;
}

std::string cell(const HeatMap& map, const Layout& layout, size_t row, size_t column) {
  const HeatCell& of = map.cells[row][column];
  const double x = layout.left + layout.cell * static_cast<double>(column);
  const double y = kTop + kRow * static_cast<double>(row);
  const bool none = std::isnan(of.value);
  std::string svg = fmt::format(
      "<g><title>{}</title><rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" "
      "fill=\"{}\" stroke=\"#fff\"/>",
      xml_text(of.hint), x, y, layout.cell, kRow, none ? "#eee" : colour(of.value, map.most));
  svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\"{}>{}</text></g>\n",
                     x + layout.cell / 2, y + 17, of.sure ? kBold : "",
                     none ? "–" : shown(of.value, map.decimals));
  return svg;
}

std::string frame(const HeatMap& map, const Layout& layout, size_t row) {
  if (map.own[row] < 0) return "";
  return fmt::format(
      "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"none\" "
      "stroke=\"#222\" stroke-width=\"1.5\"/>\n",
      layout.left + layout.cell * map.own[row], kTop + kRow * static_cast<double>(row), layout.cell,
      kRow);
}

}  // namespace

std::string svg_heat_map(const HeatMap& map) {
  const Layout layout(map);
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
      "width=\"{0:.0f}\" height=\"{1:.0f}\" role=\"img\" aria-label=\"{2}\" "
      "font-family=\"system-ui, sans-serif\" font-size=\"12\" fill=\"#222\">\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
      layout.width, layout.height, xml_text(map.title));
  svg += label(kMargin, 20, "start", map.title, kBold);
  svg += label(kMargin, kTop - 8, "start", map.row_title, kSoft);
  svg += label(layout.left, 38, "start", map.column_title, kSoft);
  for (size_t column = 0; column < map.columns.size(); ++column) {
    const double x = layout.left + layout.cell * (static_cast<double>(column) + 0.5);
    svg += label(x, kTop - 8, "middle", map.columns[column]);
  }
  for (size_t row = 0; row < map.rows.size(); ++row) {
    const double y = kTop + kRow * static_cast<double>(row) + 17;
    svg += label(layout.left - kMargin, y, "end", map.rows[row]);
    for (size_t column = 0; column < map.columns.size(); ++column) {
      svg += cell(map, layout, row, column);
    }
  }
  for (size_t row = 0; row < map.rows.size(); ++row) svg += frame(map, layout, row);
  return svg + "</svg>\n";
}

}  // namespace expertoire
