#include "analysis/unit_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "io/chart.h"

namespace expertoire {
namespace {

// A table of bars: name, value, length.
struct Bar {
  std::string name, value, title;
  double size = 0;
};

std::string bars(const std::vector<Bar>& rows) {
  double most = 0;
  for (const Bar& row : rows) most = std::max(most, row.size);
  std::string html = "<table>\n";
  for (const Bar& row : rows) {
    html += fmt::format(
        "<tr title=\"{}\"><td>{}</td><td class=\"number\">{}</td><td style=\"width:40%\">"
        "<div class=\"bar\" style=\"width:{:.1f}%\"></div></td></tr>\n",
        row.title, row.name, row.value, most > 0 ? 100 * row.size / most : 0);
  }
  return html + "</table>\n";
}

// Columns of counts, on a scale of logarithms; the names of the first and the last bin below.
std::string columns(std::span<const uint32_t> counts, const std::vector<std::string>& names) {
  constexpr double kWidth = 360, kHeight = 90, kBottom = 16;
  const double step = kWidth / static_cast<double>(counts.size());
  double most = 0;
  for (const uint32_t count : counts) most = std::max(most, std::log1p(count));
  std::string svg = fmt::format(
      "<svg viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" "
      "height=\"{1:.0f}\" role=\"img\">\n",
      kWidth, kHeight + kBottom);
  for (size_t i = 0; i < counts.size(); ++i) {
    const double height = most > 0 ? kHeight * std::log1p(counts[i]) / most : 0;
    svg += fmt::format(
        "<rect class=\"column\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\">"
        "<title>{}: {}</title></rect>\n",
        step * static_cast<double>(i) + 1, kHeight - height, step - 2, height, names[i], counts[i]);
  }
  return svg + fmt::format(
                   "<text x=\"0\" y=\"{0:.0f}\">{1}</text><text x=\"{2:.0f}\" y=\"{0:.0f}\" "
                   "text-anchor=\"end\">{3}</text></svg>\n",
                   kHeight + 12, names.front(), kWidth, names.back());
}

std::string scores_section(const UnitView& view, float top) {
  std::vector<std::string> names, places;
  for (int bin = 0; bin < kHistogramBins; ++bin) {
    names.push_back(fmt::format("{:.2f} – {:.2f}", top * static_cast<float>(bin) / kHistogramBins,
                                top * static_cast<float>(bin + 1) / kHistogramBins));
  }
  for (int bin = 0; bin < kPositionBins; ++bin) {
    const int first = bin == 0 ? 0 : 1 << (bin - 1), last = (1 << bin) - 1;
    places.push_back(bin + 1 == kPositionBins ? fmt::format("from {}", first)
                     : first >= last          ? std::to_string(first)
                                              : fmt::format("{} – {}", first, last));
  }
  return "<section><h2>Scores</h2>\n" + columns(view.record.histogram, names) +
         "<h2 style=\"margin-top:12px\">Place in the window</h2>\n" +
         columns(view.record.positions, places) +
         "<small>uses, on a scale of logarithms</small></section>\n";
}

std::string rates_section(const UnitView& view, const IndexInfo& info) {
  std::vector<Bar> rows;
  for (const LabelRate& rate : view.rates) {
    rows.push_back({xml_text(info.labels[static_cast<size_t>(rate.label)]),
                    fmt::format("{:.2f} ×", rate.lift),
                    fmt::format("{:.4g} mass a token; {} uses in {} documents", rate.rate,
                                rate.use.count, rate.use.documents),
                    rate.rate});
  }
  return "<section><h2>Kinds of documents</h2>\n<small>mass a token, over that of all documents"
         "</small>\n" +
         bars(rows) + "</section>\n";
}

std::string tokens_section(const UnitView& view) {
  if (view.tokens.empty()) return "";
  std::vector<Bar> rows;
  for (const NamedToken& token : view.tokens) {
    const char* at_most = token.use.error > 0 ? "≤ " : "";
    rows.push_back({token_html(token.text), fmt::format("{}{}", at_most, token.use.count),
                    fmt::format("mass {}{:.4g}", at_most, token.use.mass),
                    token.use.mass - token.use.error});
  }
  return "<section><h2>Tokens</h2>\n<small>uses; the bar is mass that is sure</small>\n" +
         bars(rows) + "</section>\n";
}

std::string effect_section(const LogitEffect& effect) {
  const auto list = [](const char* title, const std::vector<TokenLogit>& tokens) {
    std::vector<Bar> rows;
    for (const TokenLogit& token : tokens) {
      rows.push_back({token_html(token.text), fmt::format("{:+.3g}", token.logit),
                      fmt::format("token {}", token.token), std::abs(token.logit)});
    }
    return fmt::format("<h2>{}</h2>\n", title) + bars(rows);
  };
  return "<section>" + list("Raises the logits of", effect.promoted) + "<p></p>" +
         list("Lowers those of", effect.suppressed) +
         "<small>what its mean output does, less that of its layer</small></section>\n";
}

std::string unit_link(const ExportedUnits& units, const Unit& unit) {
  const UnitTable& table = units.index().units();
  const std::string name = table.name(unit);
  if (!units.contains(unit)) return name;
  return fmt::format("<a href=\"{}\">{}</a>", page_name(table, unit), name);
}

std::string partners_section(const UnitView& view, const ExportedUnits& units) {
  if (view.partners.empty()) return "";
  std::vector<Bar> rows;
  for (const Partner& partner : view.partners) {
    rows.push_back({unit_link(units, partner.unit), fmt::format("{:.1f} %", 100 * partner.jaccard),
                    fmt::format("{} tokens", partner.count), partner.jaccard});
  }
  return "<section><h2>Together with</h2>\n<small>tokens that both served, of those that one of "
         "them did</small>\n" +
         bars(rows) + "</section>\n";
}

std::string labels_section(const UnitView& view) {
  if (view.labels.empty()) return "";
  std::string html = "<section><h2>Said to do</h2>\n";
  for (const UnitLabel& label : view.labels) {
    html += fmt::format(
        "<p class=\"said\"><span class=\"{}\">{}</span> <q>{}</q> <small>{}, {}</small></p>\n",
        label.reliable ? "reliable" : "unreliable",
        label.reliable ? "reliable:" : "not reliable:", xml_text(label.text),
        xml_text(label.method), label_score(label));
  }
  return html + "</section>\n";
}

// A line end is shown, not made: contexts are to be read side by side.
std::string in_one_line(std::string_view text) {
  std::string html;
  for (size_t end = 0; (end = text.find('\n')) != std::string_view::npos;) {
    html += xml_text(text.substr(0, end)) + "<i>⏎</i> ";
    text.remove_prefix(end + 1);
  }
  return html + xml_text(text);
}

std::string context_html(const ShownContext& window, float max) {
  std::string html =
      fmt::format("<div class=\"context\"><small>{:.3f} · {} · {} · token {}</small>{}",
                  window.score, xml_text(window.label), xml_text(window.document), window.position,
                  window.from_start ? "" : "…");
  for (size_t i = 0; i < window.pieces.size(); ++i) {
    const std::string piece = in_one_line(window.pieces[i]);
    if (window.scores[i] == 0) {
      html += piece;
      continue;
    }
    html += fmt::format("<{0} class=\"hot\" style=\"--s:{1:.2f}\" title=\"{2:.3f}\">{3}</{0}>",
                        i == window.mark ? "mark" : "span", max > 0 ? window.scores[i] / max : 0,
                        window.scores[i], piece);
  }
  return html + (window.to_end ? "" : "…") + "</div>\n";
}

std::string kind_name(const UnitView& view, const IndexedLayer& layer) {
  const Unit& unit = view.record.unit;
  const std::string where = fmt::format("routing layer {}", unit.layer);
  if (unit.kind == UnitKind::kLeft) return fmt::format("left key {} of {}", unit.id, where);
  if (unit.kind == UnitKind::kRight) return fmt::format("right key {} of {}", unit.id, where);
  if (layer.keys == 0) return fmt::format("expert {} of {}", unit.id, where);
  return fmt::format("joint expert of left key {} and right key {}, {}", unit.id / layer.keys,
                     unit.id % layer.keys, where);
}

std::string header(const UnitView& view, const ExportedUnits& units, const Unit* before,
                   const Unit* after) {
  const UnitTable& table = units.index().units();
  const UnitRecord& record = view.record;
  const IndexedLayer& layer = table.layer(record.unit.layer);
  std::string html = "<nav><a href=\"../index.html\">overview</a>";
  if (before != nullptr) html += "<span>← " + unit_link(units, *before) + "</span>";
  if (after != nullptr) html += "<span>" + unit_link(units, *after) + " →</span>";
  if (record.unit.kind == UnitKind::kExpert && layer.keys > 0) {
    html += "<span>keys: " +
            unit_link(units, {record.unit.layer, UnitKind::kLeft, record.unit.id / layer.keys}) +
            ", " +
            unit_link(units, {record.unit.layer, UnitKind::kRight, record.unit.id % layer.keys}) +
            "</span>";
  }
  const double tokens = static_cast<double>(std::max<int64_t>(1, units.index().info().tokens));
  return html + fmt::format(
                    "</nav>\n<h1>{}</h1>\n<p class=\"soft\">{}</p>\n"
                    "<p>Used on {} tokens ({:.3g} %), mass {:.4g}, highest score "
                    "{:.4g}.</p>\n",
                    view.name, kind_name(view, layer), record.count,
                    100 * static_cast<double>(record.count) / tokens, record.mass, record.max);
}

}  // namespace

std::string page_name(const UnitTable& units, const Unit& unit) {
  std::string name = units.name(unit);
  std::ranges::replace_if(
      name, [](char c) { return c == ':' || c == ','; }, '-');
  return name + ".html";
}

std::string page_head(const std::string& title, std::string_view assets) {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>{0}</title>\n<link rel=\"stylesheet\" href=\"{1}style.css\">\n"
      "<script src=\"{1}page.js\" defer></script>\n</head><body>\n<main>\n",
      xml_text(title), assets);
}

