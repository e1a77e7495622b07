// Planted masses: which experts serve which domain is known.
#include "analysis/domain_experts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/domain_report.h"
#include "io/json.h"
#include "model/family/family.h"
#include "support/errors.h"
#include "support/miniature.h"
#include "support/planted_index.h"
#include "support/temp_dir.h"

namespace expertoire {
namespace {

using test::error_of;
using test::PlantedIndex;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Two layers of eight experts; 20 documents of 100 tokens for each of three labels.
PlantedIndex three_labels() {
  PlantedIndex index{.layers = {{0, 8, 0, 1, 2}, {1, 8, 0, 1, 2}},
                     .labels = {"algebra", "law", "statistics"}};
  for (int i = 0; i < 60; ++i) index.documents.push_back({.label = i / 20, .tokens = 100});
  return index;
}

// The same mass in every document of a label.
void plant(PlantedIndex& index, const std::string& unit, std::vector<float> by_label) {
  for (PlantedIndex::Document& document : index.documents) {
    const float mass = by_label[static_cast<size_t>(document.label)];
    if (mass > 0) document.masses[unit] = mass;
  }
}

class DomainExpertsTest : public testing::Test {
 protected:
  ExpertIndex open(const PlantedIndex& index) {
    const std::string path = dir_.file("x" + std::to_string(files_++) + ".db");
    index.write(path);
    return ExpertIndex(path);
  }
  DomainSelection select(const PlantedIndex& planted, DomainOptions options = {},
                         const DomainGroups* groups = nullptr) {
    const ExpertIndex index = open(planted);
    return select_domain_experts(
        index, groups != nullptr ? *groups : DomainGroups::of_labels(planted.labels), options);
  }
  test::TempDir dir_;
  int files_ = 0;
};

TEST_F(DomainExpertsTest, FindsWhatWasPlanted) {
  PlantedIndex index = three_labels();
  plant(index, "0:3", {1, 4, 0.5F});  // law, ratio 4
  plant(index, "0:5", {3, 2, 0});     // no domain: 1.5
  plant(index, "1:0", {0, 0, 2});     // statistics alone
  const DomainSelection found = select(index);
  EXPECT_THAT(found.domains.names, ElementsAre("algebra", "law", "statistics"));
  ASSERT_EQ(found.experts.size(), 2U);
  const DomainExpert &law = found.experts[0], &statistics = found.experts[1];
  EXPECT_EQ(law.unit, 3);
  EXPECT_EQ(law.lead.first, 1);
  EXPECT_EQ(law.lead.second, 0);
  EXPECT_DOUBLE_EQ(law.lead.rate, 0.04);
  EXPECT_DOUBLE_EQ(law.lead.share, 0.25);
  EXPECT_EQ(law.documents, 20);
  EXPECT_DOUBLE_EQ(law.ratio_low.value(), 4);
  EXPECT_TRUE(law.qualifies);
  EXPECT_EQ(statistics.unit, 8);
  EXPECT_EQ(statistics.ratio_low.value(), std::numeric_limits<double>::infinity());
  EXPECT_TRUE(statistics.qualifies);
}

TEST_F(DomainExpertsTest, OneDocumentMeetsThePlainRuleAndDoesNotQualify) {
  PlantedIndex index = three_labels();
  index.documents[7].masses["0:1"] = 1000;
  const DomainSelection found = select(index);
  ASSERT_EQ(found.experts.size(), 1U);
  EXPECT_EQ(found.experts[0].documents, 1);
  EXPECT_FALSE(found.experts[0].ratio_low);
  EXPECT_FALSE(found.experts[0].qualifies);
}

// Ten documents hold it, but nearly all of its mass is in one of them.
TEST_F(DomainExpertsTest, ABoundBelowTheFactorDoesNotQualify) {
  PlantedIndex index = three_labels();
  plant(index, "0:1", {0, 1, 0});
  for (size_t i = 0; i < 10; ++i) index.documents[i].masses["0:1"] = i == 0 ? 50 : 0.1F;
  const DomainSelection found = select(index);
  ASSERT_EQ(found.experts.size(), 1U);
  EXPECT_EQ(found.experts[0].lead.first, 0);
  EXPECT_EQ(found.experts[0].documents, 10);
  ASSERT_TRUE(found.experts[0].ratio_low);
  EXPECT_LT(*found.experts[0].ratio_low, 2);
  EXPECT_FALSE(found.experts[0].qualifies);
}

TEST_F(DomainExpertsTest, MassBelowTheSupportCountsInTheRates) {
  PlantedIndex index = three_labels();
  plant(index, "0:3", {1, 4, 0});
  EXPECT_TRUE(select(index).experts.at(0).qualifies);
  index.rest["0:3"][0] = 30;  // 2.5 a document instead of 1: the ratio is 1.6
  EXPECT_THAT(select(index).experts, IsEmpty());
  index.rest["0:3"][0] = 10;  // 1.5: 2.67, and evenly spread
  const DomainExpert expert = select(index).experts.at(0);
  EXPECT_DOUBLE_EQ(expert.lead.share, 1.5 / 4);
  EXPECT_NEAR(expert.ratio_low.value(), 4 / 1.5, 1e-9);
}

TEST_F(DomainExpertsTest, ArgmaxTakesTheHighest) {
  PlantedIndex index = three_labels();
  plant(index, "0:5", {3, 2, 1});
  EXPECT_THAT(select(index).experts, IsEmpty());
  const DomainSelection found = select(index, {.rule = DomainRule::kArgmax});
  ASSERT_EQ(found.experts.size(), 1U);
  EXPECT_EQ(found.experts[0].lead.first, 0);
  EXPECT_TRUE(found.experts[0].qualifies);
  EXPECT_EQ(select(index, {.factor = 1.5}).experts.size(), 1U);
}

TEST_F(DomainExpertsTest, GroupsAddUpLabels) {
  const std::string path = dir_.write("g.json", R"({"format": "expertoire.domains", "version": 1,
                               "domains": {"math": ["algebra", "statistics"], "law": ["law"]}})");
  const DomainGroups groups = DomainGroups::load(path);
  PlantedIndex index = three_labels();
  plant(index, "0:3", {4, 1, 0});  // math: 2 a document
  plant(index, "0:4", {4, 1.5F, 4});
  const DomainSelection found = select(index, {}, &groups);
  ASSERT_EQ(found.experts.size(), 2U);
  EXPECT_EQ(found.domains.names[static_cast<size_t>(found.experts[0].lead.first)], "math");
  EXPECT_DOUBLE_EQ(found.experts[0].lead.share, 0.5);
  EXPECT_TRUE(found.experts[1].qualifies);
}

TEST_F(DomainExpertsTest, KeysAreUnitsOfTheirOwn) {
  PlantedIndex index = three_labels();
  index.layers = {{0, 16, 4, 2, 2}};
  plant(index, "0:left:2", {0, 3, 1});
  plant(index, "0:2,1", {5, 0, 0});
  EXPECT_EQ(select(index, {.kind = UnitKind::kExpert}).experts.at(0).unit, 9);
  EXPECT_EQ(select(index, {.kind = UnitKind::kLeft}).experts.at(0).unit, 16 + 2);
  EXPECT_THAT(select(index, {.kind = UnitKind::kRight}).experts, IsEmpty());
}

TEST_F(DomainExpertsTest, ThreadsChangeNothing) {
  PlantedIndex index = three_labels();
  for (size_t i = 0; i < index.documents.size(); ++i) {
    for (int e = 0; e < 8; ++e) {
      const auto mass = static_cast<float>((i * 7 + static_cast<size_t>(e) * 5) % 11);
      const bool own = index.documents[i].label == e % 3;
      if (mass > 0) index.documents[i].masses["1:" + std::to_string(e)] = own ? 5 * mass : mass;
    }
  }
  const auto bounds = [&](int threads) {
    std::vector<double> all;
    for (const DomainExpert& expert : select(index, {.threads = threads}).experts) {
      all.push_back(expert.ratio_low.value());
    }
    return all;
  };
  EXPECT_EQ(bounds(1).size(), 8U);
  EXPECT_EQ(bounds(1), bounds(3));
}

TEST_F(DomainExpertsTest, CountsByLayerAndAgreement) {
  PlantedIndex index = three_labels();
  plant(index, "0:3", {1, 4, 0});
  plant(index, "0:4", {1, 4, 0});
  plant(index, "1:1", {4, 0, 0});
  const DomainSelection first = select(index);
  index.documents[0].masses["1:2"] = 100;  // meets the plain rule only
  plant(index, "0:4", {4, 1, 0});
  const DomainSelection second = select(index);

  const auto counts = count_by_layer(second, UnitTable(index.layers));
  EXPECT_EQ(counts[0][1].plain, 1);
  EXPECT_EQ(counts[1][0].plain, 2);
  EXPECT_EQ(counts[1][0].qualified, 1);

  const auto rows = agreement(first, second, true);
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].first, 1);  // algebra: 1:1, then 1:1 and 0:4
  EXPECT_EQ(rows[0].second, 2);
  EXPECT_EQ(rows[0].both, 1);
  EXPECT_DOUBLE_EQ(rows[0].jaccard(), 0.5);
  EXPECT_EQ(rows[1].both, 1);  // law: 0:3
  EXPECT_EQ(rows[2].jaccard(), 0);
  EXPECT_EQ(agreement(first, second, false)[0].second, 3);
}

