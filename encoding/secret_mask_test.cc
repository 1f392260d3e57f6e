#include "encoding/secret_mask.h"

#include <gtest/gtest.h>

namespace auditferry {
namespace {

SecretMask mask_of(const std::vector<std::string>& texts) {
  std::vector<Secret> secrets;
  for (const std::string& text : texts) secrets.emplace_back(text);
  return SecretMask(secrets);
}

TEST(SecretMask, HidesEveryFormWhereverItStands) {
  const SecretMask mask = mask_of({"p\"a/s+s", "key"});
  EXPECT_EQ(mask.masked("key p\"a/s+s"), "*** ***");
  EXPECT_EQ(mask.masked(R"({"e":"p\"a/s+s"})"), R"({"e":"***"})");
  EXPECT_EQ(mask.masked(R"({"e":"p\"a\/s+s"})"), R"({"e":"***"})");
  EXPECT_EQ(mask.masked("GET /x?t=p%22a%2Fs%2Bs&k=key"), "GET /x?t=***&k=***");
  EXPECT_EQ(mask.masked("keykey nothing"), "****** nothing");
}

TEST(SecretMask, TakesTheLongerOfTwoThatBeginAtOnePlace) {
  EXPECT_EQ(mask_of({"abc", "abcdef"}).masked("abcdef abc"), "*** ***");
}

TEST(SecretMask, ChangesNothingElse) {
  const std::string bytes("\xff\x00\x1b[31m", 7);
  EXPECT_EQ(mask_of({"secret"}).masked(bytes), bytes);
  EXPECT_EQ(mask_of({""}).masked("text"), "text");
  EXPECT_EQ(SecretMask().masked("text"), "text");
}

TEST(SecretMask, QuotesInOneLineAndCutsNoSecretInTwo) {
  const SecretMask mask = mask_of({"0123456789"});
  EXPECT_EQ(mask.quoted("a\n0123456789", 100), "a ***");
  for (std::size_t before = 0; before < 30; ++before) {
    const std::string quoted = mask.quoted(std::string(before, 'x') + "0123456789" + std::string(50, 'y'), 20);
    EXPECT_EQ(quoted.find("0"), std::string::npos) << quoted;
    EXPECT_LE(quoted.size(), 26u);
  }
  EXPECT_EQ(SecretMask().quoted("\xc3\xa9\xc3\xa9", 3), "\xc3\xa9...");
}

TEST(SecretMask, AHeadersValueIsSecretWithoutItsSchemeToo) {
  std::vector<Secret> secrets;
  add_header_value(secrets, "Bearer abc=");
  EXPECT_EQ(SecretMask(secrets).masked("Bearer abc= or abc="), "*** or ***");
}

TEST(SecretMask, AProxysPasswordIsSecretAsItIsSentToo) {
  std::vector<Secret> secrets;
  add_proxy(secrets, "http://user:proxy%2Dword@proxy.example:3128");
  EXPECT_EQ(SecretMask(secrets).masked("proxy-word dXNlcjpwcm94eS13b3Jk user"), "*** *** user");
  secrets.clear();
  add_proxy(secrets, "proxy.example:3128");
  EXPECT_TRUE(secrets.empty());
}

}  // namespace
}  // namespace auditferry
