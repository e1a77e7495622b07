#include "eval/report.h"

#include <fmt/format.h>

#include <map>
#include <set>

#include "io/html_page.h"
#include "io/svg.h"

namespace expertoire {
namespace {

using nlohmann::json;
using Group = std::vector<const EvalResult*>;

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
        value.is_number_float() ? fmt::format("{:.4g}", value.get<double>()) : plain_text(value));
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

}  // namespace

std::string report_page(const std::vector<EvalResult>& results, const Picture* picture) {
  std::vector<std::string> tasks;  // in the order in which they came
  std::map<std::string, Group> groups;
  for (const EvalResult& result : results) {
    if (groups[result.task].empty()) tasks.push_back(result.task);
    groups[result.task].push_back(&result);
  }
  std::string page;
  if (picture != nullptr) page += svg_part(*picture);
  for (const std::string& task : tasks) {
    const Group& group = groups[task];
    page += fmt::format("<h2>{}</h2>\n<p>{}, with 95 % intervals</p>\n", xml_text(task),
                        xml_text(group.front()->main));
    if (const auto scores = score_picture(group)) page += svg_part(*scores);
    page += table_of(group);
  }
  return html_page("Evaluation", page + provenance_of(results));
}

}  // namespace expertoire
