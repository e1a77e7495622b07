#include "analysis/unit_search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "analysis/unit_similarity.h"
#include "support/errors.h"
#include "support/made_index.h"
#include "support/miniature.h"

namespace expertoire {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class UnitSearchTest : public ::testing::Test {
 protected:
  UnitSearchTest() {
    made_.label("all");
    made_.document("all", {"green", " leaf"});
    made_.document("all", {"dear", " leaf"});
    made_.document("all", {"dear", " stone"});
    const int32_t leaf = made_.id(" leaf"), stone = made_.id(" stone"), dear = made_.id("dear");
    made_.unit("0:0", {.count = 9,
                       .tokens = {{leaf, 3, 3, 0}, {stone, 4, 4, 0}},
                       .contexts = {{0, 1, 0.5F}, {1, 1, 0.6F}, {2, 1, 0.9F}}});
    made_.unit("0:1", {.count = 1, .tokens = {{leaf, 1, 1, 0}}, .contexts = {{1, 1, 0.8F}}});
    made_.unit("1:0", {.count = 5,
                       .tokens = {{stone, 4, 9, 1}, {leaf, 4, 6, 0}},
                       .contexts = {{2, 1, 0.7F}, {2, 0, 0.1F}}});
    made_.unit("4:left:0", {.count = 7,
                            .tokens = {{dear, 2, 1, 0}, {leaf, 4, 8, 8}},
                            .contexts = {{1, 0, 0.2F}, {0, 1, 0.1F}}});
  }

  std::vector<std::string> names(const std::vector<SimilarUnit>& units) const {
    std::vector<std::string> all;
    for (const SimilarUnit& unit : units) all.push_back(made_.units().name(unit.unit));
    return all;
  }

  std::vector<std::string> search(const std::string& words, const UnitFilter& filter = {}) const {
    const ExpertIndex index = made_.open();
    std::vector<std::string> all;
    for (const FoundUnit& unit : search_units(index, words, filter, 9, 9)) {
      all.push_back(fmt::format("{} {}/{} {}", made_.units().name(unit.unit), unit.found,
                                unit.contexts, unit.best.score));
    }
    return all;
  }

  test::MadeIndex made_;
};

TEST_F(UnitSearchTest, CountsContextsInPassagesWithTheWords) {
  EXPECT_THAT(search("leaf"), ElementsAre("4:left:0 2/2 0.2", "0:0 2/3 0.6", "0:1 1/1 0.8"));
  EXPECT_THAT(search("dear stone"), ElementsAre("1:0 2/2 0.7", "0:0 1/3 0.9"));
  EXPECT_THAT(search("water"), IsEmpty());
  const UnitFilter first{.kinds = {UnitKind::kExpert}, .layer = 0, .least_uses = 2};
  EXPECT_THAT(search("leaf", first), ElementsAre("0:0 2/3 0.6"));
  EXPECT_EQ(test::error_of([&] { search(" \""); })->code(), ErrorCode::kInvalidArgument);
}

TEST_F(UnitSearchTest, SimilarTokensAreACosineOfMass) {
  const ExpertIndex index = made_.open();
  const UnitRecord own = *index.find(made_.units().parse("0:0"));
  const std::vector<SimilarUnit> found = similar_by_tokens(index, own, {}, 9);
  EXPECT_THAT(names(found), ElementsAre("1:0", "0:1")) << "4:left:0 has no mass that is sure";
  EXPECT_DOUBLE_EQ(found[0].similarity, (3 * 6 + 4 * 8) / (5.0 * 10));
  EXPECT_DOUBLE_EQ(found[1].similarity, 3.0 / 5);
  EXPECT_THAT(names(similar_by_tokens(index, own, {.layer = 1}, 9)), ElementsAre("1:0"));
}

TEST_F(UnitSearchTest, SimilarContextsAreShared) {
  const ExpertIndex index = made_.open();
  const UnitRecord own = *index.find(made_.units().parse("0:0"));
  const std::vector<SimilarUnit> found = similar_by_contexts(index, own, {}, 9);
  EXPECT_THAT(names(found), ElementsAre("0:1", "1:0", "4:left:0"));
  EXPECT_DOUBLE_EQ(found[0].similarity, 1.0 / 3);
  EXPECT_DOUBLE_EQ(found[1].similarity, 1.0 / 4);
  EXPECT_THAT(names(similar_by_contexts(index, own, {}, 1)), ElementsAre("0:1"));
}

double cosine_of(const std::vector<float>& a, const std::vector<float>& b) {
  double dot = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    dot += double{a[i]} * b[i], aa += double{a[i]} * a[i], bb += double{b[i]} * b[i];
  }
  return dot / std::sqrt(aa * bb);
}

// Every unit of the layer and kind against flat() of each, by plain loops.
TEST(SimilarWeightsTest, AreACosineOfAllWeights) {
  for (const char* name : {"olmoe", "monet_hd"}) {
    const test::TempDir dir;
    const test::Miniature model = test::Miniature::random(name);
    model.write(dir.path());
    const ModelConfig config = parse_config(model.config, name);
    const Checkpoint checkpoint = Checkpoint::open(dir.path());
    ExpertWeights weights(checkpoint, config);
    const UnitTable units({{0, config.num_experts, config.monet.keys, 1, 1}});
    for (const UnitKind kind : {UnitKind::kExpert, UnitKind::kLeft, UnitKind::kRight}) {
      const int64_t count = kind == UnitKind::kExpert ? config.num_experts : config.monet.keys;
      if (count == 0) continue;
      const std::vector<float> own = weights.flat({0, kind, 2});
      const std::vector<SimilarUnit> found = similar_by_weights(units, {0, kind, 2}, weights, 999);
      size_t positive = 0;
      for (int64_t id = 0; id < count; ++id) {
        const double expected = cosine_of(own, weights.flat({0, kind, id}));
        const auto at = std::ranges::find(found, Unit{0, kind, id}, &SimilarUnit::unit);
        if (id == 2 || expected <= 0) {
          EXPECT_EQ(at, found.end());
          continue;
        }
        ++positive;
        ASSERT_NE(at, found.end()) << name << ' ' << id;
        EXPECT_NEAR(at->similarity, expected, 1e-6);
      }
      EXPECT_GT(positive, 0u);
      EXPECT_TRUE(std::ranges::is_sorted(found, std::greater(), &SimilarUnit::similarity));
    }
  }
}

}  // namespace
}  // namespace expertoire
