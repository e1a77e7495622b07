#include "io/html_page.h"

#include <fmt/format.h>

#include "io/svg.h"

namespace expertoire {
namespace {

using nlohmann::json;

// After the style of pictures, whose colours it takes.
constexpr std::string_view kStyle = R"(
body { font: 15px/1.5 sans-serif; margin: 2em auto; max-width: 75em; padding: 0 1em; color: var(--ink);
  background: var(--paper) }
table { border-collapse: collapse; margin: 1em 0 }
th, td { padding: .25em .8em; border-bottom: 1px solid var(--grid); text-align: left }
td.number { text-align: right; font-variant-numeric: tabular-nums }
td small { color: var(--soft) }
th { cursor: pointer; user-select: none }
th[aria-sort=ascending]::after { content: " \2191" }
th[aria-sort=descending]::after { content: " \2193" }
code { overflow-wrap: anywhere }
p { max-width: 50em }
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
)";

}  // namespace

std::string plain_text(const json& value) {
  return value.is_string() ? value.get<std::string>()
                           : value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string html_page(std::string_view title, const std::string& body) {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta "
      "charset=\"utf-8\"><title>{0}</title><style>{1}{2}"
      "</style></head><body>\n<h1>{0}</h1>\n{3}{4}</body></html>\n",
      xml_text(title), svg_style(), kStyle, body, kScript);
}

std::string text_cell(std::string_view text) {
  return fmt::format("<td data-value=\"{0}\">{0}</td>", xml_text(text));
}

std::string number_cell(double value, std::string_view shown) {
  return fmt::format("<td class=\"number\" data-value=\"{}\">{}</td>", value, shown);
}

std::string facts_table(const json& facts) {
  std::string table = "<table><tbody>\n";
  for (const auto& [key, value] : facts.items()) {
    for (const json& one : value.is_array() ? value : json::array({value})) {
      std::string shown = plain_text(one);
      if (one.is_object() && one.contains("file") && one.contains("hash")) {
        shown = plain_text(one["file"]) + ", hash " + plain_text(one["hash"]);
      }
      table += fmt::format("<tr><td>{}</td><td><code>{}</code></td></tr>\n", xml_text(key),
                           xml_text(shown));
    }
  }
  return table + "</tbody></table>\n";
}

}  // namespace expertoire
