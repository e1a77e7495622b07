#include "analysis/unit_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "analysis/unit_ranking.h"
#include "support/errors.h"
#include "support/made_index.h"

namespace expertoire {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Two documents of 4 and 6 tokens; four units, one of them a joint expert and one a key.
class UnitViewTest : public ::testing::Test {
 protected:
  UnitViewTest() {
    made_.label("plants");
    made_.label("money");
    made_.document("plants", {"A", " leaf", " is", " green"});
    made_.document("money", {"A", " price", " is", " high", " is", " low"});
    made_.unit("0:1", {.count = 3,
                       .mass = 1.5,
                       .labels = {{0.5, 1, 1}, {1.0, 2, 1}},
                       .tokens = {{made_.id(" is"), 2, 1.0, 0.25},
                                  {made_.id(" leaf"), 1, 0.5, 0},
                                  {made_.id("A"), 9, 2.0, 1.5}},
                       .contexts = {{1, 2, 0.75F}, {1, 4, 0.5F}, {0, 1, 0.25F}}});
    made_.unit("0:2",
               {.count = 5, .mass = 1.0, .labels = {{1.0, 5, 4}}, .contexts = {{0, 0, 0.9F}}});
    made_.unit("1:3", {.count = 1, .mass = 2.0, .labels = {{1.0, 1, 1}, {1.0, 1, 1}}});
    made_.unit("4:1,2", {.count = 2, .mass = 0.1, .labels = {{}, {0.1, 2, 1}}});
    made_.unit("4:left:1", {.count = 2, .mass = 0.2, .labels = {{0.1, 1, 1}, {0.1, 2, 1}}});
    made_.together(0, UnitKind::kExpert, {0, 0, 0, 0, 0, 3, 2, 1, 0, 0, 5, 0, 0, 0, 0, 1});
    made_.said("0:1", "local", "the word is", 0.7, false);
    made_.said("0:1", "asked", "Verbs of Being", 0.6, true);
    made_.said("0:2", "local", "articles", 0.9, true);
  }

  std::vector<std::string> ranked(UnitOrder order, const UnitFilter& filter = {},
                                  size_t most = 10) const {
    const ExpertIndex index = made_.open();
    std::vector<std::string> names;
    for (const UnitRecord& record : ranked_units(index, order, filter, most)) {
      names.push_back(index.units().name(record.unit));
    }
    return names;
  }

