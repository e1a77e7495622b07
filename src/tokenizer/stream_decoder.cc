#include "tokenizer/tokenizer.h"

namespace expertoire {
namespace {

// A character has at most four bytes, so after this many ids a broken one stays broken.
constexpr size_t kMostHeld = 4;

bool ends_open(const std::string& text) { return text.ends_with("\xef\xbf\xbd"); }

}  // namespace

StreamDecoder::StreamDecoder(const Tokenizer& tokenizer, bool skip_special)
    : tokenizer_(tokenizer), skip_special_(skip_special) {}

std::string StreamDecoder::push(int32_t id) {
  window_.push_back(id);
  const std::string whole = tokenizer_.decode(window_, skip_special_);
  if (ends_open(whole) && window_.size() - shown_ < kMostHeld) return "";
  return finish();
}

// The ids shown last stay as context: decoders treat the front of a text specially, and both ends
// of what was shown are ends of characters.
std::string StreamDecoder::finish() {
  const std::string whole = tokenizer_.decode(window_, skip_special_);
  const std::string before = tokenizer_.decode(std::span(window_).first(shown_), skip_special_);
  window_.erase(window_.begin(), window_.begin() + static_cast<std::ptrdiff_t>(shown_));
  shown_ = window_.size();
  return whole.size() > before.size() ? whole.substr(before.size()) : "";
}

}  // namespace expertoire
