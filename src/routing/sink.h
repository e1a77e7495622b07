// Observing routing while a model runs.
#pragma once

#include <cstdint>
#include <span>

#include "routing/routing.h"
#include "tensor/rows.h"

namespace expertoire {

/// Where a token of a packed batch comes from.
struct TokenRef {
  int32_t sequence = 0;  ///< index in the batch
  int32_t position = 0;  ///< in its sequence, from 0, the cached prefix included
};

/// One layer's routing of one forward pass.
struct RoutingEvent {
  int layer = 0;                     ///< 0-based decoder layer
  std::span<const TokenRef> tokens;  ///< token t of `routing`
  const Routing& routing;            ///< valid during the call only
  Rows input;                        ///< f32 rows that the router saw, likewise

  /// The routing in one of its shapes, or null.
  const TopKRouting* top_k() const { return std::get_if<TopKRouting>(&routing); }
  const FactoredRouting* factored() const { return std::get_if<FactoredRouting>(&routing); }
};

/// Gets the routing of every layer that routes, after edits and before mixing, in layer order, on
/// the thread that runs the forward pass. The same records come from prefill, decode and batches.
class RoutingSink {
 public:
  virtual ~RoutingSink() = default;
  virtual void on_routing(const RoutingEvent& event) = 0;
};

}  // namespace expertoire
