#include "engine/score.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "engine/log_prob.h"

namespace expertoire {
namespace {

constexpr size_t kRowsAtOnce = 256;  // bounds the logits in memory: 256 · vocabulary

// A token to score: the row of the last forward pass that predicts it, and where its log p goes.
struct ScoredToken {
  int64_t row = 0;
  int32_t id = 0;
  double* out = nullptr;
};

void score_tokens(Session& session, std::span<const ScoredToken> tokens) {
  const int64_t vocab = session.model().config().vocab_size;
  std::vector<float> logits;
  for (size_t begin = 0; begin < tokens.size(); begin += kRowsAtOnce) {
    const auto part = tokens.subspan(begin, std::min(kRowsAtOnce, tokens.size() - begin));
    std::vector<int64_t> rows;
    for (const ScoredToken& token : part) rows.push_back(token.row);
    logits.resize(rows.size() * static_cast<size_t>(vocab));
    session.decoder().logits(rows, logits.data());
    Executor& executor = session.executor();
    executor.pool().parallel_for(static_cast<int64_t>(part.size()), [&](int64_t i, int) {
      const ScoredToken& token = part[static_cast<size_t>(i)];
      log_probs(executor.kernels(), logits.data() + i * vocab, vocab, {&token.id, 1}, token.out);
    });
  }
}

}  // namespace

std::vector<double> token_log_probs(Session& session, std::span<const int32_t> ids, size_t first) {
  session.forward_once({&ids, 1});
  std::vector<double> scores(ids.size() - first);
  std::vector<ScoredToken> tokens;
  for (size_t i = first; i < ids.size(); ++i) {
    tokens.push_back({static_cast<int64_t>(i) - 1, ids[i], &scores[i - first]});
  }
  score_tokens(session, tokens);
  return scores;
}

std::vector<std::vector<double>> batch_log_probs(Session& session,
                                                 std::span<const std::span<const int32_t>> texts) {
  session.forward_once(texts);
  std::vector<std::vector<double>> scores;
  for (const auto& ids : texts) scores.emplace_back(ids.size() - 1);
  std::vector<ScoredToken> tokens;
  int64_t row = 0;  // of the text's first token
  for (size_t t = 0; t < texts.size(); ++t) {
    for (size_t i = 1; i < texts[t].size(); ++i) {
      tokens.push_back({row + static_cast<int64_t>(i) - 1, texts[t][i], &scores[t][i - 1]});
    }
    row += static_cast<int64_t>(texts[t].size());
  }
  score_tokens(session, tokens);
  return scores;
}

void score_windows(Session& session, std::span<const int32_t> ids, const WindowPlan& plan,
                   int64_t from, const WindowSink& sink) {
  const auto [context, stride] = plan;
  const int64_t most = session.model().config().max_position_embeddings;
  if (stride < 1 || context <= stride || context > most) {
    throw Error(ErrorCode::kInvalidArgument,
                {"scoring a text", fmt::format("context {}, stride {}", context, stride),
                 fmt::format("1 <= stride < context <= {}", most), ""});
  }
  const int64_t count = static_cast<int64_t>(ids.size());
  const bool window_end = from >= context && (from - context) % stride == 0 && from < count;
  if (from != 1 && from != count && !window_end) {
    throw Error(ErrorCode::kInvalidArgument,
                {"scoring a text", fmt::format("a start at token {} of {}", from, count),
                 "1, or where a window ends", ""});
  }
  for (int64_t scored = from; scored < count;) {
    const int64_t full = scored == 1 ? context : scored + stride;  // where a whole window ends
    const int64_t end = std::min(full, count);
    const int64_t begin = full - context;
    const auto window = ids.subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin));
    const std::vector<double> part =
        token_log_probs(session, window, static_cast<size_t>(scored - begin));
    scored = end;
    sink(part, scored);
  }
}

std::vector<double> sliding_log_probs(Session& session, std::span<const int32_t> ids,
                                      int64_t context, int64_t stride) {
  std::vector<double> scores;
  score_windows(session, ids, {context, stride}, 1, [&](std::span<const double> part, int64_t) {
    scores.insert(scores.end(), part.begin(), part.end());
  });
  return scores;
}

}  // namespace expertoire
