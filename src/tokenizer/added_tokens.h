// Added tokens: text that becomes one id before anything else looks at it.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace expertoire {

class Normalizer;

struct AddedToken {
  int32_t id = 0;
  std::string content;
  bool special = false;
  bool normalized = false;   ///< looked for after normalisation
  bool single_word = false;  ///< not inside a word
  bool lstrip = false;       ///< takes the spaces before it along
  bool rstrip = false;       ///< and after it
};

/// Reads "added_tokens". Errors: kBadFile.
std::vector<AddedToken> read_added_tokens(const nlohmann::json& list);

/// Finds the leftmost, longest of a set of tokens.
class AddedTokenMatcher {
 public:
  struct Piece {
    std::string_view text;
    int32_t id;  ///< of the token, or −1 for text between tokens
  };

  /// The tokens with this `normalized`; their content goes through `normalizer` (may be null).
  AddedTokenMatcher(const std::vector<AddedToken>& tokens, bool normalized,
                    const Normalizer* normalizer);
  /// Cuts text into tokens and what lies between them, without empty pieces.
  std::vector<Piece> split(std::string_view text) const;

 private:
  struct Entry {
    AddedToken token;
    std::string content;
  };
  const Entry* match(std::string_view text, size_t at) const;

  std::vector<Entry> entries_;
  std::vector<std::vector<size_t>> by_first_byte_;  // [256], longest first
};

}  // namespace expertoire
