#include "analysis/compare_edits.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.h"

namespace expertoire {
namespace {

// What an edit makes of one expert.
struct Treatment {
  float factor = 1.0F;
  bool rerouted = false, forced = false;

  bool operator==(const Treatment&) const = default;
};

Treatment treatment(const LayerEdit& edit, int expert) {
  const size_t e = static_cast<size_t>(expert);
  Treatment what;
  if (!edit.factor.empty()) what.factor = edit.factor[e];
  what.rerouted = !edit.rerouted.empty() && edit.rerouted[e] != 0;
  what.forced = !edit.forced.empty() && edit.forced[e] != 0;
  return what;
}

std::map<int, LayerEdit> compile(const RoutingEdit& edit, const ModelConfig& config) {
  return edit.compile(config.edit_model(), config.editable_layers());
}

EditCounts count(const LayerEdit& edit) {
  EditCounts counts;
  counts.ablated = std::ranges::count(edit.factor, 0.0F);
  counts.scaled = std::ranges::count_if(edit.factor, [](float f) { return f != 0 && f != 1; });
  counts.rerouted = std::ranges::count(edit.rerouted, 1);
  counts.forced = std::ranges::count(edit.forced, 1);
  counts.shared = edit.shared_factor != 1.0F;
  return counts;
}

[[noreturn]] void no_opposite(int layer, const char* found) {
  throw Error(ErrorCode::kInvalidArgument,
              {"inverting the edit", fmt::format("layer {} {}", layer, found),
               "layers that only ablate or only reroute routed experts", ""});
}

EditAction action_of(int layer, const EditCounts& counts) {
  if (counts.scaled > 0) no_opposite(layer, "scales experts");
  if (counts.forced > 0) no_opposite(layer, "forces experts");
  if (counts.shared) no_opposite(layer, "changes its shared experts");
  if (counts.ablated > 0 && counts.rerouted > 0) no_opposite(layer, "ablates and reroutes");
  return counts.rerouted > 0 ? EditAction::kReroute : EditAction::kAblate;
}

}  // namespace

std::map<int, EditCounts> count_edits(const RoutingEdit& edit, const ModelConfig& config) {
  std::map<int, EditCounts> layers;
  for (const auto& [layer, of_layer] : compile(edit, config)) layers[layer] = count(of_layer);
  return layers;
}

RoutingEdit invert_edit(const RoutingEdit& edit, const ModelConfig& config) {
  std::vector<RoutingEdit::Item> items;
  for (const auto& [layer, of_layer] : compile(edit, config)) {
    RoutingEdit::Item item;
    item.action = action_of(layer, count(of_layer));
    item.layers = {layer};
    item.renormalize = item.action == EditAction::kReroute ? of_layer.renormalize_probs
                                                           : of_layer.renormalize_weights;
    for (int e = 0; e < config.num_experts; ++e) {
      if (treatment(of_layer, e) == Treatment()) item.experts.push_back(e);
    }
    if (!item.experts.empty()) items.push_back(std::move(item));
  }
  RoutingEdit inverse(config.edit_model(), std::move(items));
  compile(inverse, config);  // a router needs top_k experts
  return inverse;
}

std::map<int, EditDifference> compare_edits(const RoutingEdit& first, const RoutingEdit& second,
                                            const ModelConfig& config) {
  const auto a = compile(first, config), b = compile(second, config);
  std::set<int> layers;
  for (const auto* edits : {&a, &b}) {
    for (const auto& [layer, edit] : *edits) layers.insert(layer);
  }
  const LayerEdit none;
  std::map<int, EditDifference> differences;
  for (int layer : layers) {
    const auto in_a = a.find(layer), in_b = b.find(layer);
    const LayerEdit& left = in_a == a.end() ? none : in_a->second;
    const LayerEdit& right = in_b == b.end() ? none : in_b->second;
    EditDifference& difference = differences[layer];
    for (int e = 0; e < config.num_experts; ++e) {
      const Treatment here = treatment(left, e), there = treatment(right, e);
      if (here == there) {
        difference.alike += here == Treatment() ? 0 : 1;
      } else if (there == Treatment()) {
        difference.only_first.push_back(e);
      } else {
        (here == Treatment() ? difference.only_second : difference.otherwise).push_back(e);
      }
    }
    difference.shared = left.shared_factor != right.shared_factor;
  }
  return differences;
}

}  // namespace expertoire
