#include "routing/factored.h"

#include <algorithm>

namespace expertoire {

std::span<const int32_t> FactoredRouting::kept(int side, int64_t token) const {
  const FactoredSide& s = sides[static_cast<size_t>(side)];
  const size_t first = static_cast<size_t>(s.begin[static_cast<size_t>(token)]);
  const size_t last = static_cast<size_t>(s.begin[static_cast<size_t>(token) + 1]);
  return std::span(s.keys).subspan(first, last - first);
}

const float* FactoredRouting::scores(int side, int64_t token) const {
  const FactoredSide& s = sides[static_cast<size_t>(side)];
  return s.scores.data() + s.begin[static_cast<size_t>(token)] * heads;
}

void FactoredRouting::expand(int side, int64_t token, float* out) const {
  std::fill_n(out, int64_t{heads} * keys, 0.0F);
  const float* g = scores(side, token);
  for (int32_t key : kept(side, token)) {
    for (int h = 0; h < heads; ++h) out[int64_t{h} * keys + key] = *g++;
  }
}

std::vector<JointExpert> FactoredRouting::joint(int64_t token, float least) const {
  std::vector<JointExpert> found;
  const float* g1 = scores(0, token);
  for (int32_t i : kept(0, token)) {
    const float* g2 = scores(1, token);
    for (int32_t j : kept(1, token)) {
      float score = 0.0F;
      for (int h = 0; h < heads; ++h) score += g1[h] * g2[h];
      if (score > least) found.push_back({i * keys + j, score});
      g2 += heads;
    }
    g1 += heads;
  }
  std::sort(found.begin(), found.end(), [](const JointExpert& a, const JointExpert& b) {
    return a.score != b.score ? a.score > b.score : a.id < b.id;
  });
  return found;
}

void FactoredRouting::keep_tokens(std::span<const int64_t> kept) {
  for (FactoredSide& side : sides) {
    const auto move = [](auto& values, int64_t width, int64_t from, int64_t count, int64_t to) {
      if (from == to) return;
      std::copy_n(values.begin() + from * width, count * width, values.begin() + to * width);
    };
    int64_t entries = 0;
    int64_t token = 0;
    for (const int64_t from : kept) {
      const int64_t first = side.begin[static_cast<size_t>(from)];
      const int64_t count = side.begin[static_cast<size_t>(from) + 1] - first;
      move(side.keys, 1, first, count, entries);
      move(side.scores, heads, first, count, entries);
      move(side.logits, int64_t{heads} * keys, from, 1, token);
      move(side.active, heads, from, 1, token);
      side.begin[static_cast<size_t>(token++)] = entries;
      entries += count;
    }
    // Not before: begin[token] may be the next token's own.
    side.begin.resize(kept.size() + 1);
    side.begin.back() = entries;
    side.keys.resize(static_cast<size_t>(entries));
    side.scores.resize(static_cast<size_t>(entries * heads));
    side.logits.resize(kept.size() * static_cast<size_t>(heads * keys));
    side.active.resize(kept.size() * static_cast<size_t>(heads));
  }
  tokens = static_cast<int64_t>(kept.size());
}

}  // namespace expertoire
