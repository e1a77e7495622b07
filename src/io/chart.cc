#include "io/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

namespace expertoire {
namespace {

constexpr double kLeft = 56, kRight = 52, kTop = 36, kBottom = 44;
constexpr double kInnerWidth = kChartWidth - kLeft - kRight;
constexpr double kInnerHeight = kChartHeight - kTop - kBottom;
constexpr size_t kColours = 8;

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool empty() const { return low > high; }
  double span() const { return high - low; }
  // All the same but for rounding.
  bool flat() const { return span() <= 1e-6 * std::max(std::abs(low), std::abs(high)); }
};

// Ticks at multiples of 1, 2 or 5 times a power of ten, at most `most` of them.
std::vector<double> ticks_of(const Range& range, int most) {
  const double raw = range.span() / most;
  const double power = std::pow(10, std::floor(std::log10(raw)));
  double step = 10 * power;
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= raw) {
      step = factor * power;
      break;
    }
  }
  std::vector<double> ticks;
  for (double i = std::ceil(range.low / step - 1e-9); i * step <= range.high + 1e-9 * step; ++i) {
    ticks.push_back(i == 0 ? 0 : i * step);
  }
  return ticks;
}

Range x_range(const Chart& chart) {
  Range range;
  range.include(0);
  for (const ChartLine& line : chart.lines) {
    for (const Point& point : line.points) range.include(point.x);
  }
  if (range.flat()) range.high = range.low + 1;
  return range;
}

// Where all curves still fall steeply, they would squeeze everything after it.
Range y_range(const Chart& chart) {
  Range range;
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
  Range x, y;
  double left, top;

  double px(double value) const { return left + (value - x.low) / x.span() * kInnerWidth; }
  double py(double value) const { return top + (y.high - value) / y.span() * kInnerHeight; }
};

double letters_of(const std::string& text) {
  return static_cast<double>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<uint8_t>(c) & 0xc0) != 0x80; }));
}

std::string text(double x, double y, std::string_view anchor, std::string_view style,
                 std::string_view content) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" class=\"{}\">{}</text>\n",
                     x, y, anchor, style, xml_text(content));
}

std::string axes(const Frame& frame, const std::string& x_label) {
  std::string svg;
  const double right = frame.left + kInnerWidth, bottom = frame.top + kInnerHeight;
  for (const double tick : ticks_of(frame.y, 5)) {
    const double y = frame.py(tick);
    svg +=
        fmt::format("<path d=\"M{:.1f} {:.1f}H{:.1f}\" class=\"grid\"/>\n", frame.left, y, right);
    svg += text(frame.left - 8, y + 4, "end", "tick", short_number(tick));
  }
  for (const double tick : ticks_of(frame.x, 7)) {
    const double x = frame.px(tick);
    svg += fmt::format("<path d=\"M{:.1f} {:.1f}v5\" class=\"axis\"/>\n", x, bottom);
    svg += text(x, bottom + 18, "middle", "tick", short_number(tick));
  }
  svg += fmt::format("<path d=\"M{:.1f} {:.1f}H{:.1f}\" class=\"axis\"/>\n", frame.left, bottom,
                     right);
  svg += text(frame.left + kInnerWidth / 2, bottom + 36, "middle", "label", x_label);
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
    svg += text(right + 6, middle + 4, "start", "level-label", level.label);
    free = middle + kLetterHeight;
  }
  return svg;
}

}  // namespace

std::string svg_chart(const Chart& chart, double x, double y, const std::string& id) {
  Frame frame{x_range(chart), {}, x + kLeft, y + kTop};
  frame.y = y_range(chart);
  std::string svg = "<g>\n" + text(x + kLeft, y + 20, "start", "title", chart.title);
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
    svg += text(x + 34, bottom, "start", "legend", names[i]);
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
      width, height, xml_text(label), with_style ? "<style>\n" + chart_style() + "</style>\n" : "",
      content);
}

std::string xml_text(std::string_view raw) {
  std::string out;
  for (const char c : raw) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return out;
}

std::string short_number(double value) {
  const double size = std::abs(value);
  if (size >= 1e9) return fmt::format("{:.4g}G", value / 1e9);
  if (size >= 1e6) return fmt::format("{:.4g}M", value / 1e6);
  if (size >= 1e4) return fmt::format("{:.4g}k", value / 1e3);
  return fmt::format("{:.4g}", value);
}

std::string chart_style() {
  return R"(:root{color-scheme:light dark;--paper:#ffffff;--ink:#1f2430;--soft:#667085;--grid:#e6e8ee;
--c0:#2563eb;--c1:#dd5a0b;--c2:#0b8f55;--c3:#8b3ddb;--c4:#c2255c;--c5:#0788a0;--c6:#97690b;--c7:#525f76}
@media(prefers-color-scheme:dark){:root{--paper:#14171d;--ink:#e6e9ef;--soft:#98a2b3;--grid:#2a2f3a;
--c0:#6ea8fe;--c1:#ff9a57;--c2:#3ddc97;--c3:#c79bff;--c4:#ff7eb0;--c5:#3fd0e6;--c6:#e9c046;--c7:#a7b3c7}}
text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;fill:var(--ink)}
.paper{fill:var(--paper)}.title{font-size:15px;font-weight:600}.tick{font-size:11px;fill:var(--soft)}
.label{font-size:12px;fill:var(--soft)}.legend{font-size:13px}.head{font-size:19px;font-weight:600}
.grid{stroke:var(--grid);fill:none}.axis{stroke:var(--soft);fill:none}
.level{stroke:var(--soft);fill:none;stroke-dasharray:5 4}.level-label{font-size:11px;fill:var(--soft)}
.line{fill:none;stroke-width:1.8;stroke-linejoin:round}.thin{stroke-width:1;stroke-dasharray:2 3}
.dash{stroke-dasharray:7 4}.dot{stroke-dasharray:2 3}.band{stroke:none;opacity:.14}
.line.c0{stroke:var(--c0)}.line.c1{stroke:var(--c1)}.line.c2{stroke:var(--c2)}.line.c3{stroke:var(--c3)}
.line.c4{stroke:var(--c4)}.line.c5{stroke:var(--c5)}.line.c6{stroke:var(--c6)}.line.c7{stroke:var(--c7)}
.c0{fill:var(--c0)}.c1{fill:var(--c1)}.c2{fill:var(--c2)}.c3{fill:var(--c3)}
.c4{fill:var(--c4)}.c5{fill:var(--c5)}.c6{fill:var(--c6)}.c7{fill:var(--c7)}.line{fill:none}
)";
}

}  // namespace expertoire
