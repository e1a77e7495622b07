#include "analysis/index_diff.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/errors.h"
#include "support/made_index.h"

namespace expertoire {
namespace {

UnitRecord record(int64_t count, const std::vector<double>& masses,
                  const std::vector<int32_t>& tokens) {
  UnitRecord record;
  record.count = count;
  for (const double mass : masses) {
    record.labels.push_back({mass, 1, 1});
    record.mass += mass;
  }
  for (const int32_t token : tokens) record.tokens.push_back({token, 1, 10.0 - token, 0});
  return record;
}

// Labels a, b, c with 10 tokens each; in `b` they come in another order, and one more.
class IndexDiffTest : public ::testing::Test {
 protected:
  IndexDiffTest() {
    for (const char* label : {"a", "b", "c"}) a_.label(label, 10);
    for (const char* label : {"c", "d", "a", "b"}) b_.label(label, 10);
    a_.unit("0:0", record(200, {1, 2, 3}, {1, 2, 3, 4}));
    b_.unit("0:0", record(200, {6, 9, 2, 4}, {1, 2, 5}));  // twice the mass
    a_.unit("0:1", record(200, {3, 1, 1}, {6, 7}));
    b_.unit("0:1", record(300, {1, 0, 1, 5}, {6, 7}));
    a_.unit("0:2", record(200, {1, 1, 1}, {}));
    b_.unit("0:3", record(500, {1, 1, 1, 1}, {}));
    a_.unit("4:left:1", record(99, {1, 1, 1}, {}));
    b_.unit("4:left:1", record(999, {1, 1, 1, 1}, {}));
    a_.unit("4:left:2", record(5, {1, 1, 1}, {}));
  }

  test::MadeIndex a_, b_;
};

TEST_F(IndexDiffTest, ComparesUnitsUsedEnoughInBoth) {
  const IndexDiff diff = compare_indexes(a_.open(), b_.open(), 100, 5);
  EXPECT_EQ(diff.labels, (std::vector<std::string>{"a", "b", "c"}));
  ASSERT_EQ(diff.layers.size(), 2u);
  const ComparedLayer& layer = diff.layers[0];
  EXPECT_EQ(layer.layer, 0);
  EXPECT_EQ(layer.units, 2);
  EXPECT_EQ(layer.only_a, 1);
  EXPECT_EQ(layer.only_b, 1);
  // 0:0 agrees wholly (r 1), 0:1 has 3 1 1 against 1 5 1.
  EXPECT_NEAR(layer.labels, (1 - 0.5) / 2, 1e-9);
  EXPECT_DOUBLE_EQ(layer.leader, 0.5);
  EXPECT_DOUBLE_EQ(layer.tokens, (0.5 + 1) / 2);
  // 0:1 of A against 0:0 of B: 3 1 1 against 2 4 6.
  EXPECT_NEAR(layer.labels_chance, -std::sqrt(3) / 2, 1e-9);
  EXPECT_EQ(layer.leader_chance, 0);
  EXPECT_EQ(layer.tokens_chance, 0);
  EXPECT_EQ(diff.layers[1].units, 0);
  EXPECT_EQ(diff.layers[1].only_b, 1);
  EXPECT_TRUE(std::isnan(diff.layers[1].labels));
  ASSERT_EQ(diff.worst.size(), 2u);
  EXPECT_EQ(diff.worst[0].unit, a_.units().parse("0:1"));
  EXPECT_EQ(diff.worst[0].b_count, 300);
}

TEST_F(IndexDiffTest, AnIndexAgreesWithItself) {
  const IndexDiff diff = compare_indexes(a_.open(), a_.open(), 100, 5);
  EXPECT_DOUBLE_EQ(diff.layers[0].masses, 1);
  EXPECT_NEAR(diff.layers[0].labels, 1, 1e-12);
  EXPECT_EQ(diff.layers[0].leader, 1);
  EXPECT_EQ(diff.layers[0].only_a + diff.layers[0].only_b, 0);
}

TEST_F(IndexDiffTest, MassesAreRanked) {
  // a: 6, 5, 3 and none for 0:0, 0:1, 0:2, 0:3; b: 21, 7, none, 4: ranks 4 3 2 1 and 4 3 1 2.
  EXPECT_DOUBLE_EQ(compare_indexes(a_.open(), b_.open(), 100, 5).layers[0].masses, 0.8);
}

TEST_F(IndexDiffTest, RefusesAnotherModel) {
  const test::MadeIndex other({{0, 5, 0, 1, 1}});
  EXPECT_EQ(test::error_of([&] { compare_indexes(a_.open(), other.open(), 1, 1); })->code(),
            ErrorCode::kInvalidArgument);
  b_.meta("weights", "others");
  EXPECT_EQ(test::error_of([&] { compare_indexes(a_.open(), b_.open(), 1, 1); })->code(),
            ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace expertoire
