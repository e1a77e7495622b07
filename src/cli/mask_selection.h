// What a study masks for each domain: experts that an index selects, or edits from files.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "analysis/domain_masks.h"
#include "cli/domain_options.h"

namespace expertoire::cli {

struct SelectedMasks {
  IndexedDomains domains;
  std::vector<ExpertMask> masks;  ///< of each domain
  nlohmann::json found;      ///< as `experts domains --json`; null when the masks come from files
  nlohmann::json agreement;  ///< of a second index with the first, likewise; null without one
};

/// By the rule that `flags` has, with progress on the terminal; `second` may be null.
SelectedMasks select_from_index(const DomainFlags& flags, int threads, const ExpertIndex& index,
                                const ExpertIndex* second, const DomainGroups& groups);

/// Of a folder of edits. Errors: those of load_masks.
SelectedMasks select_from_files(const std::string& folder, const ExpertIndex& index,
                                const DomainGroups& groups, const ModelConfig& config);

}  // namespace expertoire::cli
