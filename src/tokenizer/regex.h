// Regular expressions of tokenizer.json: Oniguruma's Ruby syntax, run by PCRE2.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace expertoire {

struct Match {
  size_t begin;
  size_t end;
};

/// Compiled with UTF, Unicode properties and JIT; `^` and `$` match at lines, as in Ruby, and \s \w
/// \b \h are Oniguruma's (regex_syntax.h).
class Regex {
 public:
  /// Errors: kBadFile for a pattern that does not compile, kUnsupported as pcre_syntax().
  explicit Regex(const std::string& pattern);
  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;
  ~Regex();
  /// All matches that are not empty, in order. `text` must be UTF-8.
  /// Errors: kInvalidArgument when the pattern needs more than the matcher's limits on this text.
  /// The limits grow with the text.
  std::vector<Match> find_all(std::string_view text) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace expertoire
