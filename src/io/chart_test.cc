#include "io/chart.h"

#include <gtest/gtest.h>

namespace expertoire {
namespace {

TEST(XmlTextTest, TextCannotBecomeMarkup) {
  EXPECT_EQ(xml_text("<script a=\"b\">&</script>"),
            "&lt;script a=&quot;b&quot;&gt;&amp;&lt;/script&gt;");
  EXPECT_EQ(xml_text("é – 漢"), "é – 漢");
}

TEST(XmlTextTest, WhatIsNoTextIsReplaced) {
  EXPECT_EQ(xml_text(std::string_view("a\0b\x1b[1m\x7f\n", 9)), "a b [1m  ");
  EXPECT_EQ(xml_text("a\xff\xc3 b\xe2\x82"), "a�� b��");
  EXPECT_EQ(xml_text("\xff"), "�");
}

}  // namespace
}  // namespace expertoire
