#include "analysis/even_sample.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"
#include "support/temp_dir.h"

namespace expertoire {
namespace {

using ::testing::ElementsAre;

TEST(EvenSampleTest, TakesLabelsInTurnAndWholeCharacters) {
  const test::TempDir folder;
  CorpusOptions options;
  options.inputs = {folder.write("a.jsonl",
                                 "{\"text\": \"one\"}\n{\"text\": \"two\"}\n"
                                 "{\"text\": \"three\"}"),
                    folder.write("b.jsonl", "{\"text\": \"vi\xc3\xa9r\"}")};
  EXPECT_THAT(even_sample(options, 3, 3), ElementsAre("one", "vi", "two"));
  EXPECT_THAT(even_sample(options, 9, 99), ElementsAre("one", "vi\xc3\xa9r", "two", "three"));
  options.hold_out = {.every = 9, .index = 8};
  options.part = CorpusPart::kHeldOut;
  const auto error = test::error_of([&] { even_sample(options, 3, 3); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace expertoire
