#include "tensor/strip_matrix.h"

namespace expertoire {
namespace {

constexpr int kStripsInPanel = kPanelWidth / kStripWidth;

// Panels hold one word of each output in turn (an f32, or two bf16), strips two.
void cut(const uint32_t* panel, int64_t words, int first, uint32_t* strip) {
  constexpr int64_t kTurn = 2;
  for (int64_t i = 0; i < words; ++i) {
    const uint32_t* from = panel + i * kPanelWidth + first;
    uint32_t* to = strip + i / kTurn * kTurn * kStripWidth + i % kTurn;
    for (int j = 0; j < kStripWidth; ++j) to[j * kTurn] = from[j];
  }
}

}  // namespace

StripMatrix cut_into_strips(Executor& executor, const PackedMatrix& matrix) {
  StripMatrix strips{matrix.compute, matrix.outputs, matrix.inputs, {}, matrix.bias};
  strips.bias.resize(static_cast<size_t>(strips.strips() * kStripWidth), 0.0F);
  strips.data = Buffer(static_cast<size_t>(strips.strips() * strips.strip_bytes()));
  const int64_t words = matrix.depth() * static_cast<int64_t>(compute_size(matrix.compute)) / 4;
  executor.pool().parallel_for(strips.strips(), [&](int64_t index, int) {
    const auto* panel = reinterpret_cast<const uint32_t*>(matrix.panel(index / kStripsInPanel));
    auto* strip = reinterpret_cast<uint32_t*>(strips.data.data() + index * strips.strip_bytes());
    cut(panel, words, static_cast<int>(index % kStripsInPanel) * kStripWidth, strip);
  });
  return strips;
}

}  // namespace expertoire
