// What `experts domains` found, as JSON and as files.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "analysis/domain_experts.h"
#include "model/config.h"

namespace expertoire {

/// {"rule", "factor", "kind", …, "domains": [{"name", "tokens", "documents", "layers": [{"layer",
/// "plain", "qualified"}], "plain", "qualified"}], "absent": […], "left_out": […]}
nlohmann::json to_json(const DomainSelection& selection, const DomainOptions& options,
                       const UnitTable& units);

/// [{"domain", "plain": {"first", "second", "both", "jaccard"}, "qualified": {…}}]
nlohmann::json agreement_json(const DomainSelection& first, const DomainSelection& second);

/// Into the new folder `out`: NAME.json, an edit for each domain that has experts, and
/// experts.jsonl, a line for each unit that meets the plain rule. Returns the names of the edits,
/// by domain, empty for none. `plain`: the edits have those too that do not qualify. Errors: those
/// of FolderWriter; kInvalidArgument when two domains would have one file name.
std::vector<std::string> write_domains(const DomainSelection& selection, const UnitTable& units,
                                       const ModelConfig& config, bool plain,
                                       const std::string& out);

/// The configuration of the model that an index was made with, from `folder`. Errors: those of
/// parse_config; kInvalidArgument for a model whose routers are other ones.
ModelConfig config_for(const ExpertIndex& index, const std::string& folder);

}  // namespace expertoire
