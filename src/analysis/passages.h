// A document's text cut by tokens: for marking contexts, and for full-text search.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tokenizer/tokenizer.h"

namespace expertoire {

/// The text of each token; joined, it is the decoded text, special tokens included. A character of
/// several tokens stands at its last one.
std::vector<std::string> pieces_of(const Tokenizer& tokenizer, std::span<const int32_t> ids);

struct TokenText {
  std::string text;
  std::vector<uint32_t> begins;  ///< [tokens + 1]: bytes of `text` before each token

  int64_t tokens() const { return static_cast<int64_t>(begins.size()) - 1; }
  std::string between(int64_t begin, int64_t end) const;
};
TokenText join(std::span<const std::string> pieces);
/// The text of each token. Empty when `begins` do not fit the text.
std::vector<std::string> split(const TokenText& text);

/// [begin, end) of passages of about 32 tokens, which begin where a word does.
std::vector<std::pair<int64_t, int64_t>> passages_of(std::span<const std::string> pieces);

}  // namespace expertoire
