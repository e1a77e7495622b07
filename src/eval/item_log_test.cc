#include "eval/item_log.h"

#include <gtest/gtest.h>

#include "eval/logged_items.h"
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

TEST(ItemLog, ItemsComeBackInOrderOrAreRefused) {
  const TempDir dir;
  const std::string path = dir.file("a.jsonl"), head = "{\"fingerprint\":\"print\"}\n";
  {
    ItemLog log(path, "print", false);
    log.append(item_line("model", "d", 0, {{-1.5, true}, {-0.1, false}}));
    log.append(item_line("edit", "d", 0, {{-7, true}}));
    log.append(item_line("model", "d", 1, {{-2, false}}));
    log.append(item_line("model", "d", 0, {{-1.5, true}}));  // the same file once more
  }
  const auto items = logged_items(ItemLog(path, "print", true), "model", "d");
  ASSERT_EQ(items.size(), 2U);
  ASSERT_EQ(items[0].size(), 2U);
  EXPECT_EQ(items[0][1].log_prob, -0.1);
  EXPECT_FALSE(items[0][1].greedy);
  for (const char* broken :
       {R"({})", R"({"data":"d","system":"model","item":1,"log_probs":[],"greedy":[]})",
        R"({"data":"d","system":"model","item":-1,"log_probs":[],"greedy":[]})",
        R"({"data":"d","system":"model","item":0,"log_probs":[-1],"greedy":[]})",
        R"({"data":"d","system":"model","item":0,"log_probs":[null],"greedy":[true]})"}) {
    dir.write("a.jsonl.partial", head + broken + "\n");
    const auto error = error_of([&] { logged_items(ItemLog(path, "print", true), "model", "d"); });
    ASSERT_TRUE(error) << broken;
    EXPECT_EQ(error->code(), ErrorCode::kBadFile);
  }
}

}  // namespace
}  // namespace expertoire::test
