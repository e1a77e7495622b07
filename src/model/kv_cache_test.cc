// What is written stands where the panel layout (simd/kernels.h) says, and nowhere else.
#include "model/kv_cache.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/error.h"
#include "base/half.h"

namespace expertoire {
namespace {

constexpr int kLayers = 3;
constexpr int kHeads = 2;

ModelConfig config(int64_t head_dim) {
  ModelConfig config;
  config.num_hidden_layers = kLayers;
  config.num_key_value_heads = kHeads;
  config.head_dim = head_dim;
  return config;
}

// A number that tells layer, head, position, dimension and kind apart, exact in bf16.
float marker(int layer, int head, int64_t position, int64_t d, bool value) {
  const int64_t mixed = (layer * 31 + head * 17 + position * 7 + d * 3 + (value ? 101 : 0)) % 251;
  return static_cast<float>(mixed + 1);
}

class KvCacheTest : public testing::TestWithParam<std::tuple<Compute, int64_t>> {
 protected:
  Compute compute() const { return std::get<0>(GetParam()); }
  int64_t head_dim() const { return std::get<1>(GetParam()); }

  void write(KvCache& cache, int layer, int head, int64_t position) const {
    std::vector<float> key;
    std::vector<float> value;
    for (int64_t d = 0; d < head_dim(); ++d) {
      key.push_back(marker(layer, head, position, d, false));
      value.push_back(marker(layer, head, position, d, true));
    }
    if (compute() == Compute::kF32) {
      cache.write(layer, head, position, key.data(), value.data());
      return;
    }
    std::vector<bf16_t> half_key;
    std::vector<bf16_t> half_value;
    for (float x : key) half_key.push_back(f32_to_bf16(x));
    for (float x : value) half_value.push_back(f32_to_bf16(x));
    cache.write(layer, head, position, half_key.data(), half_value.data());
  }

