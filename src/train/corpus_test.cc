#include "train/corpus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "support/errors.h"
#include "support/gzip.h"
#include "support/shared.h"
#include "tokenizer/tokenizer.h"
#include "train/sha256.h"
#include "train/token_dataset.h"

namespace expertoire::train {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kTokenizer = fixture_folder() + "/tokenizers/gpt2";

// Four rows under two licences, and a plain text of three pieces; the second of three is held out.
class CorpusTest : public ::testing::Test {
 protected:
  CorpusTest() {
    options_.groups = {
        {"rows",
         "@license",
         {test::write_gzip(folder_, "a.jsonl.gz", R"({"text": "one", "license": "MIT"}
{"text": "two words", "license": "MIT"}
{"text": "drei Wörter ✓", "license": "Zlib"}
{"text": "four", "license": "MIT"}
)")}},
        {"books", "CC0-1.0", {folder_.write("in/b.txt", "first\nsecond\nthird\n")}}};
    options_.hold_out = {3, 1, 6, "", ""};
  }

  Manifest build(const std::string& name = "out") const {
    return build_corpus(options_, kTokenizer, "", folder_.file(name));
  }
  std::string refusal(const std::string& name = "out") const {
    const auto error = test::error_of([&] { build(name); });
    return error ? std::string(error_code_name(error->code())) + ": " + error->what() : "built";
  }
  // What a split decodes to, with | for EOS.
  std::string text_of(const std::string& out, const std::string& split) const {
    const Tokenizer tokenizer = Tokenizer::load(kTokenizer);
    const TokenDataset data = TokenDataset::open(folder_.file(out), split);
    std::vector<int32_t> ids(static_cast<size_t>(data.tokens()));
    data.read(1, 0, ids);
    std::string text;
    for (const int32_t id : ids) {
      text += id == *tokenizer.eos_id() ? "|" : tokenizer.decode(std::vector{id});
    }
    return text;
  }

  test::TempDir folder_;
  CorpusOptions options_;
};

TEST_F(CorpusTest, TheDocumentsLieInTheirSplitsWithEosBehind) {
  options_.groups[0].files[0] = folder_.write("ascii.jsonl", R"({"text": "one", "license": "MIT"}
{"text": "two words", "license": "MIT"}
{"text": "three", "license": "Zlib"})");
  build();
  EXPECT_EQ(text_of("out", "train"), "one|three|first\n|third\n|");
  EXPECT_EQ(text_of("out", "held_out"), "two words|second\n|");
}

TEST_F(CorpusTest, TheManifestSaysWhatIsThere) {
  const Manifest manifest = build();
  EXPECT_EQ(Manifest::read(folder_.file("out/manifest.json")), manifest);
  EXPECT_EQ(manifest.tokenizer_sha256, sha256_of_file(kTokenizer + "/tokenizer.json"));
  ASSERT_EQ(manifest.files.size(), 2u);
  const CorpusFile& rows = manifest.files[0];
  EXPECT_EQ(rows.source, "rows");
  EXPECT_EQ(rows.name, "a.jsonl.gz");
  EXPECT_EQ(rows.sha256, sha256_of_file(folder_.file("a.jsonl.gz")));
  EXPECT_THAT(rows.licences, ElementsAre(std::pair{"MIT", 3}, std::pair{"Zlib", 1}));
  EXPECT_EQ(rows.train.documents, 3);
  EXPECT_EQ(rows.train.bytes, 3 + 16 + 4);
  EXPECT_EQ(rows.held_out.documents, 1);
  EXPECT_EQ(rows.held_out.bytes, 9);
  EXPECT_EQ(rows.train.sha256, sha256_of_file(folder_.file("out/" + rows.train.path)));
  EXPECT_EQ(manifest.files[1].train.bytes, 12);
  EXPECT_EQ(manifest.files[1].held_out.documents, 1);
}

TEST_F(CorpusTest, TheSameInputGivesTheSameBytes) {
  build("one");
  build("two");
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.file("one"))) {
    if (entry.is_directory()) continue;
    const auto name = std::filesystem::relative(entry.path(), folder_.file("one")).string();
    EXPECT_EQ(test::read_bytes(entry.path().string()),
              test::read_bytes(folder_.file("two/" + name)))
        << name;
  }
  EXPECT_EQ(TokenDataset::open(folder_.file("one"), "train").hash(),
            TokenDataset::open(folder_.file("two"), "train").hash());
}

TEST_F(CorpusTest, DocumentsCanBeReadWithoutATokenizer) {
  std::vector<std::string> texts;
  for_each_document(
      options_, [&](const CorpusGroup& group, const std::string&, const Document& document) {
        texts.push_back(group.source + (document.held_out ? " held out: " : ": ") + document.text);
      });
  EXPECT_THAT(texts, ElementsAre("rows: one", "rows held out: two words", "rows: drei Wörter ✓",
                                 "rows: four", "books: first\n", "books held out: second\n",
                                 "books: third\n"));
}

// Neither a part of the folder nor the temporary one.
TEST_F(CorpusTest, AFailureLeavesNothing) {
  const std::string whole = test::read_bytes(folder_.file("a.jsonl.gz"));
  options_.groups[1].files[0] = folder_.write("cut.txt.gz", whole.substr(0, whole.size() / 2));
  const std::vector<std::string> before = folder_.names();
  EXPECT_THAT(refusal(), HasSubstr("bad_file: reading " + folder_.file("cut.txt.gz")));
  EXPECT_EQ(folder_.names(), before);

  CancelToken cancel;
  cancel.cancel();
  options_.cancel = &cancel;
  EXPECT_THAT(refusal(), HasSubstr("cancelled: "));
  EXPECT_EQ(folder_.names(), before);
}

TEST_F(CorpusTest, RemovesWhatAKilledRunLeft) {
  folder_.write("out.tmp-123/train/a.u16", "half");
  folder_.write("outer.tmp-123/a", "another's");
  build();
  EXPECT_FALSE(std::filesystem::exists(folder_.file("out.tmp-123")));
  EXPECT_TRUE(std::filesystem::exists(folder_.file("outer.tmp-123")));
}

TEST_F(CorpusTest, WritesOverNothing) {
  folder_.write("out/mine.txt", "precious");
  EXPECT_THAT(refusal(), HasSubstr("invalid_argument: writing the folder"));
  EXPECT_THAT(refusal("out/"), HasSubstr("it exists"));
  EXPECT_EQ(test::read_bytes(folder_.file("out/mine.txt")), "precious");
  EXPECT_THAT(refusal("none/out"), HasSubstr("not_found: making the folder"));
}

TEST_F(CorpusTest, RefusesNamesThatCollideAndTokenizersWithoutEos) {
  options_.groups[1].files.push_back(folder_.write("other/b.txt.gz", ""));
  EXPECT_THAT(refusal(), HasSubstr("a second file that gives books-b"));
  options_.groups[1].files.pop_back();
  const auto build_with = [&](const std::string& tokenizer, const std::string& eos) {
    const auto error =
        test::error_of([&] { build_corpus(options_, tokenizer, eos, folder_.file("x")); });
    return error ? std::string(error->what()) : "built";
  };
  const std::string alone =
      folder_.write("alone/tokenizer.json", test::read_bytes(kTokenizer + "/tokenizer.json"));
  EXPECT_THAT(build_with(alone, ""), HasSubstr("name one with --eos"));
  EXPECT_THAT(build_with(kTokenizer, "<none>"), HasSubstr("no token \"<none>\""));
  EXPECT_EQ(build_with(alone, "<|endoftext|>"), "built");
}

TEST_F(CorpusTest, ReportsItsProgress) {
  int64_t last_tokens = 0;
  double last = 0;
  options_.progress = [&](int64_t tokens, double fraction) {
    EXPECT_GT(tokens, last_tokens);
    EXPECT_GE(fraction, last);
    last_tokens = tokens;
    last = fraction;
  };
  const Manifest manifest = build();
  EXPECT_EQ(last, 1);
  int64_t sum = 0;
  for (const CorpusFile& file : manifest.files) sum += file.train.tokens + file.held_out.tokens;
  EXPECT_EQ(last_tokens, sum);
}

}  // namespace
}  // namespace expertoire::train
