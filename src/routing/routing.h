// The router's result, as a value: the middle of route → edit → observe → mix.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "routing/factored.h"

namespace expertoire {

/// The moments at which a Routing can be looked at. For T tokens, E experts, k chosen:
///   logits    [T, E] f32   what the router said, before any edit (always finite)
///   probs     [T, E] f32   softmax over all experts; a rerouted expert has 0
///   selected  [T, k] i32   expert ids, by falling logit
///   weights   [T, k] f32   what the experts' outputs are multiplied by, edits included
/// plus, in layers with shared experts, shared_weights [T]: the gate's value, or 1.
/// Of product keys (PEER), for H heads that choose k experts each out of n²:
///   logits    [T, 2, H, n] f32   as above, of each side's keys
///   probs     [T, 2, H, n] f32   softmax over n; its products are that over all n² (before edits)
///   selected, weights [T, H · k]   head after head
/// Of factored routing, for H heads and n keys on each of two sides:
///   logits    [T, 2, H, n] f32   as above
///   probs     [T, 2, H, n] f32   g: softmax over the keys that the head kept, 0 elsewhere
enum class Stage : uint8_t { kLogits, kProbs, kSelected, kWeights };

inline constexpr std::string_view kStageNames[] = {"logits", "probs", "selected", "weights"};
inline std::string_view stage_name(Stage stage) { return kStageNames[static_cast<int>(stage)]; }
std::optional<Stage> parse_stage(std::string_view name);

/// Top-k routing of T tokens in one layer.
struct TopKRouting {
  int64_t tokens = 0;
  int num_experts = 0;
  int top_k = 0;
  int outputs = 0;                    ///< R, what the router says of a token: E, or 2 · H · n
  std::vector<float> logits;          ///< [T, R]
  std::vector<float> probs;           ///< [T, R]
  std::vector<int32_t> selected;      ///< [T, k]
  std::vector<float> weights;         ///< [T, k]
  std::vector<float> shared_weights;  ///< [T], or empty in a layer without shared experts

  /// Sizes the arrays for `token_count` tokens; contents are unspecified, shared weights 1.
  /// `router_outputs` 0 = one for each expert.
  void resize(int64_t token_count, int experts, int chosen, bool shared, int router_outputs = 0);
};

/// What a layer's router decided, in the shape of its kind.
using Routing = std::variant<TopKRouting, FactoredRouting>;

/// How a family turns logits into weights.
struct RouterRule {
  int top_k = 1;
  bool norm_topk_prob = false;  ///< divide the chosen probabilities by their sum
};

}  // namespace expertoire
