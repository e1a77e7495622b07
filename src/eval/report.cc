#include "eval/report.h"

#include <fmt/format.h>

#include <map>
#include <set>

#include "base/svg.h"
#include "io/json.h"

namespace expertoire {
namespace {

using nlohmann::json;
using Group = std::vector<const EvalResult*>;

// Between them stands the style of pictures.
constexpr std::string_view kHead = R"(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Evaluation</title><style>
)";
constexpr std::string_view kStyle =
    R"(body { font: 15px/1.5 sans-serif; margin: 2em auto; max-width: 75em; padding: 0 1em; color: var(--ink);
  background: var(--paper) }
table { border-collapse: collapse; margin: 1em 0 }
th, td { padding: .25em .8em; border-bottom: 1px solid var(--grid); text-align: left }
td.number { text-align: right; font-variant-numeric: tabular-nums }
td small { color: var(--soft) }
th { cursor: pointer; user-select: none }
th[aria-sort=ascending]::after { content: " \2191" }
th[aria-sort=descending]::after { content: " \2193" }
code { overflow-wrap: anywhere }
</style></head><body>
<h1>Evaluation</h1>
)";

// Sorts by the cells' data-value, as numbers where they are.
constexpr std::string_view kScript = R"(<script>
for (const heading of document.querySelectorAll("th")) heading.addEventListener("click", () => {
  const table = heading.closest("table"), column = heading.cellIndex;
  const down = heading.getAttribute("aria-sort") === "descending";
  for (const other of table.querySelectorAll("th")) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", down ? "ascending" : "descending");
  const value = row => row.cells[column].dataset.value;
  const rows = [...table.tBodies[0].rows].sort((a, b) => {
    const x = value(a), y = value(b), numbers = x !== "" && y !== "" && !isNaN(x) && !isNaN(y);
    return (numbers ? x - y : x.localeCompare(y)) * (down ? 1 : -1);
  });
  table.tBodies[0].append(...rows);
});
</script>
</body></html>
)";

// A string as it is, anything else as JSON.
std::string plain(const json& value) {
  return value.is_string() ? value.get<std::string>()
                           : value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string text_cell(const std::string& text) {
  return fmt::format("<td data-value=\"{0}\">{0}</td>", xml_text(text));
}

std::string number_cell(double value, const std::string& shown) {
  return fmt::format("<td class=\"number\" data-value=\"{}\">{}</td>", value, shown);
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

// Each provenance that is there, once.
std::string provenance_of(const std::vector<EvalResult>& results) {
  std::string page = "<h2>How this was made</h2>\n";
  std::set<std::string> seen;
  for (const EvalResult& result : results) {
    if (!seen.insert(result.provenance.dump(-1, ' ', false, json::error_handler_t::replace)).second)
      continue;
    page += "<table><tbody>\n";
    for (const auto& [key, value] : result.provenance.items()) {
      for (const json& one : value.is_array() ? value : json::array({value})) {
        std::string shown = plain(one);
        if (one.is_object() && one.contains("file") && one.contains("hash")) {
          shown = plain(one["file"]) + ", hash " + plain(one["hash"]);
        }
        page += fmt::format("<tr><td>{}</td><td><code>{}</code></td></tr>\n", xml_text(key),
                            xml_text(shown));
      }
    }
    page += "</tbody></table>\n";
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
  std::string page = std::string(kHead) + svg_style() + std::string(kStyle);
  if (picture != nullptr) page += svg_part(*picture);
  for (const std::string& task : tasks) {
    const Group& group = groups[task];
    page += fmt::format("<h2>{}</h2>\n<p>{}, with 95 % intervals</p>\n", xml_text(task),
                        xml_text(group.front()->main));
    if (const auto scores = score_picture(group)) page += svg_part(*scores);
    page += table_of(group);
  }
  return page + provenance_of(results) + std::string(kScript);
}

}  // namespace expertoire
