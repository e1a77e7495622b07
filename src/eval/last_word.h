// The last word of a text, given the rest: lm-evaluation-harness's lambada_openai.
#pragma once

#include <string>
#include <vector>

#include "engine/prefix_scorer.h"
#include "eval/result.h"
#include "eval/rows.h"

namespace expertoire {

struct LastWord {
  std::string context;
  std::string word;  ///< with the space in front of it
};

struct LastWordSet {
  std::string path;
  std::vector<LastWord> items;
  RowCounts counts;

  /// Field `text`. Errors: read_rows(); a text without a space before its last word.
  static LastWordSet read(const std::string& path, const RowOptions& rows);
};

/// acc: whether every token of the word is the likeliest; perplexity: of words.
EvalResult last_word_result(const LastWordSet& set, const std::vector<RequestScore>& scores,
                            const BootstrapOptions& options);

}  // namespace expertoire
