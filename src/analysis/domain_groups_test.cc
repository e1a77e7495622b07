#include "analysis/domain_groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"
#include "support/shared.h"
#include "support/temp_dir.h"

namespace expertoire {
namespace {

using test::error_of;
using testing::ElementsAre;
using testing::HasSubstr;

class DomainGroupsTest : public testing::Test {
 protected:
  DomainGroups load(const std::string& text) {
    dir_.write("domains.json", text);
    return DomainGroups::load(dir_.file("domains.json"));
  }
  DomainGroups load_domains(const std::string& domains) {
    return load(R"({"format": "expertoire.domains", "version": 1, "domains": )" + domains + "}");
  }
  test::TempDir dir_;
};

TEST_F(DomainGroupsTest, LabelsBelongToTheDomainThatListsThem) {
  const DomainGroups groups = load_domains(R"({"math": ["algebra", "statistics"], "law": ["ip"]})");
  EXPECT_THAT(groups.names(), ElementsAre("law", "math"));
  EXPECT_EQ(groups.domain_of("statistics"), 1);
  EXPECT_EQ(groups.domain_of("ip"), 0);
  EXPECT_EQ(groups.domain_of("physics"), -1);
}

TEST_F(DomainGroupsTest, WithoutGroupsEveryLabelIsADomain) {
  const DomainGroups groups = DomainGroups::of_labels({"python", "cpp"});
  EXPECT_THAT(groups.names(), ElementsAre("cpp", "python"));
  EXPECT_EQ(groups.domain_of("python"), 1);
}

TEST_F(DomainGroupsTest, RefusesOtherForms) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"math": []})", "math"}, {R"({"math": "algebra"})", "math"},
      {R"({"math": [3]})", "3"},   {R"({"math": ["algebra"], "other": ["algebra"]})", "algebra"},
      {"{}", "domains"},           {"[]", "domains"},
  };
  for (const auto& [domains, named] : cases) {
    const auto error = error_of([&, domains = domains] { load_domains(domains); });
    ASSERT_TRUE(error) << domains;
    EXPECT_EQ(error->code(), ErrorCode::kBadFile);
    EXPECT_THAT(error->what(), HasSubstr(named));
  }
  EXPECT_EQ(error_of([&] { load("[]"); })->code(), ErrorCode::kBadFile);
  EXPECT_EQ(error_of([&] { load(R"({"domains": {"a": ["b"]}})"); })->code(), ErrorCode::kBadFile);
  EXPECT_EQ(error_of([&] {
              load(R"({"format": "expertoire.domains", "version": 2, "domains": {"a": ["b"]}})");
            })->code(),
            ErrorCode::kUnsupported);
}

TEST_F(DomainGroupsTest, DomainsWithoutTextAndLabelsWithoutDomainAreNamed) {
  const DomainGroups groups =
      load_domains(R"({"math": ["algebra", "statistics"], "law": ["ip"], "bio": ["bio"]})");
  const IndexedDomains found = indexed_domains(groups, {"statistics", "fiction", "bio", "algebra"},
                                               {100, 50, 30, 20}, {3, 2, 1, 4});
  EXPECT_THAT(found.names, ElementsAre("bio", "math"));
  EXPECT_THAT(found.of_label, ElementsAre(1, -1, 0, 1));
  EXPECT_THAT(found.tokens, ElementsAre(30, 120));
  EXPECT_THAT(found.documents, ElementsAre(1, 7));
  EXPECT_THAT(found.absent, ElementsAre("law"));
  EXPECT_THAT(found.left_out, ElementsAre("fiction"));
  EXPECT_EQ(found.find("math"), 1);
  EXPECT_EQ(found.find("law"), -1);
}

TEST_F(DomainGroupsTest, OneDomainCannotBeCompared) {
  const DomainGroups groups = load_domains(R"({"math": ["algebra"], "law": ["ip"]})");
  const auto error = error_of([&] { indexed_domains(groups, {"algebra", "x"}, {9, 9}, {1, 1}); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(error->what(), HasSubstr("--groups"));
}

TEST_F(DomainGroupsTest, NamesOfFiles) {
  EXPECT_EQ(domain_file_name("computer science"), "computer_science");
  EXPECT_EQ(domain_file_name("../c++"), "___c__");
  EXPECT_EQ(domain_file_name("law-2_b"), "law-2_b");
}

// MMLU-Pro has 14 categories; two of them have no text.
TEST_F(DomainGroupsTest, TheFileThatShips) {
  const DomainGroups groups =
      DomainGroups::load(std::string(EXPERTOIRE_SOURCE_DIR) + "/data/domains.json");
  EXPECT_THAT(groups.names(),
              ElementsAre("biology", "business", "chemistry", "economics", "health", "history",
                          "law", "math", "other", "philosophy", "physics", "psychology"));
  const auto domain = [&](const char* label) {
    return groups.names().at(static_cast<size_t>(groups.domain_of(label)));
  };
  EXPECT_EQ(domain("university_physics"), "physics");
  EXPECT_EQ(domain("anatomy"), "health");
  EXPECT_EQ(domain("history_ap"), "history");
}

// Every subject of the shared OpenStax texts is in it.
TEST_F(DomainGroupsTest, TheFileThatShipsKnowsEverySubject) {
  EXPERTOIRE_NEEDS_SHARED("data/corpus/openstax");
  const DomainGroups groups =
      DomainGroups::load(std::string(EXPERTOIRE_SOURCE_DIR) + "/data/domains.json");
  for (const auto& entry :
       std::filesystem::directory_iterator(shared_folder() + "/data/corpus/openstax")) {
    const std::string name = entry.path().filename();
    const std::string ending = ".jsonl.gz";
    if (name.ends_with(ending)) {
      EXPECT_GE(groups.domain_of(name.substr(0, name.size() - ending.size())), 0) << name;
    }
  }
}

}  // namespace
}  // namespace expertoire
