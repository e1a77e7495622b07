#include "train/curves_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>

#include "io/chart.h"

namespace expertoire::train {
namespace {

using Value = std::function<std::optional<double>(const LogRecord&)>;
using Records = const std::vector<LogRecord>;

// The first of `names` that the record has.
Value first_of(std::vector<std::string> names) {
  return [names = std::move(names)](const LogRecord& record) -> std::optional<double> {
    for (const std::string& name : names) {
      if (const auto value = record.value(name)) return value;
    }
    return std::nullopt;
  };
}

std::optional<double> survivors(const LogRecord& record) {
  const auto one = record.value("survivors1"), two = record.value("survivors2");
  return one && two ? std::optional((*one + *two) / 2) : one ? one : two;
}

std::optional<double> keys_used(const LogRecord& record) {
  const auto share = record.value("keys_used");
  return share ? std::optional(100 * *share) : std::nullopt;
}

const Value kTrainLoss = first_of({"lm", "loss"});
const Value kHeldOutLoss = first_of({"held_out_loss"});

// What time is counted in, so that the axis has small numbers.
struct TimeUnit {
  double seconds;
  const char* name;
};

TimeUnit time_unit(const std::vector<RunLog>& runs) {
  double longest = 0;
  for (const RunLog& run : runs) {
    if (!run.steps.empty()) longest = std::max(longest, run.steps.back().seconds);
  }
  if (longest > 2 * 3600) return {3600, "hours"};
  if (longest > 2 * 60) return {60, "minutes"};
  return {1, "seconds"};
}

// One bin of equal width in x becomes one point: its mean, and what it spans.
std::vector<Point> smooth(const std::vector<Point>& raw) {
  constexpr size_t kFew = 60, kMost = 160;
  if (raw.size() <= kFew) return raw;
  const size_t bins = std::clamp(raw.size() / 6, kFew, kMost);
  const double width = raw.back().x / static_cast<double>(bins);
  if (!(width > 0)) return raw;
  std::vector<Point> points;
  for (size_t i = 0; i < raw.size();) {
    const double bin = std::floor(raw[i].x / width);
    Point sum{0, 0, raw[i].y, raw[i].y};
    const size_t first = i;
    for (; i < raw.size() && (std::floor(raw[i].x / width) == bin || i == first); ++i) {
      sum.x += raw[i].x;
      sum.y += raw[i].y;
      sum.low = std::min(sum.low, raw[i].y);
      sum.high = std::max(sum.high, raw[i].y);
    }
    const auto count = static_cast<double>(i - first);
    points.push_back({sum.x / count, sum.y / count, sum.low, sum.high});
  }
  return points;
}

std::vector<Point> points_of(const Records& records, const Value& y, double seconds_a_unit) {
  std::vector<Point> points;
  for (const LogRecord& record : records) {
    const double x = seconds_a_unit > 0 ? record.seconds / seconds_a_unit : record.tokens;
    const auto value = y(record);
    // A run that went off: what is not a number any more cannot be drawn.
    if (value && std::abs(*value) < 1e30 && x < 1e30) points.push_back({x, *value, *value, *value});
  }
  return points;
}

// `seconds_a_unit` 0: against tokens.
Chart chart_of(const std::vector<RunLog>& runs, std::string title, const Value& y,
               TimeUnit time = {0, "tokens"}) {
  Chart chart{std::move(title), time.name, {}, {}, {}};
  for (size_t i = 0; i < runs.size(); ++i) {
    std::vector<Point> points = smooth(points_of(runs[i].steps, y, time.seconds));
    if (!points.empty()) chart.lines.push_back({i, std::move(points), false});
  }
  return chart;
}

// Dots from the held-out records, in a chart of the same time.
Chart with_held_out(const std::vector<RunLog>& runs, Chart chart, const Value& y,
                    TimeUnit time = {0, "tokens"}) {
  for (size_t i = 0; i < runs.size(); ++i) {
    std::vector<Point> points = points_of(runs[i].held_out, y, time.seconds);
    if (!points.empty()) chart.lines.push_back({i, std::move(points), true});
  }
  return chart;
}

// What the trainer measures in training and on held-out text under one name.
Chart chart_of_both(const std::vector<RunLog>& runs, std::string title, const Value& y) {
  return with_held_out(runs, chart_of(runs, std::move(title), y), y);
}

// A level for every value that the runs' settings have, once.
void add_levels(const std::vector<RunLog>& runs, const std::vector<std::string>& keys,
                const std::string& label, double (*level)(double), Chart& chart) {
  std::set<double> values;
  for (const ChartLine& line : chart.lines) {
    if (const auto value = runs[line.series].setting(keys)) values.insert(*value);
  }
  for (const double value : values) {
    if (value <= 0) continue;
    chart.levels.push_back({level(value), fmt::format("{}{}", label, short_number(value))});
  }
}

double itself(double value) { return value; }
double natural_log(double value) { return std::log(value); }

std::vector<Chart> charts_of(const std::vector<RunLog>& runs) {
  const TimeUnit time = time_unit(runs);
  const auto loss = [&](std::string title, TimeUnit unit) {
    return with_held_out(runs, chart_of(runs, std::move(title), kTrainLoss, unit), kHeldOutLoss,
                         unit);
  };
  Chart alive = chart_of_both(runs, "Survivors a token and head", survivors);
  add_levels(runs, {"moe_topk"}, "k = ", itself, alive);
  for (const ChartLevel& level : alive.levels) {
    alive.show.insert(alive.show.end(), {0.7 * level.y, 1.3 * level.y});
  }
  Chart used = chart_of_both(runs, "Keys used (%)", keys_used);
  used.levels = {{100, "all"}};
  Chart uniformity = chart_of_both(runs, "Uniformity", first_of({"unif"}));
  add_levels(runs, {"moe_experts"}, "ln ", natural_log, uniformity);
  Chart load = chart_of(runs, "Largest load of an expert", first_of({"load_max"}));
  load.levels = {{1, "even"}};
  Chart speed = chart_of(runs, "Tokens a second", first_of({"tokens_per_second"}));
  speed.show = {0};
  std::vector<Chart> charts = {loss("Loss against tokens (nats a token)", {0, "tokens"}),
                               loss("Loss against time (nats a token)", time),
                               std::move(alive),
                               std::move(used),
                               std::move(uniformity),
                               chart_of_both(runs, "Ambiguity", first_of({"amb"})),
                               chart_of(runs, "Load balance", first_of({"balance"})),
                               std::move(load),
                               chart_of(runs, "Router z-loss", first_of({"z"})),
                               chart_of(runs, "Gradient norm", first_of({"grad_norm"})),
                               std::move(speed),
                               chart_of(runs, "Learning rate", first_of({"lr"}))};
  std::erase_if(charts, [](const Chart& chart) { return chart.lines.empty(); });
  return charts;
}

// The runs' names, and what the marks are; `bottom` becomes where they end.
std::string legend(const std::vector<RunLog>& runs, double width, double& bottom) {
  std::vector<std::string> names;
  for (const RunLog& run : runs) names.push_back(run.name);
  std::string svg = svg_legend(names, width, bottom);
  bottom += 24;
  svg += fmt::format(
      "<text x=\"{:.1f}\" y=\"{:.1f}\" class=\"label\">line: mean of neighbouring steps · band: "
      "their least and greatest · dots: held-out text</text>\n",
      kLegendLeft, bottom);
  bottom += 14;
  return svg;
}

std::string picture(const std::vector<RunLog>& runs, double& width, double& height) {
  constexpr double kGap = 16;
  const std::vector<Chart> charts = charts_of(runs);
  width = 2 * kChartWidth + 3 * kGap;
  double top = kGap;
  std::string svg = legend(runs, width, top);
  for (size_t i = 0; i < charts.size(); ++i) {
    const double x = kGap + static_cast<double>(i % 2) * (kChartWidth + kGap);
    const size_t row = i / 2;
    const double y = top + static_cast<double>(row) * (kChartHeight + kGap);
    svg += svg_chart(charts[i], x, y, fmt::format("chart{}", i));
  }
  const size_t rows = (charts.size() + 1) / 2;
  height = top + static_cast<double>(rows) * (kChartHeight + kGap);
  return svg;
}

std::string document(const std::vector<RunLog>& runs, bool with_style) {
  double width = 0, height = 0;
  const std::string content = picture(runs, width, height);
  return svg_document(content, width, height, "Training curves", with_style);
}

std::string cell(std::optional<double> value, const char* format) {
  return value ? "<td>" + fmt::format(fmt::runtime(format), *value) + "</td>" : "<td>–</td>";
}

// The mean of the last twentieth of the steps: single ones are noisy.
std::optional<double> final_mean(const Records& records, const Value& y) {
  const size_t count = std::max<size_t>(1, records.size() / 20);
  double sum = 0;
  size_t found = 0;
  for (size_t i = records.size() - std::min(count, records.size()); i < records.size(); ++i) {
    if (const auto value = y(records[i])) sum += *value, ++found;
  }
  return found == 0 ? std::nullopt : std::optional(sum / static_cast<double>(found));
}

// On held-out text where the run measured it there.
std::optional<double> last_of(const RunLog& run, const Value& y) {
  const auto measured = run.held_out.empty() ? std::nullopt : y(run.held_out.back());
  return measured ? measured : final_mean(run.steps, y);
}

std::string table(const std::vector<RunLog>& runs) {
  std::string html =
      "<table>\n<tr><th>run</th><th>tokens</th><th>hours</th><th>loss</th><th>held out</th>"
      "<th>survivors</th><th>keys used</th><th>tokens/s</th></tr>\n";
  for (size_t i = 0; i < runs.size(); ++i) {
    const RunLog& run = runs[i];
    const LogRecord last = run.steps.empty() ? LogRecord{} : run.steps.back();
    html += fmt::format(
        "<tr><td><svg width=\"26\" height=\"10\">{}</svg> {}</td><td>{}</td><td>{:.2f}</td>",
        svg_key(i, 0, 5, false), xml_text(run.name), short_number(last.tokens),
        last.seconds / 3600);
    html += cell(final_mean(run.steps, kTrainLoss), "{:.3f}");
    html += cell(last_of(run, kHeldOutLoss), "{:.3f}");
    html += cell(last_of(run, survivors), "{:.1f}");
    html += cell(last_of(run, keys_used), "{:.1f} %");
    html += cell(final_mean(run.steps, first_of({"tokens_per_second"})), "{:.0f}") + "</tr>\n";
  }
  return html + "</table>\n";
}

constexpr const char* kPageStyle = R"(body{margin:0;background:var(--paper);color:var(--ink);
font-family:system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main{max-width:1200px;margin:0 auto;padding:24px 16px}h1{font-size:22px;margin:0 0 4px}
p{color:var(--soft);margin:0 0 16px;font-size:14px}svg[role=img]{width:100%;height:auto;display:block}
table{border-collapse:collapse;font-size:14px;margin:0 0 8px;width:100%}
th{font-weight:600;text-align:right;color:var(--soft)}td{text-align:right;font-variant-numeric:tabular-nums}
th,td{padding:5px 10px;border-bottom:1px solid var(--grid)}th:first-child,td:first-child{text-align:left}
.scroll{overflow-x:auto}
)";

}  // namespace

std::string curves_svg(const std::vector<RunLog>& runs) { return document(runs, true); }

std::string curves_html(const std::vector<RunLog>& runs) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
      "<title>Training curves</title>\n<style>\n{}{}</style>\n</head>\n<body>\n<main>\n"
      "<h1>Training curves</h1>\n<p>Where each run ended: loss and speed over the last twentieth "
      "of "
      "its steps; survivors and keys on held-out text where they were measured there.</p>\n<div "
      "class=\"scroll\">\n{}</div>\n{}</main>\n"
      "</body>\n</html>\n",
      chart_style(), kPageStyle, table(runs), document(runs, false));
}

}  // namespace expertoire::train
