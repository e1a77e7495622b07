#include "train/token_dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "support/errors.h"
#include "support/temp_dir.h"
#include "train/manifest.h"
#include "train/sha256.h"

namespace expertoire::train {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Ids = std::vector<int32_t>;

// A folder of shards as another program could have written it: byte by byte from the description.
class Shards {
 public:
  explicit Shards(int64_t vocab_size = 1000) {
    manifest_.tokenizer_sha256 = std::string(64, '0');
    manifest_.vocab_size = vocab_size;
  }

  Shards& add(const Ids& train, const Ids& held_out = {}) {
    const std::string name = "f" + std::to_string(manifest_.files.size());
    CorpusFile& file = manifest_.files.emplace_back();
    file.source = name;
    file.name = name;
    file.sha256 = std::string(64, '0');
    file.train = write("train/" + name, train);
    file.held_out = write("held_out/" + name, held_out);
    folder_.write("manifest.json", manifest_.to_json());
    return *this;
  }

  Manifest& manifest() { return manifest_; }
  void write_manifest() { folder_.write("manifest.json", manifest_.to_json()); }
  const test::TempDir& folder() const { return folder_; }
  TokenDataset open(const std::string& split = "train") const {
    return TokenDataset::open(folder_.path(), split);
  }
  std::string refusal() const {
    const auto error = test::error_of([&] { open(); });
    return error ? std::string(error_code_name(error->code())) + ": " + error->what() : "was read";
  }

 private:
  Shard write(const std::string& path, const Ids& ids) const {
    std::string bytes;
    for (const int32_t id : ids) {
      for (int64_t i = 0; i < manifest_.id_bytes(); ++i) {
        bytes += static_cast<char>(id >> (8 * i) & 0xff);
      }
    }
    folder_.write(path, bytes);
    return {path, 1, 1, static_cast<int64_t>(ids.size()), sha256_of(bytes)};
  }

