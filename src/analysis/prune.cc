#include "analysis/prune.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "eval/random_state.h"

namespace expertoire {

ExpertRanking rank_experts(const std::map<int, std::vector<ExpertUse>>& uses, PruneRule rule,
                           uint32_t seed) {
  ExpertRanking ranking;
  RandomState random(seed);
  for (const auto& [layer, of_layer] : uses) {
    std::vector<int>& order = ranking[layer];
    order.resize(of_layer.size());
    std::iota(order.begin(), order.end(), 0);
    if (rule == PruneRule::kRandom) {
      random.shuffle(std::span(order));
      continue;
    }
    std::ranges::stable_sort(order, std::greater<>(), [&, &experts = of_layer](int e) {
      const ExpertUse& use = experts[static_cast<size_t>(e)];
      return rule == PruneRule::kReap ? use.reap() : static_cast<double>(use.count);
    });
  }
  return ranking;
}

int kept_experts(const ModelConfig& config, double share) {
  return std::max(config.router.top_k, static_cast<int>(std::lround(share * config.num_experts)));
}

RoutingEdit keep_first(const ExpertRanking& ranking, int kept, const ModelConfig& config) {
  std::vector<RoutingEdit::Item> items;
  for (const auto& [layer, order] : ranking) {
    std::vector<int> gone(order.begin() + kept, order.end());
    if (gone.empty()) continue;
    std::ranges::sort(gone);
    items.push_back({.action = EditAction::kReroute,
                     .layers = std::vector<int>{layer},
                     .experts = std::move(gone),
                     .shared = false,
                     .factor = 1.0F,
                     .renormalize = true});
  }
  return {config.edit_model(), std::move(items)};
}

}  // namespace expertoire
