#include "tokenizer/unicode.h"

#include <utf8proc.h>

#include <algorithm>

#include "base/utf8.h"

namespace expertoire {

uint32_t utf8_front(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(text[i])); };
  switch (utf8_length(text[0])) {
    case 1: return byte(0);
    case 2: return (byte(0) & 0x1f) << 6 | (byte(1) & 0x3f);
    case 3: return (byte(0) & 0x0f) << 12 | (byte(1) & 0x3f) << 6 | (byte(2) & 0x3f);
    default:
      return (byte(0) & 0x07) << 18 | (byte(1) & 0x3f) << 12 | (byte(2) & 0x3f) << 6 |
             (byte(3) & 0x3f);
  }
}

void append_utf8(uint32_t c, std::string& out) {
  const auto put = [&](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xc0 | c >> 6);
    put(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    put(0xe0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3f));
    put(0x80 | (c & 0x3f));
  } else {
    put(0xf0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3f));
    put(0x80 | (c >> 6 & 0x3f));
    put(0x80 | (c & 0x3f));
  }
}

bool is_white_space(uint32_t c) {
  const utf8proc_category_t category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL ||
         category == UTF8PROC_CATEGORY_ZP || (c >= 9 && c <= 13) || c == 0x85;
}

bool is_word_character(uint32_t c) {
  const utf8proc_category_t category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  const bool joiner = c == 0x200c || c == 0x200d;
  const bool circled = (c >= 0x24b6 && c <= 0x24e9) || (c >= 0x1f130 && c <= 0x1f149) ||
                       (c >= 0x1f150 && c <= 0x1f169) || (c >= 0x1f170 && c <= 0x1f189);
  return (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_NL) ||
         category == UTF8PROC_CATEGORY_PC || joiner || circled;
}

namespace {

// Bytes of the longest prefix of `bytes` that could begin a character (at least 1).
size_t malformed_length(std::string_view bytes) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
  const uint8_t lead = byte(0);
  if (lead < 0xc2 || lead > 0xf4) return 1;
  const size_t wanted = utf8_length(bytes[0]);
  const uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  size_t length = 1;
  while (length < wanted && length < bytes.size() && byte(length) >= (length == 1 ? low : 0x80) &&
         byte(length) <= (length == 1 ? high : 0xbf)) {
    ++length;
  }
  return length;
}

}  // namespace

std::string lossy_utf8(std::string_view bytes) {
  std::string text;
  while (!bytes.empty()) {
    const size_t good = first_invalid_utf8(bytes);
    text.append(bytes.substr(0, good));
    bytes.remove_prefix(good);
    if (bytes.empty()) break;
    text.append("\xef\xbf\xbd");
    bytes.remove_prefix(malformed_length(bytes));
  }
  return text;
}

const std::array<uint32_t, 256>& byte_characters() {
  static const std::array<uint32_t, 256> characters = [] {
    std::array<uint32_t, 256> map{};
    uint32_t others = 0;
    for (uint32_t byte = 0; byte < 256; ++byte) {
      const bool printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte != 0xad);
      map[byte] = printable ? byte : 0x100 + others++;
    }
    return map;
  }();
  return characters;
}

int character_byte(uint32_t code_point) {
  static const std::array<int, 0x200> bytes = [] {
    std::array<int, 0x200> map;
    map.fill(-1);
    for (int byte = 0; byte < 256; ++byte) {
      map[byte_characters()[static_cast<size_t>(byte)]] = byte;
    }
    return map;
  }();
  return code_point < bytes.size() ? bytes[code_point] : -1;
}

}  // namespace expertoire
