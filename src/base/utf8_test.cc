// Well-formed UTF-8 is exactly what encoding a code point gives (RFC 3629).
#include "base/utf8.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace expertoire {
namespace {

std::string encode(uint32_t code) {
  std::string text;
  const auto put = [&](uint32_t byte) { text += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
  return text;
}

bool valid(const std::string& text) { return first_invalid_utf8(text) == text.size(); }

TEST(Utf8Test, EveryCodePointButSurrogatesIsWellFormed) {
  for (uint32_t code = 0; code < 0x110000; ++code) {
    const bool surrogate = code >= 0xd800 && code < 0xe000;
    ASSERT_EQ(valid(encode(code)), !surrogate) << std::hex << code;
  }
  EXPECT_FALSE(valid(encode(0x110000)));
}

// All strings of up to three bytes, by the encodings of all code points below 0x10000.
TEST(Utf8Test, NothingElseIsWellFormed) {
  std::set<std::string> characters;
  for (uint32_t code = 0x80; code < 0x10000; ++code) {
    if (code < 0xd800 || code >= 0xe000) characters.insert(encode(code));
  }
  for (uint32_t lead = 0x80; lead < 0x100; ++lead) {
    for (uint32_t second = 0x70; second < 0xd0; ++second) {
      const std::string two = {static_cast<char>(lead), static_cast<char>(second)};
      ASSERT_EQ(valid(two), characters.contains(two)) << lead << " " << second;
      for (uint32_t third : {0x00U, 0x7fU, 0x80U, 0x9fU, 0xa0U, 0xbfU, 0xc0U, 0xffU}) {
        const std::string three = two + static_cast<char>(third);
        const bool expected =
            characters.contains(three) || (characters.contains(two) && third < 0x80);
        ASSERT_EQ(valid(three), expected) << lead << " " << second << " " << third;
      }
    }
  }
}

TEST(Utf8Test, OffsetIsThatOfTheFirstBadByte) {
  EXPECT_EQ(first_invalid_utf8(""), 0U);
  EXPECT_EQ(first_invalid_utf8("ab\xff"), 2U);
  EXPECT_EQ(first_invalid_utf8("\xc3\xa9\x80z"), 2U);
  EXPECT_EQ(first_invalid_utf8("a\xe2\x82"), 1U) << "cut off";
  EXPECT_EQ(first_invalid_utf8("a\xf0\x9f\x98"), 1U) << "cut off";
  EXPECT_EQ(first_invalid_utf8(std::string("a\0b", 3)), 3U);
}

TEST(Utf8Test, OverlongFormsAndFourByteBordersAreMalformed) {
  for (const char* bad : {"\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf",
                          "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
                          "\xf5\x80\x80\x80", "\xed\xa0\x80", "\xf8\x88\x80\x80\x80"}) {
    EXPECT_EQ(first_invalid_utf8(bad), 0U) << bad;
  }
  EXPECT_TRUE(valid("\xf0\x90\x80\x80"));
  EXPECT_TRUE(valid("\xf4\x8f\xbf\xbf"));
}

}  // namespace
}  // namespace expertoire
