#include "eval/pictures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "eval/mean.h"
#include "io/svg.h"

namespace expertoire {
namespace {

constexpr double kLabels = 330, kWidth = 480, kRight = 40, kRow = 22, kAxis = 46;
constexpr double kCell = 30, kTitle = 30;
constexpr size_t kColours = 8, kControlColour = 7;

// Rows one below the other, over one axis.
struct RowFrame {
  SvgRange range;
  size_t rows;

  double x(double value) const { return kLabels + kWidth * (value - range.low) / range.span(); }
  double y(size_t row) const { return kRow * (static_cast<double>(row) + 0.5); }
};

std::string colour_of(const PictureRow& row) { return fmt::format("c{}", row.colour % kColours); }

std::string line(double x1, double x2, double y, const std::string& style) {
  return fmt::format("<path d=\"M{:.1f} {:.1f}H{:.1f}\" class=\"line {}\"/>\n", x1, y, x2, style);
}

std::string dot(double x, double y, double radius, const std::string& style) {
  return fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\" class=\"{}\"/>\n", x, y, radius,
                     style);
}

RowFrame frame_of(const std::vector<PictureRow>& rows, bool from_zero) {
  SvgRange range;
  if (from_zero || rows.empty()) range.include(0);
  for (const PictureRow& row : rows) {
    for (const double value : row.values) range.include(value);
    if (!row.interval) continue;
    for (const double end : {row.interval->first, row.interval->second}) {
      if (std::isfinite(end)) range.include(end);
    }
  }
  if (range.flat()) range = {range.low - 0.01, range.high + 0.01};
  if (!from_zero) range = {range.low - 0.04 * range.span(), range.high + 0.04 * range.span()};
  return {range, rows.size()};
}

// Grid, ticks, the axis's name, and the rows' labels.
std::string around(const RowFrame& frame, const std::vector<PictureRow>& rows,
                   const std::string& axis) {
  const double bottom = kRow * static_cast<double>(rows.size());
  std::string svg;
  for (const double tick : svg_ticks(frame.range, 6)) {
    svg += fmt::format("<path d=\"M{:.1f} 0V{:.1f}\" class=\"grid\"/>\n", frame.x(tick), bottom);
    svg += svg_text(frame.x(tick), bottom + 16, "middle", "tick", short_number(tick));
  }
  svg += svg_text(kLabels + kWidth / 2, bottom + 34, "middle", "label", axis);
  for (size_t i = 0; i < rows.size(); ++i) {
    svg += svg_text(kLabels - 10, frame.y(i) + 4, "end", "legend", rows[i].label);
  }
  return svg;
}

Picture rows_picture(const RowFrame& frame, std::string body) {
  return {kLabels + kWidth + kRight, kRow * static_cast<double>(frame.rows) + kAxis,
          std::move(body)};
}

std::string box_of(const RowFrame& frame, size_t i, const PictureRow& row) {
  std::vector<double> sorted = row.values;
  std::sort(sorted.begin(), sorted.end());
  const std::string colour = colour_of(row);
  const double y = frame.y(i), low = frame.x(quantile(sorted, 0.25)),
               high = frame.x(quantile(sorted, 0.75)), middle = frame.x(quantile(sorted, 0.5));
  std::string svg = line(frame.x(sorted.front()), frame.x(sorted.back()), y, colour);
  svg += fmt::format(
      "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"12\" class=\"{}\" "
      "fill-opacity=\"0.35\"/>\n<path d=\"M{:.1f} {:.1f}v12\" class=\"line {}\"/>\n",
      low, y - 6, high - low, colour, middle, y - 6, colour);
  for (const double value : sorted) svg += dot(frame.x(value), y, 2, colour);
  return svg;
}

}  // namespace

std::string svg_file(const Picture& picture) {
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" "
      "height=\"{1:.0f}\" role=\"img\">\n<style>\n{2}</style>\n"
      "<rect width=\"100%\" height=\"100%\" class=\"paper\"/>\n{3}</svg>\n",
      picture.width, picture.height, svg_style(), picture.body);
}

std::string svg_part(const Picture& picture) {
  return fmt::format(
      "<svg viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" height=\"{1:.0f}\" role=\"img\">\n"
      "{2}</svg>\n",
      picture.width, picture.height, picture.body);
}

Picture stacked(const std::vector<std::pair<std::string, Picture>>& pictures) {
  Picture all;
  for (const auto& [title, one] : pictures) {
    all.body += svg_text(12, all.height + 20, "start", "title", title);
    all.body += fmt::format("<g transform=\"translate(0 {:.0f})\">\n{}</g>\n", all.height + kTitle,
                            one.body);
    all.height += kTitle + one.height;
    all.width = std::max(all.width, one.width);
  }
  return all;
}

Picture dot_picture(const std::vector<PictureRow>& rows, const std::string& axis) {
  const RowFrame frame = frame_of(rows, true);
  std::string svg = around(frame, rows, axis);
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::string colour = colour_of(rows[i]);
    if (const auto& ends = rows[i].interval; ends && std::isfinite(ends->first)) {
      svg += line(frame.x(ends->first), frame.x(ends->second), frame.y(i), colour);
    }
    for (const double value : rows[i].values) svg += dot(frame.x(value), frame.y(i), 3.5, colour);
  }
  return rows_picture(frame, std::move(svg));
}

Picture box_picture(const std::vector<PictureRow>& rows, const std::string& axis) {
  const RowFrame frame = frame_of(rows, false);
  std::string svg = around(frame, rows, axis);
  for (size_t i = 0; i < rows.size(); ++i) {
    if (!rows[i].values.empty()) svg += box_of(frame, i, rows[i]);
  }
  return rows_picture(frame, std::move(svg));
}

Picture heat_picture(const std::vector<std::string>& labels,
                     const std::vector<std::vector<double>>& values) {
  constexpr double kLeft = 190, kTop = 8;
  const double side = kCell * static_cast<double>(labels.size());
  std::string svg;
  for (size_t row = 0; row < labels.size(); ++row) {
    const double y = kTop + kCell * static_cast<double>(row);
    svg += svg_text(kLeft - 8, y + kCell / 2 + 4, "end", "legend", labels[row]);
    for (size_t column = 0; column < labels.size(); ++column) {
      const double x = kLeft + kCell * static_cast<double>(column), value = values[row][column];
      if (!std::isfinite(value)) continue;
      svg += fmt::format(
          "<rect x=\"{:.0f}\" y=\"{:.0f}\" width=\"{}\" height=\"{}\" class=\"{}\" "
          "fill-opacity=\"{:.2f}\"/>\n",
          x, y, kCell - 1, kCell - 1, value < 0 ? "c1" : "c0",
          std::min(1.0, std::abs(value)) * 0.6);
      svg += svg_text(x + kCell / 2, y + kCell / 2 + 4, "middle", "cell",
                      fmt::format("{:.2f}", value));
    }
  }
  return {kLeft + side + 12, kTop + side + 12, svg};
}

std::optional<Picture> score_picture(const std::vector<const EvalResult*>& results) {
  std::vector<PictureRow> rows;
  for (const EvalResult* result : results) {
    const auto main = result->scores.find(result->main);
    if (main == result->scores.end() || !std::isfinite(main->second.value)) return std::nullopt;
    rows.push_back({result->dataset + ", " + system_label(*result),
                    {main->second.value},
                    main->second.interval,
                    result->system == "model" ? 0 : kControlColour});
  }
  return dot_picture(rows, results.empty() ? "" : results.front()->main);
}

}  // namespace expertoire
