#include "engine/prefix_scorer.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/error.h"
#include "engine/log_prob.h"
#include "engine/prefix_tree.h"

namespace expertoire {
namespace {

constexpr size_t kRowsAtOnce = 256;  // bounds the logits in memory: 256 · vocabulary
// Each node writes into cache blocks of its own, so that many short ones are no small batch.
constexpr int64_t kLeastTokens = kCacheBlock / 4;

std::span<const int32_t> input_of(const ScoreRequest& request) {
  return std::span(request.ids).first(request.ids.size() - 1);
}

void check(const ScoreRequest& request, int64_t vocab) {
  if (request.first < 1 || request.first >= request.ids.size()) {
    throw Error(ErrorCode::kInvalidArgument,
                {"scoring a continuation",
                 fmt::format("tokens from number {} of {}", request.first, request.ids.size()),
                 "at least one, with at least one before it", ""});
  }
  const int32_t last = request.ids.back();  // the pass checks the others
  if (last < 0 || last >= vocab) {
    throw Error(ErrorCode::kInvalidArgument,
                {"scoring a continuation", fmt::format("token id {}", last),
                 fmt::format("0 to {}", vocab - 1), ""});
  }
}

}  // namespace

// A tree of inputs on its way through the model, level by level.
struct PrefixScorer::Batch {
  // Token `at` of a request, predicted by a row of its node or, once that ran, of the pass.
  struct Target {
    size_t request;
    size_t at;
    int64_t row;
    double log_prob = 0;
    bool greedy = false;
  };
  struct State {
    std::optional<KvCache> cache;
    std::vector<size_t> targets;
    size_t kept = 0;  // tokens of the node that the kept cache holds
    int pending = 0;  // children that have not run
  };

  explicit Batch(bool share) : tree(share) {}

  Requests requests;
  PrefixTree tree;
  std::vector<State> states;    // of the tree's nodes
  std::vector<Target> targets;  // of the requests, in order