  test::TempDir folder_;
  Manifest manifest_;
};

Ids counting(int32_t first, int32_t count) {
  Ids ids(static_cast<size_t>(count));
  std::iota(ids.begin(), ids.end(), first);
  return ids;
}

Ids sequence(const TokenDataset& data, uint64_t seed, int64_t n, size_t length) {
  Ids ids(length + 1);
  data.read(seed, n, ids);
  return ids;
}

TEST(TokenDatasetTest, ReadsItsSplit) {
  Shards shards;
  shards.add({1, 2, 3}, {7, 8}).add({4, 999}, {9});
  const TokenDataset train = shards.open(), held_out = shards.open("held_out");
  EXPECT_EQ(train.tokens(), 5);
  EXPECT_EQ(train.vocab_size(), 1000);
  EXPECT_EQ(sequence(train, 1, 0, 4), (Ids{1, 2, 3, 4, 999}));
  EXPECT_EQ(sequence(held_out, 1, 0, 2), (Ids{7, 8, 9}));
  EXPECT_EQ(train.hash(), sha256_of(test::read_bytes(shards.folder().file("manifest.json"))));
}

TEST(TokenDatasetTest, ReadsWideIds) {
  Shards shards(100000);
  shards.add({65536, 99999, 255, 256});
  EXPECT_EQ(sequence(shards.open(), 1, 0, 3), (Ids{65536, 99999, 255, 256}));
}

TEST(TokenDatasetTest, CountsSequencesWithTheirTargets) {
  Shards shards;
  shards.add(counting(0, 21));
  const TokenDataset data = shards.open();
  EXPECT_EQ(data.sequences(10), 2);
  EXPECT_EQ(data.sequences(20), 1);
  EXPECT_EQ(data.sequences(21), 0);
  EXPECT_EQ(data.sequences(0), 0);
  EXPECT_EQ(data.sequences(-3), 0);
}

// Shards of 1, 0, 13 and 87 tokens: sequences lie across their borders.
TEST(TokenDatasetTest, AnEpochHasEverySequenceOnce) {
  Shards shards;
  shards.add({0}).add({}).add(counting(1, 13)).add(counting(14, 87));
  const TokenDataset data = shards.open();
  ASSERT_EQ(data.sequences(9), 11);
  for (const int64_t epoch : {0, 1, 5}) {
    std::vector<int32_t> firsts;
    for (int64_t n = epoch * 11; n < epoch * 11 + 11; ++n) {
      const Ids ids = sequence(data, 3, n, 9);
      EXPECT_EQ(ids, counting(ids[0], 10));
      firsts.push_back(ids[0]);
    }
    EXPECT_FALSE(std::is_sorted(firsts.begin(), firsts.end())) << "epoch " << epoch;
    std::sort(firsts.begin(), firsts.end());
    EXPECT_THAT(firsts, ElementsAre(0, 9, 18, 27, 36, 45, 54, 63, 72, 81, 90));
  }
}

TEST(TokenDatasetTest, TheOrderIsTheSeedsAndTheEpochs) {
  Shards shards;
  shards.add(counting(0, 301));
  const auto firsts = [&](uint64_t seed, int64_t epoch) {
    const TokenDataset data = shards.open();
    Ids all;
    for (int64_t n = epoch * 100; n < (epoch + 1) * 100; ++n) {
      all.push_back(sequence(data, seed, n, 3)[0]);
    }
    return all;
  };
  EXPECT_EQ(firsts(1, 0), firsts(1, 0));
  EXPECT_NE(firsts(1, 0), firsts(1, 1));
  EXPECT_NE(firsts(1, 0), firsts(2, 0));
}

TEST(TokenDatasetTest, RefusesSequencesThatAreNotThere) {
  Shards shards;
  shards.add(counting(0, 5));
  const TokenDataset data = shards.open();
  const auto code = [&](int64_t n, size_t size) {
    Ids ids(size);
    const auto error = test::error_of([&] { data.read(1, n, ids); });
    return error ? error_code_name(error->code()) : "read";
  };
  EXPECT_EQ(code(0, 5), "read");
  EXPECT_EQ(code(0, 6), "invalid_argument");
  EXPECT_EQ(code(0, 1), "invalid_argument");
  EXPECT_EQ(code(0, 0), "invalid_argument");
  EXPECT_EQ(code(-1, 3), "invalid_argument");
  EXPECT_EQ(test::error_of([&] { shards.open("test"); })->code(), ErrorCode::kInvalidArgument);
}

TEST(TokenDatasetTest, RefusesShardsThatAreNotTheManifests) {
  Shards shards;
  shards.add({1, 2, 3}).add({4, 5, 6});
  const test::TempDir& folder = shards.folder();
  const std::string path = folder.file("train/f1");
  const std::string whole = test::read_bytes(path);

  folder.write("train/f1", whole.substr(0, 5));
  EXPECT_THAT(shards.refusal(), HasSubstr("bad_file: reading " + path + ": 5 bytes; expected 6"));
  EXPECT_THAT(shards.refusal(), HasSubstr("the shard ends early"));
  folder.write("train/f1", whole + whole);
  EXPECT_THAT(shards.refusal(), HasSubstr("12 bytes; expected 6"));
  std::string changed = whole;
  changed[2] = 9;
  folder.write("train/f1", changed);
  EXPECT_THAT(shards.refusal(), HasSubstr(path + ": SHA-256 "));
  std::filesystem::remove(path);
  EXPECT_THAT(shards.refusal(), HasSubstr("not_found: opening " + path));
  std::filesystem::remove(folder.file("manifest.json"));
  EXPECT_THAT(shards.refusal(), HasSubstr("not_found: "));
}

TEST(TokenDatasetTest, RefusesIdsThatTheVocabularyLacks) {
  Shards shards(500);
  shards.add({1, 499}).add({2, 500});
  EXPECT_THAT(shards.refusal(), HasSubstr("train/f1: id 500 at token 1; expected ids below the "
                                          "vocabulary's 500"));
  Shards wide(100000);
  wide.add({-1});
  EXPECT_THAT(wide.refusal(), HasSubstr("id 4294967295 at token 0"));
}

TEST(TokenDatasetTest, AChangedManifestHasAnotherHash) {
  Shards shards;
  shards.add(counting(0, 9));
  const std::string before = shards.open().hash();
  shards.manifest().files[0].licences["MIT"] = 1;
  shards.write_manifest();
  EXPECT_NE(shards.open().hash(), before);
}

}  // namespace
}  // namespace expertoire::train