std::string token_html(std::string_view text) {
  std::string shown;
  for (const char c : text) {
    if (c == '\n') {
      shown += "⏎";
    } else if (c == '\t') {
      shown += "⇥";
    } else {
      shown += c;
    }
  }
  return "<span class=\"token\">" + xml_text(shown) + "</span>";
}

std::string label_score(const UnitLabel& label) {
  if (!label.score) return "not scored";
  std::string text = fmt::format("balanced accuracy {:.3f}", *label.score);
  if (label.low && label.high) text += fmt::format(" [{:.3f}, {:.3f}]", *label.low, *label.high);
  return text + fmt::format(" of {} items", label.items);
}

std::string unit_page(const UnitView& view, const ExportedUnits& units, const Unit* before,
                      const Unit* after) {
  const IndexInfo& info = units.index().info();
  std::string page = page_head(view.name, "../") + header(view, units, before, after) +
                     labels_section(view) + "<div class=\"columns\"><div>\n" +
                     scores_section(view, histogram_top(units.index(), view.record.unit)) +
                     rates_section(view, info) + tokens_section(view);
  if (view.effect) page += effect_section(*view.effect);
  page += partners_section(view, units) + "</div><div>\n<section><h2>Contexts</h2>\n";
  for (const ShownContext& window : view.contexts) page += context_html(window, view.record.max);
  page += "</section>\n</div></div>\n";
  return page + std::string(kPageEnd);
}

}  // namespace expertoire
