// An edit made part of a model: a new folder of weights.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "routing/edit.h"

namespace expertoire {

/// In the new folder: what was done to the model, why, and what it changed (docs/edits.md).
inline constexpr const char* kEditReportFile = "edit_report.json";

/// What became of an edit.
struct AppliedEdit {
  /// Why the weights of this format cannot say it, so that the edit lies in the folder as
  /// kOwnEditFile, for our engine alone; empty when the weights say it.
  std::string obstacle;
  int experts_removed = 0;                         ///< of each layer with experts
  int64_t experts_zeroed = 0, experts_scaled = 0;  ///< over all layers
  int64_t parameters_before = 0, parameters_after = 0;
};

/// Writes the model of `folder` under `edit` to the new folder `out`, in the layout that it had:
///   ablate, scale   the expert's down-projection times 0 or the factor
///   reroute         the expert and its router row are gone, where every layer loses as many and
///                   probabilities are taken over those that are left (renormalize, or a family
///                   that divides the chosen ones by their sum)
/// All else (forced experts, renormalised ablation, joint experts of Monet) leaves the weights as
/// they are and goes into the folder as a file. Errors: those of parse_config, Checkpoint,
/// RoutingEdit::compile and FolderWriter; kUnsupported for a factor on F16 weights.
/// `finish` gets the folder before it has its name, to add to it; what it throws leaves none.
AppliedEdit apply_edit(
    const std::string& folder, const RoutingEdit& edit, const std::string& out,
    const std::function<void(const AppliedEdit& done, const std::string& folder)>& finish = {});

}  // namespace expertoire
