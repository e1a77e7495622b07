// The two products of Monet's expert layer, over the pairs of a block of tokens.
#pragma once

#include "ffn/monet_pairs.h"
#include "tensor/rows.h"
#include "tensor/strip_matrix.h"

namespace expertoire {

/// block.neurons[side] [pair][neuron] = relu²(U x + b) for the neurons of one strip of a side, for
/// all pairs of their keys, of `width` neurons each. x: rows of the batch.
void activate_strip(const KernelTable& kernels, const StripMatrix& up, int64_t strip, int64_t width,
                    const Rows& x, MonetBlock& block, size_t side);

/// A panel of `down` [outputs, n · slot].
struct KeyPanel {
  const PackedMatrix& down;
  int64_t panel;
  int64_t slot;
};

/// out[t][panel] += Σ over the keys of `side` that token t kept, in rising order, of the key's slot
/// in block.values[side] times its columns. tile: [tokens of a block][kPanelWidth], scratch; out:
/// f32 rows of the batch.
void add_panel(const KernelTable& kernels, const KeyPanel& panel, const MonetBlock& block,
               size_t side, float* tile, const Rows& out);

}  // namespace expertoire
