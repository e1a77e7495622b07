// Scoring documents and questions under many masks.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "analysis/choice_probe.h"
#include "analysis/domain_masks.h"
#include "analysis/mask_effects.h"
#include "analysis/study_corpus.h"
#include "engine/session.h"
#include "eval/item_log.h"

namespace expertoire {

/// "biology selected 0": what a log calls a mask.
std::string mask_name(const MaskRun& run, const std::vector<std::string>& domains);

/// What is scored: masks after `base`, the edit that the model runs under anyway.
struct StudyPlan {
  std::vector<PlannedMask> masks;
  std::vector<std::string> domains;
  size_t beside = 0;  ///< of the domains, as in MaskScores
  RoutingEdit base = {};
};

/// Tells studies apart for a log: their documents and their masks.
nlohmann::json study_fingerprint(const StudyPlan& plan, const StudyCorpus& corpus);

/// Nats of every document without and with each mask. What `log` has from an earlier run is not
/// computed again; each batch of documents is a line. The session is left under the plan's base.
/// `progress`: documents over all masks. Errors: those of the model and of RoutingEdit::compile;
/// kBadFile for a line of another form.
MaskScores score_masks(Session& session, const StudyPlan& plan, const StudyCorpus& corpus,
                       ItemLog& log, const ProgressSink& progress = {});

/// The same of questions, whose groups are numbers of the plan's domains. Under masks only those
/// domains are asked that the model without one answers better than a guess
/// (MeasuredDomain::claimed).
MaskScores ask_masks(Session& session, const StudyPlan& plan, const ChoiceProbe& probe,
                     const BootstrapOptions& options, int64_t least_items, ItemLog& log,
                     const ProgressSink& progress = {});

}  // namespace expertoire
