// Options that say which experts serve which domain.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "analysis/domain_experts.h"

namespace expertoire::cli {

/// --index, --index-b, --groups, --rule, --factor, --kind, --least-documents, --resamples, --seed,
/// --plain.
struct DomainFlags {
  std::string index, index_b, groups, rule = "skew", kind = "expert";
  DomainOptions domains;
  bool plain = false;

  void add_to(CLI::App& app);
  /// What was asked for. Errors: kInvalidArgument (a rule or kind that there is not).
  DomainOptions options(int threads) const;
  /// The groups that --groups names, or each label of the index by itself. Errors: those of
  /// DomainGroups::load.
  DomainGroups groups_of(const ExpertIndex& first) const;
};

/// A selection, with progress on the terminal.
DomainSelection select_with_progress(const ExpertIndex& index, const DomainGroups& groups,
                                     const DomainOptions& options);

/// Opens --index-b. Errors: those of ExpertIndex; kInvalidArgument for an index of another model.
std::optional<ExpertIndex> open_second(const DomainFlags& flags, const ExpertIndex& first);

/// Tables on standard output: experts by domain and layer, and how two selections agree.
void print_selection(const nlohmann::json& found);
void print_agreement(const nlohmann::json& rows);

}  // namespace expertoire::cli