TEST_F(DomainExpertsTest, RefusesWhatMakesNoSense) {
  const PlantedIndex index = three_labels();
  EXPECT_THAT(error_of([&] { select(index, {.factor = 0.5}); })->what(), HasSubstr("0.5"));
  EXPECT_THAT(error_of([&] { select(index, {.kind = UnitKind::kLeft}); })->what(),
              HasSubstr("keys"));
  PlantedIndex one = index;
  one.documents.resize(20);
  EXPECT_THAT(error_of([&] { select(one); })->what(), HasSubstr("2 empty"));
}

TEST_F(DomainExpertsTest, WritesAnEditForEachDomainThatHasExperts) {
  const test::Miniature miniature = test::Miniature::random("olmoe");
  std::filesystem::create_directory(dir_.file("model"));
  miniature.write(dir_.file("model"));
  PlantedIndex index = three_labels();
  index.layers = {{0, 10, 0, 1, 3}, {1, 10, 0, 1, 3}, {2, 10, 0, 1, 3}};
  plant(index, "0:3", {1, 4, 0});
  plant(index, "2:9", {1, 4, 0});
  index.documents[59].masses["1:1"] = 100;
  const ExpertIndex opened = open(index);
  const ModelConfig config = config_for(opened, dir_.file("model"));
  const DomainSelection found =
      select_domain_experts(opened, DomainGroups::of_labels(index.labels), {});
  const std::string out = dir_.file("out");
  EXPECT_THAT(write_domains(found, opened.units(), config, false, out),
              ElementsAre("", "law.json", ""));
  const RoutingEdit edit = RoutingEdit::load(out + "/law.json");
  ASSERT_EQ(edit.items().size(), 2U);
  EXPECT_THAT(*edit.items()[1].layers, ElementsAre(2));
  EXPECT_THAT(edit.items()[1].experts, ElementsAre(9));
  EXPECT_EQ(edit.model().num_experts, 10);
  const std::string lines = read_text_file(out + "/experts.jsonl");
  EXPECT_EQ(std::ranges::count(lines, '\n'), 3);
  EXPECT_THAT(lines, HasSubstr("\"unit\":\"2:9\""));
  EXPECT_EQ(error_of([&] { write_domains(found, opened.units(), config, false, out); })->code(),
            ErrorCode::kInvalidArgument);
  EXPECT_THAT(write_domains(found, opened.units(), config, true, dir_.file("plain")),
              ElementsAre("", "law.json", "statistics.json"));
}

TEST_F(DomainExpertsTest, AnotherModelsConfigurationIsRefused) {
  const test::Miniature miniature = test::Miniature::random("olmoe");
  std::filesystem::create_directory(dir_.file("model"));
  miniature.write(dir_.file("model"));
  const ExpertIndex index = open(three_labels());
  EXPECT_THAT(error_of([&] { config_for(index, dir_.file("model")); })->what(),
              HasSubstr("--model"));
}

}  // namespace
}  // namespace expertoire
