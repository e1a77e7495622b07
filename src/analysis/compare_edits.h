// What edits do to a model, expert by expert: summaries, opposites, differences.
#pragma once

#include <map>
#include <vector>

#include "model/config.h"
#include "routing/edit.h"

namespace expertoire {

/// How many experts of a layer an edit changes.
struct EditCounts {
  int64_t ablated = 0;  ///< weight 0
  int64_t scaled = 0;   ///< another weight
  int64_t rerouted = 0;
  int64_t forced = 0;
  bool shared = false;  ///< the shared experts, ablated or scaled
};

/// Of each layer that the edit changes. Errors: those of RoutingEdit::compile.
std::map<int, EditCounts> count_edits(const RoutingEdit& edit, const ModelConfig& config);

/// The edit that leaves only what `edit` takes away: in each layer where it ablates or reroutes
/// experts, the others are ablated or rerouted. Errors: kInvalidArgument for an edit that scales or
/// forces, touches shared experts, or both ablates and reroutes in one layer; those of compile, for
/// the edit and for its inverse.
RoutingEdit invert_edit(const RoutingEdit& edit, const ModelConfig& config);

/// Experts of a layer that two edits treat.
struct EditDifference {
  std::vector<int> only_first, only_second;  ///< changed by one of them
  std::vector<int> otherwise;                ///< changed by both, but not alike
  int64_t alike = 0;
  bool shared = false;  ///< are the shared experts treated otherwise?
};

/// Of each layer that one of them changes. Errors: as count_edits.
std::map<int, EditDifference> compare_edits(const RoutingEdit& first, const RoutingEdit& second,
                                            const ModelConfig& config);

}  // namespace expertoire
