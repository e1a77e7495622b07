#include "io/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace expertoire {
namespace {

constexpr double kLeft = 56, kRight = 52, kTop = 36, kBottom = 44;
constexpr double kInnerWidth = kChartWidth - kLeft - kRight;
constexpr double kInnerHeight = kChartHeight - kTop - kBottom;
constexpr size_t kColours = 8;

SvgRange x_range(const Chart& chart) {
  SvgRange range;
  range.include(0);
  for (const ChartLine& line : chart.lines) {
    for (const Point& point : line.points) range.include(point.x);
  }
  if (range.flat()) range.high = range.low + 1;
  return range;
}

// Where all curves still fall steeply, they would squeeze everything after it.
SvgRange y_range(const Chart& chart) {
  SvgRange range;
  for (const ChartLine& line : chart.lines) {
    if (line.points.empty()) continue;
    const double first = line.points.front().x, last = line.points.back().x;
    for (const Point& point : line.points) {
      if (point.x >= first + 0.08 * (last - first)) range.include(point.y);
    }
  }
  if (range.empty()) range.include(0);
  for (const ChartLevel& level : chart.levels) range.include(level.y);
  for (const double value : chart.show) range.include(value);
  const double margin = range.flat() ? std::abs(range.low) * 0.1 + 1e-3 : 0.06 * range.span();
  const bool from_zero = range.low >= 0 && range.low < 0.25 * range.high;
  return {from_zero ? 0 : range.low - margin, range.high + margin};
}

// From values to places in the document.
struct Frame {
  SvgRange x, y;
  double left, top;

  double px(double value) const { return left + (value - x.low) / x.span() * kInnerWidth; }
  double py(double value) const { return top + (y.high - value) / y.span() * kInnerHeight; }
};

double letters_of(const std::string& text) {
  return static_cast<double>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<uint8_t>(c) & 0xc0) != 0x80; }));
}

std::string axes(const Frame& frame, const std::string& x_label) {
  std::string svg;
  const double right = frame.left + kInnerWidth, bottom = frame.top + kInnerHeight;
  for (const double tick : svg_ticks(frame.y, 5)) {
    const double y = frame.py(tick);
    svg +=
        fmt::format("<path d=\"M{:.1f} {:.1f}H{:.1f}\" class=\"grid\"/>\n", frame.left, y, right);
    svg += svg_text(frame.left - 8, y + 4, "end", "tick", short_number(tick));
  }
  for (const double tick : svg_ticks(frame.x, 7)) {
    const double x = frame.px(tick);
    svg += fmt::format("<path d=\"M{:.1f} {:.1f}v5\" class=\"axis\"/>\n", x, bottom);
    svg += svg_text(x, bottom + 18, "middle", "tick", short_number(tick));
  }
  svg += fmt::format("<path d=\"M{:.1f} {:.1f}H{:.1f}\" class=\"axis\"/>\n", frame.left, bottom,
                     right);
  svg += svg_text(frame.left + kInnerWidth / 2, bottom + 36, "middle", "label", x_label);
  return svg;
}

std::string series_class(size_t series) {
  const size_t round = series / kColours;
  return fmt::format("c{}{}", series % kColours,
                     round == 0       ? ""
                     : round % 2 == 1 ? " dash"
                                      : " dot");
}

std::string path_of(const Frame& frame, const std::vector<Point>& points) {
  std::string path;
  for (const Point& point : points) {
    path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", frame.px(point.x),
                        frame.py(point.y));
  }
  return path;
}

// From least to greatest; nothing where each point is one measurement.
std::string band_of(const Frame& frame, const std::vector<Point>& points) {
  const bool flat = std::all_of(points.begin(), points.end(),
                                [](const Point& point) { return point.low == point.high; });
  if (flat) return "";
  std::string path;
  for (const Point& point : points) {
    path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", frame.px(point.x),
                        frame.py(point.high));
  }
  for (auto point = points.rbegin(); point != points.rend(); ++point) {
    path += fmt::format("L{:.1f} {:.1f}", frame.px(point->x), frame.py(point->low));
  }
  return path + "Z";
}

