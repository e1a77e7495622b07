// Which experts serve which domain, from an index.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/domain_groups.h"
#include "analysis/domain_rule.h"
#include "analysis/expert_index.h"
#include "base/progress.h"

namespace expertoire {

/// kSkew: leading_domain() with the factor; kArgmax: with factor 1.
enum class DomainRule : uint8_t { kSkew, kArgmax };
inline constexpr std::string_view kDomainRuleNames[] = {"skew", "argmax"};

struct DomainOptions {
  DomainRule rule = DomainRule::kSkew;
  double factor = 2;
  UnitKind kind = UnitKind::kExpert;
  int64_t least_documents = 10;  ///< that hold a unit, in its domain
  BootstrapOptions bootstrap;
  int threads = 0;

  /// The factor that the rule asks for.
  double wanted() const { return rule == DomainRule::kArgmax ? 1 : factor; }
};

/// A unit that meets the plain rule.
struct DomainExpert {
  int64_t unit = 0;  ///< number in the UnitTable
  LeadingDomain lead;
  int64_t documents = 0;            ///< of its domain that hold it
  std::optional<double> ratio_low;  ///< lower bound; absent where too few documents hold it
  bool qualifies = false;           ///< enough documents, and the bound reaches the factor
};

struct DomainSelection {
  IndexedDomains domains;
  std::vector<DomainExpert> experts;  ///< by rising unit
};

/// Rates are the index's masses per token of a domain, so of joint experts what lies above its
/// threshold. Errors: kInvalidArgument (fewer than two domains with text, a kind of unit that the
/// model lacks, a factor below 1), kBadFile.
DomainSelection select_domain_experts(const ExpertIndex& index, const DomainGroups& groups,
                                      const DomainOptions& options,
                                      const ProgressSink& progress = {});

/// How many experts a domain has: by the plain rule, and of these the ones that qualify.
struct DomainCount {
  int64_t plain = 0;
  int64_t qualified = 0;
};
/// Tables 9 and 10 of the paper: [layers of the table][domains].
std::vector<std::vector<DomainCount>> count_by_layer(const DomainSelection& selection,
                                                     const UnitTable& units);

/// How far two selections agree on one domain.
struct DomainAgreement {
  std::string domain;
  int64_t first = 0, second = 0, both = 0;
  /// |both| / |either|; 0 where both are empty.
  double jaccard() const;
};

/// Of each domain that both have text of, by the plain rule or of what qualifies. The selections
/// must be of one UnitTable.
std::vector<DomainAgreement> agreement(const DomainSelection& first, const DomainSelection& second,
                                       bool qualified);

}  // namespace expertoire
