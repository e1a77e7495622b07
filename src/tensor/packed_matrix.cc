#include "tensor/packed_matrix.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.h"

namespace expertoire {
namespace {

constexpr int kHalfPanel = kPanelWidth / 2;

// Brings one row at a time into the type that the packing kernel takes.
class RowReader {
 public:
  RowReader(const KernelTable& kernels, Compute compute, int64_t inputs)
      : kernels_(kernels), inputs_(inputs) {
    floats_.ensure(inputs * (compute == Compute::kF32 ? kPanelWidth : 1));
    if (compute == Compute::kBF16) halves_.ensure(inputs * kPanelWidth);
  }

  const float* as_f32(const RowRef& ref, int slot) {
    float* out = floats_.data() + slot * inputs_;
    convert(ref, out);
    return out;
  }

  const bf16_t* as_bf16(const RowRef& ref, int slot) {
    convert(ref, floats_.data());
    const std::byte* source = address(ref);
    const bool aligned = reinterpret_cast<uintptr_t>(source) % alignof(bf16_t) == 0;
    if (ref.tensor->dtype == DType::kBF16 && aligned) {
      return reinterpret_cast<const bf16_t*>(source);
    }
    bf16_t* out = halves_.data() + slot * inputs_;
    kernels_.f32_to_bf16(floats_.data(), inputs_, out);
    return out;
  }

  bool finite() const { return finite_; }

 private:
  const std::byte* address(const RowRef& ref) const {
    return ref.tensor->data +
           ref.row * inputs_ * static_cast<int64_t>(dtype_size(ref.tensor->dtype));
  }

  void convert(const RowRef& ref, float* out) {
    const std::byte* source = address(ref);
    const bool aligned = reinterpret_cast<uintptr_t>(source) % alignof(uint16_t) == 0;
    if (ref.tensor->dtype == DType::kBF16 && aligned) {
      kernels_.bf16_to_f32(reinterpret_cast<const bf16_t*>(source), inputs_, out);
    } else if (ref.tensor->dtype == DType::kF16 && aligned) {
      kernels_.f16_to_f32(reinterpret_cast<const uint16_t*>(source), inputs_, out);
    } else {
      read_f32(*ref.tensor, ref.row * inputs_, inputs_, out);
    }
    finite_ = finite_ && kernels_.all_finite(out, inputs_);
  }

