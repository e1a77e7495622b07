#include "analysis/unit_uses.h"

#include <algorithm>
#include <array>

#include "base/error.h"

namespace expertoire {
namespace {

// Several heads may choose one expert of product keys (PEER): one use, of the sum of their weights.
void add_top_k(const TopKRouting& routing, int32_t first, LayerUses& out) {
  const bool repeats = routing.outputs != routing.num_experts;
  const auto k = static_cast<size_t>(routing.top_k);
  size_t of_token = 0;  // where the token's uses begin
  for (size_t at = 0; at < routing.selected.size(); ++at) {
    if (at % k == 0) of_token = out.uses.size();
    const float score = routing.weights[at];
    if (score == 0.0F) continue;
    out.mass += score;
    const UnitUse use{static_cast<int32_t>(at / k), first + routing.selected[at], score};
    const auto begin = out.uses.begin() + static_cast<std::ptrdiff_t>(of_token);
    const auto same =
        repeats ? std::find_if(begin, out.uses.end(),
                               [&](const UnitUse& other) { return other.unit == use.unit; })
                : out.uses.end();
    if (same == out.uses.end()) {
      out.uses.push_back(use);
    } else {
      same->score += score;
    }
  }
}

// A side of one token: its kept keys, the scores [kept, H] of each, and per head their sum and
// their highest.
struct TokenSide {
  std::span<const int32_t> keys;
  const float* scores;
  std::vector<float> sum, high;

  void take(const FactoredRouting& routing, int side, int64_t token) {
    keys = routing.kept(side, token);
    scores = routing.scores(side, token);
    sum.assign(static_cast<size_t>(routing.heads), 0.0F);
    high.assign(sum.size(), 0.0F);
    for (size_t at = 0; at < keys.size() * sum.size(); ++at) {
      sum[at % sum.size()] += scores[at];
      high[at % sum.size()] = std::max(high[at % sum.size()], scores[at]);
    }
  }
  const float* of(size_t entry) const { return scores + entry * sum.size(); }
};

float dot(const float* a, const float* b, size_t size) {
  float sum = 0.0F;
  for (size_t h = 0; h < size; ++h) sum += a[h] * b[h];
  return sum;
}

// Sums over heads in the order of FactoredRouting::joint, so that scores are the same bits.
double add_joint(const std::array<TokenSide, 2>& sides, int keys, float threshold, UnitUse use,
                 std::vector<UnitUse>& uses) {
  const size_t heads = sides[0].sum.size();
  const int32_t first = use.unit;
  double kept = 0;
  for (size_t i = 0; i < sides[0].keys.size(); ++i) {
    const float* left = sides[0].of(i);
    if (dot(left, sides[1].high.data(), heads) <= threshold) continue;
    const int32_t row = first + sides[0].keys[i] * keys;
    for (size_t j = 0; j < sides[1].keys.size(); ++j) {
      use.score = dot(left, sides[1].of(j), heads);
      if (use.score <= threshold) continue;
      use.unit = row + sides[1].keys[j];
      kept += use.score;
      uses.push_back(use);
    }
  }
  return kept;
}

void add_factored(const FactoredRouting& routing, int32_t first, float threshold, LayerUses& out) {
  const int32_t experts = routing.keys * routing.keys;
  std::array<TokenSide, 2> sides;
  for (int64_t t = 0; t < routing.tokens; ++t) {
    for (int side : {0, 1}) sides[static_cast<size_t>(side)].take(routing, side, t);
    const auto token = static_cast<int32_t>(t);
    const double mass = dot(sides[0].sum.data(), sides[1].sum.data(), sides[0].sum.size());
    const double kept = add_joint(sides, routing.keys, threshold, {token, first, 0}, out.uses);
    out.mass += mass;
    out.dropped += mass - kept;
    int32_t base = first + experts;
    for (const TokenSide& side : sides) {
      for (size_t i = 0; i < side.keys.size(); ++i) {
        float score = 0.0F;
        for (size_t h = 0; h < side.sum.size(); ++h) score += side.of(i)[h];
        out.uses.push_back({token, base + side.keys[i], score});
      }
      base += routing.keys;
    }
  }
}

}  // namespace

UnitTable units_of(const ModelConfig& config) {
  std::vector<IndexedLayer> layers;
  for (int layer : config.routing_layers()) {
    IndexedLayer entry{layer, config.num_experts, config.monet.keys, 1, config.router.top_k};
    if (entry.keys > 0) {
      entry.experts = int64_t{entry.keys} * entry.keys;
      entry.heads = config.monet.heads;
      entry.top_k = config.monet.top_k;
    }
    layers.push_back(entry);
  }
  if (layers.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                {"listing experts", "a dense model", "a model with experts", ""});
  }
  return UnitTable(std::move(layers));
}

void collect_uses(const UnitTable& units, const RoutingEvent& event, float threshold,
                  LayerUses& out) {
  out.uses.clear();
  out.mass = out.dropped = 0;
  const auto first = static_cast<int32_t>(units.number({event.layer, UnitKind::kExpert, 0}));
  if (const TopKRouting* routing = event.top_k()) add_top_k(*routing, first, out);
  if (const FactoredRouting* routing = event.factored()) {
    add_factored(*routing, first, threshold, out);
  }
}

}  // namespace expertoire
