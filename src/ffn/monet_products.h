// The two products of Monet's expert layer, over the pairs of a block of tokens.
#pragma once

#include "ffn/monet_pairs.h"
#include "tensor/rows.h"
#include "tensor/strip_matrix.h"

namespace expertoire {

/// neurons[pair][neuron] = relu²(U x + b) for the neurons of one strip of a side, for all pairs of
/// their keys. x: rows of the batch, the block's from `first` on; neurons: [pairs, width].
void activate_strip(const KernelTable& kernels, const StripMatrix& up, int64_t strip, int64_t width,
                    const Rows& x, int64_t first, const MonetPairs& pairs, float* neurons);

/// out[t][panel] += Σ over the keys that token t kept, in rising order, of the key's slot times its
/// columns of `down` [outputs, n · slot]. values: [pairs, slot], in the type of `down`; tile:
/// [tokens][kPanelWidth], scratch; out: the block's first row, `stride` elements between rows.
void add_panel(const KernelTable& kernels, const PackedMatrix& down, int64_t panel, int64_t slot,
               const MonetPairs& pairs, const std::byte* values, float* tile, int64_t tokens,
               float* out, int64_t stride);

}  // namespace expertoire
