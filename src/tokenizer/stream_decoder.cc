#include <algorithm>

#include "tokenizer/tokenizer.h"

namespace expertoire {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

// Bytes of `text` that stay as they are when ids follow: a last U+FFFD may be half a character.
size_t settled(const std::string& text) {
  return text.size() - (text.ends_with(kReplacement) ? kReplacement.size() : 0);
}

}  // namespace

StreamDecoder::StreamDecoder(const Tokenizer& tokenizer, bool skip_special)
    : tokenizer_(tokenizer), skip_special_(skip_special) {}

std::string StreamDecoder::push(int32_t id) {
  if (skip_special_ && tokenizer_.is_special(id)) return "";
  window_.push_back(id);
  if (tokenizer_.is_unsettled_after(id)) return "";
  const std::string whole = tokenizer_.decode(window_);
  const size_t end = settled(whole);
  const std::string piece = end > given_ ? whole.substr(given_, end - given_) : "";
  given_ += piece.size();
  if (given_ == whole.size()) forget();
  return piece;
}

std::string StreamDecoder::finish() {
  const std::string whole = tokenizer_.decode(window_);
  const std::string piece = whole.substr(std::min(given_, whole.size()));
  given_ = whole.size();
  return piece;
}

// Decoders treat the front of a text specially, so the ids given out last stay in front of those
// to come; if they spell something, the front's treatment ends within them.
void StreamDecoder::forget() {
  const std::string context = tokenizer_.decode(std::span(window_).subspan(context_));
  if (!context.empty()) {
    window_.erase(window_.begin(), window_.begin() + static_cast<std::ptrdiff_t>(context_));
    given_ = context.size();
  }
  context_ = window_.size();
}

}  // namespace expertoire
