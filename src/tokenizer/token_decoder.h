// Decoders of tokenizer.json: from tokens back to text.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace expertoire {

class TokenDecoder {
 public:
  virtual ~TokenDecoder() = default;
  /// Rewrites the tokens; the text is their concatenation after the last step.
  virtual std::vector<std::string> apply(std::vector<std::string> tokens) const = 0;
};

/// The byte that ByteFallback's token "<0xAB>" spells; −1 for another token.
int fallback_byte(const std::string& token);

/// ByteLevel, Replace, ByteFallback, Fuse, Strip, Metaspace, Sequence. Null for a null component.
/// Errors: kUnsupported for another type, kBadFile.
std::unique_ptr<TokenDecoder> make_token_decoder(const nlohmann::json& component);

}  // namespace expertoire
