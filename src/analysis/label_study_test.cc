// Experts of which the test knows what they do get labels that hold on other documents; noise and
// shuffled labels do not.
#include "analysis/label_study.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>

#include "analysis/unit_labels.h"
#include "analysis/word_labeller.h"
#include "support/errors.h"
#include "support/planted_contexts.h"

namespace expertoire::test {
namespace {

using Pieces = std::vector<std::string>;

PlantedExpert on_word(const std::string& word) {
  return [=](const Pieces& pieces, size_t i) { return pieces[i] == word ? 0.9F : 0.0F; };
}

enum : int64_t { kCell, kDigits, kAfterSome, kNoise, kCourt, kPrice };

std::vector<PlantedExpert> experts() {
  std::vector<PlantedExpert> all = {
      on_word(" cell"),
      [](const Pieces& pieces, size_t i) {
        return std::isdigit(static_cast<unsigned char>(pieces[i].back())) != 0 ? 0.8F : 0.0F;
      },
      // In documents with numbers only, so that some do without it.
      [](const Pieces& pieces, size_t i) {
        const bool numbers = std::ranges::any_of(pieces, [](const std::string& piece) {
          return std::isdigit(static_cast<unsigned char>(piece.back())) != 0;
        });
        return numbers && i > 0 && pieces[i - 1] == " some" ? 0.7F : 0.0F;
      },
      // In every third document some tokens that have nothing in common.
      [](const Pieces& pieces, size_t i) {
        size_t hash = 0;
        for (const std::string& piece : pieces) {
          hash = hash * 31 + piece.size() + static_cast<size_t>(piece.back());
        }
        const size_t draw = (hash + i) * 2654435761U % 4294967296U >> 16;
        return hash % 3 == 0 && draw % 12 == 0 ? 0.5F : 0.0F;
      },
      on_word(" court"), on_word(" price")};
  for (const char* word : {" law", " gene", " wage", " trade", " jury", " organ", " of", " with"}) {
    all.push_back(on_word(word));
  }
  return all;
}

class LabelStudyTest : public testing::Test {
 protected:
  LabelStudyTest()
      : index_(write_planted_index(folder_, "a.db", planted_documents(150, 1), experts()), true),
        held_out_(write_planted_index(folder_, "b.db", planted_documents(150, 2), experts())) {}

  std::vector<LabelledUnit> study(const std::vector<Unit>& units) const {
    LabelStudy study(index_, held_out_, units, {});
    WordLabeller labeller(index_);
    study.run(labeller, {}, nullptr);
    return study.results();
  }
  static std::vector<Unit> all_units() {
    std::vector<Unit> units;
    for (int64_t id = 0; id <= kPrice; ++id) units.push_back({0, UnitKind::kExpert, id});
    return units;
  }