  test::MadeIndex made_;
};

TEST_F(UnitViewTest, RatesAreMassATokenOfTheLabel) {
  const ExpertIndex index = made_.open();
  const std::vector<LabelRate> rates =
      label_rates(*index.find(made_.units().parse("0:1")), index.info());
  ASSERT_EQ(rates.size(), 2u);
  EXPECT_EQ(rates[0].label, 1);
  EXPECT_DOUBLE_EQ(rates[0].rate, 1.0 / 6);
  EXPECT_DOUBLE_EQ(rates[0].lift, (1.0 / 6) / (1.5 / 10));
  EXPECT_DOUBLE_EQ(rates[1].rate, 0.5 / 4);
  EXPECT_DOUBLE_EQ(label_skew(rates), (1.0 / 6) / (0.5 / 4));
  const std::vector<LabelRate> one =
      label_rates(*index.find(made_.units().parse("0:2")), index.info());
  EXPECT_TRUE(std::isinf(label_skew(one))) << "no mass in the other label";
  EXPECT_EQ(label_skew({one[1], one[1]}), 0);
  EXPECT_EQ(label_skew({one[0]}), 1);
}

TEST_F(UnitViewTest, RanksByEveryOrder) {
  EXPECT_THAT(ranked(UnitOrder::kMass), ElementsAre("1:3", "0:1", "0:2", "4:left:1", "4:1,2"));
  EXPECT_THAT(ranked(UnitOrder::kCount, {}, 2), ElementsAre("0:2", "0:1"));
  EXPECT_THAT(ranked(UnitOrder::kMax, {}, 2), ElementsAre("0:2", "0:1"));
  EXPECT_THAT(ranked(UnitOrder::kSkew), ElementsAre("0:2", "4:1,2", "1:3", "4:left:1", "0:1"));
}

TEST_F(UnitViewTest, FiltersChooseUnits) {
  EXPECT_THAT(ranked(UnitOrder::kMass, {.kinds = {UnitKind::kLeft, UnitKind::kRight}}),
              ElementsAre("4:left:1"));
  EXPECT_THAT(ranked(UnitOrder::kMass, {.layer = 0}), ElementsAre("0:1", "0:2"));
  EXPECT_THAT(ranked(UnitOrder::kMass, {.label = 1}), ElementsAre("0:1", "4:1,2"));
  EXPECT_THAT(ranked(UnitOrder::kMass, {.least_documents = 2}), ElementsAre("0:2"));
  EXPECT_EQ(test::error_of([&] { ranked(UnitOrder::kMass, {.layer = 2}); })->code(),
            ErrorCode::kInvalidArgument);
  const ExpertIndex index = made_.open();
  EXPECT_EQ(label_number(index.info(), "money"), 1);
  EXPECT_THAT(test::error_of([&] { label_number(index.info(), "animals"); })->what(),
              ::testing::HasSubstr("plants, money"));
}

TEST_F(UnitViewTest, GathersAllThatIsShown) {
  const ExpertIndex index = made_.open();
  const UnitRecord record = *index.find(made_.units().parse("0:1"));
  UnitViewer viewer(index, {.before = 1, .after = 1});
  viewer.read_texts({&record, 1});
  const UnitView view = viewer.view(record);
  EXPECT_EQ(view.name, "0:1");
  ASSERT_EQ(view.tokens.size(), 2u) << "less than half of A's mass is sure";
  EXPECT_EQ(view.tokens[0].text, " is");
  EXPECT_EQ(view.tokens[1].text, " leaf");
  ASSERT_EQ(view.contexts.size(), 3u);
  EXPECT_THAT(view.contexts[0].pieces, ElementsAre(" price", " is", " high"));
  EXPECT_EQ(view.contexts[0].mark, 1u);
  EXPECT_THAT(view.contexts[0].scores, ElementsAre(0, 0.75F, 0));
  EXPECT_FALSE(view.contexts[0].from_start || view.contexts[0].to_end);
  EXPECT_TRUE(view.contexts[1].to_end);
  EXPECT_TRUE(view.contexts[2].from_start);
  EXPECT_EQ(view.contexts[2].label, "plants");
  ASSERT_EQ(view.partners.size(), 2u);
  EXPECT_EQ(view.partners[0].unit, made_.units().parse("0:2"));
  EXPECT_DOUBLE_EQ(view.partners[0].jaccard, 2.0 / (3 + 5 - 2));
  EXPECT_DOUBLE_EQ(view.partners[1].jaccard, 1.0 / (3 + 1 - 1));
  ASSERT_EQ(view.labels.size(), 2u);
  EXPECT_EQ(view.labels[0].text, "Verbs of Being") << "reliable ones first";
}

TEST_F(UnitViewTest, WindowsShowOtherContextsInThem) {
  const ExpertIndex index = made_.open();
  DocumentCache documents(index, 1);
  const UnitRecord record = *index.find(made_.units().parse("0:1"));
  const ShownContext window = shown_context(index, documents, record, record.contexts[0], 0, 3);
  EXPECT_THAT(window.scores, ElementsAre(0.75F, 0, 0.5F, 0));
  EXPECT_EQ(documents.get(0).name, "document 0") << "the cache holds one, and changes it";
  EXPECT_EQ(test::error_of([&] {
              shown_context(index, documents, record, {1, 6, 1}, 1, 1);
            })->code(),
            ErrorCode::kBadFile);
}

TEST_F(UnitViewTest, FindsLabelsByAllTheirWords) {
  const ExpertIndex index = made_.open();
  const auto texts = [&](const std::string& query) {
    std::vector<std::string> found;
    for (const UnitLabel& label : find_labels(index, query, 5)) found.push_back(label.text);
    return found;
  };
  EXPECT_THAT(texts("of \"BEING\""), ElementsAre("Verbs of Being"));
  EXPECT_THAT(texts("e*"), ElementsAre("articles", "Verbs of Being", "the word is"));
  EXPECT_THAT(texts("of mice"), IsEmpty());
  EXPECT_THAT(texts("\""), IsEmpty());
}

TEST_F(UnitViewTest, JsonHasEverything) {
  const ExpertIndex index = made_.open();
  const UnitRecord record = *index.find(made_.units().parse("0:2"));
  UnitViewer viewer(index);
  UnitView view = viewer.view(record);
  view.effect = LogitEffect{{{7, " x", 2.5F}}, {}};
  const nlohmann::json json = to_json(view, index);
  EXPECT_EQ(json["unit"], "0:2");
  EXPECT_EQ(json["kind"], "expert");
  EXPECT_TRUE(json["skew"].is_null()) << "infinite";
  EXPECT_EQ(json["frequency"], 0.5);
  EXPECT_EQ(json["histogram"]["counts"].size(), size_t{kHistogramBins});
  EXPECT_EQ(json["by_label"][0]["label"], "plants");
  EXPECT_EQ(json["contexts"][0]["tokens"][json["contexts"][0]["mark"].get<size_t>()], "A");
  EXPECT_EQ(json["labels"][0]["reliable"], true);
  EXPECT_EQ(json["logits"]["promoted"][0]["text"], " x");
}

}  // namespace
}  // namespace expertoire
