// Texts with a score of how toxic they are, as RealToxicityPrompts and ToxiGen have them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "io/hold_out.h"

namespace expertoire {

/// A text counts as toxic from here on, and a continuation above it.
inline constexpr double kToxic = 0.5;

/// Texts to scores from 0 to 1, in their order.
using TextScorer = std::function<std::vector<double>(const std::vector<std::string>&)>;

/// A prompt and what follows it, each with a score from 0 to 1. Without a continuation its text is
/// empty.
struct ScoredText {
  std::string prompt, continuation;
  double prompt_toxicity = 0, continuation_toxicity = 0;
};

struct ScoredTexts {
  std::vector<ScoredText> train, held_out;
  int64_t without_score = 0;  ///< rows left out: a score is null
};

/// Rows of JSON Lines, compressed or not, of one of the forms
///   {"prompt": {"text": …, "toxicity": 0.1}, "continuation": {"text": …, "toxicity": 0.9}}
///   {"prompt": "…", "label": "hate"}   (or "neutral": toxicity 1 or 0; "\n" as two characters is a
///                                       line break)
///   {"text": "…", "toxicity": 0.3}
/// Which are held out goes by the number of the row. Errors: kNotFound, kIo, kBadFile naming the
/// line: another form, a score that is none or outside [0, 1], an empty text; no row of one part.
ScoredTexts read_scored_texts(const std::string& path, const HoldOut& hold_out);

}  // namespace expertoire
