#include "encoding/hash.h"

#include <gtest/gtest.h>

#include <thread>

namespace auditferry {
namespace {

constexpr const char* abc =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";  // FIPS 180-4 example

TEST(Sha256, KnownAnswers) {
  EXPECT_EQ(hex(sha256("abc")), abc);
  EXPECT_EQ(hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex(short_hash("abc")), std::string(abc).substr(0, 32));
}

TEST(Sha256, StreamGivesTheSameAndCanBeUsedAgain) {
  Sha256Stream stream;
  stream.update("a");
  stream.update("");
  stream.update("bc");
  EXPECT_EQ(hex(stream.finish()), abc);
  stream.update("abc");
  EXPECT_EQ(hex(stream.finish()), abc);
}

TEST(Sha256, WorksOnEveryThread) {
  std::string other;
  std::thread thread([&other] { other = hex(sha256("abc")); });
  thread.join();
  EXPECT_EQ(other, abc);
}

// RFC 4231, cases 2 and 6.
TEST(HmacSha256, KnownAnswers) {
  EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hex(hmac_sha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_EQ(hex(hmac_sha256("", "")), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(Hex, ThereAndBack) {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  EXPECT_EQ(from_hex(hex(all)), all);
  EXPECT_EQ(hex(std::string_view("\x00\xff\x0a", 3)), "00ff0a");
  EXPECT_EQ(from_hex("00FFaA"), std::string("\x00\xff\xaa", 3));
  EXPECT_EQ(from_hex("abc"), std::nullopt);
  EXPECT_EQ(from_hex("zz"), std::nullopt);
  EXPECT_EQ(sha256_from_hex(abc), sha256("abc"));
  EXPECT_EQ(sha256_from_hex("00"), std::nullopt);
}

}  // namespace
}  // namespace auditferry