std::string line_of(const Frame& frame, const ChartLine& line) {
  const std::string style = series_class(line.series);
  std::string svg = fmt::format("<g class=\"run run{}\">\n", line.series);
  if (const std::string band = band_of(frame, line.points); !band.empty()) {
    svg += fmt::format("<path d=\"{}\" class=\"band {}\"/>\n", band, style);
  }
  svg += fmt::format("<path d=\"{}\" class=\"line {}{}\"/>\n", path_of(frame, line.points), style,
                     line.dots ? " thin" : "");
  if (line.dots || line.points.size() == 1) {
    for (const Point& point : line.points) {
      svg += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" class=\"mark {}\"/>\n",
                         frame.px(point.x), frame.py(point.y), style);
    }
  }
  return svg + "</g>\n";
}

// Their names stand at the right, apart from each other.
std::string levels_of(const Frame& frame, std::vector<ChartLevel> levels) {
  constexpr double kLetterHeight = 13;
  std::sort(levels.begin(), levels.end(),
            [](const ChartLevel& a, const ChartLevel& b) { return a.y > b.y; });
  const double right = frame.left + kInnerWidth;
  double free = 0;
  std::string svg;
  for (const ChartLevel& level : levels) {
    const double y = frame.py(level.y);
    svg +=
        fmt::format("<path d=\"M{:.1f} {:.1f}H{:.1f}\" class=\"level\"/>\n", frame.left, y, right);
    const double middle = std::max(y, free);
    svg += svg_text(right + 6, middle + 4, "start", "level-label", level.label);
    free = middle + kLetterHeight;
  }
  return svg;
}

}  // namespace

std::string svg_chart(const Chart& chart, double x, double y, const std::string& id) {
  Frame frame{x_range(chart), {}, x + kLeft, y + kTop};
  frame.y = y_range(chart);
  std::string svg = "<g>\n" + svg_text(x + kLeft, y + 20, "start", "title", chart.title);
  svg += axes(frame, chart.x_label);
  svg += fmt::format(
      "<clipPath id=\"{}\"><rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"/>"
      "</clipPath>\n<g clip-path=\"url(#{})\">\n",
      id, frame.left, frame.top - 4, kInnerWidth + 4, kInnerHeight + 4, id);
  for (const ChartLine& line : chart.lines) svg += line_of(frame, line);
  svg += "</g>\n";
  return svg + levels_of(frame, chart.levels) + "</g>\n";
}

std::string svg_key(size_t series, double x, double y, bool dots) {
  const std::string style = series_class(series);
  std::string svg = fmt::format("<path d=\"M{:.1f} {:.1f}h26\" class=\"line {}{}\"/>", x, y, style,
                                dots ? " thin" : "");
  if (dots) {
    svg += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" class=\"mark {}\"/>", x + 13, y,
                       style);
  }
  return svg;
}

std::string svg_legend(const std::vector<std::string>& names, double width, double& bottom) {
  constexpr double kLetter = 7.4, kRow = 24;
  std::string svg;
  double x = kLegendLeft;
  bottom += 16;
  for (size_t i = 0; i < names.size(); ++i) {
    const double needed = 26 + 8 + kLetter * letters_of(names[i]) + 24;
    if (x > kLegendLeft && x + needed > width) x = kLegendLeft, bottom += kRow;
    svg += svg_key(i, x, bottom - 4, false);
    svg += svg_text(x + 34, bottom, "start", "legend", names[i]);
    x += needed;
  }
  return svg;
}

std::string svg_document(const std::string& content, double width, double height,
                         const std::string& label, bool with_style) {
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" "
      "height=\"{1:.0f}\" role=\"img\" aria-label=\"{2}\">\n{3}"
      "<rect width=\"100%\" height=\"100%\" class=\"paper\"/>\n{4}</svg>\n",
      width, height, xml_text(label), with_style ? "<style>\n" + svg_style() + "</style>\n" : "",
      content);
}

}  // namespace expertoire
