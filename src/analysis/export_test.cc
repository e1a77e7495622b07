#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "analysis/export_html.h"
#include "analysis/export_json.h"
#include "analysis/export_neuronpedia.h"
#include "analysis/overview_page.h"
#include "analysis/unit_page.h"
#include "io/gzip_lines.h"
#include "io/json.h"
#include "support/errors.h"
#include "support/made_index.h"

namespace expertoire {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kAttack = "<script>alert('x')</script>";

// Everything that others wrote tries to be markup: document, label, token, description.
class ExportTest : public ::testing::Test {
 protected:
  ExportTest() {
    made_.label("\"<b>\"");
    made_.label("plain");
    made_.document("\"<b>\"", {"see", kAttack, "\n", " & go"});
    made_.document("plain", {"nothing", " here"});
    made_.unit("0:1", {.count = 3,
                       .mass = 2,
                       .labels = {{1.5, 2, 1}, {0.5, 1, 1}},
                       .tokens = {{made_.id(kAttack), 2, 1.5, 0}},
                       .contexts = {{0, 1, 0.75F}, {0, 3, 0.25F}}});
    made_.unit("0:3", {.count = 1, .mass = 1, .labels = {{}, {1, 1, 1}}});
    made_.unit("4:1,2", {.count = 1, .mass = 0.5, .contexts = {{1, 1, 0.5F}}});
    made_.unit("4:left:0", {.count = 1, .mass = 0.1});
    made_.said("0:1", "local", "<i>says</i>", 0.8, true);
    made_.said("0:3", "local", "hardly", 0.55, false);
    made_.together(0, UnitKind::kExpert, {0, 0, 0, 0, 0, 3, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1});
  }

  std::vector<std::string> exported(const ExportOptions& options) const {
    const ExpertIndex index = made_.open();
    std::vector<std::string> names;
    ExportedUnits(index, options, nullptr).for_each([&](const UnitView& view) {
      names.push_back(view.name);
    });
    return names;
  }

  std::string out(const std::string& name) const { return made_.dir().file(name); }

  std::vector<json> rows(const std::string& path) const {
    GzipLines lines(path);
    std::vector<json> all;
    while (const auto line = lines.next()) all.push_back(parse_json(*line, path));
    return all;
  }

