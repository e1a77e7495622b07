#include "eval/text_classifier.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "base/error.h"
#include "eval/pair_order.h"
#include "eval/random_state.h"

namespace expertoire {
namespace {

const BinaryTexts& with_both(const BinaryTexts& data) {
  require_both_classes(data, 1);
  return data;
}

std::vector<size_t> counting(size_t count) {
  std::vector<size_t> numbers(count);
  for (size_t i = 0; i < count; ++i) numbers[i] = i;
  return numbers;
}

// The fold of each text.
std::vector<int> deal(const BinaryTexts& data, int folds, uint32_t seed) {
  std::vector<int> fold_of(data.texts.size());
  RandomState random(seed);
  for (const uint32_t wanted : {0U, 1U}) {
    std::vector<size_t> members;
    for (size_t i = 0; i < data.classes.size(); ++i) {
      if (data.classes[i] == wanted) members.push_back(i);
    }
    random.shuffle(std::span(members));
    for (size_t i = 0; i < members.size(); ++i) {
      fold_of[members[i]] = static_cast<int>(i % static_cast<size_t>(folds));
    }
  }
  return fold_of;
}

}  // namespace

void require_both_classes(const BinaryTexts& data, int64_t least) {
  for (const uint32_t wanted : {0U, 1U}) {
    const auto found = std::ranges::count(data.classes, wanted);
    if (found >= least) continue;
    throw Error(ErrorCode::kInvalidArgument,
                {"learning a classifier of texts",
                 fmt::format("{} texts {} the class", found, wanted == 1 ? "of" : "outside"),
                 fmt::format("at least {}", least), "give more labelled texts"});
  }
}

TextClassifier::TextClassifier(const BinaryTexts& data)
    : features_(with_both(data).texts),
      model_(features_.transform(data.texts), counting(data.texts.size()), data.classes, 2) {}

std::vector<double> TextClassifier::score(std::span<const std::string> texts) const {
  const SparseRows rows = features_.transform(texts);
  std::vector<double> scores;
  for (size_t i = 0; i < texts.size(); ++i) scores.push_back(model_.probability(rows, i));
  return scores;
}

double cross_validated_auc(const BinaryTexts& data, int folds, uint32_t seed,
                           const LearnTexts& learn) {
  require_both_classes(data, folds);
  const std::vector<int> fold_of = deal(data, folds, seed);
  std::vector<double> scores(data.texts.size());
  for (int fold = 0; fold < folds; ++fold) {
    BinaryTexts seen;
    std::vector<size_t> left_out;
    std::vector<std::string> unseen;
    for (size_t i = 0; i < data.texts.size(); ++i) {
      if (fold_of[i] == fold) {
        left_out.push_back(i);
        unseen.push_back(data.texts[i]);
      } else {
        seen.texts.push_back(data.texts[i]);
        seen.classes.push_back(data.classes[i]);
      }
    }
    const std::vector<double> of_fold = learn(seen)(unseen);
    for (size_t i = 0; i < left_out.size(); ++i) scores[left_out[i]] = of_fold[i];
  }
  return auc_of(scores, data.classes);
}

double cross_validated_auc(const BinaryTexts& data, int folds, uint32_t seed) {
  return cross_validated_auc(data, folds, seed, [](const BinaryTexts& seen) {
    const auto classifier = std::make_shared<const TextClassifier>(seen);
    return [classifier](const std::vector<std::string>& texts) { return classifier->score(texts); };
  });
}

double auc_of(std::span<const double> scores, std::span<const uint32_t> classes) {
  std::vector<double> inside, outside;
  for (size_t i = 0; i < scores.size(); ++i) {
    (classes[i] == 1 ? inside : outside).push_back(scores[i]);
  }
  if (inside.empty() || outside.empty()) return std::numeric_limits<double>::quiet_NaN();
  return auc(std::move(inside), std::move(outside));
}

}  // namespace expertoire
