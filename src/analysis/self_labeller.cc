#include "analysis/self_labeller.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/passages.h"
#include "base/error.h"
#include "engine/generate.h"
#include "io/refuse.h"

namespace expertoire {
namespace {

constexpr int64_t kTokensCounted = 500'000;  // for how rare tokens are

std::string question_about(const std::string& word) {
  return "Q: What is the meaning of the word " + word + "? A: Sure! The meaning of the word " +
         word + " is \"";
}

// The tokens whose text is the word, blanks aside.
std::vector<size_t> tokens_of(const std::vector<std::string>& pieces, const std::string& word) {
  std::vector<size_t> places;
  for (size_t i = 0; i < pieces.size(); ++i) {
    const size_t begin = std::min(pieces[i].find_first_not_of(' '), pieces[i].size());
    if (pieces[i].substr(begin) == word) places.push_back(i);
  }
  return places;
}

double length(std::span<const float> vector) {
  double sum = 0;
  for (const float x : vector) sum += double{x} * x;
  return std::sqrt(sum);
}

void scale(std::vector<float>& vector, double factor) {
  for (float& x : vector) x = static_cast<float>(x * factor);
}

}  // namespace

SplicedPrompt self_prompt(const Tokenizer& tokenizer) {
  for (const char* word : {"X", "Y", "Z", "K", "J"}) {
    std::vector<int32_t> ids = tokenizer.encode(question_about(word));
    std::vector<size_t> places = tokens_of(pieces_of(tokenizer, ids), word);
    if (places.size() == 2) return {std::move(ids), std::move(places)};
  }
  throw Error(ErrorCode::kUnsupported,
              {"making the question for self-explanation",
               "a tokenizer that joins every letter tried to its neighbours", "", ""});
}

SelfLabeller::SelfLabeller(Session& session, const Tokenizer& tokenizer, const ExpertIndex& index,
                           SelfOptions options)
    : session_(session),
      tokenizer_(tokenizer),
      path_(index.path()),
      options_(options),
      prompt_(self_prompt(tokenizer)) {
  count_tokens(index);
}

void SelfLabeller::count_tokens(const ExpertIndex& index) {
  std::vector<double> counts(static_cast<size_t>(session_.model().config().vocab_size), 1);
  double all = static_cast<double>(counts.size());
  const int64_t step = std::max<int64_t>(1, index.info().tokens / kTokensCounted);
  for (int64_t i = 0; i < index.info().documents; i += step) {
    for (const int32_t id : index.document(static_cast<int32_t>(i)).ids) {
      check(id);
      counts[static_cast<size_t>(id)] += 1;
      all += 1;
    }
  }
  for (const double count : counts) rarity_.push_back(std::log(all / count));
}

void SelfLabeller::check(int32_t id) const {
  const int64_t size = session_.model().config().vocab_size;
  if (id >= 0 && id < size) return;
  bad_file(path_, fmt::format("token {}", id), fmt::format("less than {}", size));
}

std::vector<float> SelfLabeller::embedding(int32_t id) const {
  check(id);
  std::vector<float> row(static_cast<size_t>(session_.model().config().hidden_size));
  session_.model().embed(id, row.data());
  return row;
}

std::vector<float> SelfLabeller::mean_embedding(const UnitRecord& record) const {
  std::vector<float> mean(static_cast<size_t>(session_.model().config().hidden_size), 0.0F);
  const size_t count = std::min(options_.top_tokens, record.tokens.size());
  for (size_t i = 0; i < count; ++i) {
    const std::vector<float> row = embedding(record.tokens[i].token);
    for (size_t k = 0; k < mean.size(); ++k) mean[k] += row[k] / static_cast<float>(count);
  }
  return mean;
}

void SelfLabeller::learn(std::vector<UnitEvidence> units) {
  for (const UnitEvidence& unit : units) {
    const std::vector<float> word = mean_embedding(unit.record);
    GenerateOptions options;
    options.max_tokens = options_.max_tokens;
    options.stop_ids = session_.model().config().eos_token_ids;
    options.stop_strings = {"\"", "\n"};
    for (const size_t place : prompt_.places) options.splices.push_back({place, word});
    const Generated generated = generate(session_, &tokenizer_, prompt_.ids, options);
    texts_.push_back(generated.text);
    std::vector<float> meaning(word.size(), 0.0F);
    for (const int32_t id : tokenizer_.encode(generated.text, false)) {
      const std::vector<float> row = embedding(id);
      const double weight = rarity_[static_cast<size_t>(id)] / std::max(length(row), 1e-30);
      for (size_t k = 0; k < row.size(); ++k) {
        meaning[k] += static_cast<float>(row[k] * weight);
      }
    }
    if (const double size = length(meaning); size > 0) scale(meaning, 1 / size);
    meanings_.push_back(std::move(meaning));
    calibrate(unit.items);
  }
}

std::vector<double> SelfLabeller::scores(size_t unit, const ContextWindow& window) const {
  const std::vector<float>& meaning = meanings_.at(unit);
  std::vector<double> scores;
  for (const int32_t id : window.ids) {
    const std::vector<float> row = embedding(id);
    double dot = 0;
    for (size_t k = 0; k < row.size(); ++k) dot += double{row[k]} * meaning[k];
    scores.push_back(dot / std::max(length(row), 1e-30));
  }
  return scores;
}

}  // namespace expertoire