  TempDir folder_;
  ExpertIndex index_, held_out_;
};

TEST_F(LabelStudyTest, PlantedExpertsGetReliableLabels) {
  const std::vector<LabelledUnit> units = study(all_units());
  ASSERT_EQ(units.size(), 6U);
  for (const int64_t id : {kCell, kDigits, kCourt, kPrice}) {
    const LabelledUnit& unit = units[static_cast<size_t>(id)];
    EXPECT_TRUE(unit.score.reliable) << id << " " << unit.text << " " << unit.score.accuracy;
    EXPECT_EQ(both(unit.counts).items(), 48);
    EXPECT_FALSE(unit.shuffled_score.reliable) << id << " " << unit.shuffled_score.accuracy;
  }
  EXPECT_THAT(units[kCell].text, testing::HasSubstr("\"cell\""));
  EXPECT_THAT(units[kDigits].text, testing::HasSubstr("digits"));
  EXPECT_THAT(units[kAfterSome].text, testing::HasSubstr("after \"some\""));
  EXPECT_GT(units[kCell].replication, units[kCell].shuffled_replication);
  EXPECT_EQ(units[kCell].topic, "biology");
  EXPECT_EQ(units[kDigits].topic, "");
}

TEST_F(LabelStudyTest, NoiseGetsNoReliableLabel) {
  const LabelledUnit noise = study(all_units())[kNoise];
  EXPECT_FALSE(noise.score.reliable) << noise.text << " " << noise.score.accuracy;
  EXPECT_GE(both(noise.counts).items(), 40);
}

TEST_F(LabelStudyTest, ControlsAreHardAndTheAnswersTrue) {
  const UnitRecord record = *held_out_.find({0, UnitKind::kExpert, kDigits});
  const ItemMaker maker(held_out_, {&record, 1}, {});
  const std::vector<LabelItem> items = maker.make({&record, 1})[0];
  int same_topic = 0, beside = 0;
  for (const LabelItem& item : items) {
    const std::string& piece = item.window.pieces[item.window.marked];
    const bool digit = std::isdigit(static_cast<unsigned char>(piece.back())) != 0;
    if (item.active) {
      EXPECT_TRUE(digit);
      continue;
    }
    EXPECT_FALSE(digit && item.known);
    // Known ones come from documents without a number; the others stand beside one.
    const bool numbers = std::ranges::any_of(item.window.pieces, [](const std::string& one) {
      return std::isdigit(static_cast<unsigned char>(one.back())) != 0;
    });
    EXPECT_NE(item.known, numbers);
    same_topic += item.known;
    beside += !item.known;
  }
  EXPECT_GT(same_topic, 12);
  EXPECT_EQ(beside, 6);  // every other one of fuzzing
}

// An expert that fires on a word in one topic only must not pass as one of the word: its controls
// hold the word too.
TEST_F(LabelStudyTest, ControlsHoldTheSameToken) {
  const PlantedExpert in_law = [](const Pieces& pieces, size_t i) {
    return pieces[i] == " of" && std::ranges::find(pieces, " court") != pieces.end() ? 0.6F : 0.0F;
  };
  const ExpertIndex index(write_planted_index(folder_, "c.db", planted_documents(90, 3), {in_law}));
  const UnitRecord record = *index.find({0, UnitKind::kExpert, 0});
  const std::vector<LabelItem> items = ItemMaker(index, {&record, 1}, {}).make({&record, 1})[0];
  const auto same = std::ranges::count_if(items, [](const LabelItem& item) {
    return !item.active && item.window.pieces[item.window.marked] == " of";
  });
  EXPECT_GE(same, 12);  // of 24 controls: half of detection's, half of fuzzing's
}

TEST_F(LabelStudyTest, ItemsDependOnTheSeedAndTheUnitOnly) {
  const UnitRecord cell = *held_out_.find({0, UnitKind::kExpert, kCell});
  const UnitRecord court = *held_out_.find({0, UnitKind::kExpert, kCourt});
  const auto places = [&](std::span<const UnitRecord> units, uint64_t seed) {
    const ItemMaker maker(held_out_, units, {.seed = seed});
    std::vector<ContextPlace> places;
    const std::vector<std::vector<LabelItem>> items = maker.make({&cell, 1});
    for (const LabelItem& item : items[0]) places.push_back(item.window.place);
    return places;
  };
  const std::vector<UnitRecord> two = {court, cell};
  EXPECT_EQ(places({&cell, 1}, 7), places(two, 7));
  EXPECT_NE(places({&cell, 1}, 7), places({&cell, 1}, 8));
}

TEST_F(LabelStudyTest, WhatCannotBeLabelledIsRefused) {
  const auto refused = [&](const ExpertIndex& held_out, const std::vector<Unit>& units) {
    const auto error = error_of([&] { LabelStudy(index_, held_out, units, {}); });
    return error && error->code() == ErrorCode::kInvalidArgument;
  };
  const Unit cell{0, UnitKind::kExpert, kCell};
  EXPECT_FALSE(refused(held_out_, {cell}));
  EXPECT_TRUE(refused(held_out_, {}));
  EXPECT_TRUE(refused(held_out_, {cell, cell}));
  EXPECT_TRUE(refused(index_, {cell}));  // the same documents
  const ExpertIndex other(write_planted_index(folder_, "other.db", planted_documents(9, 4),
                                              experts(), 24, "another model"));
  EXPECT_TRUE(refused(other, {cell}));
}

TEST_F(LabelStudyTest, ChoosesByMassWhatCanBeJudged) {
  const std::vector<Unit> units = units_to_label(index_, held_out_, 3, {});
  ASSERT_EQ(units.size(), 3U);
  double last = 1e9;
  for (const Unit& unit : units) {
    const double mass = index_.find(unit)->mass;
    EXPECT_LE(mass, last);
    last = mass;
  }
  const LabelRule many{.least_items = 200};
  EXPECT_TRUE(error_of([&] { units_to_label(index_, held_out_, 3, many); }));
}

TEST_F(LabelStudyTest, LabelsAreReplacedInTheIndex) {
  const Unit court{0, UnitKind::kExpert, kCourt};
  UnitLabel label{
      index_.units().number(court), "words", "first", 0.5, 0.4, 0.6, 0.1, 48, true, "{}", "now"};
  write_labels(index_, {&label, 1});
  EXPECT_EQ(labels_of(index_, court).at(0).score, 0.5);
  EXPECT_TRUE(labels_of(index_, court).at(0).reliable);
  label.text = "second";
  label.score = std::nullopt;
  write_labels(index_, {&label, 1});
  const std::vector<UnitLabel> stored = labels_of(index_, court);
  ASSERT_EQ(stored.size(), 1U);
  EXPECT_EQ(stored[0].text, "second");
  EXPECT_EQ(stored[0].score, std::nullopt);
  EXPECT_EQ(stored[0].high, 0.6);
  EXPECT_EQ(stored[0].items, 48);
}

}  // namespace
}  // namespace expertoire::test
