// Who scores continuations in `experts toxicity-eval`, and how far that can be trusted.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "analysis/toxicity_scorer.h"
#include "cli/common.h"
#include "cli/endpoint_options.h"

namespace expertoire::cli {

enum class JudgeKind : uint8_t { kWords, kEmbedding, kEndpoint };
inline constexpr std::string_view kJudgeKindNames[] = {"words", "embedding", "endpoint"};

struct JudgeOptions {
  std::string kind = "words";
  std::string scores;  ///< a file of scores instead
  std::vector<std::string> labelled;
  std::string embedding_model{kEmbeddingModel};
  EndpointFlags endpoint;
  std::string answers;        ///< where the endpoint's answers are kept; "" = in the study's folder
  size_t judged_texts = 200;  ///< held-out texts that the endpoint is tried on

  void add_to(CLI::App& app);
};

struct Judge {
  TextScorer score;
  /// kind and what stands for its trust; of an endpoint also what it was asked until now.
  std::function<nlohmann::json()> about;
};

/// `texts`: the study's rows; `folder`: the study's, `threads` of the embedding model. Errors:
/// those of the data, of the classifiers and of EndpointFlags::open.
Judge judge_of(const JudgeOptions& options, const ScoredTexts& texts, const std::string& folder,
               int threads);

/// One line: who it is.
std::string describe_judge(const nlohmann::json& about);

}  // namespace expertoire::cli
