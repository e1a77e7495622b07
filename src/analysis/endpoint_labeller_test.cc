#include "analysis/endpoint_labeller.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace expertoire {
namespace {

using testing::HasSubstr;
using testing::Not;

ContextWindow window(std::vector<std::string> pieces, size_t marked) {
  return {{}, std::vector<int32_t>(pieces.size()), std::move(pieces), marked};
}

TEST(EndpointLabellerTest, QuestionsMarkTokensWhereTheyMay) {
  const std::vector<ContextWindow> windows = {window({"a", " cell", "\n", "wall"}, 1)};
  EXPECT_THAT(label_question(windows).user, HasSubstr("1. a <<cell>>\\nwall\n"));
  const LabelItem detection{LabelTask::kDetection, true, true, windows[0]};
  const LabelItem fuzzing{LabelTask::kFuzzing, true, true, windows[0]};
  const LabelItem* one = &detection;
  EXPECT_THAT(judge_question("cells", {&one, 1}).user, HasSubstr("1. a cell\\nwall\n"));
  one = &fuzzing;
  EXPECT_THAT(judge_question("cells", {&one, 1}).user, HasSubstr("1. a <<cell>>"));
}

TEST(EndpointLabellerTest, ReadsLabels) {
  EXPECT_EQ(read_label("LABEL: words for cells\nand more"), "words for cells");
  EXPECT_EQ(read_label("Well.\nLABEL: \"cells\""), "cells");
  EXPECT_EQ(read_label("  cells\n"), "cells");
  EXPECT_EQ(read_label(" \n"), "");
}

TEST(EndpointLabellerTest, ReadsVerdictsOrNothing) {
  using Verdicts = std::vector<bool>;
  EXPECT_EQ(read_verdicts("[1, 0, 1]", 3), (Verdicts{true, false, true}));
  EXPECT_EQ(read_verdicts("Here [x]: [true, false]", 2), (Verdicts{true, false}));
  for (const char* answer : {"[1, 0]", "[1, 0, 2]", "1 0 1", "[1, 0, 1", "[\"1\", 0, 1]", ""}) {
    EXPECT_EQ(read_verdicts(answer, 3), std::nullopt) << answer;
  }
}

// Answers by looking for the label's word in each excerpt.
TEST(EndpointLabellerTest, JudgesTaskByTaskInTheItemsOrder) {
  int questions = 0;
  EndpointLabeller labeller([&](const ChatQuestion& question) -> std::string {
    ++questions;
    if (question.system.find("LABEL:") != std::string::npos) return "LABEL: cell";
    const bool marks = question.system.find("<<") != std::string::npos;
    std::string list;
    size_t at = question.user.find("\n\n") + 2;
    while (at < question.user.size()) {
      const size_t end = question.user.find('\n', at);
      const std::string line = question.user.substr(at, end - at);
      const bool yes = line.find(marks ? "<<cell>>" : "cell") != std::string::npos;
      list += (list.empty() ? "" : ", ") + std::string(yes ? "1" : "0");
      at = end + 1;
    }
    return "[" + list + "]";
  });
  std::vector<UnitEvidence> evidence(1);
  evidence[0].windows = {window({"a", " cell"}, 1)};
  labeller.learn(std::move(evidence));
  std::vector<LabelItem> items;
  for (int i = 0; i < 13; ++i) {
    items.push_back({LabelTask::kDetection, true, true, window({"a", " cell"}, 0)});
    items.push_back({LabelTask::kFuzzing, false, true, window({"a", " cell"}, 0)});
    items.push_back({LabelTask::kFuzzing, true, true, window({"a", " cell"}, 1)});
    items.push_back({LabelTask::kDetection, false, true, window({"a", " firm"}, 1)});
  }
  const std::vector<bool> verdicts = labeller.judge(0, items);
  for (size_t i = 0; i < items.size(); ++i) EXPECT_EQ(verdicts[i], items[i].active) << i;
  EXPECT_EQ(questions, 1 + 3 + 3);
  EXPECT_EQ(labeller.unusable(), 0);
}

TEST(EndpointLabellerTest, WhatCannotBeReadIsChance) {
  EndpointLabeller labeller([](const ChatQuestion&) { return "LABEL: I do not know"; });
  labeller.learn(std::vector<UnitEvidence>(1));
  const std::vector<LabelItem> items = {{LabelTask::kDetection, true, true, window({"a"}, 0)},
                                        {LabelTask::kDetection, false, true, window({"b"}, 0)}};
  EXPECT_EQ(labeller.judge(0, items), (std::vector<bool>{false, false}));
  EXPECT_EQ(labeller.unusable(), 1);
}

}  // namespace
}  // namespace expertoire
