// Causal self-attention of a packed batch, blockwise: no score matrix larger than 128 × 64 exists.
#pragma once

#include <span>
#include <vector>

#include "model/config.h"
#include "model/kv_cache.h"
#include "tensor/executor.h"
#include "tensor/packed_matrix.h"
#include "tensor/rows.h"

namespace expertoire {

/// Rows [first_row, first_row + count) of a batch continue the sequence in `cache`: row
/// first_row + i stands at position start + i.
struct BatchSlice {
  KvCache* cache = nullptr;
  int64_t first_row = 0;
  int64_t count = 0;
  int64_t start = 0;
};

struct AttentionWeights {
  PackedMatrix qkv;           ///< q, k, v one after the other, [q_size + 2 kv_size, hidden_size]
  PackedMatrix o;             ///< [hidden_size, q_size]
  std::vector<float> q_norm;  ///< [q_size] (full), [head_dim] (per head), or empty
  std::vector<float> k_norm;  ///< [kv_size], [head_dim], or empty
};

/// cos and sin of positions, made once and used by all layers.
class RopeTable {
 public:
  explicit RopeTable(const ModelConfig& config);
  /// Covers positions [0, length).
  void ensure(int64_t length);
  const float* cos(int64_t position) const { return cos_.data() + position * half_; }
  const float* sin(int64_t position) const { return sin_.data() + position * half_; }
  int64_t half() const { return half_; }

 private:
  std::vector<float> inv_freq_;
  double attention_factor_;
  int64_t half_;
  std::vector<float> cos_;  // [positions, half]
  std::vector<float> sin_;
};

/// Mutable memory of a session's attention, shared by all layers.
struct AttentionScratch {
  RowBuffer qkv;      // f32 [T, q_size + 2 kv_size]
  RowBuffer query;    // compute [T, q_size], scaled
  RowBuffer context;  // compute [T, q_size]
  struct Worker {
    Scratch<std::byte> key_value;  // a token's keys and values in the compute type
    RowBuffer probs;               // compute [128, 64]
    Scratch<float> row;            // f32 [64]
    Scratch<float> out;            // f32 [128, padded head_dim]
  };
  std::vector<Worker> workers;
};

/// What one layer's attention reads.
struct AttentionInput {
  const ModelConfig& config;
  const AttentionWeights& weights;
  const RopeTable& rope;
  int layer;
  std::span<const BatchSlice> slices;
  Rows rows;  ///< [T, hidden_size], normed, in the compute type
  /// Only the last row of each slice asks; the others have keys and values, and no result.
  bool last_rows_only = false;
};

/// out += o_proj(attention(input)); `out`: f32 rows, [T], or one for each slice when only their
/// last rows ask. Writes the slices' keys and values into their caches (reserved by the caller). A
/// row's result depends on its own sequence only: blocks of keys are taken from position 0 in steps
/// of 64, whatever the cache already held.
void attend(Executor& executor, const AttentionInput& input, AttentionScratch& scratch,
            const Rows& out);

}  // namespace expertoire
