// Against plain loops: odd sizes, wide rows, keys that no token has.
#include "train/pair_products.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace expertoire::train {
namespace {

struct Sizes {
  int64_t rows, d, extra;
};

template <class T>
struct Problem {
  static constexpr int64_t kTokens = kPairBlock + 37, kHeads = 2, kKeys = 9;
  Sizes sizes;
  std::vector<int64_t> offsets = {0};
  std::vector<int32_t> keys;
  std::vector<int64_t> starts = std::vector<int64_t>(2 * kKeys + 1);
  std::vector<int32_t> tokens;
  std::vector<int64_t> pairs;
  std::vector<T> w, x, c;

  explicit Problem(Sizes now) : sizes(now) {
    std::mt19937 random(7);
    for (int64_t row = 0; row < kTokens * kHeads; ++row) {
      for (int32_t key = 0; key + 1 < kKeys; ++key) {  // nobody keeps the last one
        if (random() % 3 == 0) keys.push_back(key);
      }
      offsets.push_back(static_cast<int64_t>(keys.size()));
    }
    const EntryView entries = {offsets.data(), keys.data(), kTokens, kHeads, kKeys, false};
    for (int64_t block = 0; block < 2; ++block) count_pairs(entries, block, starts.data());
    for (size_t i = 1; i < starts.size(); ++i) starts[i] += starts[i - 1];
    tokens.resize(static_cast<size_t>(starts.back()));
    pairs.resize(keys.size());
    for (int64_t block = 0; block < 2; ++block) {
      fill_pairs(entries, block, starts.data(), tokens.data(), pairs.data());
    }
    const auto draw = [&](std::vector<T>& to, int64_t count) {
      for (int64_t i = 0; i < count; ++i) to.push_back(static_cast<T>(random() % 1000) / 500 - 1);
    };
    draw(w, kKeys * sizes.rows * sizes.d);
    draw(x, kTokens * stride());
    draw(c, starts.back() * sizes.rows);
  }

  int64_t stride() const { return sizes.d + sizes.extra; }
  PairView view() const { return {starts.data(), tokens.data(), 2, kKeys}; }
  PairShape shape() const { return {sizes.rows, sizes.d, stride()}; }

  // Calls body(key, pair, token, row, column).
  template <class Body>
  void for_all(Body body) const {
    for (int64_t i = 0; i < 2 * kKeys; ++i) {
      for (int64_t q = starts[static_cast<size_t>(i)]; q < starts[static_cast<size_t>(i) + 1];
           ++q) {
        for (int64_t r = 0; r < sizes.rows; ++r) {
          for (int64_t j = 0; j < sizes.d; ++j) {
            body(i % kKeys, q, tokens[static_cast<size_t>(q)], r, j);
          }
        }
      }
    }
  }
};

template <class T>
void expect_near(const std::vector<T>& found, const std::vector<double>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) ASSERT_NEAR(found[i], expected[i], 2e-3) << i;
}

template <class T>
void check(Sizes sizes) {
  const Problem<T> p(sizes);
  const int64_t rows = sizes.rows;
  const int64_t d = sizes.d;
  const auto at = [](const std::vector<T>& values, int64_t i) {
    return double{values[static_cast<size_t>(i)]};
  };
  std::vector<double> dots(p.c.size()), sums(p.x.size(), 0.5), outer(p.w.size());
  p.for_all([&](int64_t key, int64_t q, int64_t token, int64_t r, int64_t j) {
    const int64_t place = (key * rows + r) * d + j;
    dots[static_cast<size_t>(q * rows + r)] += at(p.w, place) * at(p.x, token * p.stride() + j);
    sums[static_cast<size_t>(token * p.stride() + j)] += at(p.c, q * rows + r) * at(p.w, place);
    outer[static_cast<size_t>(place)] += at(p.c, q * rows + r) * at(p.x, token * p.stride() + j);
  });
  std::vector<T> c(p.c.size(), T{9});
  std::vector<T> y(p.x.size(), T{0.5});
  std::vector<T> dw(p.w.size(), T{9});
  for (int64_t block = 0; block < 2; ++block) {
    pair_dots(p.view(), p.shape(), block, p.w.data(), p.x.data(), c.data());
    pair_sums(p.view(), p.shape(), block, p.w.data(), p.c.data(), y.data());
  }
  for (int64_t key = 0; key < p.kKeys; ++key) {
    pair_outer(p.view(), p.shape(), key, p.c.data(), p.x.data(), dw.data());
  }
  expect_near(c, dots);
  expect_near(y, sums);
  expect_near(dw, outer);
}

class PairProducts : public ::testing::TestWithParam<Sizes> {};

TEST_P(PairProducts, EqualPlainLoops) {
  check<float>(GetParam());
  check<double>(GetParam());
}

INSTANTIATE_TEST_SUITE_P(, PairProducts,
                         ::testing::Values(Sizes{1, 3, 0}, Sizes{4, 16, 0}, Sizes{5, 77, 6},
                                           Sizes{9, 128, 128}, Sizes{6, 1041, 3}));

TEST(KeyPairs, CountHeadsApartWhenAsked) {
  const std::vector<int64_t> offsets = {0, 2, 3};
  const std::vector<int32_t> keys = {0, 2, 2};  // one token: head 0 keeps 0 and 2, head 1 keeps 2
  std::vector<int64_t> joint(4), apart(7), pairs(3);
  std::vector<int32_t> tokens(3);
  const EntryView both = {offsets.data(), keys.data(), 1, 2, 3, false};
  count_pairs(both, 0, joint.data());
  EXPECT_EQ(joint, (std::vector<int64_t>{0, 1, 0, 1}));
  EntryView each = both;
  each.heads_apart = true;
  count_pairs(each, 0, apart.data());
  EXPECT_EQ(apart, (std::vector<int64_t>{0, 1, 0, 1, 0, 0, 1}));
  fill_pairs(both, 0, std::vector<int64_t>{0, 1, 1, 2}.data(), tokens.data(), pairs.data());
  EXPECT_EQ(pairs, (std::vector<int64_t>{0, 1, 1}));
}

}  // namespace
}  // namespace expertoire::train
