#include "analysis/unit_view.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "analysis/unit_ranking.h"

namespace expertoire {
namespace {

using nlohmann::json;

// Infinity and NaN have no form in JSON.
json number(double value) { return std::isfinite(value) ? json(value) : json(nullptr); }
json number(const std::optional<double>& value) { return value ? number(*value) : json(nullptr); }

json rates_json(const UnitView& view, const IndexInfo& info) {
  json rates = json::array();
  for (const LabelRate& rate : view.rates) {
    rates.push_back({{"label", info.labels.at(static_cast<size_t>(rate.label))},
                     {"rate", rate.rate},
                     {"lift", rate.lift},
                     {"mass", rate.use.mass},
                     {"count", rate.use.count},
                     {"documents", rate.use.documents}});
  }
  return rates;
}

json tokens_json(const UnitView& view) {
  json tokens = json::array();
  for (const NamedToken& token : view.tokens) {
    tokens.push_back({{"token", token.use.token},
                      {"text", token.text},
                      {"count", token.use.count},
                      {"mass", token.use.mass},
                      {"error", token.use.error}});
  }
  return tokens;
}

json contexts_json(const UnitView& view) {
  json contexts = json::array();
  for (const ShownContext& window : view.contexts) {
    contexts.push_back({{"document", window.document},
                        {"label", window.label},
                        {"number", window.number},
                        {"position", window.position},
                        {"score", window.score},
                        {"tokens", window.pieces},
                        {"scores", window.scores},
                        {"mark", window.mark}});
  }
  return contexts;
}

json effect_json(const LogitEffect& effect) {
  const auto list = [](const std::vector<TokenLogit>& tokens) {
    json all = json::array();
    for (const TokenLogit& token : tokens) {
      all.push_back({{"token", token.token}, {"text", token.text}, {"logit", token.logit}});
    }
    return all;
  };
  return {{"promoted", list(effect.promoted)}, {"suppressed", list(effect.suppressed)}};
}

}  // namespace

std::vector<TokenUse> shown_tokens(const UnitRecord& record, size_t most) {
  std::vector<TokenUse> tokens = record.tokens;
  std::erase_if(tokens, [](const TokenUse& use) { return 2 * use.error > use.mass; });
  std::ranges::sort(tokens, {},
                    [](const TokenUse& use) { return std::pair(use.error - use.mass, use.token); });
  if (tokens.size() > most) tokens.resize(most);
  return tokens;
}

void UnitViewer::read_texts(std::span<const UnitRecord> records) {
  std::set<int32_t> wanted;
  for (const UnitRecord& record : records) {
    for (const TokenUse& use : shown_tokens(record, options_.tokens)) wanted.insert(use.token);
  }
  texts_ = token_texts(index_, std::move(wanted));
}

UnitView UnitViewer::view(const UnitRecord& record) {
  UnitView view{index_.units().name(record.unit),
                record,
                label_rates(record, index_.info()),
                {},
                {},
                partners_of(record),
                labels_of(index_, record.unit),
                std::nullopt};
  for (const TokenUse& use : shown_tokens(record, options_.tokens)) {
    view.tokens.push_back({texts_[use.token], use});
  }
  for (size_t i = 0; i < std::min(options_.contexts, record.contexts.size()); ++i) {
    view.contexts.push_back(shown_context(index_, documents_, record, record.contexts[i],
                                          options_.before, options_.after));
  }
  return view;
}

std::vector<Partner> UnitViewer::partners_of(const UnitRecord& record) {
  const Unit& unit = record.unit;
  const auto [entry, fresh] = together_.try_emplace({unit.layer, unit.kind});
  if (fresh) entry->second = index_.together(unit.layer, unit.kind);
  const std::vector<uint32_t>& counts = entry->second;
  if (counts.empty()) return {};
  const IndexedLayer& layer = index_.units().layer(unit.layer);
  const int64_t n = unit.kind == UnitKind::kExpert ? layer.experts : layer.keys;
  const auto count = [&](int64_t i, int64_t j) { return counts[static_cast<size_t>(i * n + j)]; };
  std::vector<Partner> partners;
  for (int64_t other = 0; other < n; ++other) {
    const uint32_t both = count(unit.id, other);
    if (other == unit.id || both == 0) continue;
    const double either = double{1} * count(unit.id, unit.id) + count(other, other) - both;
    partners.push_back({{unit.layer, unit.kind, other}, both, both / either});
  }
  std::ranges::sort(partners, {}, [](const Partner& p) { return std::pair(-p.jaccard, p.unit); });
  if (partners.size() > options_.partners) partners.resize(options_.partners);
  return partners;
}

float histogram_top(const ExpertIndex& index, const Unit& unit) {
  const IndexedLayer& layer = index.units().layer(unit.layer);
  return layer.keys > 0 ? static_cast<float>(layer.heads) : 1.0F;
}

json to_json(const UnitLabel& label) {
  return {{"method", label.method},
          {"text", label.text},
          {"score", number(label.score)},
          {"interval", label.low && label.high ? json{*label.low, *label.high} : json(nullptr)},
          {"p", number(label.p)},
          {"items", label.items},
          {"reliable", label.reliable},
          {"source", label.source},
          {"made", label.made}};
}

json to_json(const UnitView& view, const ExpertIndex& index) {
  const UnitRecord& record = view.record;
  json together = json::array(), labels = json::array();
  for (const Partner& partner : view.partners) {
    together.push_back({{"unit", index.units().name(partner.unit)},
                        {"count", partner.count},
                        {"jaccard", partner.jaccard}});
  }
  for (const UnitLabel& label : view.labels) labels.push_back(to_json(label));
  return {{"unit", view.name},
          {"layer", record.unit.layer},
          {"kind", kUnitKindNames[static_cast<size_t>(record.unit.kind)]},
          {"id", record.unit.id},
          {"count", record.count},
          {"frequency", index.info().tokens > 0 ? static_cast<double>(record.count) /
                                                      static_cast<double>(index.info().tokens)
                                                : 0.0},
          {"mass", record.mass},
          {"max", record.max},
          {"histogram", {{"top", histogram_top(index, record.unit)}, {"counts", record.histogram}}},
          {"positions", record.positions},
          {"skew", number(label_skew(view.rates))},
          {"by_label", rates_json(view, index.info())},
          {"tokens", tokens_json(view)},
          {"contexts", contexts_json(view)},
          {"together", together},
          {"labels", labels},
          {"logits", view.effect ? effect_json(*view.effect) : json(nullptr)}};
}

}  // namespace expertoire
