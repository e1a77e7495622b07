#include "tokenizer/bpe.h"

#include <fmt/format.h>

#include <queue>
#include <unordered_set>

#include "io/json.h"
#include "io/refuse.h"
#include "tokenizer/spec.h"
#include "tokenizer/unicode.h"

namespace expertoire {
namespace {

using tokenizer_json::json;

constexpr uint32_t kDirect = 0x800;  // characters with a table entry

uint64_t pair_key(int32_t left, int32_t right) {
  return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
}

void refuse_options(const json& model) {
  if (const std::string type = tokenizer_json::text(model, "type", "BPE"); type != "BPE") {
    tokenizer_json::unsupported("the model " + in_quotes(type));
  }
  const json& dropout = tokenizer_json::at(model, "dropout");
  if (!dropout.is_null() && dropout != 0) {
    tokenizer_json::unsupported("dropout " + in_short(dropout));
  }
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (!tokenizer_json::text(model, key, "").empty()) tokenizer_json::unsupported(key);
  }
}

// A merge is "left right" or ["left", "right"].
std::pair<std::string, std::string> merge_parts(const json& merge) {
  if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
    return {merge[0].get<std::string>(), merge[1].get<std::string>()};
  }
  if (merge.is_string()) {
    const std::string text = merge.get<std::string>();
    const size_t space = text.find(' ');
    if (space != std::string::npos && text.find(' ', space + 1) == std::string::npos) {
      return {text.substr(0, space), text.substr(space + 1)};
    }
  }
  tokenizer_json::bad("the merge " + in_short(merge), "two tokens, such as \"a b\"");
}

}  // namespace

Bpe::Bpe(const json& model) {
  if (!model.is_object()) {
    tokenizer_json::bad("\"model\" is " + in_short(model), "an object with the vocabulary");
  }
  refuse_options(model);
  read_vocab(model);
  read_merges(model);
  fuse_unknown_ = tokenizer_json::boolean(model, "fuse_unk", false);
  ignore_merges_ = tokenizer_json::boolean(model, "ignore_merges", false);
  if (const std::string unknown = tokenizer_json::text(model, "unk_token", ""); !unknown.empty()) {
    unknown_ = find(unknown);
    if (!unknown_) {
      tokenizer_json::bad("unk_token is " + in_quotes(unknown), "a token of the vocabulary");
    }
  }
  if (tokenizer_json::boolean(model, "byte_fallback", false)) {
    for (int byte = 0; byte < 256; ++byte) {
      bytes_.push_back(find(fmt::format("<0x{:02X}>", byte)).value_or(-1));
    }
  }
}

void Bpe::read_vocab(const json& model) {
  const json& vocab = tokenizer_json::at(model, "vocab");
  if (!vocab.is_object()) {
    tokenizer_json::bad("the vocab is " + in_short(vocab), "an object with ids by token");
  }
  vocab_.reserve(vocab.size());
  std::unordered_set<int32_t> ids;
  characters_.assign(kDirect, -1);
  for (const auto& [token, value] : vocab.items()) {
    const int32_t id = tokenizer_json::id(value, in_quotes(token));
    if (!ids.insert(id).second) {
      tokenizer_json::bad(
          fmt::format("the id {} of {} is another token's too", id, in_quotes(token)),
          "an id of its own for each token");
    }
    vocab_.emplace(token, id);
    if (!token.empty() && utf8_length(token[0]) == token.size() && utf8_front(token) < kDirect) {
      characters_[utf8_front(token)] = id;
    }
  }
}

void Bpe::read_merges(const json& model) {
  int32_t rank = 0;
  const json& merges = tokenizer_json::list(model, "merges");
  merges_.reserve(merges.size());
  for (const json& merge : merges) {
    const auto [left, right] = merge_parts(merge);
    const auto left_id = find(left);
    const auto right_id = find(right);
    const auto id = find(left + right);
    if (!left_id || !right_id || !id) {
      const std::string& unknown = !left_id ? left : !right_id ? right : left + right;
      tokenizer_json::bad(fmt::format("the merge of {} and {}, but no token {}", in_quotes(left),
                                      in_quotes(right), in_quotes(unknown)),
                          "tokens of the vocabulary, and their union in it");
    }
    if (!merges_.emplace(pair_key(*left_id, *right_id), Merge{rank++, *id}).second) {
      tokenizer_json::bad(
          fmt::format("the merge of {} and {} twice", in_quotes(left), in_quotes(right)),
          "each merge once");
    }
  }
}

