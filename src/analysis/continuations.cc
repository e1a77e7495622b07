#include "analysis/continuations.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace expertoire {
namespace {

// Seeds that lie side by side must not give streams that overlap (splitmix64's finisher).
uint64_t mixed(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

struct Stream {
  KvCache cache;
  Sampler sampler;
  std::vector<int32_t> ids;
  bool open = true;
};

class Streams {
 public:
  Streams(Session& session, const ContinuationOptions& options)
      : session_(session),
        options_(options),
        vocab_(static_cast<size_t>(session.model().config().vocab_size)) {}

  std::vector<std::vector<int32_t>> run(std::span<const int32_t> prompt_ids, uint64_t prompt) {
    KvCache cache = session_.new_cache();
    const Chunk chunk{&cache, prompt_ids};
    session_.forward({&chunk, 1}, nullptr, nullptr, LastLayer::kLastTokens);
    const int64_t row = session_.decoder().last_row(0);
    logits_.resize(vocab_);
    session_.decoder().logits({&row, 1}, logits_.data());
    for (int i = 0; i < options_.count; ++i) {
      SamplerOptions sampler = options_.sampler;
      sampler.seed = mixed(mixed(sampler.seed + 1) + mixed(prompt + 1) + static_cast<uint64_t>(i));
      streams_.push_back({cache.fork(cache.length()), Sampler(sampler), {}});
    }
    std::vector<Stream*> open;
    for (Stream& stream : streams_) open.push_back(&stream);
    sample(open, 0);
    while (step()) {
    }
    std::vector<std::vector<int32_t>> all;
    for (Stream& stream : streams_) all.push_back(std::move(stream.ids));
    return all;
  }

 private:
  // The next token of each; `stride` between their logits, 0 where all share one row.
  void sample(const std::vector<Stream*>& open, size_t stride) {
    session_.executor().pool().parallel_for(static_cast<int64_t>(open.size()), [&](int64_t i, int) {
      Stream& stream = *open[static_cast<size_t>(i)];
      const std::span<const float> logits(logits_.data() + static_cast<size_t>(i) * stride, vocab_);
      const int32_t id = stream.sampler.sample(logits);
      const bool ends = std::ranges::find(options_.stop_ids, id) != options_.stop_ids.end();
      if (!ends) stream.ids.push_back(id);
      stream.open = !ends && static_cast<int64_t>(stream.ids.size()) < options_.max_tokens &&
                    !(options_.ended && options_.ended(stream.ids));
    });
  }

  bool step() {
    std::vector<Stream*> open;
    std::vector<Chunk> chunks;
    for (Stream& stream : streams_) {
      if (!stream.open) continue;
      open.push_back(&stream);
      chunks.push_back({&stream.cache, std::span(stream.ids).last(1)});
    }
    if (open.empty()) return false;
    session_.forward(chunks);
    std::vector<int64_t> rows;
    for (size_t i = 0; i < open.size(); ++i) rows.push_back(session_.decoder().last_row(i));
    logits_.resize(rows.size() * vocab_);
    session_.decoder().logits(rows, logits_.data());
    sample(open, vocab_);
    return true;
  }

  Session& session_;
  const ContinuationOptions& options_;
  size_t vocab_;
  std::vector<Stream> streams_;
  std::vector<float> logits_;
};

}  // namespace

std::vector<std::vector<int32_t>> sample_continuations(Session& session,
                                                       std::span<const int32_t> prompt_ids,
                                                       uint64_t prompt,
                                                       const ContinuationOptions& options) {
  const int64_t most = session.model().config().max_position_embeddings - options.max_tokens;
  if (most < 1) {
    throw Error(ErrorCode::kTooLong,
                {"sampling continuations", fmt::format("{} new tokens", options.max_tokens),
                 "fewer than max_position_embeddings", ""});
  }
  if (options.max_tokens < 1 || options.count < 1) return {};
  const size_t kept = std::min(prompt_ids.size(), static_cast<size_t>(most));
  return Streams(session, options).run(prompt_ids.last(kept), prompt);
}

}  // namespace expertoire
