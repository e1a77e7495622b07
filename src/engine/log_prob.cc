#include "engine/log_prob.h"

#include <algorithm>
#include <cmath>

namespace expertoire {

void log_probs(const KernelTable& kernels, float* logits, int64_t vocab,
               std::span<const int32_t> ids, double* out) {
  // The sum in f32 only over short pieces: a large vocabulary has many terms too small to be added
  // to the largest.
  constexpr int64_t kPiece = 64;
  for (size_t i = 0; i < ids.size(); ++i) out[i] = static_cast<double>(logits[ids[i]]);
  const float most = kernels.max(logits, vocab);
  double sum = 0;
  for (int64_t at = 0; at < vocab; at += kPiece) {
    float* piece = logits + at;
    sum += static_cast<double>(kernels.exp_sum(piece, most, std::min(kPiece, vocab - at), piece));
  }
  for (size_t i = 0; i < ids.size(); ++i) out[i] = out[i] - most - std::log(sum);
}

int32_t most_likely(const KernelTable& kernels, const float* logits, int64_t vocab) {
  const float most = kernels.max(logits, vocab);
  return static_cast<int32_t>(std::find(logits, logits + vocab, most) - logits);
}

}  // namespace expertoire
