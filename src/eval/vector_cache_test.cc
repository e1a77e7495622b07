#include "eval/vector_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "eval/embedded_texts.h"
#include "support/errors.h"
#include "support/miniature.h"
#include "support/temp_dir.h"

namespace expertoire::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class VectorCacheTest : public testing::Test {
 protected:
  std::string bytes() const { return read_bytes(path_); }
  void rewrite(const std::string& content) const { folder_.write("cache", content); }

  // What is found under each key after the file is opened again.
  std::vector<std::vector<float>> hidden_of(const std::vector<std::string>& keys) const {
    const VectorCache cache(path_);
    std::vector<std::vector<float>> all;
    for (const std::string& key : keys) {
      if (const auto parts = cache.find(key)) all.push_back(parts->hidden);
    }
    EXPECT_EQ(cache.size(), all.size());
    return all;
  }

  std::string refusal() const {
    const auto error = error_of([&] { VectorCache cache(path_); });
    return error ? std::string(error_code_name(error->code())) + ": " + error->what() : "opened";
  }

  void fill() const {
    VectorCache cache(path_);
    cache.add("a", {{1, 2}, {3}});
    cache.add(std::string("b\0\n", 3), {{}, {4, 5, 6}});
    cache.add("c", {{7}, {}});
  }

  TempDir folder_;
  std::string path_ = folder_.file("cache");
};

TEST_F(VectorCacheTest, KeepsWhatWasAdded) {
  fill();
  VectorCache cache(path_);
  EXPECT_EQ(cache.size(), 3U);
  EXPECT_THAT(cache.find("a")->hidden, ElementsAre(1, 2));
  EXPECT_THAT(cache.find("a")->routing, ElementsAre(3));
  EXPECT_THAT(cache.find(std::string("b\0\n", 3))->routing, ElementsAre(4, 5, 6));
  EXPECT_FALSE(cache.find("b"));
  cache.add("a", {{9, 9}, {9}});
  EXPECT_THAT(cache.find("a")->hidden, ElementsAre(1, 2)) << "the first stays";
  EXPECT_FALSE(cache.find("d"));
  cache.add("d", {{8}, {}});
  EXPECT_THAT(cache.find("d")->hidden, ElementsAre(8));
}

TEST_F(VectorCacheTest, CutsATornTailWhereverItIsTorn) {
  fill();
  const std::string whole = bytes();
  const size_t last = whole.size() - (3 * 4 + 1 + 4 + 4);  // where the record of "c" begins
  for (size_t size = 0; size < whole.size(); ++size) {
    rewrite(whole.substr(0, size));
    const auto found = hidden_of({"a", std::string("b\0\n", 3), "c"});
    if (size >= last) {
      EXPECT_THAT(found, ElementsAre(ElementsAre(1, 2), ElementsAre())) << size;
      EXPECT_EQ(bytes(), whole.substr(0, last)) << size;
    }
    fill();
    EXPECT_EQ(bytes(), whole) << "goes on after " << size;
  }
}

TEST_F(VectorCacheTest, CutsFromTheFirstRecordThatIsDamaged) {
  fill();
  const std::string whole = bytes();
  for (size_t at = 8; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x40);
    rewrite(damaged);
    EXPECT_LE(hidden_of({"a", std::string("b\0\n", 3), "c"}).size(), 2U) << at;
    EXPECT_EQ(bytes(), whole.substr(0, bytes().size())) << at;
  }
}

TEST_F(VectorCacheTest, LeavesOtherFilesAlone) {
  for (const std::string content : {"text", "EXPVEC2\nmore", "{\"a\": 1}\n"}) {
    rewrite(content);
    EXPECT_THAT(refusal(), AllOf(HasSubstr("bad_file"), HasSubstr("--cache"))) << content;
    EXPECT_EQ(bytes(), content);
  }
  const auto error = error_of([&] { VectorCache cache(folder_.file("no/cache")); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::kNotFound);
}

TEST_F(VectorCacheTest, IsOpenOnce) {
  const VectorCache cache(path_);
  EXPECT_THAT(refusal(), AllOf(HasSubstr("invalid_argument"), HasSubstr("another process")));
}

TEST_F(VectorCacheTest, EmbedsOnlyWhatIsMissingAndGivesTheSameBits) {
  nlohmann::json config = miniature_config("qwen2_moe");
  config["vocab_size"] = 8192;
  const Miniature miniature = Miniature::of(config);
  const auto model = miniature.load(Compute::kF32);
  const Tokenizer tokenizer = Tokenizer::load(EXPERTOIRE_SOURCE_DIR "/models/olmoe-small");
  Session session(model, {1});
  Embedder embedder(session, tokenizer, {.kind = EmbedKind::kSum});
  const std::vector<std::string> few = {"the cell", "a market"};
  const std::vector<std::string> all = {"a market", "waves", "the cell", "energy of a ship"};
  const auto expected = embed_texts(embedder, all, {});
  {
    VectorCache cache(path_);
    embed_texts(embedder, few, {.cache = &cache, .fingerprint = "x"});
    EXPECT_EQ(cache.size(), 2U);
  }
  VectorCache cache(path_);
  std::vector<int64_t> seen;
  const auto got = embed_texts(embedder, all,
                               {.batch_tokens = 1,
                                .cache = &cache,
                                .fingerprint = "x",
                                .progress = [&](int64_t done, int64_t) { seen.push_back(done); }});
  EXPECT_EQ(cache.size(), 4U);
  EXPECT_THAT(seen, ElementsAre(0, 1, 2, 3));
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(got[i].hidden, expected[i].hidden) << i;
    EXPECT_EQ(got[i].routing, expected[i].routing) << i;
  }
  embed_texts(embedder, few, {.cache = &cache, .fingerprint = "y"});
  EXPECT_EQ(cache.size(), 6U) << "other options, other vectors";
}

}  // namespace
}  // namespace expertoire::test
