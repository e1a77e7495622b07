#include "analysis/passages.h"

#include <algorithm>

namespace expertoire {
namespace {

constexpr int64_t kPassage = 32;  // tokens; a passage may be half as long again
constexpr int64_t kLongestPassage = 48;

bool begins_word(const std::string& piece) {
  return !piece.empty() && (piece[0] == ' ' || piece[0] == '\n' || piece[0] == '\t');
}

}  // namespace

std::vector<std::string> pieces_of(const Tokenizer& tokenizer, std::span<const int32_t> ids) {
  std::vector<std::string> pieces;
  pieces.reserve(ids.size());
  StreamDecoder decoder(tokenizer, false);
  for (int32_t id : ids) pieces.push_back(decoder.push(id));
  if (!pieces.empty()) pieces.back() += decoder.finish();
  return pieces;
}

std::string TokenText::between(int64_t begin, int64_t end) const {
  const uint32_t first = begins[static_cast<size_t>(begin)];
  return text.substr(first, begins[static_cast<size_t>(end)] - first);
}

TokenText join(std::span<const std::string> pieces) {
  TokenText text{{}, {0}};
  for (const std::string& piece : pieces) {
    text.text += piece;
    text.begins.push_back(static_cast<uint32_t>(text.text.size()));
  }
  return text;
}

std::vector<std::string> split(const TokenText& text) {
  const bool fits = !text.begins.empty() && text.begins.front() == 0 &&
                    text.begins.back() == text.text.size() && std::ranges::is_sorted(text.begins);
  std::vector<std::string> pieces;
  for (int64_t t = 0; fits && t < text.tokens(); ++t) pieces.push_back(text.between(t, t + 1));
  return pieces;
}

std::vector<std::pair<int64_t, int64_t>> passages_of(std::span<const std::string> pieces) {
  std::vector<std::pair<int64_t, int64_t>> passages;
  const auto size = static_cast<int64_t>(pieces.size());
  for (int64_t begin = 0, end = 0; begin < size; begin = end) {
    end = std::min(begin + kPassage, size);
    const int64_t last = std::min(begin + kLongestPassage, size);
    while (end < last && !begins_word(pieces[static_cast<size_t>(end)])) ++end;
    passages.emplace_back(begin, end);
  }
  return passages;
}

}  // namespace expertoire
