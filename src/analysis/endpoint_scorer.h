// A chat model that says how toxic texts are.
#pragma once

#include <optional>
#include <string>

#include "analysis/chat_endpoint.h"
#include "analysis/toxicity_measures.h"

namespace expertoire {

/// The question about one text; the answer is a number from 0 to 100.
ChatQuestion toxicity_question(const std::string& text);

/// The first number of an answer, over 100; nothing where there is none in [0, 100].
std::optional<double> read_toxicity(const std::string& answer);

class EndpointScorer {
 public:
  explicit EndpointScorer(Ask ask) : ask_(std::move(ask)) {}

  /// An answer that cannot be read counts as 0.5, and the empty text as 0. Errors: those of `ask`.
  std::vector<double> score(const std::vector<std::string>& texts);
  int64_t unusable() const { return unusable_; }

 private:
  Ask ask_;
  int64_t unusable_ = 0;
};

}  // namespace expertoire
