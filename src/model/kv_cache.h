// Keys and values of one sequence, kept as packed panels so that attention is two panel products.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "model/config.h"
#include "simd/kernels.h"
#include "tensor/buffer.h"
#include "tensor/dtype.h"

namespace expertoire {

/// Positions of one block: the width of a panel.
inline constexpr int kCacheBlock = kPanelWidth;

/// Storage is a list of blocks of 64 positions. For each layer and key/value head a block holds
///   keys:   one panel with the positions as outputs and head_dim as inputs;
///   values: one panel for each 64 of head_dim as outputs, with the positions as inputs.
/// Forks share blocks; whoever writes into a shared one gets a copy of its own first (reserve()).
class KvCache {
 public:
  /// A transient cache has room for one layer, which all layers use in turn: for a forward pass
  /// that nothing will continue, such as an embedding.
  KvCache(const ModelConfig& config, Compute compute, bool transient);

  /// Was it made for such a model?
  bool fits(const ModelConfig& config, Compute compute) const;
  /// Positions that all layers hold.
  int64_t length() const { return length_; }
  bool transient() const { return transient_; }
  /// Forgets all positions from `length` on; storage is kept for reuse.
  void truncate(int64_t length) { length_ = length; }
  /// A cache that holds the first `length` positions of this one, which stays as it is: for texts
  /// that begin alike. Errors: kInvalidArgument unless length ≤ length().
  KvCache fork(int64_t length) const;
  /// A transient cache then begins with the first `length` positions of `prefix`, which have to
  /// stay there for one pass. Errors: kInvalidArgument when it holds fewer, or is another model's.
  void begin_with(const KvCache& prefix, int64_t length);
  /// A pass comes to `layer`: copies what begin_with() said of it. Other threads may write later
  /// positions meanwhile, but not the first of them.
  void begin_layer(int layer);
  /// Makes room for `length` positions, of which those from length() on may then be written.
  void reserve(int64_t length);
  /// The forward pass has filled positions up to `length` in every layer. A transient cache is
  /// empty again.
  void commit(int64_t length) {
    length_ = transient_ ? 0 : length;
    prefix_ = nullptr;
  }

  /// Zeroes the value after the last of an odd number of positions, with which a bf16 product pairs
  /// it: a pass that failed may have left an infinity there, and 0 · ∞ is no 0.
  void clear_pair(int64_t length);
  /// Writes key and value [head_dim] of one position, already in the compute type.
  void write(int layer, int head, int64_t position, const void* key, const void* value);
  const std::byte* key_panel(int layer, int head, int64_t block) const;
  /// Panel `part` of the values: head dimensions [64·part, 64·part + 64).
  const std::byte* value_panel(int layer, int head, int64_t block, int64_t part) const;

  int64_t bytes() const;

 private:
  void check_holds(int64_t length) const;
  void copy_positions(const std::byte* from, int64_t count, std::byte* to) const;
  std::byte* head_block(int layer, int head, int64_t block) const;

  Compute compute_;
  bool transient_;
  int layers_;  // that it has room for
  int heads_;
  int64_t head_dim_;
  int64_t key_bytes_;    // of one head in one block
  int64_t value_bytes_;  // likewise
  int64_t length_ = 0;
  const KvCache* prefix_ = nullptr;  // of a transient cache: holds the first length_ positions
  std::vector<std::shared_ptr<Buffer>> blocks_;
};

}  // namespace expertoire
