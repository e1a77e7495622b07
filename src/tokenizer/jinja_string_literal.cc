#include "tokenizer/jinja_string_literal.h"

#include <fmt/format.h>

#include <charconv>

#include "tokenizer/jinja_error.h"
#include "tokenizer/unicode.h"

namespace expertoire::jinja {
namespace {

using std::string_view;

constexpr string_view kSimple = "\\'\"abfnrtv";
constexpr string_view kSimpleValues = "\\'\"\a\b\f\n\r\t\v";

uint32_t hex_value(string_view digits, size_t count, int line) {
  uint32_t code = 0;
  const string_view wanted = digits.substr(0, count);
  const char* end = wanted.data() + wanted.size();
  const auto result = std::from_chars(wanted.data(), end, code, 16);
  if (wanted.size() < count || result.ec != std::errc() || result.ptr != end || code > 0x10ffff) {
    throw_syntax(line, fmt::format("the escape with the digits \"{}\"", wanted),
                 fmt::format("{} hexadecimal digits of a character", count));
  }
  if (code >= 0xd800 && code <= 0xdfff) throw_unsupported(line, "half of a surrogate pair");
  return code;
}

// Handles the escape whose backslash is gone; returns how many bytes of `body` it takes.
size_t escape(string_view body, int line, std::string& out) {
  const char kind = body[0];
  if (const size_t simple = kSimple.find(kind); simple != string_view::npos) {
    out += kSimpleValues[simple];
    return 1;
  }
  if (kind == '\n') return 1;
  if (kind >= '0' && kind <= '7') {
    uint32_t code = 0;
    size_t size = 0;
    for (; size < 3 && size < body.size() && body[size] >= '0' && body[size] <= '7'; ++size) {
      code = code * 8 + static_cast<uint32_t>(body[size] - '0');
    }
    append_utf8(code, out);
    return size;
  }
  if (kind == 'x' || kind == 'u' || kind == 'U') {
    const size_t count = kind == 'x' ? 2 : kind == 'u' ? 4 : 8;
    append_utf8(hex_value(body.substr(1), count, line), out);
    return 1 + count;
  }
  // Python's own reading of this one is an accident that nobody means.
  if (static_cast<uint8_t>(kind) >= 0x80) throw_unsupported(line, "a backslash outside ASCII");
  if (kind == 'N') throw_unsupported(line, "a character by its name (\\N)");
  out += '\\';
  return 0;
}

}  // namespace

std::string unescape(string_view body, int line) {
  std::string out;
  while (!body.empty()) {
    const size_t plain = std::min(body.find('\\'), body.size());
    out.append(body.substr(0, plain));
    body.remove_prefix(plain);
    if (body.empty()) break;
    body.remove_prefix(1);  // never the last byte: it would have escaped the closing quote
    body.remove_prefix(escape(body, line, out));
  }
  return out;
}

}  // namespace expertoire::jinja
