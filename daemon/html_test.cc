#include "daemon/html.h"

#include <gtest/gtest.h>

namespace auditferry {
namespace {

const std::string replaced = "\xef\xbf\xbd";

TEST(Html, MarkupIsEscaped) {
  EXPECT_EQ(escape_html("a<b>&\"'\n"), "a&lt;b&gt;&amp;&quot;&#39;\n");
  EXPECT_EQ(escape_html("</bdi><script>"), "&lt;/bdi&gt;&lt;script&gt;");
  EXPECT_EQ(foreign_html("</bdi>"), "<bdi>&lt;/bdi&gt;</bdi>");
}

TEST(Html, ControlCharactersAreReplaced) {
  EXPECT_EQ(escape_html(std::string_view("\x1b[31m\0\r\t\x7f", 9)), replaced + "[31m" + replaced + replaced + replaced + replaced);
  EXPECT_EQ(escape_html("\xc2\x9b" "1m"), replaced + "1m");  // U+009B begins a sequence, too
}

TEST(Html, WhatTurnsTheDirectionOrIsInvisibleIsReplaced) {
  for (const char* character : {"\xe2\x80\xae" /* 202E */, "\xe2\x80\xaa" /* 202A */, "\xe2\x81\xa6" /* 2066 */, "\xe2\x81\xa9" /* 2069 */,
                                "\xe2\x80\x8f" /* 200F */, "\xd8\x9c" /* 061C */, "\xe2\x80\x8b" /* 200B */, "\xe2\x80\xa8" /* 2028 */,
                                "\xef\xbb\xbf" /* FEFF */, "\xf3\xa0\x81\x81" /* E0041 */, "\xc2\xad" /* 00AD */}) {
    EXPECT_EQ(escape_html(std::string("a") + character + "b"), "a" + replaced + "b");
  }
}

TEST(Html, OtherLettersStay) {
  const std::string text = "\xc3\xa4 \xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d \xe6\x97\xa5 \xf0\x9f\x98\x80 \xe2\x80\x93";
  EXPECT_EQ(escape_html(text), text);
}

TEST(Html, InvalidUtf8IsReplaced) {
  EXPECT_EQ(escape_html("a\xff<"), "a" + replaced + "&lt;");
  EXPECT_EQ(escape_html("\xe2\x80"), replaced);
  EXPECT_EQ(escape_html("\xc0\xbc"), replaced + replaced);  // '<' in an overlong form
}

}  // namespace
}  // namespace auditferry
