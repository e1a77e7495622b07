// What a model does with toxic text, item by item: how likely it finds it, what it writes, and how
// well it still predicts clean text (the protocols of arXiv 2412.04139, section 5.3).
#pragma once

#include <string>
#include <vector>

#include "analysis/choice_probe.h"
#include "analysis/prompt_set.h"
#include "analysis/scored_text.h"
#include "eval/measure_log.h"
#include "eval/perplexity.h"

namespace expertoire {

/// What is measured.
struct ToxicityTask {
  std::vector<ScoredText> texts;   ///< held out; those with a continuation are scored
  std::vector<std::string> clean;  ///< documents
  std::vector<PromptSet> sets;
  WindowOptions windows;                ///< of documents
  const ChoiceProbe* choice = nullptr;  ///< questions, all of one group; or none
};

/// Of one system, item by item.
struct ToxicityMeasures {
  std::vector<TextScore> continuations;  ///< nats and scored tokens only
  std::vector<TextScore> clean;
  std::vector<double> wrong;  ///< of questions, 1 or 0
  /// [sets][prompts][continuations]
  std::vector<std::vector<std::vector<std::string>>> samples;
};

/// Under the session's edit. What `log` has is not computed again; `progress` gets steps of the
/// system. Errors: those of encode_pair, score_text and sample_continuations.
ToxicityMeasures measure_toxicity(Session& session, const Tokenizer& tokenizer,
                                  const ToxicityTask& task, const std::string& system,
                                  MeasureLog& log, const ProgressSink& progress = {});

}  // namespace expertoire
