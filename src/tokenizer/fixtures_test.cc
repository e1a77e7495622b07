// The repository's own small tokenizers, one of each kind, against the ids and texts of the
// reference library (tests/fixtures/README.md).
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "support/shared.h"
#include "tokenizer/tokenizer.h"

namespace expertoire {
namespace {

using nlohmann::json;

// Time that grows with the square of these lengths would be hours, and minutes.
constexpr size_t kMegabyte = size_t{1} << 20;
constexpr size_t kQuarter = kMegabyte / 4;

class TokenizerFixtureTest : public testing::TestWithParam<const char*> {
 protected:
  std::string folder() const { return fixture_folder() + "/tokenizers/" + GetParam(); }
  Tokenizer load() const { return Tokenizer::load(folder()); }
};

TEST_P(TokenizerFixtureTest, HardTextsMatchIdsAndText) {
  const Tokenizer tokenizer = load();
  std::ifstream file(folder() + "/vectors.jsonl");
  int cases = 0;
  for (std::string line; std::getline(file, line); ++cases) {
    const json row = json::parse(line);
    const std::string text = row["text"].get<std::string>();
    const auto ids = row["ids"].get<std::vector<int32_t>>();
    EXPECT_EQ(tokenizer.encode(text, false), ids) << text;
    EXPECT_EQ(tokenizer.encode(text, true), row.value("ids_special", ids)) << text;
    const std::string decoded = row.value("decoded", text);
    EXPECT_EQ(tokenizer.decode(ids), decoded) << text;
    EXPECT_EQ(tokenizer.decode(ids, true), row.value("decoded_skip", decoded)) << text;
    StreamDecoder stream(tokenizer, false);
    std::string streamed;
    for (int32_t id : ids) streamed += stream.push(id);
    EXPECT_EQ(streamed + stream.finish(), decoded) << text;
  }
  EXPECT_GE(cases, 60);
}

// Each text is one word to most splits; in the second every pair of neighbours ties.
TEST_P(TokenizerFixtureTest, AMegabyteWithoutSpacesTokenizes) {
  const Tokenizer tokenizer = load();
  std::string letters, accents;
  for (uint32_t i = 0; letters.size() < kMegabyte; ++i) {
    letters += static_cast<char>('a' + i * 2654435761U % 26);
  }
  while (accents.size() < kQuarter) accents += "\xc3\xa8";
  for (const std::string& text : {letters, std::string(kQuarter, 'a'), accents}) {
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(text, false)), text);
  }
}

TEST_P(TokenizerFixtureTest, LongRunsOfWhiteSpaceAndOfSymbolsTokenize) {
  const Tokenizer tokenizer = load();
  for (const char c : {' ', '\n', '=', '7'}) {
    const std::string text = "a" + std::string(kQuarter, c) + "a";
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(text, false)), text);
  }
}

// A letter under marks that all stand in the wrong order: NFC moves each of them over half the
// text.
TEST_P(TokenizerFixtureTest, AQuarterMegabyteOfMarksToReorderTokenizes) {
  const Tokenizer tokenizer = load();
  std::string above, below;
  while (above.size() < kQuarter / 2) above += "\xcc\x81", below += "\xcc\x96";
  const std::string text = "\xd1\x80" + above + below, ordered = "\xd1\x80" + below + above;
  const std::string back = tokenizer.decode(tokenizer.encode(text, false));
  EXPECT_TRUE(back == text || back == ordered);
}

INSTANTIATE_TEST_SUITE_P(Fixtures, TokenizerFixtureTest,
                         testing::Values("gpt2", "qwen", "deepseek", "llama2", "metaspace"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace expertoire
