#include "encoding/harmless_text.h"

#include <gtest/gtest.h>

#include "encoding/utf8.h"

namespace auditferry {
namespace {

TEST(HarmlessText, CutsBetweenCharacters) {
  EXPECT_EQ(harmless_text("a\xc3\xa9z", 2), "a...");
  EXPECT_EQ(harmless_text("", 10), "");
}

TEST(HarmlessText, HidesWhatForgesLinesMovesCursorsOrTurnsText) {
  std::size_t hidden = 0;
  for (char32_t code = 0; code < 0x3000; ++code) {
    std::string character;
    append_utf8(character, code);
    const bool control = code < 0x20 || (code >= 0x7F && code < 0xA0);
    const bool separator = code == 0x2028 || code == 0x2029;
    const bool bidirectional = code == 0x061C || code == 0x200E || code == 0x200F || (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
    hidden += control || separator || bidirectional ? 1 : 0;
    EXPECT_EQ(harmless_text("a" + character + "z", 100), control || separator || bidirectional ? "a z" : "a" + character + "z") << "U+" << std::hex << unsigned{code};
  }
  EXPECT_EQ(hidden, 79u);
}

TEST(HarmlessText, EscapesInJsonWhatMeansTheSameThere) {
  EXPECT_EQ(harmless_json("{\"a\":\"\xc2\x9b\x7f\xe2\x80\xae \\n\xc3\xa9\"}"), "{\"a\":\"\\u009b\\u007f\\u202e \\n\xc3\xa9\"}");
}

TEST(HarmlessText, ReplacesInvalidUtf8) { EXPECT_EQ(harmless_text("a\x9b\xff", 100), "a\xEF\xBF\xBD\xEF\xBF\xBD"); }

}  // namespace
}  // namespace auditferry
