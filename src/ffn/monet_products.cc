#include "ffn/monet_products.h"

#include <algorithm>
#include <array>

namespace expertoire {
namespace {

// The tokens that want a strip, each once, and where a token is among them.
struct Wanted {
  std::array<int32_t, kMonetBlock> tokens;
  std::array<int32_t, kMonetBlock> place;
  int count = 0;

  Wanted(const MonetPairs& pairs, int64_t first_key, int64_t last_key) {
    place.fill(-1);
    for (int64_t key = first_key; key < last_key; ++key) {
      for (const int32_t token : pairs.tokens(key)) {
        int32_t& at = place[static_cast<size_t>(token)];
        if (at >= 0) continue;
        at = count;
        tokens[static_cast<size_t>(count++)] = token;
      }
    }
  }
};

void strip_product(const KernelTable& kernels, const StripMatrix& up, int64_t strip, const Rows& x,
                   int64_t first, const Wanted& wanted, float* c) {
  if (up.compute == Compute::kF32) {
    kernels.strip_f32(static_cast<const float*>(x.row(first)), x.stride, wanted.tokens.data(),
                      wanted.count, reinterpret_cast<const float*>(up.strip(strip)), up.inputs, c);
  } else {
    kernels.strip_bf16(static_cast<const bf16_t*>(x.row(first)), x.stride, wanted.tokens.data(),
                       wanted.count, reinterpret_cast<const bf16_t*>(up.strip(strip)), up.inputs,
                       c);
  }
}

void squared_relu(const float* bias, int count, float* c) {
  for (int r = 0; r < count; ++r, c += kStripWidth) {
    for (int j = 0; j < kStripWidth; ++j) {
      const float positive = std::max(c[j] + bias[j], 0.0F);
      c[j] = positive * positive;
    }
  }
}

template <class T>
void fetch(const T* first, int64_t count) {
  constexpr int64_t kLine = 64 / sizeof(T);
  for (int64_t i = 0; i < count; i += kLine) __builtin_prefetch(first + i);
}

// Key after key; the next one's columns are on their way meanwhile.
template <class T, class Kernel>
void add_keys(Kernel kernel, const MonetPairs& pairs, const T* values, const T* panel, int64_t slot,
              float* tile) {
  const auto keys = pairs.keys();
  const int64_t size = slot * kPanelWidth;
  for (size_t i = 0; i < keys.size(); ++i) {
    const int64_t key = keys[i];
    if (i + 1 < keys.size()) fetch(panel + keys[i + 1] * size, size);
    const auto tokens = pairs.tokens(key);
    kernel(values + pairs.begin(key) * slot, tokens.data(), static_cast<int>(tokens.size()),
           panel + key * size, slot, tile);
  }
}

}  // namespace

void activate_strip(const KernelTable& kernels, const StripMatrix& up, int64_t strip, int64_t width,
                    const Rows& x, MonetBlock& block, size_t side) {
  const MonetPairs& pairs = block.pairs[side];
  const int64_t begin = strip * kStripWidth;
  const int64_t end = std::min(begin + kStripWidth, up.outputs);
  const int64_t first_key = begin / width;
  const int64_t last_key = ceil_div(end, width);
  const Wanted wanted(pairs, first_key, last_key);
  if (wanted.count == 0) return;
  alignas(64) std::array<float, kMonetBlock * kStripWidth> c;
  strip_product(kernels, up, strip, x, block.first, wanted, c.data());
  squared_relu(up.bias.data() + begin, wanted.count, c.data());
  for (int64_t key = first_key; key < last_key; ++key) {
    const int64_t from = std::max(begin, key * width);
    const int64_t count = std::min(end, (key + 1) * width) - from;
    float* out = block.neurons[side].data() + pairs.begin(key) * width + from - key * width;
    for (const int32_t token : pairs.tokens(key)) {
      const float* row =
          c.data() + wanted.place[static_cast<size_t>(token)] * kStripWidth + from - begin;
      for (int64_t i = 0; i < count; ++i) out[i] = row[i];
      out += width;
    }
  }
}

void add_panel(const KernelTable& kernels, const KeyPanel& panel, const MonetBlock& block,
               size_t side, float* tile, const Rows& out) {
  const PackedMatrix& down = panel.down;
  const int64_t tokens = block.last - block.first;
  const std::byte* values = block.values[side].data();
  std::fill_n(tile, tokens * kPanelWidth, 0.0F);
  if (down.compute == Compute::kF32) {
    add_keys(kernels.panel_add_f32, block.pairs[side], reinterpret_cast<const float*>(values),
             reinterpret_cast<const float*>(down.panel(panel.panel)), panel.slot, tile);
  } else {
    add_keys(kernels.panel_add_bf16, block.pairs[side], reinterpret_cast<const bf16_t*>(values),
             reinterpret_cast<const bf16_t*>(down.panel(panel.panel)), panel.slot, tile);
  }
  std::array<float*, kMonetBlock> rows;
  for (int64_t t = 0; t < tokens; ++t) {
    rows[static_cast<size_t>(t)] =
        static_cast<float*>(out.row(block.first + t)) + panel.panel * kPanelWidth;
  }
  kernels.accumulate(tile, static_cast<int>(tokens), down.panel_width(panel.panel), nullptr,
                     rows.data());
}

}  // namespace expertoire
