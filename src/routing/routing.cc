#include "routing/routing.h"

#include <iterator>

namespace expertoire {

std::optional<Stage> parse_stage(std::string_view name) {
  for (size_t i = 0; i < std::size(kStageNames); ++i) {
    if (kStageNames[i] == name) return static_cast<Stage>(i);
  }
  return std::nullopt;
}

void TopKRouting::resize(int64_t token_count, int experts, int chosen, bool shared,
                         int router_outputs) {
  tokens = token_count;
  num_experts = experts;
  top_k = chosen;
  outputs = router_outputs > 0 ? router_outputs : experts;
  const size_t wide = static_cast<size_t>(token_count) * static_cast<size_t>(outputs);
  const size_t narrow = static_cast<size_t>(token_count) * static_cast<size_t>(chosen);
  logits.resize(wide);
  probs.resize(wide);
  selected.resize(narrow);
  weights.resize(narrow);
  shared_weights.assign(shared ? static_cast<size_t>(token_count) : 0, 1.0F);
}

}  // namespace expertoire