  test::MadeIndex made_;
};

const auto kIgnore = [](int64_t) {};

TEST_F(ExportTest, ChoosesExpertsAndAllKeys) {
  EXPECT_THAT(exported({}), ElementsAre("0:1", "0:3", "4:1,2", "4:left:0"));
  EXPECT_THAT(exported({.experts = 1}), ElementsAre("0:1", "4:left:0"));
  EXPECT_THAT(exported({.filter = {.kinds = {UnitKind::kExpert}, .layer = 4}}),
              ElementsAre("4:1,2"));
  EXPECT_THAT(exported({.filter = {.kinds = {UnitKind::kLeft}}}), ElementsAre("4:left:0"));
  EXPECT_EQ(test::error_of([&] { exported({.filter = {.layer = 1}}); })->code(),
            ErrorCode::kInvalidArgument);
}

TEST_F(ExportTest, PagesHoldOnlyTheirOwnMarkup) {
  const ExpertIndex index = made_.open();
  ExportedUnits units(index, {}, nullptr);
  export_html(units, out("pages"), kIgnore);
  EXPECT_THAT(test::read_bytes(out("pages/units/4-left-0.html")), HasSubstr("left key 0"));
  for (const char* name : {"index.html", "units/0-1.html", "units/0-3.html"}) {
    const std::string page = test::read_bytes(out("pages/") + name);
    EXPECT_THAT(page, Not(HasSubstr("<script>alert"))) << name;
    EXPECT_THAT(page, Not(HasSubstr("<b>"))) << name;
    EXPECT_THAT(page, Not(HasSubstr("<i>says"))) << name;
    EXPECT_THAT(page, HasSubstr("&lt;b&gt;")) << name;
  }
  const std::string page = test::read_bytes(out("pages/units/0-1.html"));
  EXPECT_THAT(page, HasSubstr("<mark class=\"hot\" style=\"--s:1.00\" title=\"0.750\">&lt;script"));
  EXPECT_THAT(page, HasSubstr("<i>⏎</i> "));
  EXPECT_THAT(page, HasSubstr("--s:0.33"));
  EXPECT_THAT(page, HasSubstr("class=\"reliable\""));
  EXPECT_THAT(page, HasSubstr("balanced accuracy 0.800 [0.700, 0.900] of 44 items"));
  EXPECT_THAT(page, HasSubstr("<a href=\"0-3.html\">0:3</a>")) << "its partner";
  EXPECT_THAT(test::read_bytes(out("pages/units/0-3.html")), HasSubstr("class=\"unreliable\""));
}

TEST_F(ExportTest, TheOverviewMapsEveryUnit) {
  const ExpertIndex index = made_.open();
  ExportedUnits units(index, {.filter = {.layer = 0}}, nullptr);
  export_html(units, out("pages"), kIgnore);
  const std::string page = test::read_bytes(out("pages/index.html"));
  size_t cells = 0, dead = 0;
  for (size_t at = 0; (at = page.find("<rect class=\"cell ", at)) != std::string::npos; ++at) {
    ++cells;
    dead += page.compare(at, 22, "<rect class=\"cell dead") == 0;
  }
  EXPECT_EQ(cells, 4u + 4u + 3u + 3u) << "two layers of experts, two sides of keys";
  EXPECT_EQ(dead, cells - 3u);
  // Of a mass of 3 over 4 experts 0:1 has 2: 2.67 times an even load.
  EXPECT_THAT(page, HasSubstr("<a href=\"units/0-1.html\"><rect class=\"cell l6\" x=\"15\""));
  EXPECT_THAT(page, HasSubstr("0:1: 2.7 × an even load"));
  EXPECT_THAT(page, HasSubstr("<tr><td>1 expert</td><td>4</td><td>4</td>")) << "none was used";
  EXPECT_THAT(page, HasSubstr("4:left:0: 3 × an even load</title>")) << "in no label";
  EXPECT_THAT(page, Not(HasSubstr("href=\"units/4-left-0.html\""))) << "no such page";
  EXPECT_THAT(page, HasSubstr("&lt;i&gt;says")) << "what is reliable is in the table";
  EXPECT_THAT(page, Not(HasSubstr("hardly")));
}

TEST_F(ExportTest, AFolderThatIsThereIsKept) {
  made_.dir().write("pages/kept", "x");
  const ExpertIndex index = made_.open();
  ExportedUnits units(index, {}, nullptr);
  EXPECT_EQ(test::error_of([&] { export_html(units, out("pages"), kIgnore); })->code(),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(test::read_bytes(out("pages/kept")), "x");
}

TEST_F(ExportTest, JsonLinesAreViews) {
  const ExpertIndex index = made_.open();
  ExportedUnits units(index, {}, nullptr);
  int64_t last = 0;
  export_jsonl(units, out("x.jsonl"), [&](int64_t done) { last = done; });
  const std::vector<json> all = rows(out("x.jsonl"));
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(last, 4);
  EXPECT_EQ(all[0]["unit"], "0:1");
  EXPECT_EQ(all[0]["contexts"][0]["tokens"][1], kAttack);
}

TEST_F(ExportTest, AffinitiesAreSharesOfRates) {
  const ExpertIndex index = made_.open();
  ExportedUnits units(index, {}, nullptr);
  export_experts_json(units, out("experts.json"), kIgnore);
  const json all = read_json_file(out("experts.json"));
  EXPECT_EQ(all.size(), 4u);
  // Rates: 1.5 of 4 tokens, 0.5 of 2.
  EXPECT_DOUBLE_EQ(all["0:1"]["affinity"]["\"<b>\""].get<double>(), 0.375 / 0.625);
  EXPECT_NEAR(all["0:1"]["entropy"].get<double>(), 0.970951, 1e-6);
  EXPECT_EQ(all["0:1"]["top"], "\"<b>\"");
  EXPECT_EQ(all["0:1"]["label"], "<i>says</i>");
  EXPECT_TRUE(all["0:3"]["label"].is_null()) << "not reliable";
  EXPECT_EQ(all["0:3"]["entropy"], 0);
  EXPECT_TRUE(all["4:left:0"]["top"].is_null());
}

TEST_F(ExportTest, NeuronpediaHasASourceForEachLayerAndKind) {
  const ExpertIndex index = made_.open();
  ExportedUnits units(index, {}, nullptr);
  export_neuronpedia(units, out("np"), {}, kIgnore);
  const std::string source = out("np/made-up/0-experts/");
  const std::vector<json> features = rows(source + "features/batch-0.jsonl.gz");
  ASSERT_EQ(features.size(), 2u);
  EXPECT_EQ(features[0]["index"], "1");
  EXPECT_EQ(features[0]["frac_nonzero"], 0.5);
  EXPECT_EQ(features[0]["freq_hist_data_bar_heights"].size(), size_t{kHistogramBins});
  EXPECT_EQ(features[0]["freq_hist_data_bar_values"].size(), size_t{kHistogramBins});
  EXPECT_FLOAT_EQ(features[0]["freq_hist_data_bar_values"][0].get<float>(), 0.025F);
  const std::vector<json> activations = rows(source + "activations/batch-0.jsonl.gz");
  ASSERT_EQ(activations.size(), 2u);
  EXPECT_EQ(activations[0]["values"], json({0, 0.75, 0, 0.25}));
  EXPECT_EQ(activations[0]["maxValueTokenIndex"], 1);
  EXPECT_EQ(activations[1]["qualifyingTokenIndex"], 3);
  EXPECT_NE(activations[0]["id"], activations[1]["id"]);
  const std::vector<json> said = rows(source + "explanations/batch-0.jsonl.gz");
  EXPECT_EQ(said[0]["description"], "<i>says</i>");
  EXPECT_EQ(rows(source + "source.jsonl")[0]["createdAt"], "2026-01-02T03:04:05Z");
  EXPECT_TRUE(std::filesystem::exists(out("np/made-up/4-left-keys/features/batch-0.jsonl.gz")));
}

}  // namespace
}  // namespace expertoire
