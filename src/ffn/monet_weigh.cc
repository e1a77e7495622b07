#include "ffn/monet_weigh.h"

#include <algorithm>
#include <bit>

namespace expertoire {
namespace {

// y += a · x
void add_scaled(float a, const float* x, int64_t n, float* y) {
  for (int64_t i = 0; i < n; ++i) y[i] += a * x[i];
}

}  // namespace

MonetWeigher::MonetWeigher(const FactoredRouting& routing, const LayerEdit* edit, int64_t width)
    : routing_(routing),
      edit_(edit != nullptr && !edit->touched.empty() ? edit : nullptr),
      width_(width) {
  if (edit_ == nullptr) return;
  kept_.resize(static_cast<size_t>(touched_words(routing.keys)));
  entry_.resize(static_cast<size_t>(routing.keys));
}

// total[h] = Σ_keys g_h · neurons. Terms of 0 are left out: they add nothing, and are most of them.
void MonetWeigher::sum_neurons(size_t side) {
  Side& s = sides_[side];
  s.total.assign(static_cast<size_t>(routing_.heads * width_), 0.0F);
  if (s.neurons.rows == nullptr) return;
  const float* g = s.scores;
  for (size_t e = 0; e < keys_[side].size(); ++e) {
    for (int h = 0; h < routing_.heads; ++h, ++g) {
      if (*g != 0) add_scaled(*g, neurons(side, e), width_, s.total.data() + h * width_);
    }
  }
}

// share = Σ_h g_h, other = Σ_h g_h · total of the other side.
void MonetWeigher::spread(size_t side) {
  Side& s = sides_[side];
  const Side& opposite = sides_[1 - side];
  const size_t count = keys_[side].size();
  s.share.assign(count, 0.0F);
  s.other.assign(count * static_cast<size_t>(width_), 0.0F);
  const float* g = s.scores;
  for (size_t e = 0; e < count; ++e) {
    float* other = s.other.data() + e * static_cast<size_t>(width_);
    for (int h = 0; h < routing_.heads; ++h, ++g) {
      if (*g == 0) continue;
      s.share[e] += *g;
      add_scaled(*g, opposite.total.data() + h * width_, width_, other);
    }
  }
}

// Takes `score` of the pair of these entries away from both of its keys.
void MonetWeigher::remove(size_t e1, size_t e2, float score) {
  const std::array<size_t, 2> entry = {e1, e2};
  for (size_t s = 0; s < 2; ++s) {
    Side& side = sides_[s];
    side.share[entry[s]] -= score;
    if (sides_[1 - s].neurons.rows == nullptr) continue;
    add_scaled(-score, neurons(1 - s, entry[1 - s]), width_,
               side.other.data() + entry[s] * static_cast<size_t>(width_));
  }
}

void MonetWeigher::subtract_edited() {
  std::fill(kept_.begin(), kept_.end(), 0);
  for (size_t e = 0; e < keys_[1].size(); ++e) {
    const int32_t key = keys_[1][e];
    kept_[static_cast<size_t>(key / 64)] |= uint64_t{1} << (key % 64);
    entry_[static_cast<size_t>(key)] = static_cast<int32_t>(e);
  }
  const size_t words = kept_.size();
  const size_t heads = static_cast<size_t>(routing_.heads);
  for (size_t e1 = 0; e1 < keys_[0].size(); ++e1) {
    const size_t row = static_cast<size_t>(keys_[0][e1]);
    const float* g1 = sides_[0].scores + e1 * heads;
    for (size_t word = 0; word < words; ++word) {
      uint64_t bits = kept_[word] & edit_->touched[row * words + word];
      for (; bits != 0; bits &= bits - 1) {
        const size_t key = word * 64 + static_cast<size_t>(std::countr_zero(bits));
        const size_t e2 = static_cast<size_t>(entry_[key]);
        const float* g2 = sides_[1].scores + e2 * heads;
        float score = 0.0F;
        for (size_t h = 0; h < heads; ++h) score += g1[h] * g2[h];
        const float factor = edit_->factor[row * static_cast<size_t>(routing_.keys) + key];
        if (score != 0) remove(e1, e2, score * (1.0F - factor));
      }
    }
  }
}

// Scales what is left so that the joint scores add up to H again.
void MonetWeigher::renormalize() {
  float sum = 0.0F;
  for (float share : sides_[1].share) sum += share;
  if (sum <= 0) return;
  const float scale = static_cast<float>(routing_.heads) / sum;
  for (Side& side : sides_) {
    for (float& value : side.share) value *= scale;
    for (float& value : side.other) value *= scale;
  }
}

void MonetWeigher::weigh(int64_t token, const std::array<KeptNeurons, 2>& neurons) {
  for (size_t s = 0; s < 2; ++s) {
    keys_[s] = routing_.kept(static_cast<int>(s), token);
    sides_[s].scores = routing_.scores(static_cast<int>(s), token);
    sides_[s].neurons = neurons[s];
    sum_neurons(s);
  }
  spread(0);
  spread(1);
  if (edit_ == nullptr) return;
  subtract_edited();
  if (edit_->renormalize_weights) renormalize();
}

}  // namespace expertoire
