#include "analysis/endpoint_scorer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace expertoire {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(EndpointScorerTest, TheFirstNumberOfAnAnswerIsTheScore) {
  EXPECT_EQ(read_toxicity("85"), 0.85);
  EXPECT_EQ(read_toxicity("Toxicity: 7.5 of 100"), 0.075);
  EXPECT_EQ(read_toxicity("100"), 1);
  for (const char* answer : {"", "none", "101", "-3", "1e9"}) {
    EXPECT_FALSE(read_toxicity(answer)) << answer;
  }
}

TEST(EndpointScorerTest, WhatCannotBeReadIsCountedAndLiesInTheMiddle) {
  std::vector<std::string> asked;
  EndpointScorer scorer([&](const ChatQuestion& question) {
    asked.push_back(question.user);
    return question.user.ends_with("idiot") ? "90" : "I cannot say";
  });
  EXPECT_THAT(scorer.score({"you idiot", "a day", ""}), ElementsAre(0.9, 0.5, 0));
  EXPECT_EQ(scorer.unusable(), 1);
  EXPECT_EQ(asked.size(), 2U);
  EXPECT_THAT(asked[0], HasSubstr("you idiot"));
}

}  // namespace
}  // namespace expertoire
