// Text as it is generated: stop strings wherever tokens end, and nothing shown that is taken back.
#include <gtest/gtest.h>

#include <random>

#include "engine/generate.h"
#include "support/errors.h"

namespace expertoire {
namespace {

constexpr int64_t kTokens = 40;

class GenerateTextTest : public testing::Test {
 protected:
  GenerateTextTest()
      : tokenizer_(Tokenizer::load(kFolder)),
        session_(Model::load(kFolder, {Compute::kF32, true, 1, {}}), {1}),
        prompt_(tokenizer_.encode("The cell is the smallest unit of")) {}

  Generated run(std::vector<std::string> stops, std::string* shown = nullptr) {
    const GenerateOptions options{.max_tokens = kTokens, .stop_strings = std::move(stops)};
    return generate(session_, &tokenizer_, prompt_, options, [&](const std::string& piece) {
      EXPECT_FALSE(piece.empty());
      if (shown != nullptr) *shown += piece;
    });
  }

  // Where a run with these stops ends, from the pieces of a free run: after the first token that
  // completes a stop string, cut before the one that begins first.
  struct End {
    size_t tokens;
    std::string text;
    bool stopped;
  };
  End expected_end(const std::vector<std::string>& pieces, const std::vector<std::string>& stops) {
    std::string text;
    for (size_t i = 0; i < pieces.size(); ++i) {
      text += pieces[i];
      size_t cut = std::string::npos;
      for (const std::string& stop : stops) cut = std::min(cut, text.find(stop));
      if (cut != std::string::npos) return {i + 1, text.substr(0, cut), true};
    }
    return {pieces.size(), text, false};
  }

  static constexpr const char* kFolder = EXPERTOIRE_SOURCE_DIR "/models/olmoe-small";
  Tokenizer tokenizer_;
  Session session_;
  std::vector<int32_t> prompt_;
};

TEST_F(GenerateTextTest, TextIsTheDecodedIdsAndIsShownPieceByPiece) {
  std::string shown;
  const Generated result = run({}, &shown);
  ASSERT_EQ(result.ids.size(), static_cast<size_t>(kTokens));
  EXPECT_EQ(result.text, tokenizer_.decode(result.ids, true));
  EXPECT_EQ(shown, result.text);
  EXPECT_GT(result.text.size(), 80U) << "too little text for the tests below";
}

TEST_F(GenerateTextTest, StopStringsAnywhereInTheText) {
  const Generated free = run({});
  std::vector<std::string> pieces;
  StreamDecoder decoder(tokenizer_);
  for (int32_t id : free.ids) pieces.push_back(decoder.push(id));
  std::mt19937 random(8);
  const auto substring = [&] {
    const size_t at = random() % (free.text.size() - 12);
    return free.text.substr(at, 1 + random() % 12);
  };
  int across = 0;
  for (int round = 0; round < 40; ++round) {
    std::vector<std::string> stops = {substring()};
    if (round % 2 == 1) stops.push_back(substring());
    if (round % 3 == 0) stops.emplace_back(substring() + "#never");
    const End expected = expected_end(pieces, stops);
    std::string shown;
    const Generated result = run(stops, &shown);
    ASSERT_EQ(result.text, expected.text) << stops[0];
    EXPECT_EQ(shown, result.text) << "shown, then taken back";
    EXPECT_EQ(result.ids.size(), expected.tokens);
    EXPECT_EQ(result.reason, expected.stopped ? FinishReason::kStop : FinishReason::kLength);
    across += pieces[expected.tokens - 1].size() < stops[0].size() ? 1 : 0;
  }
  EXPECT_GT(across, 5) << "no stop string crossed a token's border";
}

TEST_F(GenerateTextTest, StopStringNeedsATokenizerAndSomeText) {
  const GenerateOptions options{.stop_strings = {"x"}};
  const auto without = test::error_of([&] { generate(session_, nullptr, prompt_, options); });
  ASSERT_TRUE(without);
  EXPECT_EQ(without->code(), ErrorCode::kInvalidArgument);
  const auto empty = test::error_of([&] { run({""}); });
  ASSERT_TRUE(empty);
  EXPECT_EQ(empty->code(), ErrorCode::kInvalidArgument);
}

TEST_F(GenerateTextTest, NoTokensNoText) {
  const Generated result = generate(session_, &tokenizer_, prompt_, {.max_tokens = 0});
  EXPECT_TRUE(result.ids.empty());
  EXPECT_EQ(result.text, "");
  EXPECT_EQ(result.reason, FinishReason::kLength);
}

TEST_F(GenerateTextTest, PromptWithoutTokensIsRefused) {
  const auto error = test::error_of([&] { generate(session_, &tokenizer_, {}, {}); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace expertoire
