// Routing as a list of uses: which units served a token, and with what score.
#pragma once

#include <cstdint>
#include <vector>

#include "analysis/unit.h"
#include "model/config.h"
#include "routing/sink.h"

namespace expertoire {

/// The layers of a model that route. Errors: kInvalidArgument for a dense model.
UnitTable units_of(const ModelConfig& config);

struct UnitUse {
  int32_t token = 0;  ///< of the event
  int32_t unit = 0;   ///< number in the UnitTable
  float score = 0;    ///< as unit_record.h says
};

/// Uses of one layer, of all tokens of one forward pass.
struct LayerUses {
  std::vector<UnitUse> uses;  ///< by token; of a token experts first, then left and right keys
  double mass = 0;            ///< of all experts, those left out too
  double dropped = 0;         ///< of joint experts at or below the threshold
};

/// Fills `out`, whose memory is used again: of a token one use of a unit, in the order in which it
/// chose them. Experts that an edit dropped (weight 0) are no uses.
void collect_uses(const UnitTable& units, const RoutingEvent& event, float threshold,
                  LayerUses& out);

}  // namespace expertoire
