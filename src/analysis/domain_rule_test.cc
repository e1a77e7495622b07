#include "analysis/domain_rule.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/errors.h"

namespace expertoire {
namespace {

using test::error_of;

std::optional<LeadingDomain> lead(std::vector<double> rates, double factor) {
  return leading_domain(rates, factor);
}

TEST(LeadingDomainTest, NeedsFactorTimesTheSecond) {
  const auto found = lead({0.1, 0.5, 0.25, 0.2}, 2);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->first, 1);
  EXPECT_EQ(found->second, 2);
  EXPECT_DOUBLE_EQ(found->rate, 0.5);
  EXPECT_DOUBLE_EQ(found->share, 0.5);
  EXPECT_FALSE(lead({0.1, 0.5, 0.2501, 0.2}, 2));
  EXPECT_TRUE(lead({0.1, 0.5, 0.2501, 0.2}, 1));
}

TEST(LeadingDomainTest, TheSecondMayStandAnywhere) {
  EXPECT_EQ(lead({0.4, 0.1, 0.2}, 2)->second, 2);
  EXPECT_EQ(lead({0.2, 0.1, 0.4}, 2)->second, 0);
  EXPECT_EQ(lead({0.1, 0.3}, 2)->second, 0);
}

TEST(LeadingDomainTest, NoMassElsewhereIsEnoughAndNoneAtAllIsNot) {
  EXPECT_DOUBLE_EQ(lead({0, 0, 0.1}, 2)->share, 0);
  EXPECT_FALSE(lead({0, 0, 0}, 1));
}

TEST(LeadingDomainTest, OfEqualOnesTheFirst) {
  EXPECT_EQ(lead({0.3, 0.3}, 1)->first, 0);
  EXPECT_FALSE(lead({0.3, 0.3}, 2));
}

// Two domains of `each` documents of 10 tokens, and one document in no domain.
std::vector<DrawnDocument> two_domains(int each) {
  std::vector<DrawnDocument> documents;
  for (int i = 0; i < 2 * each; ++i) documents.push_back({i / each, i / each, 10});
  documents.push_back({-1, 2, 10});
  return documents;
}

struct Unit2 {
  std::vector<int32_t> documents;
  std::vector<float> masses;
  std::vector<double> rest = {0, 0, 0};
  UnitMasses view() const { return {documents, masses, rest}; }
};

class DomainBootstrapTest : public testing::Test {
 protected:
  DomainBootstrap bootstrap(int each, int resamples = 2000) const {
    return {two_domains(each), {0, 1, -1}, 2, {.resamples = resamples, .seed = 5}};
  }
};

// 4 a token against 1, the same in every document: nothing to vary.
TEST_F(DomainBootstrapTest, EvenMassesGiveTheShareItself) {
  Unit2 unit;
  for (int i = 0; i < 40; ++i) {
    unit.documents.push_back(i);
    unit.masses.push_back(i < 20 ? 4 : 1);
  }
  const Interval share = bootstrap(20).share(0, unit.view());
  EXPECT_DOUBLE_EQ(share.value, 0.25);
  EXPECT_DOUBLE_EQ(share.low, 0.25);
  EXPECT_DOUBLE_EQ(share.high, 0.25);
}

// One document has all the mass of its domain: in e^-1 of the draws it is missing.
TEST_F(DomainBootstrapTest, OneDocumentIsNoEvidence) {
  Unit2 unit;
  unit.documents = {0};
  unit.masses = {100};
  unit.rest = {0, 0.1, 0};
  const Interval share = bootstrap(20).share(0, unit.view());
  EXPECT_DOUBLE_EQ(share.value, 0.1 / 0.5);
  EXPECT_GT(share.high, 1e100);
}

TEST_F(DomainBootstrapTest, WhatIsNotStoredIsSpreadOverTheTokensOfItsLabel) {
  Unit2 unit;
  unit.rest = {0.5, 0.125, 7};  // the last label is in no domain
  const Interval share = bootstrap(20).share(0, unit.view());
  EXPECT_DOUBLE_EQ(share.value, 0.25);
  EXPECT_DOUBLE_EQ(share.high, 0.25);
}

TEST_F(DomainBootstrapTest, DocumentsInNoDomainCountNowhere) {
  Unit2 unit;
  unit.documents = {0, 25, 40};
  unit.masses = {10, 2, 1000};
  EXPECT_DOUBLE_EQ(bootstrap(20).share(0, unit.view()).value, 0.2);
}

// The share of two means of n values each: its relative error is √(cv₁² + cv₂²) / √n.
TEST_F(DomainBootstrapTest, IntervalIsAsWideAsTheoryHasIt) {
  Unit2 unit;
  for (int i = 0; i < 400; ++i) {
    unit.documents.push_back(i);
    const float wave = static_cast<float>(std::sin(i * 1.7) * std::sqrt(2.0));  // spread 1
    unit.masses.push_back(i < 200 ? 8 + 2 * wave : 2 + 0.5F * wave);
  }
  const Interval share = bootstrap(200, 4000).share(0, unit.view());
  const double error = 0.25 * std::sqrt(2 * 0.25 * 0.25 / 200);
  EXPECT_NEAR(share.value, 0.25, 0.005);
  EXPECT_NEAR(share.high - share.low, 2 * 1.96 * error, 0.1 * 4 * error);
}

TEST_F(DomainBootstrapTest, TheSameSeedDrawsTheSame) {
  Unit2 unit;
  unit.documents = {0, 1, 2, 21, 22};
  unit.masses = {5, 7, 9, 1, 2};
  EXPECT_DOUBLE_EQ(bootstrap(20).share(0, unit.view()).high,
                   bootstrap(20).share(0, unit.view()).high);
}

TEST_F(DomainBootstrapTest, NeedsResamplesAndDocuments) {
  EXPECT_EQ(error_of([&] { bootstrap(20, 0); })->code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(error_of([&] {
              DomainBootstrap({{0, 0, 10}}, {0}, 2, {});
            })->code(),
            ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace expertoire
