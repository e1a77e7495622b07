// One line chart as SVG.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/svg.h"

namespace expertoire::train {

struct Point {
  double x = 0;
  double y = 0;
  double low = 0;  ///< least and greatest of what y stands for
  double high = 0;
};

/// A line in the colour of a run (from 0; colours repeat after eight, then dashed).
struct ChartLine {
  size_t run = 0;
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

/// `<g>` with its upper left corner at (x, y), of the size above. Colours are CSS classes:
/// svg_style() defines them. `id` must be unique in the document. The vertical range is that of
/// each line after the first 8 % of it, of the levels and of `show`: what starts higher enters from
/// above.
std::string svg_chart(const Chart& chart, double x, double y, const std::string& id);

/// A piece of line in the colour of a run, 26 wide, for a legend; its middle at (x, y).
std::string svg_key(size_t run, double x, double y, bool dots);

}  // namespace expertoire::train
