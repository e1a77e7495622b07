// Top-k mixture of SwiGLU experts, with or without shared experts: OLMoE, Qwen-MoE, DeepSeekMoE,
// Mixtral, Qwen3-MoE (their modeling files in transformers).
#pragma once

#include <vector>

#include "ffn/gated_mlp.h"

namespace expertoire {

class SparseMoeFfn final : public Ffn {
 public:
  struct Weights {
    RouterRule rule;
    PackedMatrix router;            ///< [num_experts, hidden_size], always f32
    std::vector<GatedMlp> experts;  ///< all of one width
    GatedMlp shared;                ///< width 0 when there is none
    PackedMatrix shared_gate;       ///< [1, hidden_size] f32: its sigmoid weighs `shared`; or empty
  };

  SparseMoeFfn(int layer, Weights weights) : layer_(layer), w_(std::move(weights)) {}

  bool routes() const override { return true; }
  void route(Executor& executor, const FfnInput& input, const LayerEdit* edit,
             Routing& routing) const override;
  void mix(Executor& executor, const FfnInput& input, const Routing& routing, const LayerEdit* edit,
           FfnScratch& scratch, Rows out) const override;
  int64_t weight_bytes() const override;

 private:
  struct Gathered;
  Gathered gather(const TopKRouting& routing) const;
  void mix_up(Executor& executor, const FfnInput& input, const Gathered& gathered,
              const Rows& inner) const;
  void mix_down(Executor& executor, const Gathered& gathered, const Rows& inner, int64_t tokens,
                const Rows& out) const;
  bool has_shared() const { return w_.shared.width() > 0; }

  int layer_;
  Weights w_;
};

}  // namespace expertoire
