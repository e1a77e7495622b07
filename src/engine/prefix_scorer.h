// How probable continuations of contexts are, where many contexts begin alike.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "engine/session.h"

namespace expertoire {

/// Tokens, of which those from number `first` ≥ 1 on are to be scored, given all before them.
struct ScoreRequest {
  std::vector<int32_t> ids;
  size_t first = 1;
};

struct RequestScore {
  double log_prob = 0;  ///< sum over the scored tokens, in nats
  bool greedy = true;   ///< whether each of them is the most likely one at its place
};

struct PrefixScorerOptions {
  /// Tokens of one packed batch. A request that alone has more runs alone.
  int64_t batch_tokens = 2048;
  /// Computes what requests share once. Off: each input from its first token on, for comparison.
  bool share = true;
};

/// Requests in order, in packed batches. Within a batch their inputs form a tree by common
/// prefixes, each node computed once from its parent's cache; the first of a batch goes on from the
/// cache of the last before it. The last token of a request is scored but never run, so that
/// continuations of one token cost nothing beyond their context. Scores have the bits of
/// token_log_probs() of each request alone.
class PrefixScorer {
 public:
  using Take = std::function<void(size_t index, const RequestScore&)>;

  /// `session` keeps its edit while the scorer lives: what is cached was computed under it.
  explicit PrefixScorer(Session& session, const PrefixScorerOptions& options = {})
      : session_(session), options_(options) {}

  /// Calls `take` for every request, batch after batch, in order. Errors: kInvalidArgument for a
  /// request with nothing to score or nothing before it; those of Decoder::forward.
  void score(std::span<const ScoreRequest> requests, const Take& take);
  std::vector<RequestScore> score(std::span<const ScoreRequest> requests);

  /// Tokens that went through the model so far.
  int64_t tokens_run() const { return tokens_run_; }

 private:
  using Requests = std::span<const ScoreRequest>;
  struct Batch;
  size_t gather(Requests requests, Batch& batch) const;
  void run_level(Batch& batch, const std::vector<int>& level);
  void score_rows(Batch& batch, const std::vector<size_t>& targets);
  void keep(Batch& batch);

  Session& session_;
  PrefixScorerOptions options_;
  std::vector<int32_t> kept_ids_;  // what kept_ holds: the input of the last request
  std::optional<KvCache> kept_;
  int64_t tokens_run_ = 0;
};

}  // namespace expertoire
