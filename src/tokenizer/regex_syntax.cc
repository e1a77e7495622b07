#include "tokenizer/regex_syntax.h"

#include "io/refuse.h"
#include "tokenizer/spec.h"

namespace expertoire {
namespace {

const std::string kSpace = R"(\t-\r\x{85}\p{Z})";
const std::string kClassWord = R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc})";
const std::string kWord = kClassWord + R"(\x{b2}\x{b3}\x{b9}\x{bc}-\x{be})";
const std::string kHex = "0-9a-fA-F";

class Translation {
 public:
  explicit Translation(const std::string& pattern) : pattern_(pattern) {}

  std::string run() {
    while (at_ < pattern_.size()) {
      const char c = pattern_[at_];
      if (c == '\\' && at_ + 1 < pattern_.size()) {
        out_ += in_class_ ? escape_in_class(pattern_[at_ + 1]) : escape(pattern_[at_ + 1]);
        at_ += 2;
      } else if (in_class_) {
        in_class();
      } else {
        if (c == '[') open_class();
        take();
      }
    }
    return std::move(out_);
  }

 private:
  void take() { out_ += pattern_[at_++]; }
  bool follows(const char* text) const { return pattern_.compare(at_, 2, text) == 0; }
  [[noreturn]] void refuse(const std::string& what) const {
    tokenizer_json::unsupported(what + " in a class of the regular expression " +
                                in_quotes(pattern_));
  }

  // A ] that comes first is one of the characters.
  void open_class() {
    in_class_ = true;
    if (follows("[^")) take();
    if (at_ + 1 < pattern_.size() && pattern_[at_ + 1] == ']') take();
  }

  void in_class() {
    if (pattern_[at_] == '[') refuse("[");
    if (follows("&&")) refuse("&&");
    if (pattern_[at_] == ']') in_class_ = false;
    take();
  }

  static std::string escape(char c) {
    const std::string word = "[" + kWord + "]";
    switch (c) {
      case 's': return "[" + kSpace + "]";
      case 'S': return "[^" + kSpace + "]";
      case 'w': return word;
      case 'W': return "[^" + kWord + "]";
      case 'h': return "[" + kHex + "]";
      case 'H': return "[^" + kHex + "]";
      case 'b': return "(?:(?<=" + word + ")(?!" + word + ")|(?<!" + word + ")(?=" + word + "))";
      case 'B': return "(?:(?<=" + word + ")(?=" + word + ")|(?<!" + word + ")(?!" + word + "))";
      default: return {'\\', c};
    }
  }

  std::string escape_in_class(char c) const {
    switch (c) {
      case 's': return kSpace;
      case 'S': return R"(\S\x{180e})";  // PCRE2's \s has this one character more
      case 'w': return kClassWord;
      case 'h': return kHex;
      case 'W': refuse("\\W");
      case 'H': refuse("\\H");
      default: return {'\\', c};
    }
  }

  const std::string& pattern_;
  std::string out_;
  size_t at_ = 0;
  bool in_class_ = false;
};

}  // namespace

std::string pcre_syntax(const std::string& pattern) { return Translation(pattern).run(); }

}  // namespace expertoire
