#include "eval/item_log.h"

#include <gtest/gtest.h>

#include "support/errors.h"
#include "support/temp_dir.h"

namespace expertoire::test {
namespace {

using nlohmann::json;

TEST(ItemLog, HasItsNameOnlyWhenFinished) {
  const TempDir dir;
  ItemLog log(dir.file("a.jsonl"), "print", false);
  log.append({{"item", 0}});
  EXPECT_EQ(dir.names(), (std::vector<std::string>{"a.jsonl.partial"}));
  log.finish();
  EXPECT_EQ(dir.names(), (std::vector<std::string>{"a.jsonl"}));
  EXPECT_EQ(read_bytes(dir.file("a.jsonl")), "{\"fingerprint\":\"print\"}\n{\"item\":0}\n");
}

TEST(ItemLog, ResumesAfterTheLastWholeLine) {
  const TempDir dir;
  dir.write("a.jsonl.partial", "{\"fingerprint\":\"print\"}\n{\"item\":0}\n{\"item\":1}\n{\"ite");
  {
    ItemLog log(dir.file("a.jsonl"), "print", true);
    EXPECT_EQ(log.lines(), (std::vector<json>{{{"item", 0}}, {{"item", 1}}}));
    log.append({{"item", 2}});
  }  // as if killed
  ItemLog log(dir.file("a.jsonl"), "print", true);
  EXPECT_EQ(log.lines().size(), 3U);
  log.finish();
  EXPECT_TRUE(read_bytes(dir.file("a.jsonl")).ends_with("{\"item\":1}\n{\"item\":2}\n"));
}

TEST(ItemLog, StartsOverWithoutResume) {
  const TempDir dir;
  dir.write("a.jsonl.partial", "{\"fingerprint\":\"print\"}\n{\"item\":0}\n");
  ItemLog log(dir.file("a.jsonl"), "print", false);
  EXPECT_TRUE(log.lines().empty());
  log.finish();
  EXPECT_EQ(read_bytes(dir.file("a.jsonl")), "{\"fingerprint\":\"print\"}\n");
}

TEST(ItemLog, RefusesAnotherRunAndBrokenLines) {
  const TempDir dir;
  dir.write("a.jsonl.partial", "{\"fingerprint\":\"print\"}\n");
  const auto other = error_of([&] { ItemLog(dir.file("a.jsonl"), "other", true); });
  ASSERT_TRUE(other);
  EXPECT_EQ(other->code(), ErrorCode::kInvalidArgument);
  for (const char* broken : {"[]\n", "1\n", "x\n", "{\"fingerprint\":\"print\"}\n{{\n"}) {
    dir.write("b.jsonl.partial", broken);
    const auto error = error_of([&] { ItemLog(dir.file("b.jsonl"), "print", true); });
    ASSERT_TRUE(error) << broken;
    EXPECT_EQ(read_bytes(dir.file("b.jsonl.partial")), broken);  // still there to look at
  }
}

TEST(ItemLog, OneProcessAFile) {
  const TempDir dir;
  const ItemLog log(dir.file("a.jsonl"), "print", false);
  const auto error = error_of([&] { ItemLog(dir.file("a.jsonl"), "print", false); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::kIo);
}

}  // namespace
}  // namespace expertoire::test
