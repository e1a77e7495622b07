#include "io/heat_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace expertoire {
namespace {

using testing::HasSubstr;
using testing::Not;

HeatMap two_by_two() {
  HeatMap map;
  map.title = "A & B";
  map.rows = {"a", "b"};
  map.columns = {"a", "b"};
  map.cells = {{{10, true, "a < a"}, {-0.04, false, ""}},
               {{std::numeric_limits<double>::quiet_NaN(), false, ""}, {-10, false, ""}}};
  map.own = {0, -1};
  map.most = 10;
  return map;
}

TEST(HeatMapTest, NumbersColoursAndHints) {
  const std::string svg = svg_heat_map(two_by_two());
  EXPECT_THAT(svg, HasSubstr("A &amp; B"));
  EXPECT_THAT(svg, HasSubstr("<title>a &lt; a</title>"));
  EXPECT_THAT(svg, HasSubstr("font-weight: 700\">10.0</text>"));
  EXPECT_THAT(svg, HasSubstr(">-10.0</text>"));
  EXPECT_THAT(svg, HasSubstr(">0.0</text>"));
  EXPECT_THAT(svg, Not(HasSubstr("-0.0")));
  EXPECT_THAT(svg, HasSubstr(">–</text>"));
  EXPECT_THAT(svg, HasSubstr("fill=\"#d95f0e\""));  // the deepest orange
  EXPECT_THAT(svg, HasSubstr("fill=\"#266ebe\""));  // the deepest blue
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
}

// Later cells would cover it.
TEST(HeatMapTest, FramesComeLast) {
  const std::string svg = svg_heat_map(two_by_two());
  EXPECT_GT(svg.find("stroke-width=\"1.5\""), svg.find(">-10.0</text>"));
  EXPECT_EQ(svg.find("stroke-width=\"1.5\""), svg.rfind("stroke-width=\"1.5\""));
}

}  // namespace
}  // namespace expertoire
