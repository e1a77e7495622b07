// The FFN step of a decoder layer: where dense layers and every kind of expert layer plug in.
#pragma once

#include <cstdint>
#include <vector>

#include "ffn/monet_pairs.h"
#include "routing/edit.h"
#include "routing/routing.h"
#include "tensor/executor.h"
#include "tensor/rows.h"

namespace expertoire {

/// The normed input of T tokens, in f32 for routers and in the compute type for experts.
struct FfnInput {
  int64_t tokens = 0;
  Rows f32;      ///< [T, hidden_size]
  Rows compute;  ///< the same values, in the type of the products
};

/// Mutable memory of a session, shared by all layers.
struct FfnScratch {
  RowBuffer inner;                 ///< activations between gate·up and down
  std::vector<MonetBlock> blocks;  ///< a factored layer's blocks of tokens
};

/// One layer's FFN. Const after loading, shared by all sessions.
class Ffn {
 public:
  virtual ~Ffn() = default;

  /// Does this layer have a router? One without uses what the last layer before it decided.
  virtual bool routes() const { return false; }

  /// Fills `routing` for all tokens, edits of the choice applied (`edit` may be null). Called only
  /// when routes(). Errors: kNumeric when a logit is NaN or infinite.
  virtual void route(Executor& /*executor*/, const FfnInput& /*input*/, const LayerEdit* /*edit*/,
                     Routing& /*routing*/) const {}

  /// out[t] += FFN(x[t]); out: [T, hidden_size] f32 with `stride` elements between rows. Each
  /// token's terms are added in one fixed order, whatever the batch. `edit` as in route: single
  /// joint experts are edited here, where they come into being.
  virtual void mix(Executor& executor, const FfnInput& input, const Routing& routing,
                   const LayerEdit* edit, FfnScratch& scratch, Rows out) const = 0;

  /// Bytes of packed weights.
  virtual int64_t weight_bytes() const = 0;
};

}  // namespace expertoire
