// Text shown id by id is the text of all ids, whatever the decoder and wherever the ids end.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "base/utf8.h"
#include "io/json.h"
#include "support/shared.h"
#include "tokenizer/tokenizer.h"

namespace expertoire {
namespace {

using nlohmann::json;

std::string fixture(const std::string& name) {
  return fixture_folder() + "/tokenizers/" + name + "/tokenizer.json";
}

Tokenizer with_decoder(const std::string& decoder) {
  json root = read_json_file(fixture("llama2"));
  root["decoder"] = json::parse(decoder);
  return Tokenizer::from_json(root.dump());
}

std::vector<int32_t> ids_of(const Tokenizer& tokenizer, const std::vector<const char*>& tokens) {
  std::vector<int32_t> ids;
  for (const char* token : tokens) ids.push_back(tokenizer.token_to_id(token).value());
  return ids;
}

std::vector<std::string> pieces_of(const Tokenizer& tokenizer, const std::vector<int32_t>& ids,
                                   bool skip_special = true) {
  StreamDecoder stream(tokenizer, skip_special);
  std::vector<std::string> pieces;
  for (int32_t id : ids) pieces.push_back(stream.push(id));
  pieces.push_back(stream.finish());
  return pieces;
}

void expect_same(const Tokenizer& tokenizer, const std::vector<int32_t>& ids) {
  for (const bool skip_special : {false, true}) {
    std::string text;
    for (const std::string& piece : pieces_of(tokenizer, ids, skip_special)) {
      EXPECT_EQ(first_invalid_utf8(piece), piece.size());
      text += piece;
    }
    EXPECT_EQ(text, tokenizer.decode(ids, skip_special)) << json(ids);
  }
}

constexpr const char* kLlama = R"({"type": "Sequence", "decoders": [
  {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"},
  {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]})";

TEST(StreamDecoderTest, ACharacterCutShortAfterAWholeOne) {
  const Tokenizer tokenizer = with_decoder(kLlama);
  expect_same(tokenizer,
              ids_of(tokenizer, {"a", "<0xF0>", "<0x9F>", "<0x98>", "<0x80>", "<0xF0>", "<0x9F>"}));
}

TEST(StreamDecoderTest, TheSpaceAfterASpecialTokenStays) {
  const Tokenizer tokenizer = with_decoder(kLlama);
  expect_same(tokenizer, ids_of(tokenizer, {"▁a", "</s>", "▁the", "<0x41>", "</s>", "<0x42>"}));
}

TEST(StreamDecoderTest, TokensOfSpacesAloneKeepThem) {
  const Tokenizer tokenizer = with_decoder(R"({"type": "Sequence", "decoders": [
      {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "Fuse"},
      {"type": "Strip", "content": " ", "start": 3, "stop": 0}]})");
  expect_same(tokenizer, ids_of(tokenizer, {"a", "▁", "▁", "▁a", "▁", "a"}));
}

TEST(StreamDecoderTest, TextIsShownAsSoonAsNothingCanChangeIt) {
  const Tokenizer llama = Tokenizer::load(fixture("llama2"));
  const auto pieces =
      pieces_of(llama, ids_of(llama, {"▁a", "▁the", "<0xE4>", "<0xBD>", "<0xA0>", "a", "</s>"}));
  EXPECT_EQ(pieces, (std::vector<std::string>{"a", " the", "", "", "", "你a", "", ""}));
  const Tokenizer gpt2 = Tokenizer::load(fixture("gpt2"));
  EXPECT_EQ(pieces_of(gpt2, ids_of(gpt2, {"a", "ä", "½", "ł", "ä", "a"})),
            (std::vector<std::string>{"a", "", "", "你", "",
                                      "\xef\xbf\xbd"
                                      "a",
                                      ""}));
}

// Each way in which what follows may change what is there.
constexpr const char* kDecoders[] = {
    "null",
    R"({"type": "ByteLevel"})",
    R"({"type": "ByteFallback"})",
    R"({"type": "Fuse"})",
    R"({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"})",
    R"({"type": "Strip", "content": "a", "start": 1, "stop": 2})",
    kLlama,
    R"({"type": "Sequence", "decoders": [{"type": "Fuse"},
        {"type": "Strip", "content": "a", "start": 0, "stop": 1}]})",
    R"({"type": "Sequence", "decoders": [{"type": "Fuse"},
        {"type": "Replace", "pattern": {"Regex": "▁+a|a$"}, "content": "-"}]})",
    R"({"type": "Sequence", "decoders": [{"type": "ByteLevel"}, {"type": "ByteLevel"}]})",
    R"({"type": "Sequence", "decoders": [{"type": "Fuse"}, {"type": "ByteFallback"}]})",
    R"({"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "ByteFallback"}]})",
    R"({"type": "Sequence", "decoders": [{"type": "Metaspace"}, {"type": "ByteFallback"}]})",
    R"({"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "a"},
        "content": "<0x41>"}, {"type": "ByteFallback"}, {"type": "Fuse"}]})",
    R"({"type": "Sequence", "decoders": [{"type": "Sequence", "decoders": [
        {"type": "ByteFallback"}, {"type": "Fuse"}]}, {"type": "Strip", "start": 2}]})"};

class StreamDecodersTest : public testing::TestWithParam<const char*> {};

TEST_P(StreamDecodersTest, PiecesOfRandomIdsAreTheText) {
  const Tokenizer tokenizer = with_decoder(GetParam());
  // Words, spaces, specials, and bytes that often make characters: 你, 😀, A, <.
  const std::vector<int32_t> often =
      ids_of(tokenizer, {"a", "▁", "▁a", "<s>", "</s>", "<0xE4>", "<0xBD>", "<0xA0>", "<0xF0>",
                         "<0x9F>", "<0x98>", "<0x80>", "<0x41>", "<0x3C>"});
  std::mt19937 random(3);
  for (int round = 0; round < 1000; ++round) {
    std::vector<int32_t> ids;
    for (auto i = random() % 16; i > 0; --i) {
      const auto any = random() % static_cast<uint32_t>(tokenizer.vocab_size());
      ids.push_back(random() % 8 == 0 ? static_cast<int32_t>(any) : often[random() % often.size()]);
    }
    expect_same(tokenizer, ids);
    if (HasFailure()) break;
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, StreamDecodersTest, testing::ValuesIn(kDecoders),
                         [](const auto& info) { return std::to_string(info.index); });

TEST(StreamDecoderTest, BytesThatArriveInAnyPieces) {
  const Tokenizer tokenizer = Tokenizer::load(fixture("gpt2"));
  std::mt19937 random(4);
  for (int round = 0; round < 1000; ++round) {
    std::vector<int32_t> ids;
    for (auto i = random() % 24; i > 0; --i) {
      ids.push_back(static_cast<int32_t>(random() % static_cast<uint32_t>(tokenizer.vocab_size())));
    }
    expect_same(tokenizer, ids);
    if (HasFailure()) break;
  }
}

}  // namespace
}  // namespace expertoire
