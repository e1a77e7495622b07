// A classifier of texts into two classes that needs no model: logistic regression over TF-IDF of
// words and pairs of words.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "eval/logistic_regression.h"
#include "eval/ngram_tfidf.h"

namespace expertoire {

/// Texts and whether each is of the class that the classifier looks for (1) or not (0).
struct BinaryTexts {
  std::vector<std::string> texts;
  std::vector<uint32_t> classes;
};

class TextClassifier {
 public:
  /// Errors: kInvalidArgument unless both classes are there.
  explicit TextClassifier(const BinaryTexts& data);

  /// The probability of class 1 for each text.
  std::vector<double> score(std::span<const std::string> texts) const;

 private:
  NgramTfidf features_;
  LogisticRegression model_;
};

/// A classifier that is learnt from texts, as what it gives to others: probabilities of class 1.
using LearnTexts =
    std::function<std::function<std::vector<double>(const std::vector<std::string>&)>(
        const BinaryTexts&)>;

/// Area under the ROC curve of scores that classifiers gave to texts that they had not seen: each
/// class shuffled by RandomState(seed) and dealt into `folds`, the scores of all folds taken
/// together. Errors: kInvalidArgument unless both classes have `folds` texts.
double cross_validated_auc(const BinaryTexts& data, int folds, uint32_t seed,
                           const LearnTexts& learn);
/// That of TextClassifier.
double cross_validated_auc(const BinaryTexts& data, int folds = 5, uint32_t seed = 42);

/// Errors: kInvalidArgument unless both classes have `least` texts.
void require_both_classes(const BinaryTexts& data, int64_t least);

/// Of these scores. NaN unless both classes are there.
double auc_of(std::span<const double> scores, std::span<const uint32_t> classes);

}  // namespace expertoire