  const KernelTable& kernels_;
  int64_t inputs_;
  Scratch<float> floats_;
  Scratch<bf16_t> halves_;
  bool finite_ = true;
};

void pack_panel(const KernelTable& kernels, const PackedMatrix& matrix, const RowRef* rows,
                int width, RowReader& reader, std::byte* panel) {
  std::array<const float*, kPanelWidth> floats{};
  std::array<const bf16_t*, kPanelWidth> halves{};
  for (int j = 0; j < width; ++j) {
    if (rows[j].tensor == nullptr) continue;
    if (matrix.compute == Compute::kF32) {
      floats[j] = reader.as_f32(rows[j], j);
    } else {
      halves[j] = reader.as_bf16(rows[j], j);
    }
  }
  if (matrix.compute == Compute::kF32) {
    kernels.pack_f32(floats.data(), matrix.inputs, reinterpret_cast<float*>(panel));
  } else {
    kernels.pack_bf16(halves.data(), matrix.inputs, reinterpret_cast<bf16_t*>(panel));
  }
}

PackedMatrix unfilled(Compute compute, int64_t outputs, int64_t inputs) {
  PackedMatrix matrix;
  matrix.compute = compute;
  matrix.outputs = outputs;
  matrix.inputs = inputs;
  matrix.data = Buffer(static_cast<size_t>(matrix.panels() * matrix.panel_bytes()));
  return matrix;
}

void require_finite(bool finite, const std::string& what) {
  if (finite) return;
  throw Error(ErrorCode::kNumeric, {"loading " + what, "a weight that is NaN or infinite",
                                    "finite weights", "the checkpoint is damaged"});
}

}  // namespace

PackedMatrix pack_matrix(Executor& executor, Compute compute, const std::vector<RowRef>& rows,
                         int64_t inputs, const std::string& what) {
  PackedMatrix matrix = unfilled(compute, static_cast<int64_t>(rows.size()), inputs);
  std::vector<RowReader> readers;
  for (int i = 0; i < executor.pool().threads(); ++i) {
    readers.emplace_back(executor.kernels(), compute, inputs);
  }
  executor.pool().parallel_for(matrix.panels(), [&](int64_t panel, int worker) {
    RowReader& reader = readers[static_cast<size_t>(worker)];
    pack_panel(executor.kernels(), matrix, rows.data() + panel * kPanelWidth,
               matrix.panel_width(panel), reader,
               matrix.data.data() + panel * matrix.panel_bytes());
    require_finite(reader.finite(), what);
  });
  return matrix;
}

PackedMatrix pack_generated(Executor& executor, Compute compute, int64_t outputs, int64_t inputs,
                            const RowSource& source, const std::string& what) {
  const KernelTable& kernels = executor.kernels();
  PackedMatrix matrix = unfilled(compute, outputs, inputs);
  std::vector<Scratch<float>> floats(static_cast<size_t>(executor.pool().threads()));
  std::vector<Scratch<bf16_t>> halves(floats.size());
  executor.pool().parallel_for(matrix.panels(), [&](int64_t panel, int worker) {
    const int width = matrix.panel_width(panel);
    float* rows = floats[static_cast<size_t>(worker)].ensure(kPanelWidth * inputs);
    source(panel * kPanelWidth, width, rows);
    require_finite(kernels.all_finite(rows, width * inputs), what);
    std::byte* to = matrix.data.data() + panel * matrix.panel_bytes();
    std::array<const float*, kPanelWidth> from{};
    std::array<const bf16_t*, kPanelWidth> half_from{};
    if (compute == Compute::kF32) {
      for (int j = 0; j < width; ++j) from[static_cast<size_t>(j)] = rows + j * inputs;
      kernels.pack_f32(from.data(), inputs, reinterpret_cast<float*>(to));
    } else {
      bf16_t* narrow = halves[static_cast<size_t>(worker)].ensure(kPanelWidth * inputs);
      kernels.f32_to_bf16(rows, width * inputs, narrow);
      for (int j = 0; j < width; ++j) half_from[static_cast<size_t>(j)] = narrow + j * inputs;
      kernels.pack_bf16(half_from.data(), inputs, reinterpret_cast<bf16_t*>(to));
    }
  });
  return matrix;
}

std::vector<RowRef> all_rows(const TensorView& tensor) {
  std::vector<RowRef> rows(static_cast<size_t>(tensor.shape.at(0)));
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = {&tensor, static_cast<int64_t>(i)};
  return rows;
}

namespace {

// gate(i) and up(i) for i < width, in turns of half a panel, padded with T().
template <class T, class Gate, class Up>
std::vector<T> in_turns(int64_t width, Gate gate, Up up) {
  std::vector<T> values(static_cast<size_t>(round_up(width, kHalfPanel) * 2));
  for (int64_t i = 0; i < width; ++i) {
    const int64_t at = i / kHalfPanel * kPanelWidth + i % kHalfPanel;
    values[static_cast<size_t>(at)] = gate(i);
    values[static_cast<size_t>(at + kHalfPanel)] = up(i);
  }
  return values;
}

}  // namespace

std::vector<RowRef> interleave_gate_up(const TensorView& gate, const TensorView& up) {
  return in_turns<RowRef>(
      gate.shape.at(0),
      [&](int64_t i) {
        return RowRef{&gate, i};
      },
      [&](int64_t i) {
        return RowRef{&up, i};
      });
}

std::vector<float> interleave_halves(const std::vector<float>& gate, const std::vector<float>& up) {
  return in_turns<float>(
      static_cast<int64_t>(gate.size()), [&](int64_t i) { return gate[static_cast<size_t>(i)]; },
      [&](int64_t i) { return up[static_cast<size_t>(i)]; });
}

}  // namespace expertoire
