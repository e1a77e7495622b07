// Whole forward passes as named tensors: what `expertoire forward` writes and goldens compare.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "engine/session.h"
#include "io/safetensors.h"

namespace expertoire {

/// A tensor that grows by rows.
struct CapturedTensor {
  DType dtype = DType::kF32;
  int64_t width = 0;
  int64_t heads = 0;  ///< of a tensor [rows, heads, width / heads]; 0 = [rows, width]
  std::vector<std::byte> bytes;

  int64_t rows() const;
  template <class T>
  void append(std::span<const T> row) {
    const auto raw = std::as_bytes(row);
    bytes.insert(bytes.end(), raw.begin(), raw.end());
  }
};

/// Stage words, the goldens' own; L is a layer, i a residual index:
///   hidden_states → hidden_states.i   final_norm   logits (of the lm_head)
///   router_logits → router_logits.L (the sink's `logits`)   router_probs.L (`probs`)
///   topk_ids.L (`selected`)   topk_weights.L (`weights`)   shared_weights.L
///   ffn_input.L: what the router sees
/// of factored routing, S = 1, 2 for its sides, H heads and n keys:
///   router_logitsS.L [H, n] (`logits`)   router_normalizedS.L [H, n]   gS.L [H, n] (`probs`)
///   activeS.L [H]: keys that a head kept   joint.L [n²]: scores of all joint experts, n ≤ 64 only
///   joint_top_ids.L, joint_top_scores.L [16]: the largest (−1 and 0 where there are fewer)
///   experts_above_1e-2.L [1]: joint experts with a score above 0.01
class Capture final : public RoutingSink, public HiddenSink {
 public:
  /// Errors: kInvalidArgument for an unknown stage, naming those that there are.
  explicit Capture(const std::vector<std::string>& stages);
  static const std::vector<std::string>& stage_names();

  bool wants(const std::string& stage) const { return stages_.contains(stage); }
  /// Runs each sequence alone and appends its rows.
  void run(Session& session, std::span<const std::vector<int32_t>> sequences);
  /// Appends final_norm and logits of the pass that just ran.
  void add_outputs(Session& session);

  void on_routing(const RoutingEvent& event) override;
  void on_hidden(int index, std::span<const TokenRef> tokens, const Rows& hidden) override;

  const std::map<std::string, CapturedTensor>& tensors() const { return tensors_; }
  /// Views into this object, for write_safetensors.
  std::vector<NamedTensor> named_tensors() const;

 private:
  template <class T>
  void append(const std::string& name, std::span<const T> values, int64_t width, int64_t heads = 0);
  void add_top_k(int layer, const TopKRouting& routing);
  void add_factored(int layer, const FactoredRouting& routing);
  void add_side(int layer, const FactoredRouting& routing, int side);
  void add_joint(int layer, const FactoredRouting& routing, int64_t token);

  std::set<std::string> stages_;
  std::map<std::string, CapturedTensor> tensors_;
};

}  // namespace expertoire
