// Pre-tokenizers of tokenizer.json: they cut a text into the words that BPE works on.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace expertoire {

class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  /// Replaces `pieces` by finer ones, in order. `first`: pieces[0] begins the text.
  virtual void apply(std::vector<std::string>& pieces, bool first) const = 0;
};

/// ByteLevel, Split, Digits, Metaspace, Whitespace, WhitespaceSplit, Punctuation, Sequence. Null
/// for a null component. Errors: kUnsupported for another type, kBadFile.
std::unique_ptr<PreTokenizer> make_pre_tokenizer(const nlohmann::json& component);

}  // namespace expertoire
