// What a tokenizer adds around a text, and which tokens have a role.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace expertoire {

using TokenLookup = std::function<std::optional<int32_t>(const std::string&)>;

struct SpecialTokens {
  std::vector<int32_t> before;  ///< added in front of a text
  std::vector<int32_t> after;   ///< and behind it
  std::optional<int32_t> bos;
  std::optional<int32_t> eos;
  std::optional<int32_t> pad;
};

/// What tokenizer.json's post_processor (may be null) adds. Errors: kUnsupported for another
/// post_processor, kBadFile.
SpecialTokens read_post_processor(const nlohmann::json& post_processor);

/// What tokenizer_config.json (may be null) changes: add_bos_token and add_eos_token count; for
/// LlamaTokenizer(Fast), whose default is to add BOS, they replace the post_processor
/// (transformers' LlamaTokenizerFast.update_post_processor); a token is never added twice.
/// Errors: kBadFile, also for a token to add that `lookup` does not know.
void apply_tokenizer_config(const nlohmann::json& config, const TokenLookup& lookup,
                            SpecialTokens& special);

}  // namespace expertoire
