// Who says how toxic a text is.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "analysis/scored_text.h"
#include "eval/text_classifier.h"

namespace expertoire {

/// Rows {"text": …, "label": …} (rows.h has the names that fields may have); `toxic` lists the
/// labels of class 1. Errors: those of read_rows; kInvalidArgument for a label in `toxic` that no
/// row has.
BinaryTexts read_labelled_texts(const std::string& path, const std::set<std::string>& toxic);

/// Prompts and continuations one by one, toxic from kToxic on.
BinaryTexts pieces_of(const std::vector<ScoredText>& texts);

/// A classifier's probabilities.
TextScorer classifier_scorer(const BinaryTexts& data);

/// Scores that were computed elsewhere: rows {"text": …, "score": 0.3}. Errors: those of read_rows,
/// kBadFile for a score outside [0, 1]; of the scorer: kInvalidArgument for a text that is not
/// there.
TextScorer file_scorer(const std::string& path);

}  // namespace expertoire
