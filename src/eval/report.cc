#include "eval/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "io/chart.h"
#include "io/html_page.h"

namespace expertoire {
namespace {

using nlohmann::json;
using Group = std::vector<const EvalResult*>;

// A string as it is, anything else as JSON.
std::string plain(const json& value) {
  return value.is_string() ? value.get<std::string>()
                           : value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string score_cell(const EvalResult& result, const std::string& name) {
  const auto found = result.scores.find(name);
  if (found == result.scores.end()) return "<td data-value=\"\"></td>";
  std::string shown = fmt::format("{:.4f}", found->second.value);
  if (const auto& interval = found->second.interval) {
    shown += fmt::format(" <small>{:.4f} – {:.4f}</small>", interval->first, interval->second);
  }
  return number_cell(found->second.value, shown);
}

// Every detail but what a column of its own shows.
std::string settings(const EvalResult& result) {
  std::string text;
  for (const auto& [key, value] : result.details.items()) {
    if (key == "kind" || key == "alpha" || !value.is_primitive()) continue;
    text += fmt::format(
        "{}{} {}", text.empty() ? "" : ", ", key,
        value.is_number_float() ? fmt::format("{:.4g}", value.get<double>()) : plain(value));
  }
  return text;
}

std::string table_of(const Group& group) {
  std::set<std::string> names;
  for (const EvalResult* result : group) {
    for (const auto& [name, score] : result->scores) names.insert(name);
  }
  std::string page = "<table><thead><tr><th>data set</th><th>system</th><th>n</th>";
  for (const std::string& name : names) page += fmt::format("<th>{}</th>", xml_text(name));
  page += "<th>settings</th></tr></thead><tbody>\n";
  for (const EvalResult* result : group) {
    page += "<tr>" + text_cell(result->dataset) + text_cell(system_label(*result)) +
            number_cell(static_cast<double>(result->n), std::to_string(result->n));
    for (const std::string& name : names) page += score_cell(*result, name);
    page += text_cell(settings(*result)) + "</tr>\n";
  }
  return page + "</tbody></table>\n";
}

// The main score of each result: a dot, and its interval as a line.
std::string picture_of(const Group& group) {
  constexpr int kLabels = 330, kWidth = 480, kRow = 20;
  double low = 0, high = 1e-9;
  for (const EvalResult* result : group) {
    const EvalScore& score = result->scores.at(result->main);
    low = std::min({low, score.value, score.interval ? score.interval->first : 0});
    high = std::max({high, score.value, score.interval ? score.interval->second : 0});
  }
  const auto x = [&](double value) { return kLabels + kWidth * (value - low) / (high - low); };
  std::string svg = fmt::format("<svg width=\"{}\" height=\"{}\" role=\"img\">\n",
                                kLabels + kWidth + 80, kRow * group.size() + 10);
  svg += fmt::format("<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"0\" y2=\"{1}\" stroke=\"#bbb\"/>\n",
                     x(0), kRow * group.size());
  for (size_t i = 0; i < group.size(); ++i) {
    const EvalScore& score = group[i]->scores.at(group[i]->main);
    const auto y = static_cast<double>(kRow) * (static_cast<double>(i) + 0.6);
    const char* colour = group[i]->system == "model" ? "#0a58a5" : "#999";
    if (score.interval) {
      svg += fmt::format(
          "<line x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\"/>",
          x(score.interval->first), x(score.interval->second), y, y, colour);
    }
    svg += fmt::format(
        "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.5\" fill=\"{}\"/>"
        "<text x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n",
        x(score.value), y, colour, kLabels - 8, y + 4,
        xml_text(group[i]->dataset + ", " + system_label(*group[i])));
  }
  return svg + "</svg>\n";
}

// Each provenance that is there, once.
std::string provenance_of(const std::vector<EvalResult>& results) {
  std::string page = "<h2>How this was made</h2>\n";
  std::set<std::string> seen;
  for (const EvalResult& result : results) {
    if (!seen.insert(result.provenance.dump(-1, ' ', false, json::error_handler_t::replace)).second)
      continue;
    page += facts_table(result.provenance);
  }
  return page;
}

bool has_main(const EvalResult* result) {
  const auto main = result->scores.find(result->main);
  return main != result->scores.end() && std::isfinite(main->second.value);
}

}  // namespace

std::string report_page(const std::vector<EvalResult>& results) {
  std::vector<std::string> tasks;  // in the order in which they came
  std::map<std::string, Group> groups;
  for (const EvalResult& result : results) {
    if (groups[result.task].empty()) tasks.push_back(result.task);
    groups[result.task].push_back(&result);
  }
  std::string page;
  for (const std::string& task : tasks) {
    const Group& group = groups[task];
    page += fmt::format("<h2>{}</h2>\n<p>{}, with 95 % intervals</p>\n", xml_text(task),
                        xml_text(group.front()->main));
    if (std::all_of(group.begin(), group.end(), has_main)) page += picture_of(group);
    page += table_of(group);
  }
  return html_page("Evaluation", page + provenance_of(results));
}

}  // namespace expertoire
