// Byte-pair encoding of one word (Sennrich et al., arXiv 1508.07909), as tokenizer.json's BPE
// model.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace expertoire {

class Bpe {
 public:
  /// `model`: tokenizer.json's "model". Errors: kBadFile (ids out of range or twice, merges of
  /// unknown tokens), kUnsupported (another model type, dropout, sub-word affixes).
  explicit Bpe(const nlohmann::json& model);

  /// Appends the ids of a word. Time n log n in its length.
  void encode(std::string_view word, std::vector<int32_t>& ids) const;

  std::optional<int32_t> find(std::string_view token) const;
  const std::unordered_map<std::string, int32_t>& vocab() const { return vocab_; }

 private:
  struct Merge {
    int32_t rank;
    int32_t id;
  };
  struct Symbol {
    int32_t id;
    int32_t previous;  // −1 at the front
    int32_t next;      // −1 at the end
  };
  void read_vocab(const nlohmann::json& model);
  void read_merges(const nlohmann::json& model);
  std::vector<Symbol> symbols_of(std::string_view word) const;
  void merge(std::vector<Symbol>& symbols) const;
  const Merge* find_merge(int32_t left, int32_t right) const;

  std::unordered_map<std::string, int32_t> vocab_;
  std::unordered_map<uint64_t, Merge> merges_;  // left id · 2³² + right id
  std::vector<int32_t> characters_;  // ids of single characters below U+0800, −1 = none
  std::vector<int32_t> bytes_;       // ids of <0x00> … <0xFF>, or empty
  std::optional<int32_t> unknown_;
  bool fuse_unknown_ = false;
  bool ignore_merges_ = false;
};

}  // namespace expertoire
