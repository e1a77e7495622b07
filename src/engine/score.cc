#include "engine/score.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "engine/log_prob.h"

namespace expertoire {
namespace {

constexpr size_t kRowsAtOnce = 256;  // bounds the logits in memory: 256 · vocabulary

}  // namespace

std::vector<double> token_log_probs(Session& session, std::span<const int32_t> ids, size_t first) {
  session.forward_once({&ids, 1});
  const int64_t vocab = session.model().config().vocab_size;
  std::vector<double> scores(ids.size() - first);
  std::vector<float> logits;
  for (size_t begin = first; begin < ids.size(); begin += kRowsAtOnce) {
    const size_t end = std::min(begin + kRowsAtOnce, ids.size());
    std::vector<int64_t> rows;
    for (size_t i = begin; i < end; ++i) rows.push_back(static_cast<int64_t>(i) - 1);
    logits.resize(rows.size() * static_cast<size_t>(vocab));
    session.decoder().logits(rows, logits.data());
    Executor& executor = session.executor();
    executor.pool().parallel_for(static_cast<int64_t>(rows.size()), [&](int64_t i, int) {
      const size_t at = begin + static_cast<size_t>(i);
      log_probs(executor.kernels(), logits.data() + i * vocab, vocab, ids.subspan(at, 1),
                &scores[at - first]);
    });
  }
  return scores;
}

std::vector<double> sliding_log_probs(Session& session, std::span<const int32_t> ids,
                                      int64_t context, int64_t stride,
                                      const ProgressSink& progress) {
  const int64_t most = session.model().config().max_position_embeddings;
  if (stride < 1 || context <= stride || context > most) {
    throw Error(ErrorCode::kInvalidArgument,
                {"scoring a text", fmt::format("context {}, stride {}", context, stride),
                 fmt::format("1 <= stride < context <= {}", most), ""});
  }
  std::vector<double> scores;
  const int64_t count = static_cast<int64_t>(ids.size());
  for (int64_t scored = 1; scored < count;) {
    const int64_t full = scored == 1 ? context : scored + stride;  // where a whole window ends
    const int64_t end = std::min(full, count);
    const int64_t begin = full - context;
    const auto window = ids.subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin));
    const std::vector<double> part =
        token_log_probs(session, window, static_cast<size_t>(scored - begin));
    scores.insert(scores.end(), part.begin(), part.end());
    scored = end;
    if (progress) progress(scored, count);
  }
  return scores;
}

}  // namespace expertoire