  State& state(int node) { return states[static_cast<size_t>(node)]; }
  void prepare(std::span<const int32_t> kept_ids);
  std::vector<int> below(const std::vector<int>& level) const;
};

void PrefixScorer::Batch::prepare(std::span<const int32_t> kept_ids) {
  states.resize(tree.nodes().size());
  for (size_t i = 0; i < requests.size(); ++i) {
    for (size_t at = requests[i].first; at < requests[i].ids.size(); ++at) {
      const int node = tree.node_of(i, at - 1);
      state(node).targets.push_back(targets.size());
      targets.push_back({i, at, static_cast<int64_t>(at - 1 - tree.node(node).start)});
    }
  }
  for (std::vector<int> level = {0}; !level.empty(); level = below(level)) {
    for (const int index : level) {
      const PrefixTree::Node& node = tree.node(index);
      state(index).pending = static_cast<int>(node.children.size());
      const bool follows =
          index == 0 || (state(node.parent).kept == tree.node(node.parent).ids.size());
      if (follows && node.start <= kept_ids.size()) {
        state(index).kept = common_prefix(node.ids, kept_ids.subspan(node.start));
      }
    }
  }
}

std::vector<int> PrefixScorer::Batch::below(const std::vector<int>& level) const {
  std::vector<int> next;
  for (const int index : level) {
    const std::vector<int>& children = tree.node(index).children;
    next.insert(next.end(), children.begin(), children.end());
  }
  return next;
}

// Fills the tree with as many requests as fit; returns their number, at least 1.
size_t PrefixScorer::gather(Requests requests, Batch& batch) const {
  int64_t tokens = 0;
  size_t count = 0;
  for (; count < requests.size(); ++count) {
    check(requests[count], session_.model().config().vocab_size);
    const auto input = input_of(requests[count]);
    const bool same = count > 0 && std::ranges::equal(input, input_of(requests[count - 1]));
    const auto begins = count > 0 ? std::span<const int32_t>(input_of(requests[count - 1]))
                                  : std::span<const int32_t>(kept_ids_);
    const size_t known = options_.share || same ? common_prefix(input, begins) : 0;
    const int64_t news = static_cast<int64_t>(input.size() - known);
    const int64_t cost = same ? 0 : std::max(kLeastTokens, news);
    if (count > 0 && tokens + cost > options_.batch_tokens) break;
    tokens += cost;
    batch.tree.add(input);
  }
  return count;
}

void PrefixScorer::score(Requests requests, const Take& take) {
  for (size_t begin = 0; begin < requests.size();) {
    Batch batch(options_.share);
    const size_t count = gather(requests.subspan(begin), batch);
    batch.requests = requests.subspan(begin, count);
    batch.prepare(kept_ids_);
    std::vector<int> level = {0};
    while (!(level = batch.below(level)).empty()) run_level(batch, level);
    std::vector<RequestScore> scores(count);
    for (const Batch::Target& target : batch.targets) {
      scores[target.request].log_prob += target.log_prob;
      scores[target.request].greedy = scores[target.request].greedy && target.greedy;
    }
    keep(batch);
    for (size_t i = 0; i < count; ++i) take(begin + i, scores[i]);
    begin += count;
  }
}

std::vector<RequestScore> PrefixScorer::score(Requests requests) {
  std::vector<RequestScore> scores(requests.size());
  score(requests, [&](size_t i, const RequestScore& score) { scores[i] = score; });
  return scores;
}

void PrefixScorer::run_level(Batch& batch, const std::vector<int>& level) {
  std::vector<Chunk> chunks;
  std::vector<int> run;         // the nodes of the chunks
  std::vector<size_t> skipped;  // their tokens before the chunks
  for (const int index : level) {
    const PrefixTree::Node& node = batch.tree.node(index);
    Batch::State& state = batch.state(index);
    size_t skip = state.kept;  // a row that predicts a target has to run
    for (const size_t i : state.targets) {
      skip = std::min(skip, static_cast<size_t>(batch.targets[i].row));
    }
    const int64_t start = static_cast<int64_t>(node.start + skip);
    if (state.kept > 0) {
      state.cache = kept_->fork(start);
    } else if (node.parent == 0) {
      state.cache = session_.new_cache(!options_.share);
    } else {
      state.cache = batch.state(node.parent).cache->fork(start);
    }
    if (--batch.state(node.parent).pending == 0) batch.state(node.parent).cache.reset();
    if (skip == node.ids.size()) continue;
    run.push_back(index);
    skipped.push_back(skip);
    chunks.push_back({&*state.cache, std::span(node.ids).subspan(skip)});
    tokens_run_ += static_cast<int64_t>(chunks.back().ids.size());
  }
  if (chunks.empty()) return;
  session_.forward(chunks);
  std::vector<size_t> targets;
  for (size_t i = 0; i < run.size(); ++i) {
    const int64_t first = session_.decoder().last_row(i) + 1 -
                          static_cast<int64_t>(chunks[i].ids.size() + skipped[i]);
    for (const size_t target : batch.state(run[i]).targets) {
      batch.targets[target].row += first;
      targets.push_back(target);
    }
  }
  score_rows(batch, targets);
}

// Each row of the pass once, however many tokens it is asked about.
void PrefixScorer::score_rows(Batch& batch, const std::vector<size_t>& targets) {
  std::map<int64_t, std::vector<size_t>> by_row;
  for (const size_t target : targets) by_row[batch.targets[target].row].push_back(target);
  const std::vector<std::pair<int64_t, std::vector<size_t>>> all(by_row.begin(), by_row.end());
  Executor& executor = session_.executor();
  const int64_t vocab = session_.model().config().vocab_size;
  std::vector<float> logits;
  for (size_t begin = 0; begin < all.size(); begin += kRowsAtOnce) {
    const size_t count = std::min(kRowsAtOnce, all.size() - begin);
    std::vector<int64_t> rows;
    for (size_t i = 0; i < count; ++i) rows.push_back(all[begin + i].first);
    logits.resize(count * static_cast<size_t>(vocab));
    session_.decoder().logits(rows, logits.data());
    executor.pool().parallel_for(static_cast<int64_t>(count), [&](int64_t i, int) {
      float* row = logits.data() + i * vocab;
      const std::vector<size_t>& asked = all[begin + static_cast<size_t>(i)].second;
      const int32_t best = most_likely(executor.kernels(), row, vocab);
      std::vector<int32_t> ids;
      for (const size_t target : asked) {
        ids.push_back(batch.requests[batch.targets[target].request].ids[batch.targets[target].at]);
      }
      std::vector<double> found(ids.size());
      log_probs(executor.kernels(), row, vocab, ids, found.data());
      for (size_t k = 0; k < asked.size(); ++k) {
        batch.targets[asked[k]].log_prob = found[k];
        batch.targets[asked[k]].greedy = ids[k] == best;
      }
    });
  }
}

void PrefixScorer::keep(Batch& batch) {
  if (!options_.share) return;
  const auto last = input_of(batch.requests.back());
  Batch::State& state = batch.state(batch.tree.leaf(batch.requests.size() - 1));
  if (!state.cache) return;  // it went on to longer ones, which are gone with their batch
  kept_ids_.assign(last.begin(), last.end());
  kept_ = std::move(state.cache);
}

}  // namespace expertoire
