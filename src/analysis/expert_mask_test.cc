#include "analysis/expert_mask.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace expertoire {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Layer 2: experts 0 … 99 of mass 1, 100 … 199 of none; layer 5: ten experts of mass 0.5.
ExpertMasses masses() {
  ExpertMasses all;
  all[2].assign(200, 0.0);
  std::fill_n(all[2].begin(), 100, 1.0);
  all[5].assign(10, 0.5);
  return all;
}
const ExpertMask kMask = {{2, {3, 7, 50, 99}}, {5, {0, 9}}};

bool apart(const std::vector<int>& a, const std::vector<int>& b) {
  return std::ranges::none_of(a, [&](int e) { return std::ranges::count(b, e) > 0; });
}

TEST(ExpertMaskTest, CountsAndWeighs) {
  EXPECT_EQ(size_of(kMask), 6);
  EXPECT_DOUBLE_EQ(mass_share(kMask, masses()), 5.0 / 105.0);
  EXPECT_EQ(mass_share({}, masses()), 0);
}

TEST(ExpertMaskTest, BecomesAnEditOfTheLayersThatLoseExperts) {
  ExpertMask mask = kMask;
  mask[4] = {};
  const RoutingEdit edit = ablation(mask, {"olmoe", 6, 200});
  ASSERT_THAT(edit.items(), SizeIs(2));
  EXPECT_EQ(edit.items()[0].action, EditAction::kAblate);
  EXPECT_THAT(*edit.items()[1].layers, ElementsAre(5));
  EXPECT_THAT(edit.items()[1].experts, ElementsAre(0, 9));
  EXPECT_EQ(edit.model().num_experts, 200);
  EXPECT_TRUE(ablation({}, {}).empty());
}

TEST(RandomControlTest, HasTheNumberOfEachLayerAmongOthersThatAreUsed) {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    const ExpertMask control = random_of_same_number(kMask, masses(), seed);
    ASSERT_THAT(control, SizeIs(2));
    EXPECT_THAT(control.at(2), SizeIs(4));
    EXPECT_THAT(control.at(5), SizeIs(2));
    EXPECT_TRUE(apart(control.at(2), kMask.at(2)));
    EXPECT_TRUE(apart(control.at(5), kMask.at(5)));
    EXPECT_TRUE(std::ranges::is_sorted(control.at(2)));
    EXPECT_LT(control.at(2).back(), 100);  // those without mass change nothing
    EXPECT_EQ(control, random_of_same_number(kMask, masses(), seed));
  }
  EXPECT_NE(random_of_same_number(kMask, masses(), 1), random_of_same_number(kMask, masses(), 2));
}

TEST(RandomControlTest, TakesUnusedExpertsWhereUsedOnesAreTooFew) {
  ExpertMask most;
  for (int e = 0; e < 98; ++e) most[2].push_back(e);
  const std::vector<int> control = random_of_same_number(most, masses(), 3).at(2);
  EXPECT_THAT(control, SizeIs(98));
  EXPECT_THAT(std::vector(control.begin(), control.begin() + 2), ElementsAre(98, 99));
  EXPECT_GE(control[2], 100);
}

TEST(RandomControlTest, HasTheMassOfEachLayer) {
  ExpertMasses uneven = masses();
  for (size_t e = 0; e < 100; ++e) uneven[2][e] = 0.1 + 0.01 * static_cast<double>(e % 17);
  for (uint32_t seed = 0; seed < 20; ++seed) {
    const ExpertMask control = random_of_same_mass(kMask, uneven, seed);
    double wanted = 0, got = 0;
    for (const int e : kMask.at(2)) wanted += uneven[2][static_cast<size_t>(e)];
    for (const int e : control.at(2)) got += uneven[2][static_cast<size_t>(e)];
    EXPECT_LE(got, wanted);
    EXPECT_GE(got, 0.85 * wanted);  // the smallest that is left may be too large
    EXPECT_TRUE(apart(control.at(2), kMask.at(2)));
    EXPECT_THAT(control.at(5), SizeIs(2));
  }
  EXPECT_THAT(random_of_same_mass({{5, {}}}, masses(), 1).at(5), IsEmpty());
}

}  // namespace
}  // namespace expertoire
