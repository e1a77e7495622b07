#include "analysis/mask_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "io/chart.h"
#include "io/html_page.h"

namespace expertoire {
namespace {

using nlohmann::json;

// How a change is shown: of documents in thousandths of a bit a byte, of questions in hundredths of
// their wrong answers.
double scale_of(const MaskEffects& effects) { return effects.questions ? 100 : 1000; }
std::string unit_of(const MaskEffects& effects) {
  return effects.questions ? "change of the wrong answers of each domain, percentage points"
                           : "change of the text of each domain, thousandths of a bit a byte";
}

constexpr std::string_view kKindWords[] = {
    "the domain's experts", "as many random experts", "random experts of the same routing mass",
    "random experts of the same routing mass in the target's text",
    "as many of the most frequent experts"};
std::string words(MaskKind kind) { return std::string(kKindWords[static_cast<size_t>(kind)]); }

// "1.2 <small>0.9 – 1.5</small>", times `scale`.
std::string shown(const Interval& interval, double scale, const char* format = "{:.1f}") {
  const auto number = [&](double value) {
    return fmt::format(fmt::runtime(format), scale * value);
  };
  if (std::isnan(interval.value)) return "–";
  if (std::isnan(interval.low)) return number(interval.value);
  return fmt::format("{} <small>{} – {}</small>", number(interval.value), number(interval.low),
                     number(interval.high));
}

std::string cell_of(const Interval& interval, double scale, const char* format = "{:.1f}") {
  return number_cell(interval.value, shown(interval, scale, format));
}

std::string cell_of(const std::optional<Interval>& interval, double scale,
                    const char* format = "{:.1f}") {
  return interval ? cell_of(*interval, scale, format) : "<td data-value=\"\">–</td>";
}

std::string summary_table(const MaskEffects& effects) {
  const double scale = scale_of(effects);
  std::string table =
      "<table><thead><tr><th>masked</th><th>targets</th><th>target</th><th>others</th>"
      "<th>difference</th><th>ratio</th><th>selected less this</th><th>selected over this</th>"
      "</tr></thead><tbody>\n";
  for (const auto& [kind, summary] : effects.summaries) {
    table += "<tr>" + text_cell(words(kind)) +
             number_cell(summary.targets, std::to_string(summary.targets)) +
             cell_of(summary.target, scale) + cell_of(summary.others, scale) +
             cell_of(summary.difference, scale) + cell_of(summary.ratio, 1, "{:.2f}") +
             cell_of(summary.selected_less, scale) + cell_of(summary.selected_over, 1, "{:.2f}") +
             "</tr>\n";
  }
  return table + "</tbody></table>\n";
}

std::string target_table(const MaskEffects& effects) {
  const double scale = scale_of(effects);
  std::string table =
      "<table><thead><tr><th>target</th><th>masked</th><th>experts</th><th>routing mass</th>"
      "<th>… in its text</th><th>target</th><th>least – most of the seeds</th><th>others</th>"
      "</tr></thead><tbody>\n";
  for (const MaskEffect& effect : effects.effects) {
    const auto target = static_cast<size_t>(effect.target);
    const auto share = [](double value) {
      return number_cell(value, fmt::format("{:.3g} %", 100 * value));
    };
    table += "<tr>" + text_cell(effects.domains[target].name) + text_cell(words(effect.kind)) +
             number_cell(effect.experts, fmt::format("{:.0f}", effect.experts)) +
             share(effect.mass) + share(effect.target_mass) +
             cell_of(effect.change[target], scale) +
             (effect.seeds > 1
                  ? number_cell(effect.least, fmt::format("{:.1f} – {:.1f}", scale * effect.least,
                                                          scale * effect.most))
                  : "<td data-value=\"\"></td>") +
             cell_of(effect.others, scale) + "</tr>\n";
  }
  return table + "</tbody></table>\n";
}

std::string text_table(const MaskEffects& effects) {
  std::string table =
      "<table><thead><tr><th>domain</th><th>documents</th><th>bytes</th><th>bits a byte</th>"
      "</tr></thead><tbody>\n";
  for (const MeasuredDomain& domain : effects.domains) {
    table += "<tr>" +
             text_cell(domain.name + (domain.claimed ? "" : " (too few documents)") +
                       (domain.beside ? " (beside the domains)" : "")) +
             number_cell(static_cast<double>(domain.items), std::to_string(domain.items)) +
             number_cell(static_cast<double>(domain.size), std::to_string(domain.size)) +
             cell_of(domain.before, 1, "{:.4f}") + "</tr>\n";
  }
  return table + "</tbody></table>\n";
}

std::string question_table(const MaskEffects& effects) {
  std::string table =
      "<table><thead><tr><th>domain</th><th>questions</th><th>wrong, %</th><th>by chance, %</th>"
      "</tr></thead><tbody>\n";
  for (const MeasuredDomain& domain : effects.domains) {
    table += "<tr>" + text_cell(domain.name + (domain.claimed ? "" : " (not above chance)")) +
             number_cell(static_cast<double>(domain.items), std::to_string(domain.items)) +
             cell_of(domain.before, 100) +
             cell_of(Interval{domain.by_chance, std::nan(""), std::nan("")}, 100) + "</tr>\n";
  }
  return table + "</tbody></table>\n";
}

std::string agreement_table(const json& agreement) {
  std::string table =
      "<table><thead><tr><th>domain</th><th>here</th><th>in the other index</th><th>in both</th>"
      "<th>Jaccard</th><th>plain rule: here</th><th>in the other</th><th>in both</th>"
      "<th>Jaccard</th></tr></thead><tbody>\n";
  for (const json& row : agreement) {
    table += "<tr>" + text_cell(row["domain"].get<std::string>());
    for (const char* which : {"qualified", "plain"}) {
      for (const char* key : {"first", "second", "both"}) {
        const auto count = row[which][key].get<int64_t>();
        table += number_cell(static_cast<double>(count), std::to_string(count));
      }
      const auto jaccard = row[which]["jaccard"].get<double>();
      table += number_cell(jaccard, fmt::format("{:.3f}", jaccard));
    }
    table += "</tr>\n";
  }
  return table + "</tbody></table>\n";
}

constexpr std::string_view kIntroduction =
    "<p>What it costs the held-out text of every domain when the experts of one domain, the "
    "target, "
    "are taken away. Changes are in thousandths of a bit a byte, more is worse; small numbers are "
    "95 % intervals over documents. In the heat maps, bold numbers have an interval without 0. "
    "No document took part in selecting the experts. A domain with fewer than ten documents is "
    "shown without an interval and has no part in the means.</p>\n";

constexpr std::string_view kOfQuestions =
    "<p>Changes are in percentage points of wrong answers, more is worse. Domains that the model "
    "without a mask does not answer better than a guess (the whole interval) were not asked under "
    "masks: nothing is said of them.</p>\n";

}  // namespace

HeatMap heat_map_of(const MaskEffects& effects, MaskKind kind, double most) {
  const double scale = scale_of(effects);
  HeatMap map;
  map.title = "Masking " + words(kind);
  map.row_title = "target";
  map.column_title = unit_of(effects);
  map.most = most;
  for (const MeasuredDomain& domain : effects.domains) map.columns.push_back(domain.name);
  for (const MaskEffect& effect : effects.effects) {
    if (effect.kind != kind) continue;
    map.rows.push_back(effects.domains[static_cast<size_t>(effect.target)].name);
    map.own.push_back(effect.target);
    std::vector<HeatCell>& row = map.cells.emplace_back();
    for (size_t d = 0; d < map.columns.size(); ++d) {
      const Interval& change = effect.change[d];
      const bool sure = change.low > 0 || change.high < 0;
      row.push_back(
          {scale * change.value, sure,
           fmt::format("{} masked, {}: {:.2f} [{:.2f}, {:.2f}]", map.rows.back(), map.columns[d],
                       scale * change.value, scale * change.low, scale * change.high)});
      if (most == 0 && !std::isnan(change.value)) {
        map.most = std::max(map.most, std::abs(row.back().value));
      }
    }
  }
  return map;
}

namespace {

// Means, heat maps and every target.
std::string figures(const MaskEffects& effects) {
  std::string page =
      "<h2>Means over targets</h2>\n" + summary_table(effects) + "<h2>Target and domain</h2>\n";
  double most = 0;  // one scale of colours for all
  for (size_t kind = 0; kind < kMaskKinds; ++kind) {
    const HeatMap map = heat_map_of(effects, static_cast<MaskKind>(kind), most);
    if (map.rows.empty()) continue;
    if (most == 0) most = map.most;
    page += "<p>" + svg_heat_map(map) + "</p>\n";
  }
  return page + "<h2>Every target</h2>\n" + target_table(effects);
}

}  // namespace

std::string mask_page(const MaskEffects& effects, const std::optional<MaskEffects>& questions,
                      const json& agreement, const json& provenance) {
  std::string page =
      std::string(kIntroduction) + figures(effects) + "<h2>The text</h2>\n" + text_table(effects);
  if (questions) {
    page += "<h1>Questions with several answers</h1>\n" + std::string(kOfQuestions) +
            question_table(*questions);
    const bool any = std::ranges::any_of(questions->domains, &MeasuredDomain::claimed);
    if (any) page += figures(*questions);
  }
  if (!agreement.is_null()) {
    page += "<h2>Does the selection repeat?</h2>\n" + agreement_table(agreement);
  }
  page += "<h2>How this was made</h2>\n" + facts_table(provenance);
  return html_page("Masking the experts of a domain", page);
}

}  // namespace expertoire
