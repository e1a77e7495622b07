#include "train/curves_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <regex>

#include "io/chart.h"

namespace expertoire::train {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

RunLog run(const std::string& name, int steps, const std::map<std::string, double>& values) {
  RunLog log{name, nlohmann::json::object(), {}, {}};
  for (int i = 1; i <= steps; ++i) log.steps.push_back({1.0 * i, 1000.0 * i, 2.0 * i, values});
  return log;
}

size_t count(const std::string& text, const std::string& word) {
  size_t found = 0;
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++found;
  return found;
}

// Every place of a path's points lies in the picture.
double largest_coordinate(const std::string& svg) {
  double largest = 0;
  const std::regex path("d=\"([ML0-9. -]+)\"");
  const std::regex number("-?[0-9]+\\.?[0-9]*");
  for (std::sregex_iterator at(svg.begin(), svg.end(), path), end; at != end; ++at) {
    const std::string points = (*at)[1];
    for (std::sregex_iterator n(points.begin(), points.end(), number); n != end; ++n) {
      largest = std::max(largest, std::abs(std::stod(n->str())));
    }
  }
  return largest;
}

TEST(CurvesPageTest, DrawsWhatWasLoggedAndNothingElse) {
  const std::string svg = curves_svg({run("one", 5, {{"loss", 3}, {"survivors1", 8}})});
  EXPECT_THAT(svg, HasSubstr(">Loss against tokens (nats a token)<"));
  EXPECT_THAT(svg, HasSubstr(">Survivors a token and head<"));
  EXPECT_THAT(svg, Not(HasSubstr(">Uniformity<")));
  EXPECT_EQ(count(svg, "class=\"run run0\""), 3u) << "loss twice, survivors once";
}

TEST(CurvesPageTest, DrawsSettingsAsLevels) {
  RunLog one =
      run("one", 5, {{"unif", 6.3}, {"survivors1", 7}, {"survivors2", 9}, {"keys_used", 0.5}});
  one.config = {{"model", {{"moe_topk", 8}, {"moe_experts", 512}}}};
  RunLog two = one;
  two.config["model"]["moe_topk"] = 16;
  const std::string svg = curves_svg({one, two, run("dense", 5, {{"loss", 1}})});
  for (const char* label : {">k = 8<", ">k = 16<", ">all<", ">ln 512<"}) {
    EXPECT_EQ(count(svg, label), 1u) << label;
  }
}

TEST(CurvesPageTest, HeldOutLossesAreDots) {
  RunLog log = run("one", 5, {{"lm", 3}});
  log.held_out.push_back({3, 3000, 6, {{"held_out_loss", 3.5}}});
  log.held_out.push_back({5, 5000, 10, {{"held_out_loss", 3.25}}});
  EXPECT_EQ(count(curves_svg({log}), "<circle"), 4u) << "two charts of loss";
  EXPECT_THAT(curves_html({log}), HasSubstr("<td>3.250</td>"));
  log.held_out[1].values["survivors2"] = 8.75;
  log.held_out[1].values["keys_used"] = 0.5;
  EXPECT_EQ(count(curves_svg({log}), "<circle"), 6u) << "and one each of survivors and keys";
  EXPECT_THAT(curves_html({log}), HasSubstr("<td>8.8</td><td>50.0 %</td>"));
}

TEST(CurvesPageTest, GathersManyStepsIntoBinsWithABand) {
  RunLog log = run("one", 3000, {});
  for (size_t i = 0; i < log.steps.size(); ++i) log.steps[i].values["lm"] = i % 2 == 0 ? 2 : 4;
  const std::string svg = curves_svg({log});
  EXPECT_EQ(count(svg, "class=\"band"), 2u);
  EXPECT_LT(svg.size(), 30000u) << "3,000 points would be many times that";
  EXPECT_EQ(count(curves_svg({run("few", 30, {{"lm", 3}})}), "class=\"band"), 0u);
}

TEST(CurvesPageTest, CopesWithFewAndStrangeValues) {
  const double huge = std::numeric_limits<double>::max();
  EXPECT_THAT(curves_svg({}), HasSubstr("</svg>"));
  EXPECT_THAT(curves_html({run("none", 0, {})}), HasSubstr("none</td><td>0</td>"));
  for (const double value : {0.0, 6.3, -1e-9, 1e29, huge, -huge}) {
    const std::string svg =
        curves_svg({run("a", 1, {{"loss", value}}), run("b", 200, {{"loss", value}})});
    EXPECT_THAT(svg, Not(HasSubstr("nan"))) << value;
    EXPECT_THAT(svg, Not(HasSubstr("inf"))) << value;
    EXPECT_LT(largest_coordinate(svg), 5000) << value;
    EXPECT_LT(svg.size(), 50000u) << value;
  }
}

// The means of equal values differ in their last bit: no range to put ticks into.
TEST(CurvesPageTest, RoundingIsNoRange) {
  Chart chart{"t", "x", {{0, {}, false}}, {}, {}};
  for (int i = 0; i < 10; ++i) {
    const double y = i % 2 == 0 ? 6.3 : std::nextafter(6.3, 7.0);
    chart.lines[0].points.push_back({1.0 * i, y, y, y});
  }
  const std::string svg = svg_chart(chart, 0, 0, "c");
  EXPECT_THAT(svg, HasSubstr(">6.5<"));
  EXPECT_LT(count(svg, "class=\"tick\""), 16u);
}

// What rises steeply at first does not squeeze the rest: the chart's range is that of the end.
TEST(CurvesPageTest, TheRangeIsThatOfTheLaterPart) {
  Chart chart{"t", "x", {{0, {}, false}}, {}, {}};
  for (int i = 0; i <= 100; ++i) {
    const double y = i < 5 ? 1000 : 3;
    chart.lines[0].points.push_back({1.0 * i, y, y, y});
  }
  EXPECT_THAT(svg_chart(chart, 0, 0, "c"), Not(HasSubstr(">1000<")));
  chart.show = {1000};
  EXPECT_THAT(svg_chart(chart, 0, 0, "c"), HasSubstr(">1000<"));
}

TEST(CurvesPageTest, LevelsThatLieCloseHaveTheirNamesApart) {
  Chart chart{
      "t", "x", {{0, {{0, 0, 0, 0}, {1, 100, 0, 100}}, false}}, {{50, "a"}, {50.1, "b"}}, {}};
  const std::string svg = svg_chart(chart, 0, 0, "c");
  const std::regex label("y=\"([0-9.]+)\" text-anchor=\"start\" class=\"level-label\"");
  std::vector<double> places;
  for (std::sregex_iterator at(svg.begin(), svg.end(), label), end; at != end; ++at) {
    places.push_back(std::stod((*at)[1]));
  }
  ASSERT_EQ(places.size(), 2u);
  EXPECT_GE(places[1] - places[0], 12);
}

TEST(CurvesPageTest, NamesAreEscaped) {
  const RunLog log = run("<a> & \"b\"\n", 2, {{"loss", 1}});
  for (const std::string& page : {curves_svg({log}), curves_html({log})}) {
    EXPECT_THAT(page, HasSubstr("&lt;a&gt; &amp; &quot;b&quot; "));
    EXPECT_THAT(page, Not(HasSubstr("<a>")));
  }
}

TEST(CurvesPageTest, NumbersAreShort) {
  EXPECT_EQ(short_number(0), "0");
  EXPECT_EQ(short_number(0.0005), "0.0005");
  EXPECT_EQ(short_number(512), "512");
  EXPECT_EQ(short_number(8192), "8192");
  EXPECT_EQ(short_number(50000), "50k");
  EXPECT_EQ(short_number(20480000), "20.48M");
  EXPECT_EQ(short_number(-2e9), "-2G");
}

}  // namespace
}  // namespace expertoire::train
