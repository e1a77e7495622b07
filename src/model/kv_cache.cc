#include "model/kv_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "base/error.h"

namespace expertoire {
namespace {

// Inputs that lie side by side for each output of a panel: f32 [k][64]; bf16 [k/2][64][2].
template <class T>
constexpr int64_t kTurn = sizeof(T) == 2 ? 2 : 1;

template <class T>
void write_key(const T* key, int64_t head_dim, int64_t slot, T* panel) {
  T* out = panel + slot * kTurn<T>;
  for (int64_t k = 0; k < head_dim; ++k) {
    out[k / kTurn<T> * kPanelWidth * kTurn<T> + k % kTurn<T>] = key[k];
  }
}

template <class T>
void write_value(const T* value, int64_t head_dim, int64_t slot, T* panels) {
  T* out = panels + slot / kTurn<T> * kPanelWidth * kTurn<T> + slot % kTurn<T>;
  for (int64_t d = 0; d < head_dim; d += kPanelWidth, out += kCacheBlock * kPanelWidth) {
    const int64_t width = std::min<int64_t>(kPanelWidth, head_dim - d);
    for (int64_t j = 0; j < width; ++j) out[j * kTurn<T>] = value[d + j];
  }
}

}  // namespace

KvCache::KvCache(const ModelConfig& config, Compute compute, bool transient)
    : compute_(compute),
      transient_(transient),
      layers_(transient ? 1 : config.num_hidden_layers),
      heads_(config.num_key_value_heads),
      head_dim_(config.head_dim) {
  const int64_t element = static_cast<int64_t>(compute_size(compute));
  key_bytes_ = head_dim_ * kPanelWidth * element;
  value_bytes_ = ceil_div(head_dim_, kPanelWidth) * kCacheBlock * kPanelWidth * element;
}

bool KvCache::fits(const ModelConfig& config, Compute compute) const {
  return compute_ == compute && heads_ == config.num_key_value_heads &&
         head_dim_ == config.head_dim && (transient_ || layers_ == config.num_hidden_layers);
}

void KvCache::check_holds(int64_t length) const {
  if (length >= 0 && length <= length_) return;
  throw Error(ErrorCode::kInvalidArgument,
              {"continuing a cache", fmt::format("{} positions", length),
               fmt::format("at most the {} that it holds", length_), ""});
}

KvCache KvCache::fork(int64_t length) const {
  check_holds(length);
  KvCache copy = *this;
  copy.blocks_.resize(static_cast<size_t>(ceil_div(length, kCacheBlock)));
  copy.length_ = length;
  return copy;
}

void KvCache::begin_with(const KvCache& prefix, int64_t length) {
  prefix.check_holds(length);
  if (!transient_ || compute_ != prefix.compute_ || heads_ != prefix.heads_ ||
      head_dim_ != prefix.head_dim_) {
    throw Error(ErrorCode::kInvalidArgument,
                {"beginning a cache with another", "one that lasts, or of another model or type",
                 "a transient one of the same", ""});
  }
  prefix_ = &prefix;
  length_ = length;
}

void KvCache::begin_layer(int layer) {
  if (prefix_ == nullptr) return;
  for (int64_t block = 0; block * kCacheBlock < length_; ++block) {
    const int64_t count = std::min<int64_t>(kCacheBlock, length_ - block * kCacheBlock);
    for (int head = 0; head < heads_; ++head) {
      copy_positions(prefix_->head_block(layer, head, block), count,
                     head_block(layer, head, block));
    }
  }
}

// The first `count` positions of a head's block. In both types an output of a turn has 4 bytes; the
// last of an odd count takes the value it is paired with along, which the pass writes anew.
void KvCache::copy_positions(const std::byte* from, int64_t count, std::byte* to) const {
  constexpr int64_t kOutput = 4;
  constexpr int64_t kTurnBytes = kPanelWidth * kOutput;
  for (int64_t at = 0; at < key_bytes_; at += kTurnBytes) {
    std::memcpy(to + at, from + at, static_cast<size_t>(count * kOutput));
  }
  const int64_t inputs = compute_ == Compute::kF32 ? 1 : 2;
  const auto values = static_cast<size_t>(ceil_div(count, inputs) * kTurnBytes);
  const int64_t part = kCacheBlock / inputs * kTurnBytes;
  for (int64_t at = key_bytes_; at < key_bytes_ + value_bytes_; at += part) {
    std::memcpy(to + at, from + at, values);
  }
}

void KvCache::reserve(int64_t length) {
  const size_t bytes = static_cast<size_t>(layers_ * heads_ * (key_bytes_ + value_bytes_));
  for (size_t i = static_cast<size_t>(length_ / kCacheBlock); i < blocks_.size(); ++i) {
    if (blocks_[i].use_count() == 1) continue;
    auto own = std::make_shared<Buffer>(bytes);
    std::memcpy(own->data(), blocks_[i]->data(), bytes);
    blocks_[i] = std::move(own);
  }
  while (static_cast<int64_t>(blocks_.size()) * kCacheBlock < length) {
    blocks_.push_back(std::make_shared<Buffer>(bytes));
  }
}

void KvCache::clear_pair(int64_t length) {
  if (compute_ != Compute::kBF16 || length % 2 == 0) return;
  const std::vector<bf16_t> zeros(static_cast<size_t>(head_dim_), 0);
  for (int layer = 0; layer < layers_; ++layer) {
    for (int head = 0; head < heads_; ++head) {
      std::byte* block = head_block(layer, head, length / kCacheBlock);
      write_value(zeros.data(), head_dim_, length % kCacheBlock,
                  reinterpret_cast<bf16_t*>(block + key_bytes_));
    }
  }
}

std::byte* KvCache::head_block(int layer, int head, int64_t block) const {
  const int64_t index = (transient_ ? 0 : layer) * heads_ + head;
  return blocks_[static_cast<size_t>(block)]->data() + index * (key_bytes_ + value_bytes_);
}

const std::byte* KvCache::key_panel(int layer, int head, int64_t block) const {
  return head_block(layer, head, block);
}

const std::byte* KvCache::value_panel(int layer, int head, int64_t block, int64_t part) const {
  return head_block(layer, head, block) + key_bytes_ +
         part * kCacheBlock * kPanelWidth * static_cast<int64_t>(compute_size(compute_));
}

void KvCache::write(int layer, int head, int64_t position, const void* key, const void* value) {
  std::byte* block = head_block(layer, head, position / kCacheBlock);
  const int64_t slot = position % kCacheBlock;
  if (compute_ == Compute::kF32) {
    write_key(static_cast<const float*>(key), head_dim_, slot, reinterpret_cast<float*>(block));
    write_value(static_cast<const float*>(value), head_dim_, slot,
                reinterpret_cast<float*>(block + key_bytes_));
  } else {
    write_key(static_cast<const bf16_t*>(key), head_dim_, slot, reinterpret_cast<bf16_t*>(block));
    write_value(static_cast<const bf16_t*>(value), head_dim_, slot,
                reinterpret_cast<bf16_t*>(block + key_bytes_));
  }
}

int64_t KvCache::bytes() const {
  int64_t total = 0;
  for (const auto& block : blocks_) total += static_cast<int64_t>(block->size());
  return total;
}

}  // namespace expertoire
