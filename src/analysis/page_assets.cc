#include "analysis/page_assets.h"

namespace expertoire {

// Cells .l0 … .l8: a unit's load against an even one, from an eighth or less to eight times or
// more. Cells .c0 … of labels get their hue from --hue.
const std::string_view kPageStyle = R"(:root {
  --paper: #fbfaf8; --card: #fff; --ink: #1f2328; --soft: #667; --line: #e3e1dc; --link: #0a58a5;
  --bar: #4a7fb5; --mark: 255, 170, 0; --good: #2c7a4b; --bad: #a04000; --dead: #fff;
  --low: 37, 99, 180; --high: 196, 78, 20; --even: #e9e7e2; color-scheme: light dark;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #16181b; --card: #1e2125; --ink: #e4e4e2; --soft: #9a9fa8; --line: #33373d;
    --link: #7db7f0; --bar: #5b93cc; --mark: 214, 140, 0; --good: #63c78a; --bad: #f0a060;
    --dead: #16181b; --low: 90, 155, 240; --high: 240, 130, 60; --even: #3a3e44;
  }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif }
main { max-width: 1240px; margin: 0 auto; padding: 20px 20px 60px }
a { color: var(--link); text-decoration: none } a:hover { text-decoration: underline }
h1 { font-size: 24px; margin: 6px 0 2px } h2 { font-size: 16px; margin: 0 0 8px }
p { margin: 0 0 10px } .soft, small { color: var(--soft) }
nav { display: flex; gap: 16px; font-size: 14px; flex-wrap: wrap }
section { background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  padding: 14px 16px; margin: 14px 0; overflow-x: auto }
.columns { display: grid; grid-template-columns: minmax(300px, 1fr) 2fr; gap: 14px; align-items: start }
.columns > div > section:first-child { margin-top: 0 }
.columns > div { min-width: 0 }
@media (max-width: 900px) { .columns { grid-template-columns: 1fr } }
table { border-collapse: collapse; width: 100%; font-size: 14px }
th, td { padding: 3px 10px 3px 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: middle }
th { color: var(--soft); font-weight: 600 }
.sortable th { cursor: pointer; user-select: none; white-space: nowrap }
th[aria-sort=ascending]::after { content: " \2191" } th[aria-sort=descending]::after { content: " \2193" }
th.number, .number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
code, .token { font-family: ui-monospace, "DejaVu Sans Mono", Menlo, monospace; font-size: 13px; white-space: pre-wrap }
.token { background: var(--paper); border: 1px solid var(--line); border-radius: 4px; padding: 0 3px }
.context { padding: 7px 0; border-bottom: 1px solid var(--line); white-space: pre-wrap; overflow-wrap: anywhere }
.context i { font-style: normal; color: var(--soft) }
.context:last-child { border: 0 }
.context small { display: block; white-space: normal }
.hot { background: rgba(var(--mark), calc(.15 + .55 * var(--s))); border-radius: 3px }
mark.hot { color: inherit; font-weight: 600; outline: 1px solid rgba(var(--mark), .9) }
.bar { background: var(--bar); height: 10px; border-radius: 2px; min-width: 1px }
.said { margin: 0 0 6px } .reliable { color: var(--good) } .unreliable { color: var(--bad) }
.unreliable + q { color: var(--soft) }
svg { display: block; max-width: 100%; height: auto } svg text { font-size: 11px; fill: var(--soft) }
svg .column { fill: var(--bar) }
.controls { display: flex; gap: 14px; align-items: center; flex-wrap: wrap; margin-bottom: 8px }
input, select { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--line);
  border-radius: 5px; padding: 3px 8px }
.map { margin: 0 0 12px } .map svg { max-width: none }
.map h3 { font-size: 13px; font-weight: 600; margin: 0 0 3px; color: var(--soft) }
.cell { stroke: var(--card); stroke-width: 1 } a:hover .cell { stroke: var(--ink); stroke-width: 2 }
.l0 { fill: rgba(var(--low), .95) } .l1 { fill: rgba(var(--low), .7) } .l2 { fill: rgba(var(--low), .45) }
.l3 { fill: rgba(var(--low), .22) } .l4 { fill: var(--even) } .l5 { fill: rgba(var(--high), .22) }
.l6 { fill: rgba(var(--high), .45) } .l7 { fill: rgba(var(--high), .7) } .l8 { fill: rgba(var(--high), .95) }
.dead { fill: var(--dead); stroke: var(--line) }
.by-label .cell:not(.dead) { fill: hsl(var(--hue), 65%, 48%); fill-opacity: var(--much) }
.legend { display: flex; gap: 4px 12px; flex-wrap: wrap; font-size: 13px; color: var(--soft); margin-bottom: 10px }
.legend i { display: inline-block; width: 13px; height: 13px; border-radius: 2px; margin-right: 4px; vertical-align: -2px }
.by-label .of-load, .legend.of-label { display: none } .by-label .legend.of-label { display: flex }
)";

const std::string_view kPageScript = R"("use strict";
// Tables sort by a click on a heading, by the cells' data-value: as numbers where they are.
for (const heading of document.querySelectorAll(".sortable th")) heading.addEventListener("click", () => {
  const table = heading.closest("table"), column = heading.cellIndex;
  const down = heading.getAttribute("aria-sort") !== "descending";
  for (const other of table.querySelectorAll("th")) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", down ? "descending" : "ascending");
  const value = row => row.cells[column].dataset.value ?? row.cells[column].textContent;
  const rows = [...table.tBodies[0].rows].map(row => [value(row), row]);
  const numbers = rows.every(([v]) => v !== "" && !isNaN(v));
  rows.sort(([a], [b]) => (numbers ? a - b : a.localeCompare(b)) * (down ? -1 : 1));
  table.tBodies[0].append(...rows.map(([, row]) => row));
});
// Rows that hold every word.
const filter = document.getElementById("filter"), count = document.getElementById("count");
if (filter) {
  const rows = [...document.querySelectorAll("#units tbody tr")];
  const texts = rows.map(row => row.textContent.toLowerCase());
  const apply = () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, i) => {
      row.hidden = !words.every(word => texts[i].includes(word));
      if (!row.hidden) ++shown;
    });
    count.textContent = `${shown} of ${rows.length}`;
  };
  filter.addEventListener("input", apply);
  apply();
}
const colour = document.getElementById("colour");
if (colour) {
  const apply = () =>
    document.getElementById("maps").classList.toggle("by-label", colour.value === "label");
  colour.addEventListener("change", apply);
  apply();
}
)";

}  // namespace expertoire
