// Characters of UTF-8 text, and the byte-to-character map of byte-level tokenizers.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace expertoire {

/// Length in bytes of the character that starts with `lead` in well-formed text.
inline size_t utf8_length(char lead) {
  const uint8_t byte = static_cast<uint8_t>(lead);
  return byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

/// Code point of the character at the front of well-formed, non-empty text.
uint32_t utf8_front(std::string_view text);
void append_utf8(uint32_t code_point, std::string& out);

/// Unicode's White_Space, and what Rust's regular expressions call \w.
bool is_white_space(uint32_t code_point);
bool is_word_character(uint32_t code_point);

/// Bytes as text: every maximal part that is not UTF-8 becomes one U+FFFD (as Rust and the
/// Unicode standard do).
std::string lossy_utf8(std::string_view bytes);

/// GPT-2's map of bytes to printable characters: itself for most printable Latin-1 bytes,
/// U+0100 + n for the n-th of the others.
const std::array<uint32_t, 256>& byte_characters();
/// The byte of such a character, or −1.
int character_byte(uint32_t code_point);

}  // namespace expertoire
