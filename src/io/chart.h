// One line chart as SVG.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace expertoire {

struct Point {
  double x = 0;
  double y = 0;
  double low = 0;  ///< least and greatest of what y stands for
  double high = 0;
};

/// A line in the colour of a series (from 0; colours repeat after eight, then dashed).
struct ChartLine {
  size_t series = 0;
  std::vector<Point> points;  ///< rising x
  bool dots = false;          ///< few single measurements: a dot for each
};

/// A level across the whole chart, with its name.
struct ChartLevel {
  double y = 0;
  std::string label;
};

struct Chart {
  std::string title;
  std::string x_label;
  std::vector<ChartLine> lines;
  std::vector<ChartLevel> levels;
  std::vector<double> show;  ///< values that the vertical range must hold
};

inline constexpr double kChartWidth = 560;
inline constexpr double kChartHeight = 300;
inline constexpr double kLegendLeft = 72;  ///< where a legend begins

/// `<g>` with its upper left corner at (x, y), of the size above. Colours are CSS classes:
/// chart_style() defines them. `id` must be unique in the document. The vertical range is that of
/// each line after the first 8 % of it, of the levels and of `show`: what starts higher enters from
/// above.
std::string svg_chart(const Chart& chart, double x, double y, const std::string& id);

/// The style sheet for svg_chart and svg_key, for light and dark screens.
std::string chart_style();

/// A piece of line in the colour of a series, 26 wide, for a legend; its middle at (x, y).
std::string svg_key(size_t series, double x, double y, bool dots);

/// The names of series 0, 1, … beside their colours, in as many rows as the width needs, below
/// `bottom`, which becomes the baseline of the last one.
std::string svg_legend(const std::vector<std::string>& names, double width, double& bottom);

/// A document of this size around what the functions above made; without its style sheet for a page
/// that has it.
std::string svg_document(const std::string& content, double width, double height,
                         const std::string& label, bool with_style = true);

/// Text as it may stand in XML, between tags or in quotes.
std::string xml_text(std::string_view text);

/// "0.002", "12.5", "340k", "20M": at most four significant digits.
std::string short_number(double value);

}  // namespace expertoire