std::optional<int32_t> Bpe::find(std::string_view token) const {
  const auto found = vocab_.find(std::string(token));
  if (found == vocab_.end()) return std::nullopt;
  return found->second;
}

const Bpe::Merge* Bpe::find_merge(int32_t left, int32_t right) const {
  const auto found = merges_.find(pair_key(left, right));
  return found == merges_.end() ? nullptr : &found->second;
}

// The word's characters; those outside the vocabulary as bytes, or unknown, or nothing.
std::vector<Bpe::Symbol> Bpe::symbols_of(std::string_view word) const {
  std::vector<Symbol> symbols;
  symbols.reserve(word.size());
  const auto put = [&](int32_t id) {
    const int32_t at = static_cast<int32_t>(symbols.size());
    symbols.push_back({id, at - 1, at + 1});
  };
  bool unknown_before = false;
  for (size_t i = 0; i < word.size();) {
    const std::string_view character = word.substr(i, utf8_length(word[i]));
    i += character.size();
    const uint32_t code = utf8_front(character);
    const int32_t id = code < kDirect ? characters_[code] : find(character).value_or(-1);
    bool spelled = !bytes_.empty() && id < 0;
    for (char c : character) spelled = spelled && bytes_[static_cast<uint8_t>(c)] >= 0;
    if (id >= 0) {
      put(id);
    } else if (spelled) {
      for (char c : character) put(bytes_[static_cast<uint8_t>(c)]);
    } else if (unknown_ && !(fuse_unknown_ && unknown_before)) {
      put(*unknown_);
    }
    unknown_before = id < 0 && !spelled;
  }
  if (!symbols.empty()) symbols.back().next = -1;
  return symbols;
}

// Applies the lowest-ranked merge, leftmost first, until none is left.
void Bpe::merge(std::vector<Symbol>& symbols) const {
  struct Candidate {
    int32_t rank;
    int32_t left;                                   // index of the left symbol
    int32_t id;                                     // of the merged token
    bool operator<(const Candidate& other) const {  // the queue's top is the smallest
      return rank != other.rank ? rank > other.rank : left > other.left;
    }
  };
  std::priority_queue<Candidate> queue;
  const auto consider = [&](int32_t left) {
    if (left < 0) return;
    const int32_t right = symbols[static_cast<size_t>(left)].next;
    if (right < 0) return;
    const Merge* merge =
        find_merge(symbols[static_cast<size_t>(left)].id, symbols[static_cast<size_t>(right)].id);
    if (merge != nullptr) queue.push({merge->rank, left, merge->id});
  };
  for (size_t i = 0; i + 1 < symbols.size(); ++i) consider(static_cast<int32_t>(i));
  while (!queue.empty()) {
    const Candidate best = queue.top();
    queue.pop();
    Symbol& left = symbols[static_cast<size_t>(best.left)];
    if (left.id < 0 || left.next < 0) continue;  // gone since
    Symbol& right = symbols[static_cast<size_t>(left.next)];
    const Merge* merge = find_merge(left.id, right.id);
    if (merge == nullptr || merge->id != best.id) continue;  // its parts have changed since
    left.id = best.id;
    right.id = -1;
    left.next = right.next;
    if (left.next >= 0) symbols[static_cast<size_t>(left.next)].previous = best.left;
    consider(left.previous);
    consider(best.left);
  }
}

void Bpe::encode(std::string_view word, std::vector<int32_t>& ids) const {
  if (ignore_merges_) {
    if (const auto whole = find(word)) {
      ids.push_back(*whole);
      return;
    }
  }
  std::vector<Symbol> symbols = symbols_of(word);
  merge(symbols);
  for (const Symbol& symbol : symbols) {
    if (symbol.id >= 0) ids.push_back(symbol.id);
  }
}

}  // namespace expertoire
