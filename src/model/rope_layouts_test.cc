// Which of the two layouts of a configuration states the rotary embedding.
#include "model/rope.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "model/config_reader.h"
#include "support/errors.h"

namespace expertoire {
namespace {

RopeConfig read(const char* text) {
  const nlohmann::json json = nlohmann::json::parse(text);
  ConfigReader reader(json, "config.json");
  return read_rope(reader, 10000.0, 4096);
}

TEST(RopeLayoutsTest, BothLayoutsSayTheSame) {
  const RopeConfig old =
      read(R"({"rope_theta": 5e5, "rope_scaling": {"type": "linear", "factor": 2.0}})");
  EXPECT_EQ(old, read(R"({"rope_parameters":
      {"rope_theta": 5e5, "rope_type": "linear", "factor": 2.0}})"));
  EXPECT_EQ(old.type, RopeType::kLinear);
  EXPECT_EQ(old.theta, 5e5);
  EXPECT_EQ(old.factor, 2.0);
  EXPECT_NE(old, read(R"({"rope_theta": 5e5})"));
}

TEST(RopeLayoutsTest, BothAtOncePassWhenTheyAgree) {
  EXPECT_EQ(read(R"({"rope_theta": 5e5, "rope_scaling": {"type": "linear", "factor": 2.0},
                     "rope_parameters": {"rope_theta": 5e5, "rope_type": "linear", "factor": 2.0}})")
                .factor,
            2.0);
  EXPECT_EQ(read(R"({"rope_scaling": {}, "rope_parameters": {"rope_theta": 5e5}})").theta, 5e5);
}

TEST(RopeLayoutsTest, BothAtOnceAreRefusedWhenTheyDiffer) {
  const auto error = test::error_of([] {
    read(R"({"rope_scaling": {"type": "linear", "factor": 2.0},
             "rope_parameters": {"rope_theta": 1e4, "rope_type": "linear", "factor": 4.0}})");
  });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::kBadFile);
  EXPECT_THAT(error->what(), testing::HasSubstr("rope_scaling"));
}

}  // namespace
}  // namespace expertoire
