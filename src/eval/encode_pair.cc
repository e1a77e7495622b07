#include "eval/encode_pair.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "io/refuse.h"
#include "tokenizer/jinja_text.h"

namespace expertoire {
namespace {

[[noreturn]] void refuse(ErrorCode code, const std::string& continuation, std::string found,
                         std::string expected) {
  throw Error(code, {"scoring " + in_quotes(continuation), std::move(found), std::move(expected),
                     "leave the row out, or use a model with a longer context"});
}

int32_t prefix_token(const Tokenizer& tokenizer, const std::string& continuation) {
  if (const auto bos = tokenizer.bos_id()) return *bos;
  if (const auto eos = tokenizer.eos_id()) return *eos;
  refuse(ErrorCode::kInvalidArgument, continuation, "an empty context",
         "one, as this tokenizer has no BOS or EOS to stand for it");
}

}  // namespace

EncodedPair encode_pair(const Tokenizer& tokenizer, std::string context, std::string continuation,
                        const PairOptions& options) {
  return PairEncoder(tokenizer, options).encode(std::move(context), std::move(continuation));
}

const std::vector<int32_t>& PairEncoder::ids_of(const std::string& context) {
  if (context != context_) {
    ids_ = tokenizer_.encode(context, options_.bos);
    context_ = context;
  }
  return ids_;
}

EncodedPair PairEncoder::encode(std::string context, std::string continuation) {
  const size_t kept = jinja::strip(context, jinja::Side::kRight).size();
  continuation.insert(0, context, kept);
  context.resize(kept);
  EncodedPair pair;
  std::vector<int32_t>& ids = pair.request.ids;
  std::vector<int32_t> whole;
  if (context.empty()) {
    ids = {prefix_token(tokenizer_, continuation)};
    whole = tokenizer_.encode(continuation, false);
    ids.insert(ids.end(), whole.begin(), whole.end());
    pair.request.first = 1;
  } else {
    ids = ids_of(context);
    whole = tokenizer_.encode(context + continuation, options_.bos);
    pair.request.first = ids.size();
    if (whole.size() > ids.size()) {
      ids.insert(ids.end(), whole.begin() + static_cast<std::ptrdiff_t>(ids.size()), whole.end());
    }
  }
  if (ids.size() == pair.request.first) {
    refuse(ErrorCode::kInvalidArgument, continuation, "no tokens", "at least one");
  }
  pair.cut = std::max<int64_t>(0, static_cast<int64_t>(ids.size()) - 1 - options_.max_length);
  if (pair.cut >= static_cast<int64_t>(pair.request.first)) {
    refuse(ErrorCode::kTooLong, continuation,
           fmt::format("{} tokens", ids.size() - pair.request.first),
           fmt::format("at most {}, what the model takes", options_.max_length));
  }
  ids.erase(ids.begin(), ids.begin() + pair.cut);
  pair.request.first -= static_cast<size_t>(pair.cut);
  return pair;
}

}  // namespace expertoire
