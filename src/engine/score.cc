#include "engine/score.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace expertoire {
namespace {

constexpr size_t kRowsAtOnce = 256;  // bounds the logits in memory: 256 · vocabulary

// The sum in f32 only over short pieces: a large vocabulary has many terms too small to be added
// to the largest.
double log_prob(const KernelTable& kernels, float* logits, int64_t vocab, int32_t id) {
  constexpr int64_t kPiece = 64;
  const float target = logits[id];
  const float most = kernels.max(logits, vocab);
  double sum = 0;
  for (int64_t at = 0; at < vocab; at += kPiece) {
    float* piece = logits + at;
    sum += static_cast<double>(kernels.exp_sum(piece, most, std::min(kPiece, vocab - at), piece));
  }
  return static_cast<double>(target) - most - std::log(sum);
}

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
      scores[at - first] = log_prob(executor.kernels(), logits.data() + i * vocab, vocab, ids[at]);
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