  // Element (input, output) of a panel.
  float element(const std::byte* panel, int64_t input, int64_t output) const {
    if (compute() == Compute::kF32) {
      float x;
      std::memcpy(&x, panel + 4 * (input * kPanelWidth + output), 4);
      return x;
    }
    bf16_t x;
    std::memcpy(&x, panel + 2 * ((input / 2 * kPanelWidth + output) * 2 + input % 2), 2);
    return bf16_to_f32(x);
  }
  float key(const KvCache& cache, int layer, int head, int64_t position, int64_t d) const {
    return element(cache.key_panel(layer, head, position / 64), d, position % 64);
  }
  float value(const KvCache& cache, int layer, int head, int64_t position, int64_t d) const {
    return element(cache.value_panel(layer, head, position / 64, d / 64), position % 64, d % 64);
  }
  void expect_markers(const KvCache& cache, int layer, int64_t positions) const {
    for (int head = 0; head < kHeads; ++head) {
      for (int64_t p = 0; p < positions; ++p) {
        for (int64_t d = 0; d < head_dim(); ++d) {
          ASSERT_EQ(key(cache, layer, head, p, d), marker(layer, head, p, d, false))
              << layer << " " << head << " " << p << " " << d;
          ASSERT_EQ(value(cache, layer, head, p, d), marker(layer, head, p, d, true))
              << layer << " " << head << " " << p << " " << d;
        }
      }
    }
  }
};

TEST_P(KvCacheTest, EveryElementHasItsPlaceAndGrowingKeepsIt) {
  KvCache cache(config(head_dim()), compute(), false);
  for (int64_t length : {1, 63, 64, 65, 130}) {
    cache.reserve(length);
    for (int layer = 0; layer < kLayers; ++layer) {
      for (int head = 0; head < kHeads; ++head) {
        for (int64_t p = cache.length(); p < length; ++p) write(cache, layer, head, p);
      }
    }
    cache.commit(length);
    EXPECT_EQ(cache.length(), length);
    for (int layer = 0; layer < kLayers; ++layer) expect_markers(cache, layer, length);
  }
}

TEST_P(KvCacheTest, UnwrittenElementsAreZero) {
  KvCache cache(config(head_dim()), compute(), false);
  cache.reserve(3);
  write(cache, 0, 0, 0);
  EXPECT_EQ(key(cache, 0, 0, 1, 0), 0.0F);
  EXPECT_EQ(value(cache, 0, 0, 1, 0), 0.0F);
  EXPECT_EQ(key(cache, 1, 0, 0, 0), 0.0F) << "another layer";
  EXPECT_EQ(value(cache, 0, 1, 0, 0), 0.0F) << "another head";
}

TEST_P(KvCacheTest, TransientCacheHasRoomForOneLayerThatAllUse) {
  KvCache lasting(config(head_dim()), compute(), false);
  KvCache transient(config(head_dim()), compute(), true);
  EXPECT_TRUE(transient.transient());
  lasting.reserve(100);
  transient.reserve(100);
  EXPECT_LT(transient.bytes(), lasting.bytes());
  for (int layer = 0; layer < kLayers; ++layer) {
    for (int head = 0; head < kHeads; ++head) {
      for (int64_t p = 0; p < 100; ++p) write(transient, layer, head, p);
    }
    expect_markers(transient, layer, 100);
  }
  transient.commit(100);
  EXPECT_EQ(transient.length(), 0) << "nothing can be continued";
}

TEST_P(KvCacheTest, TransientCacheBeginsWithAnother) {
  KvCache prefix(config(head_dim()), compute(), false);
  prefix.reserve(140);
  for (int layer = 0; layer < kLayers; ++layer) {
    for (int head = 0; head < kHeads; ++head) {
      for (int64_t p = 0; p < 140; ++p) write(prefix, layer, head, p);
    }
  }
  prefix.commit(140);
  KvCache transient(config(head_dim()), compute(), true);
  for (int64_t length : {1, 5, 64, 67, 140}) {
    transient.begin_with(prefix, length);
    EXPECT_EQ(transient.length(), length);
    transient.reserve(length + 4);
    for (int layer = 0; layer < kLayers; ++layer) {
      for (int head = 0; head < kHeads; ++head) {
        write(transient, layer, head, length + 2);  // by another thread
        write(transient, layer, head, length + 3);
      }
      transient.begin_layer(layer);
      for (int head = 0; head < kHeads; ++head) {
        write(transient, layer, head, length);
        write(transient, layer, head, length + 1);
      }
      expect_markers(transient, layer, length + 4);
    }
    transient.commit(length + 4);
    EXPECT_EQ(transient.length(), 0);
  }
  EXPECT_THROW(transient.begin_with(prefix, 141), Error);
  KvCache lasting(config(head_dim()), compute(), false);
  EXPECT_THROW(lasting.begin_with(prefix, 1), Error);
  KvCache wider(config(head_dim() + 2), compute(), true);
  EXPECT_THROW(wider.begin_with(prefix, 1), Error);
}

TEST_P(KvCacheTest, TruncationForgetsPositionsAndKeepsStorage) {
  KvCache cache(config(head_dim()), compute(), false);
  cache.reserve(130);
  cache.commit(130);
  const int64_t bytes = cache.bytes();
  cache.truncate(5);
  EXPECT_EQ(cache.length(), 5);
  cache.reserve(130);
  EXPECT_EQ(cache.bytes(), bytes);
}

TEST_P(KvCacheTest, ForksShareUntilOneWrites) {
  KvCache cache(config(head_dim()), compute(), false);
  cache.reserve(70);
  for (int64_t position = 0; position < 70; ++position) write(cache, 0, 0, position);
  cache.commit(70);
  KvCache fork = cache.fork(66);
  EXPECT_EQ(fork.length(), 66);
  EXPECT_EQ(fork.key_panel(0, 0, 1), cache.key_panel(0, 0, 1));
  const std::vector<std::byte> before(cache.key_panel(0, 0, 1), cache.key_panel(0, 0, 1) + 256);
  fork.reserve(67);
  EXPECT_EQ(fork.key_panel(0, 0, 0), cache.key_panel(0, 0, 0));
  EXPECT_NE(fork.key_panel(0, 0, 1), cache.key_panel(0, 0, 1));
  EXPECT_EQ(std::memcmp(fork.key_panel(0, 0, 1), before.data(), before.size()), 0);
  write(fork, 0, 0, 66);
  EXPECT_EQ(std::memcmp(cache.key_panel(0, 0, 1), before.data(), before.size()), 0);
  EXPECT_THROW(fork.fork(67), Error);
  EXPECT_THROW(fork.fork(-1), Error);
}

INSTANTIATE_TEST_SUITE_P(Shapes, KvCacheTest,
                         testing::Combine(testing::Values(Compute::kF32, Compute::kBF16),
                                          testing::Values(2, 10, 64, 72, 130)),
                         [](const auto& info) {
                           return std::string(compute_name(std::get<0>(info.param))) + "_" +
                                  std::to_string(std::get<1>(info.param));
                         });

}  // namespace
}  // namespace expertoire
