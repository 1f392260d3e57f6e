#include "encoding/url.h"

#include <gtest/gtest.h>

namespace auditferry {
namespace {

TEST(Url, IsTakenApart) {
  const Result<Url> url = parse_url("HTTPS://Portal.Example.com/frontend/audit_logs?a=b%20c");
  ASSERT_TRUE(url.ok());
  EXPECT_EQ(url->origin, (Origin{"portal.example.com", 443, true}));
  EXPECT_EQ(url->target, "/frontend/audit_logs?a=b%20c");
  EXPECT_EQ(url->origin.host_header(), "portal.example.com");
  EXPECT_EQ(url->origin.text(), "portal.example.com:443");
  const Result<Url> v6 = parse_url("http://[::1]:8480");
  ASSERT_TRUE(v6.ok());
  EXPECT_EQ(v6->origin, (Origin{"::1", 8480, false}));
  EXPECT_EQ(v6->target, "/");
  EXPECT_EQ(v6->origin.host_header(), "[::1]:8480");
  EXPECT_EQ(parse_url("https://h?q=1")->target, "/?q=1");
}

TEST(Url, IsRefusedWithoutRepeatingSecrets) {
  for (const char* text :
       {"", "portal.example.com", "/path", "ftp://h/", "https://", "https:///x", "https://h:0/",
        "https://h:99999/", "https://h:port", "https://h:8x/", "https://h/ x", "https://h/\r\nX: y",
        "https://u:example-token@h/", "https://h/#f", "https://h%0d%0aX/", "https://[::1/"}) {
    const Result<Url> url = parse_url(text);
    ASSERT_FALSE(url.ok()) << text;
    EXPECT_EQ(url.error().message.find("example-token"), std::string::npos);
  }
}

TEST(Url, KnowsLoopback) {
  for (const char* host : {"localhost", "a.localhost", "127.0.0.1", "127.9.9.9", "::1"})
    EXPECT_TRUE(is_loopback(host)) << host;
  for (const char* host : {"example.com", "notlocalhost", "128.0.0.1", "::2", "127.0.0.1.example.com", ""})
    EXPECT_FALSE(is_loopback(host)) << host;
}

}  // namespace
}  // namespace auditferry
