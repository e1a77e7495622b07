// Each component of tokenizer.json by itself against the reference library
// (tests/fixtures/tokenizers/components.jsonl).
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "support/shared.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/pre_tokenizer.h"
#include "tokenizer/token_decoder.h"

namespace expertoire {
namespace {

using nlohmann::json;

json normalized(const json& spec, const json& text) {
  return make_normalizer(spec)->apply(text.get<std::string>());
}

json split(const json& spec, const json& text) {
  std::vector<std::string> pieces = {text.get<std::string>()};
  make_pre_tokenizer(spec)->apply(pieces, true);
  std::erase(pieces, "");  // the library leaves them out at once, we when they are encoded
  return pieces;
}

json decoded(const json& spec, const json& tokens) {
  std::string text;
  for (const std::string& token :
       make_token_decoder(spec)->apply(tokens.get<std::vector<std::string>>())) {
    text += token;
  }
  return text;
}

TEST(ComponentsTest, EachDoesWhatTheReferenceDoes) {
  std::ifstream file(fixture_folder() + "/tokenizers/components.jsonl");
  std::map<std::string, int> counts;
  for (std::string line; std::getline(file, line);) {
    const json row = json::parse(line);
    const std::string part = row["part"].get<std::string>();
    const auto answer = part == "normalizer" ? normalized : part == "decoder" ? decoded : split;
    for (const json& pair : row["cases"]) {
      EXPECT_EQ(answer(row["spec"], pair[0]), pair[1]) << row["spec"] << " of " << pair[0];
      ++counts[part];
    }
  }
  EXPECT_GE(counts["normalizer"], 420);
  EXPECT_GE(counts["pre_tokenizer"], 1600);
  EXPECT_GE(counts["decoder"], 140);
}

}  // namespace
}  // namespace expertoire
