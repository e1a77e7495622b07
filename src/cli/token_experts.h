// The strongest experts of each token of a text, for people to look at.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/session.h"
#include "tokenizer/tokenizer.h"

namespace expertoire::cli {

/// Of factored routing only joint experts with a score above this, summed over heads, are traced,
/// as the authors' README counts them.
inline constexpr float kTracedScore = 0.01F;

/// An expert that a token used, with its score: of top-k routing the weight, of factored routing
/// Σ_h g1 · g2.
struct LitExpert {
  int layer = 0;     ///< that routed
  std::string name;  ///< "7", or a joint expert's "12,401"
  float score = 0.0F;
};

/// Reads `ids` in one pass; of each token the `most` experts with the highest scores over all
/// layers, the highest first, equal ones by layer and name. Errors: those of the model.
std::vector<std::vector<LitExpert>> lit_experts(Session& session, std::span<const int32_t> ids,
                                                size_t most);

/// [{"layer": 0, "expert": "12,401", "score": 0.31}, …]
nlohmann::json to_json(const std::vector<LitExpert>& experts);

/// A line a token: its text in quotes and its experts as LAYER:NAME score; those from `first_new`
/// on begin with "+".
std::string token_lines(const Tokenizer& tokenizer, std::span<const int32_t> ids,
                        const std::vector<std::vector<LitExpert>>& experts, size_t first_new);

}  // namespace expertoire::cli
