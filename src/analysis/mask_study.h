// Scoring documents under many masks.
#pragma once

#include <string>
#include <vector>

#include "analysis/domain_masks.h"
#include "analysis/mask_effects.h"
#include "analysis/study_corpus.h"
#include "engine/session.h"
#include "eval/item_log.h"

namespace expertoire {

/// "biology selected 0": what a log calls a mask.
std::string mask_name(const MaskRun& run, const std::vector<std::string>& domains);

/// Nats of every document without and with each mask, after `base`. What `log` has from an earlier
/// run is not computed again; each batch of documents is a line. The session is left under `base`.
/// `progress`: documents over all masks. Errors: those of the model and of RoutingEdit::compile;
/// kBadFile for a line that is of no mask here.
MaskScores score_masks(Session& session, const std::vector<PlannedMask>& plan,
                       const std::vector<std::string>& domains, const StudyCorpus& corpus,
                       const RoutingEdit& base, ItemLog& log, const ProgressSink& progress = {});

}  // namespace expertoire
