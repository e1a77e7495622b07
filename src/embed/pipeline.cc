#include "embed/pipeline.h"

namespace expertoire {

void EmbedPipeline::add(std::string_view text) {
  std::vector<int32_t> ids = embedder_.tokenize(text);
  const int64_t count = static_cast<int64_t>(ids.size());
  if (pending_tokens_ > 0 && pending_tokens_ + count > batch_tokens_) flush();
  pending_tokens_ += count;
  total_tokens_ += count;
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
