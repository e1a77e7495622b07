// Weights in the layout of the panel products (simd/kernels.h).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/checked.h"
#include "tensor/buffer.h"
#include "tensor/executor.h"
#include "tensor/tensor_view.h"

namespace expertoire {

/// W [outputs, inputs], cut into panels of kPanelWidth outputs; optional bias per output.
struct PackedMatrix {
  Compute compute = Compute::kF32;
  int64_t outputs = 0;  ///< a multiple of nothing; the last panel is padded with zero rows
  int64_t inputs = 0;
  Buffer data;
  std::vector<float> bias;  ///< empty, or panels() · kPanelWidth values

  int64_t panels() const { return ceil_div(outputs, kPanelWidth); }
  /// Inputs as stored: padded to an even number for bf16.
  int64_t depth() const { return compute == Compute::kBF16 ? round_up(inputs, 2) : inputs; }
  int64_t panel_bytes() const {
    return depth() * kPanelWidth * static_cast<int64_t>(compute_size(compute));
  }
  const std::byte* panel(int64_t index) const { return data.data() + index * panel_bytes(); }
  /// Outputs of this panel that are not padding.
  int panel_width(int64_t index) const {
    return static_cast<int>(std::min<int64_t>(kPanelWidth, outputs - index * kPanelWidth));
  }
  explicit operator bool() const { return outputs > 0; }
};

/// One output's weights: a row of a tensor [rows, inputs], or nothing (zeros).
struct RowRef {
  const TensorView* tensor = nullptr;
  int64_t row = 0;
};

/// Packs rows[i] as output i. Errors: kNumeric naming `what` when a weight is NaN or infinite,
/// kUnsupported for a dtype that is not F32, BF16 or F16.
PackedMatrix pack_matrix(Executor& executor, Compute compute, const std::vector<RowRef>& rows,
                         int64_t inputs, const std::string& what);

/// Writes outputs [first, first + count) of a matrix, [count, inputs]; called from several threads.
using RowSource = std::function<void(int64_t first, int64_t count, float* rows)>;

/// Packs what `source` writes, a panel at a time. Errors: kNumeric as above.
PackedMatrix pack_generated(Executor& executor, Compute compute, int64_t outputs, int64_t inputs,
                            const RowSource& source, const std::string& what);

/// All rows of one tensor, in order.
std::vector<RowRef> all_rows(const TensorView& tensor);

/// Outputs of gate and up in turns of 32, so that one panel holds both halves of 32 neurons and
/// the SwiGLU product is made while they are in cache: panel p = gate[32p, 32p+32), up[same].
std::vector<RowRef> interleave_gate_up(const TensorView& gate, const TensorView& up);
/// The same order for their biases.
std::vector<float> interleave_halves(const std::vector<float>& gate, const std::vector<float>& up);

}  // namespace expertoire
