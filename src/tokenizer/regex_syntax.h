// Where Oniguruma's Ruby syntax, which tokenizer.json is written in, means something else to PCRE2.
#pragma once

#include <string>

namespace expertoire {

/// What Rust's regular expressions call \w (the pre-tokenizer Whitespace), as parts of a class.
inline constexpr const char* kRustWord = R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{200c}\x{200d})";

/// `pattern` with \s \S \w \W \b \B \h \H spelled out as Oniguruma 6.9 has them (doc/RE, and the
/// tokenizers library tried on every character): its \s is Unicode's White_Space without U+180E,
/// its \w has marks and, outside of a class, ² ³ ¹ ¼ ½ ¾, its \h is a hexadecimal digit. Errors:
/// kUnsupported for what only Oniguruma's classes have: classes within classes, &&, POSIX names, \W
/// and \H among others.
std::string pcre_syntax(const std::string& pattern);

}  // namespace expertoire
