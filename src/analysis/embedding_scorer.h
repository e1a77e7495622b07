// A classifier of texts by their embeddings: logistic regression over hidden states.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "analysis/scored_text.h"
#include "eval/logistic_regression.h"
#include "eval/text_classifier.h"

namespace expertoire {

/// Vectors of texts, in their order and of one length.
using EmbedAll =
    std::function<std::vector<std::vector<float>>(const std::vector<std::string>& texts)>;

/// Vectors of texts, each computed once; that of the empty text is zero.
class KnownVectors {
 public:
  explicit KnownVectors(EmbedAll embed) : embed_(std::move(embed)) {}
  TextVectors of(const std::vector<std::string>& texts);

 private:
  EmbedAll embed_;
  std::unordered_map<std::string, std::vector<float>> known_;
  int64_t dim_ = 0;
};

/// Probabilities of class 1. Errors: kInvalidArgument unless both classes are there; those of the
/// vectors.
TextScorer embedding_scorer(const BinaryTexts& data, const std::shared_ptr<KnownVectors>& vectors);

}  // namespace expertoire
