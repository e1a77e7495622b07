// Products of activation rows with packed matrices.
#pragma once

#include <functional>
#include <span>

#include "tensor/executor.h"
#include "tensor/packed_matrix.h"
#include "tensor/rows.h"

namespace expertoire {

/// A run of rows times a matrix. Row i of the product is row `index[i]` of `rows` (or i, when
/// `index` is null).
struct MatmulJob {
  const PackedMatrix* matrix = nullptr;
  Rows rows;
  const int32_t* index = nullptr;
  int64_t count = 0;
};

/// A finished piece of a product: rows [first, first + count) of job `job`, panel `panel`.
struct Tile {
  int64_t job = 0;
  int64_t first = 0;
  int count = 0;
  int64_t panel = 0;
  int width = 0;             ///< outputs of this panel that are not padding
  const float* c = nullptr;  ///< [count][kPanelWidth], bias added
};

/// Takes a tile; called from the threads of the executor, for different elements at a time.
using TileSink = std::function<void(const Tile&)>;

/// Computes rows [first, first + count) of a job against one panel into the worker's tile, bias
/// included; count ≤ kMaxPanelRows. `next`: the panel wanted after this one, or null.
const float* panel_product(Executor& executor, const MatmulJob& job, int64_t first, int count,
                           int64_t panel, const std::byte* next, int worker);

/// All jobs, cut into tasks of comparable size that threads take in turn. Every output element is
/// computed whole by one thread, so results do not depend on threads or on what else is in the
/// batch.
void matmul(Executor& executor, std::span<const MatmulJob> jobs, const TileSink& sink);

/// out[i][0, outputs) = row i of the product, for i < job.count; stride in elements.
void matmul_store(Executor& executor, const MatmulJob& job, float* out, int64_t stride);
/// out[i][0, outputs) += row i of the product; `out` holds f32.
void matmul_add(Executor& executor, const MatmulJob& job, const Rows& out);

}  // namespace expertoire
