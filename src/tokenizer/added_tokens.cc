#include "tokenizer/added_tokens.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "io/json.h"
#include "io/refuse.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/spec.h"
#include "tokenizer/unicode.h"

namespace expertoire {
namespace {

using tokenizer_json::json;

// Start of the character that ends before `at`.
size_t step_back(std::string_view text, size_t at) {
  do {
    --at;
  } while (at > 0 && (static_cast<uint8_t>(text[at]) & 0xc0) == 0x80);
  return at;
}

bool inside_word(std::string_view text, size_t begin, size_t end) {
  const bool left = begin > 0 && is_word_character(utf8_front(text.substr(step_back(text, begin))));
  const bool right = end < text.size() && is_word_character(utf8_front(text.substr(end)));
  return left || right;
}

// Where the white space that ends at `end` begins, but not before `from`.
size_t space_before(std::string_view text, size_t from, size_t end) {
  while (end > from && is_white_space(utf8_front(text.substr(step_back(text, end))))) {
    end = step_back(text, end);
  }
  return end;
}

size_t space_after(std::string_view text, size_t begin) {
  while (begin < text.size() && is_white_space(utf8_front(text.substr(begin)))) {
    begin += utf8_length(text[begin]);
  }
  return begin;
}

}  // namespace

std::vector<AddedToken> read_added_tokens(const json& list) {
  if (!list.is_null() && !list.is_array()) {
    tokenizer_json::bad("added_tokens is " + in_short(list), "a list");
  }
  std::vector<AddedToken> tokens;
  std::unordered_set<int32_t> ids;
  std::unordered_set<std::string> contents;
  for (const json& entry : list) {
    AddedToken token;
    token.content = tokenizer_json::text(entry, "content", "");
    if (token.content.empty()) {
      tokenizer_json::bad("the added token " + in_short(entry) + " without content", "its text");
    }
    const std::string whose = "the added token " + in_quotes(token.content);
    token.id = tokenizer_json::id(tokenizer_json::at(entry, "id"), whose);
    if (!ids.insert(token.id).second || !contents.insert(token.content).second) {
      tokenizer_json::bad(fmt::format("{} or its id {} twice", whose, token.id),
                          "each added token once, with an id of its own");
    }
    token.special = tokenizer_json::boolean(entry, "special", false);
    token.normalized = tokenizer_json::boolean(entry, "normalized", !token.special);
    token.single_word = tokenizer_json::boolean(entry, "single_word", false);
    token.lstrip = tokenizer_json::boolean(entry, "lstrip", false);
    token.rstrip = tokenizer_json::boolean(entry, "rstrip", false);
    tokens.push_back(std::move(token));
  }
  return tokens;
}

AddedTokenMatcher::AddedTokenMatcher(const std::vector<AddedToken>& tokens, bool normalized,
                                     const Normalizer* normalizer)
    : by_first_byte_(256) {
  for (const AddedToken& token : tokens) {
    if (token.normalized != normalized) continue;
    const bool change = normalized && normalizer != nullptr;
    std::string content = change ? normalizer->apply(token.content) : token.content;
    if (content.empty()) continue;
    by_first_byte_[static_cast<uint8_t>(content[0])].push_back(entries_.size());
    entries_.push_back({token, std::move(content)});
  }
  for (std::vector<size_t>& list : by_first_byte_) {
    std::stable_sort(list.begin(), list.end(), [&](size_t a, size_t b) {
      return entries_[a].content.size() > entries_[b].content.size();
    });
  }
}

const AddedTokenMatcher::Entry* AddedTokenMatcher::match(std::string_view text, size_t at) const {
  for (size_t index : by_first_byte_[static_cast<uint8_t>(text[at])]) {
    const Entry& entry = entries_[index];
    if (text.substr(at).starts_with(entry.content)) return &entry;
  }
  return nullptr;
}

std::vector<AddedTokenMatcher::Piece> AddedTokenMatcher::split(std::string_view text) const {
  std::vector<Piece> pieces;
  size_t from = 0;  // start of the text not yet given out
  const auto put_text = [&](size_t end) {
    if (from < end) pieces.push_back({text.substr(from, end - from), -1});
  };
  for (size_t at = 0; at < text.size();) {
    const Entry* entry = match(text, at);
    if (entry == nullptr) {
      ++at;
      continue;
    }
    size_t begin = at;
    size_t end = at + entry->content.size();
    at = end;
    if (entry->token.single_word && inside_word(text, begin, end)) continue;
    if (entry->token.lstrip) begin = space_before(text, from, begin);
    if (entry->token.rstrip) end = space_after(text, end);
    put_text(begin);
    pieces.push_back({text.substr(begin, end - begin), entry->token.id});
    from = at = end;
  }
  put_text(text.size());
  return pieces;
}

}  // namespace expertoire
