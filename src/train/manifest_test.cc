#include "train/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/errors.h"

namespace expertoire::train {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

Manifest example() {
  const std::string digest(64, 'a');
  Manifest manifest{digest, 300, 2, {5, 3, 1000, "split", "validation"}, {}};
  manifest.files.push_back({"books",
                            "one.txt.gz",
                            digest,
                            {{"CC0-1.0", 2}},
                            {"train/books-one.u16", 1, 10, 4, digest},
                            {"held_out/books-one.u16", 1, 7, 3, digest}});
  manifest.files.push_back({"code",
                            "lua.jsonl",
                            digest,
                            {{"MIT", 1}, {"Zlib", 2}},
                            {"train/code-lua.u16", 3, 30, 9, digest},
                            {"held_out/code-lua.u16", 0, 0, 0, digest}});
  return manifest;
}

TEST(ManifestTest, IsReadAsItWasWritten) {
  EXPECT_EQ(Manifest::parse(example().to_json(), "manifest.json"), example());
}

TEST(ManifestTest, HasSumsForItsReaders) {
  const json document = json::parse(example().to_json());
  EXPECT_EQ(document["sums"]["train"], json::parse(R"({"documents": 4, "bytes": 40, "tokens": 13,
                            "bytes_per_token": 3.076923076923077})"));
  EXPECT_EQ(document["sums"]["held_out"]["tokens"], 3);
  EXPECT_EQ(document["ids"], "uint16 little-endian");
}

TEST(ManifestTest, KnowsItsSplits) {
  const CorpusFile file = example().files[0];
  EXPECT_EQ(shard_of(file, "train").tokens, 4);
  EXPECT_EQ(shard_of(file, "held_out").tokens, 3);
  EXPECT_EQ(test::error_of([&] { shard_of(file, "test"); })->code(), ErrorCode::kInvalidArgument);
}

TEST(ManifestTest, TakesTheNarrowestIds) {
  Manifest manifest = example();
  manifest.vocab_size = 65536;
  EXPECT_EQ(manifest.id_bytes(), 2);
  manifest.vocab_size = 65537;
  EXPECT_EQ(manifest.id_bytes(), 4);
}

struct Fault {
  const char* pointer;  ///< of the value that is replaced
  const char* value;    ///< JSON, or "" to remove it
  const char* found;    ///< what the error says
};

class BrokenManifestTest : public ::testing::TestWithParam<Fault> {};

TEST_P(BrokenManifestTest, IsRefusedInOneSentence) {
  json document = json::parse(example().to_json());
  const json::json_pointer pointer(GetParam().pointer);
  if (*GetParam().value == '\0') {
    document.at(pointer.parent_pointer()).erase(pointer.back());
  } else {
    document.at(pointer) = json::parse(GetParam().value);
  }
  const auto error = test::error_of([&] { Manifest::parse(document.dump(), "m/manifest.json"); });
  ASSERT_TRUE(error) << "was read";
  EXPECT_EQ(error->code(), std::string(GetParam().pointer) == "/version" ? ErrorCode::kUnsupported
                                                                         : ErrorCode::kBadFile);
  EXPECT_THAT(error->what(), HasSubstr("reading m/manifest.json: "));
  EXPECT_THAT(error->parts().found, HasSubstr(GetParam().found));
  EXPECT_THAT(error->parts().advice, HasSubstr("expertoire-train data"));
}

constexpr const char* kTrain = "/files/0/train/shard";
constexpr Fault kFaults[] = {
    {"/format", R"("other")", "format is \"other\""},
    {"/version", "2", "version 2"},
    {"/tokenizer", "", "tokenizer is nothing"},
    {"/tokenizer", "3", "tokenizer is 3"},
    {"/tokenizer/sha256", R"("abc")", "tokenizer.sha256 is \"abc\""},
    {"/tokenizer/vocab_size", "0", "tokenizer.eos_id is 2"},
    {"/tokenizer/vocab_size", "4294967296", "tokenizer.vocab_size is 4294967296"},
    {"/tokenizer/eos_id", "300", "tokenizer.eos_id is 300"},
    {"/hold_out/every", "-1", "hold_out.every is -1"},
    {"/hold_out/index", "1.5", "hold_out.index is 1.5"},
    {"/files", "{}", "files is {}"},
    {"/files/1", "null", "files[1] is null"},
    {"/files/0/licences", R"(["MIT"])", "files[0].licences is [\"MIT\"]"},
    {"/files/0/licences/CC0-1.0", R"("two")", "files[0].licences.CC0-1.0 is \"two\""},
    {"/files/0/train/tokens", "-4", "files[0].train.tokens is -4"},
    {"/files/0/train/tokens", "18446744073709551615",
     "files[0].train.tokens is 18446744073709551615"},
    {"/files/0/train/tokens", "4611686018427387904", "the sum of all tokens is too large"},
    {"/files/0/train/sha256", "", "files[0].train.sha256 is nothing"},
    {kTrain, R"("/etc/passwd")", "\"/etc/passwd\""},
    {kTrain, R"("train/../../x")", "\"train/../../x\""},
    {kTrain, R"("train/.x")", "\"train/.x\""},
    {kTrain, R"("train/")", "\"train/\""},
    {kTrain, R"("held_out/books-one.u16")", "\"held_out/books-one.u16\""},
    {kTrain, R"("train/code-lua.u16")", "\"train/code-lua.u16\" twice"},
};

INSTANTIATE_TEST_SUITE_P(All, BrokenManifestTest, ::testing::ValuesIn(kFaults));

TEST(ManifestTest, RefusesWhatIsNoJson) {
  const std::string whole = example().to_json();
  for (const std::string& text :
       {std::string(), whole.substr(0, whole.size() / 2), std::string("[]"), whole + "x"}) {
    const auto error = test::error_of([&] { Manifest::parse(text, "manifest.json"); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code(), ErrorCode::kBadFile);
  }
}

}  // namespace
}  // namespace expertoire::train
