// What masking the experts of one domain costs the text of every domain, beside random masks.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "eval/bootstrap.h"

namespace expertoire {

/// What a mask takes away:
///   kSelected        the experts that were selected for the target domain
///   kSameNumber      in each layer as many random ones
///   kSameMass        random ones of the same routing mass in the whole index
///   kSameTargetMass  random ones of the same routing mass in the target's documents
///   kFrequent        in each layer as many, those that are used most often
enum class MaskKind : uint8_t { kSelected, kSameNumber, kSameMass, kSameTargetMass, kFrequent };
inline constexpr std::string_view kMaskKindNames[] = {"selected", "same_number", "same_mass",
                                                      "same_target_mass", "most_frequent"};
inline constexpr size_t kMaskKinds = std::size(kMaskKindNames);

/// One mask that was scored.
struct MaskRun {
  int target = 0;  ///< domain
  MaskKind kind = MaskKind::kSelected;
  int seed = 0;            ///< of the random ones, from 0
  int64_t experts = 0;     ///< over all routing layers
  double mass = 0;         ///< share of the index's routing mass
  double target_mass = 0;  ///< share of the routing mass in the target's documents
};

/// What was measured: the same items under no mask and under every mask. Items are documents, or
/// questions with several answers.
struct MaskScores {
  std::vector<std::string> domains;
  size_t beside = 0;              ///< of the domains the last ones, which have no part in means
  std::vector<int> domain_of;     ///< [items]
  std::vector<int64_t> sizes;     ///< [items], bytes that were scored; 1 of a question
  std::vector<double> before;     ///< [items], nats; 1 of a question answered wrongly, else 0
  std::vector<double> by_chance;  ///< [items] of questions, what a guess has; none of documents
  std::vector<MaskRun> runs;
  std::vector<std::vector<double>> after;  ///< [runs][items]; NaN of what was not asked

  bool questions() const { return !by_chance.empty(); }
};

/// The items of a domain. A change is one of bits a byte, or of the share of wrong answers; more
/// is worse.
struct MeasuredDomain {
  std::string name;
  int64_t items = 0;
  int64_t size = 0;
  /// Enough items for intervals, and for a part in the means; of questions too that the model
  /// without a mask answers better than a guess (the whole interval does).
  bool claimed = false;
  bool beside = false;   ///< no part in means all the same
  double by_chance = 0;  ///< share of wrong answers of a guess; 0 of documents
  Interval before;       ///< NaN ends where there are too few items
};

/// Masks of one target and kind; random ones averaged over their seeds.
struct MaskEffect {
  int target = 0;
  MaskKind kind = MaskKind::kSelected;
  int seeds = 0;
  double experts = 0, mass = 0, target_mass = 0;  ///< means over seeds
  std::vector<Interval> change;                   ///< [domains]
  Interval others;                                ///< mean over the other claimed domains
  /// Of single seeds, the least and the greatest change of the target.
  double least = 0, most = 0;
};

/// Means of one kind over the targets that have text enough.
struct MaskSummary {
  int targets = 0;
  Interval target, others, difference;
  std::optional<Interval> ratio;  ///< target / others, where others' lower bound is above 0
  /// Change of the target under the selected mask less that under this kind, and over it where the
  /// lower bound of the latter is above 0. Absent for kSelected itself.
  std::optional<Interval> selected_less, selected_over;
};

struct MaskEffects {
  bool questions = false;
  std::vector<MeasuredDomain> domains;
  std::vector<MaskEffect> effects;  ///< by target, then kind
  std::map<MaskKind, MaskSummary> summaries;

  const MaskEffect* find(int target, MaskKind kind) const;
  /// {"domains": […], "masks": […], "summary": {kind: …}} (docs/domains.md); NaN is null.
  nlohmann::json to_json() const;
};

/// Percentile bootstrap over items, within each domain as many as it has, the same draws for all
/// masks. A domain with fewer than `least_items` is shown without intervals, and one without any as
/// NaN; both have no part in the means. Errors: kInvalidArgument when there is no run.
MaskEffects mask_effects(const MaskScores& scores, const BootstrapOptions& options,
                         int64_t least_items = 10);

/// Its `domains` alone, which need no run.
std::vector<MeasuredDomain> measured_domains(const MaskScores& scores,
                                             const BootstrapOptions& options, int64_t least_items);

}  // namespace expertoire
