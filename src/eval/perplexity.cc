#include "eval/perplexity.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "engine/score.h"

namespace expertoire {
namespace {

EvalResult empty_result(const std::string& dataset, size_t documents) {
  EvalResult result;
  result.task = "perplexity";
  result.dataset = dataset;
  result.n = static_cast<int64_t>(documents);
  result.main = "bits_per_byte";
  return result;
}

BootstrapOptions for_documents(size_t documents, BootstrapOptions options) {
  if (documents < 2) options.resamples = 0;
  return options;
}

}  // namespace

TextScore& TextScore::operator+=(const TextScore& other) {
  nats += other.nats;
  documents += other.documents;
  tokens += other.tokens;
  scored += other.scored;
  bytes += other.bytes;
  scored_bytes += other.scored_bytes;
  return *this;
}

double TextScore::perplexity() const { return std::exp(nll_mean()); }

double TextScore::bits_per_byte() const {
  return nats / std::log(2.0) / static_cast<double>(scored_bytes);
}

TextScore sum_of(const std::vector<TextScore>& documents, std::span<const uint32_t> items) {
  TextScore sum;
  for (const uint32_t item : items) sum += documents[item];
  return sum;
}

TextScore score_text(Session& session, const Tokenizer& tokenizer, const std::string& text,
                     const WindowOptions& windows, const PartSink& sink, const ScoredPart& begun) {
  const std::vector<int32_t> ids = tokenizer.encode(text);
  const auto count = static_cast<int64_t>(ids.size());
  const int64_t most = session.model().config().max_position_embeddings;
  WindowPlan plan{windows.context, windows.stride};
  if (plan.context <= 0) plan.context = std::min<int64_t>(most, 2048);
  if (plan.stride <= 0) plan.stride = std::max<int64_t>(1, plan.context / 2);
  ScoredPart part = begun;
  score_windows(session, ids, plan, part.next,
                [&](std::span<const double> log_probs, int64_t next) {
                  for (const double log_prob : log_probs) part.nats -= log_prob;
                  part.next = next;
                  if (sink) sink(part, count);
                });
  TextScore score;
  score.nats = part.nats;
  score.documents = 1;
  score.tokens = count;
  score.scored = std::max<int64_t>(0, count - 1);
  score.bytes = static_cast<int64_t>(text.size());
  if (ids.size() >= 2) {
    const size_t first = StreamDecoder(tokenizer).push(ids[0]).size();
    score.scored_bytes = static_cast<int64_t>(text.size() - first);
  }
  return score;
}

EvalResult perplexity_result(const std::string& dataset, const std::vector<TextScore>& documents,
                             const BootstrapOptions& options) {
  const TextScore sum = sum_of(documents, each_item(documents.size()));
  if (sum.scored == 0) {
    throw Error(ErrorCode::kInvalidArgument,
                {"scoring " + dataset, "no text of two tokens or more", "", ""});
  }
  EvalResult result = empty_result(dataset, documents.size());
  for (const TextMeasure& measure : kTextMeasures) {
    result.scores[measure.name] = EvalScore::of(
        documents.size(),
        [&](std::span<const uint32_t> items) { return (sum_of(documents, items).*measure.of)(); },
        for_documents(documents.size(), options));
  }
  result.details = {{"documents", sum.documents},
                    {"tokens", sum.tokens},
                    {"scored_tokens", sum.scored},
                    {"bytes", sum.bytes},
                    {"scored_bytes", sum.scored_bytes}};
  for (const TextScore& document : documents) {
    result.items["nats"].push_back(document.nats);
    result.items["scored_tokens"].push_back(document.scored);
    result.items["scored_bytes"].push_back(document.scored_bytes);
  }
  return result;
}

}  // namespace expertoire
