#include "io/token_ids.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/temp_dir.h"

namespace expertoire {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::Optional;

TEST(TokenIdsTest, ReadsSequences) {
  const test::TempDir dir;
  const auto sequences = read_ids(dir.write("ids.json", "[[1, 2], [2147483647]]"));
  EXPECT_THAT(sequences, ElementsAre(ElementsAre(1, 2), ElementsAre(2147483647)));
}

TEST(TokenIdsTest, AValueIsOneIdOrSeveralOrNone) {
  EXPECT_THAT(token_ids(json(7)), Optional(ElementsAre(7)));
  EXPECT_THAT(token_ids(json({7, 8})), Optional(ElementsAre(7, 8)));
  EXPECT_THAT(token_ids(json()), Optional(ElementsAre()));
  for (const json& bad : {json("7"), json(-1), json(7.5), json({7, "8"}), json(1LL << 31)}) {
    EXPECT_EQ(token_ids(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace expertoire
