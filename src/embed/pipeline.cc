#include "embed/pipeline.h"

#include <algorithm>

namespace expertoire {
namespace {

constexpr int64_t kLeastTokens = kCacheBlock / 4;

}  // namespace

void EmbedPipeline::add(std::vector<int32_t> ids) {
  // Each text has a cache block of its own, so that many short ones are no small batch.
  const int64_t count = std::max(kLeastTokens, static_cast<int64_t>(ids.size()));
  if (pending_tokens_ > 0 && pending_tokens_ + count > batch_tokens_) flush();
  pending_tokens_ += count;
  total_tokens_ += static_cast<int64_t>(ids.size());
  batch_.push_back(std::move(ids));
  if (pending_tokens_ >= batch_tokens_) flush();
}

void EmbedPipeline::flush() {
  if (batch_.empty()) return;
  for (EmbedParts& parts : embedder_.parts(batch_)) sink_(std::move(parts));
  batch_.clear();
  pending_tokens_ = 0;
}

}  // namespace expertoire
