#include "cli/experts_text.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <iterator>

#include "base/error.h"
#include "cli/common.h"

namespace expertoire::cli {

void add_index(CLI::App& app, std::string& path) {
  app.add_option("--index", path, "What `experts index` made")->required();
}

void UnitFlags::add_to(CLI::App& app, int64_t default_uses) {
  least_uses = default_uses;
  app.add_option("--min-uses", least_uses, "Only units used so often")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--layer", layer, "Only of this layer");
  app.add_option("--kind", kinds, "Only expert, left (keys) or right; may be given again")
      ->expected(1)
      ->take_all();
}

UnitFilter UnitFlags::filter() const {
  UnitFilter filter;
  filter.layer = layer;
  filter.least_uses = least_uses;
  for (const std::string& kind : kinds) {
    filter.kinds.push_back(choose_enum<UnitKind>("--kind", kind, kUnitKindNames));
  }
  return filter;
}

void RankingFlags::add_to(CLI::App& app, std::string_view default_order) {
  by = default_order;
  app.add_option("--by", by,
                 "count, mass (sum of scores), max (highest score), or skew: highest rate in the "
                 "documents of one label over the second highest")
      ->capture_default_str();
  units.add_to(app, 0);
  app.add_option("--label", label, "Only units whose highest rate is in documents of this label");
  app.add_option("--min-documents", least_documents,
                 "Only units that so many documents of that label hold")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
}

UnitOrder RankingFlags::order() const {
  return choose_enum<UnitOrder>("--by", by, kUnitOrderNames);
}

UnitFilter RankingFlags::filter(const IndexInfo& info) const {
  UnitFilter filter = units.filter();
  filter.least_documents = least_documents;
  if (!label.empty()) filter.label = label_number(info, label);
  return filter;
}

void refuse_unused(const std::string& unit) {
  throw Error(ErrorCode::kInvalidArgument,
              {"looking at " + unit, "it was never used on the corpus of the index", "one that was",
               "`experts top` lists some"});
}

std::string on_terminal(std::string_view text) {
  std::string shown;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (text[i] == '\n') {
      shown += "⏎";
    } else if (byte < 0x20 || byte == 0x7f) {
      shown += "·";
    } else if (byte == 0xc2 && i + 1 < text.size() &&
               static_cast<unsigned char>(text[i + 1]) < 0xa0) {  // U+0080 to U+009F
      shown += "·";
      ++i;
    } else {
      shown += text[i];
    }
  }
  return shown;
}

std::string in_quotation(std::string_view text) { return "\"" + on_terminal(text) + "\""; }

std::string context_line(const ShownContext& window, bool colour) {
  std::string line = window.from_start ? "" : "…";
  for (size_t i = 0; i < window.pieces.size(); ++i) {
    const std::string piece = on_terminal(window.pieces[i]);
    if (i != window.mark) {
      line += piece;
    } else {
      line += colour ? "\x1b[1;7m" + piece + "\x1b[0m" : "«" + piece + "»";
    }
  }
  return line + (window.to_end ? "" : "…");
}

bool colours() { return ::isatty(STDOUT_FILENO) != 0; }

std::string percent(double share) {
  return fmt::format("{:.{}f} %", 100 * share, share >= 0.1 ? 1 : share >= 0.001 ? 2 : 4);
}

std::string leading_label(const std::vector<LabelRate>& rates, const IndexInfo& info) {
  if (rates.empty() || rates[0].rate == 0) return "";
  const std::string& name = info.labels[static_cast<size_t>(rates[0].label)];
  const double skew = label_skew(rates);
  return fmt::format("{} {}", name, std::isfinite(skew) ? fmt::format("{:.2f} ×", skew) : "only");
}

}  // namespace expertoire::cli
