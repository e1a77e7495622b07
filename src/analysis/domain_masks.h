// The experts of a domain as masks and edits, and masks to compare with.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "analysis/domain_experts.h"
#include "analysis/expert_mask.h"
#include "analysis/mask_effects.h"
#include "model/config.h"
#include "routing/edit.h"

namespace expertoire {

/// The experts selected for a domain, of each layer that routes; a key stands for all joint experts
/// of its row or column. `plain`: those too that do not qualify.
ExpertMask mask_of(const DomainSelection& selection, int domain, const UnitTable& units,
                   bool plain);

/// The edit that ablates a mask's experts in every decoder layer that their router serves.
RoutingEdit edit_of(const ExpertMask& mask, const ModelConfig& config);

/// The mask that an edit is. Errors: those of RoutingEdit::compile (experts or layers that the
/// model lacks, another model); kInvalidArgument naming `what` for an edit that does anything but
/// ablate routed experts, alike in all layers of a router.
ExpertMask mask_of(const RoutingEdit& edit, const ModelConfig& config, const std::string& what);

/// What an index says of every expert: its mass in all documents, in those of each domain, and how
/// often it was chosen.
struct IndexMasses {
  ExpertMasses whole;
  std::vector<ExpertMasses> by_domain;
  ExpertMasses counts;
};
IndexMasses read_masses(const ExpertIndex& index, const IndexedDomains& domains);

/// In each layer as many experts as the mask has, those with the highest counts; of equal ones the
/// first.
ExpertMask most_frequent(const ExpertMask& mask, const ExpertMasses& counts);

/// A mask that is to be scored.
struct PlannedMask {
  MaskRun run;
  ExpertMask mask;
};

/// Of each domain with a mask: that mask, and the controls of `kinds`, random ones with each of
/// `seeds` seeds. `selected` is by domain; an empty mask is left out. The same seed draws the same.
std::vector<PlannedMask> plan_masks(const std::vector<ExpertMask>& selected,
                                    const IndexMasses& masses, const std::vector<MaskKind>& kinds,
                                    int seeds, uint32_t seed);

}  // namespace expertoire
