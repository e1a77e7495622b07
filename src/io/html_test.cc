#include "io/html.h"

#include <gtest/gtest.h>

namespace expertoire {
namespace {

TEST(HtmlTest, TextCannotBecomeMarkup) {
  EXPECT_EQ(html_text("<script>alert('x')</script>"),
            "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;");
  EXPECT_EQ(html_text("a=\"b\" & c"), "a=&quot;b&quot; &amp; c");
  EXPECT_EQ(html_text("é – \n\t漢"), "é – \n\t漢");
}

TEST(HtmlTest, WhatIsNoTextIsReplaced) {
  EXPECT_EQ(html_text(std::string_view("a\0b\x1b[1m\x7f", 8)), "a�b�[1m�");
  EXPECT_EQ(html_text("a\xff\xc3 b\xe2\x82"), "a�� b��");
}

}  // namespace
}  // namespace expertoire
