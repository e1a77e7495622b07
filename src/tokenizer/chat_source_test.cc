// Where a tokenizer takes its chat template and the tokens of it from.
#include <gtest/gtest.h>

#include "support/temp_dir.h"
#include "tokenizer/tokenizer.h"

namespace expertoire {
namespace {

constexpr const char* kTokenizer = R"({
  "added_tokens": [{"id": 3, "content": "<s>", "special": true, "normalized": false},
                   {"id": 4, "content": "<|user|>", "special": false, "normalized": false}],
  "normalizer": null, "post_processor": null, "decoder": null,
  "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
  "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "</s>": 2}, "merges": []}})";

std::string template_of(const std::string& config, const std::string& jinja = "") {
  return Tokenizer::from_json(kTokenizer, config, jinja).chat_template();
}

TEST(ChatSourceTest, TextOrTheDefaultOfAList) {
  EXPECT_EQ(template_of(""), "");
  EXPECT_EQ(template_of("{}"), "");
  EXPECT_EQ(template_of(R"({"chat_template": null})"), "");
  EXPECT_EQ(template_of(R"({"chat_template": "t"})"), "t");
  EXPECT_EQ(template_of(R"({"chat_template": [{"name": "tool_use", "template": "u"},
                                              {"name": "default", "template": "d"}]})"),
            "d");
  EXPECT_EQ(template_of(R"({"chat_template": [{"name": "tool_use", "template": "u"}]})"), "");
}

TEST(ChatSourceTest, TheFileOfItsOwnWins) {
  EXPECT_EQ(template_of(R"({"chat_template": "t"})", "j"), "j");
  const test::TempDir folder;
  folder.write("tokenizer.json", kTokenizer);
  folder.write("tokenizer_config.json", R"({"chat_template": "t"})");
  EXPECT_EQ(Tokenizer::load(folder.path()).chat_template(), "t");
  folder.write("chat_template.jinja", "{{ 1 }}\n");
  EXPECT_EQ(Tokenizer::load(folder.path()).chat_template(), "{{ 1 }}\n");
}

TEST(ChatSourceTest, TokensAreTextsOrObjects) {
  const Tokenizer tokenizer = Tokenizer::from_json(
      kTokenizer, R"({"bos_token": {"content": "<s>", "lstrip": false}, "eos_token": "</s>"})");
  EXPECT_EQ(tokenizer.bos_id(), 3);
  EXPECT_EQ(tokenizer.eos_id(), 2);
}

TEST(ChatSourceTest, AddedTokensInTheTextOfAPromptAreFound) {
  const Tokenizer tokenizer = Tokenizer::from_json(kTokenizer);
  EXPECT_EQ(tokenizer.encode("<s><|user|>ab<s>", false), (std::vector<int32_t>{3, 4, 0, 1, 3}));
}

}  // namespace
}  // namespace expertoire
