#include "encoding/base64.h"

#include <gtest/gtest.h>

#include "core/random.h"

namespace auditferry {
namespace {

TEST(Base64, VectorsOfTheRfc) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"},
                                                         {"\xff\xfe\xfb", "//77"}};
  for (const auto& [plain, encoded] : vectors) {
    EXPECT_EQ(base64_encode(plain), encoded);
    EXPECT_EQ(*base64_decode(encoded), plain);
  }
}

TEST(Base64, RefusesWhatIsNotCanonical) {
  for (const char* bad :
       {"Zg", "Zg=", "Zg===", "=", "====", "Z===", "Zm9v\n", "Zm 9", "Zm9-", "Zh==", "Zm9=", "Zg==Zg=="}) {
    const Result<std::string> result = base64_decode(bad);
    ASSERT_FALSE(result.ok()) << bad;
    EXPECT_EQ(result.error().kind, ErrorKind::invalid);
  }
}

TEST(Base64, ThereAndBackOnOneLine) {
  Random random(3);
  for (int round = 0; round < 500; ++round) {
    std::string bytes;
    for (std::uint64_t i = random.below(300); i > 0; --i) bytes += static_cast<char>(random.below(256));
    const std::string encoded = base64_encode(bytes);
    ASSERT_EQ(encoded.find('\n'), std::string::npos);
    ASSERT_EQ(*base64_decode(encoded), bytes);
  }
}

}  // namespace
}  // namespace auditferry
