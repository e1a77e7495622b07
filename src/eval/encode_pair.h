// A context and what follows it as tokens, as lm-evaluation-harness cuts them.
#pragma once

#include <string>
#include <vector>

#include "engine/prefix_scorer.h"
#include "tokenizer/tokenizer.h"

namespace expertoire {

struct PairOptions {
  bool bos = false;        ///< special tokens in front, as HFLM with add_bos_token
  int64_t max_length = 0;  ///< tokens of an input that the model takes
};

struct EncodedPair {
  ScoreRequest request;
  int64_t cut = 0;  ///< tokens of the context that were left out at its front
};

/// TemplateLM._encode_pair: white space at the end of the context goes to the continuation; the
/// continuation's tokens are those of the whole from the number on that the context alone has. An
/// empty context is BOS, or EOS where there is none. An input longer than max_length loses tokens
/// at its front (HFLM._loglikelihood_tokens). Errors: kInvalidArgument for a continuation without
/// tokens or a model without BOS and EOS where one is needed, kTooLong for a continuation that
/// alone is too long.
EncodedPair encode_pair(const Tokenizer& tokenizer, std::string context, std::string continuation,
                        const PairOptions& options);

/// encode_pair() of one pair after another, where the context is often that of the pair before: it
/// is tokenized once. The tokenizer outlives the object.
class PairEncoder {
 public:
  PairEncoder(const Tokenizer& tokenizer, const PairOptions& options)
      : tokenizer_(tokenizer), options_(options) {}

  /// Errors: encode_pair()'s.
  EncodedPair encode(std::string context, std::string continuation);

 private:
  const std::vector<int32_t>& ids_of(const std::string& context);

  const Tokenizer& tokenizer_;
  PairOptions options_;
  std::string context_;       // of ids_
  std::vector<int32_t> ids_;  // empty before the first pair
};

}  // namespace expertoire
