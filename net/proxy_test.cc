#include "net/proxy.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

namespace auditferry {
namespace {

const Origin portal{"app.example.com", 443, true};

TEST(Proxy, AddressIsRead) {
  const Result<ProxyAddress> proxy = parse_proxy("http://user:pass%3Aword@Proxy.example.com:3128/");
  ASSERT_TRUE(proxy.ok());
  EXPECT_EQ(proxy->origin, (Origin{"proxy.example.com", 3128, false}));
  EXPECT_EQ(proxy->authorization.reveal(), "Basic dXNlcjpwYXNzOndvcmQ=");
  EXPECT_EQ(parse_proxy("proxy:8080")->origin, (Origin{"proxy", 8080, false}));
  EXPECT_TRUE(parse_proxy("proxy:8080")->authorization.empty());
  EXPECT_EQ(parse_proxy("http://[fd00::1]")->origin, (Origin{"fd00::1", 80, false}));
}

// What the variables were before comes back at the end.
class ProxyVariables : public testing::Test {
 protected:
  ProxyVariables() {
    for (const char* name : names) {
      if (const char* value = std::getenv(name)) before_[name] = value;
      ::unsetenv(name);
    }
  }
  ~ProxyVariables() override {
    for (const char* name : names) {
      before_.count(name) > 0 ? ::setenv(name, before_[name].c_str(), 1) : ::unsetenv(name);
    }
  }
  static constexpr const char* names[] = {"HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"};
  std::map<std::string, std::string> before_;
};

TEST_F(ProxyVariables, AreReadInUpperCaseAndElseInLowerCase) {
  EXPECT_TRUE(proxy_environment().https_proxy.empty());
  EXPECT_EQ(proxy_environment().no_proxy, "");
  ::setenv("https_proxy", "http://lower:1", 1);
  ::setenv("no_proxy", "lower.example.com", 1);
  EXPECT_EQ(proxy_environment().https_proxy.reveal(), "http://lower:1");
  EXPECT_EQ(proxy_environment().no_proxy, "lower.example.com");
  ::setenv("HTTPS_PROXY", "http://upper:2", 1);
  ::setenv("NO_PROXY", "upper.example.com", 1);
  EXPECT_EQ(proxy_environment().https_proxy.reveal(), "http://upper:2");
  EXPECT_EQ(proxy_environment().no_proxy, "upper.example.com");
}

TEST(Proxy, WrongAddressIsNotRepeated) {
  for (const char* text : {"https://example-token@h:1", "socks5://example-token:x@h", "http://example-token@",
                           "http://example-token:x@h:0", "http://h:port"}) {
    const Result<ProxyAddress> proxy = parse_proxy(text);
    ASSERT_FALSE(proxy.ok()) << text;
    EXPECT_EQ(proxy.error().message.find("example-token"), std::string::npos);
  }
}

TEST(NoProxy, Covers) {
  const auto covers = [](const char* list, const char* host, std::uint16_t port = 443) {
    return no_proxy_covers(list, Origin{host, port, true});
  };
  for (const char* list : {"*", "app.example.com", "APP.Example.COM", "example.com", ".example.com",
                           "*.example.com", "other, example.com", "x example.com", "example.com:443"}) {
    EXPECT_TRUE(covers(list, "app.example.com")) << list;
  }
  for (const char* list : {"", "pp.example.com", "ple.com", "app.example.com.org", "example.com:80",
                           "example.com:", ".", ",, ,", "10.0.0.0/8", "*."}) {
    EXPECT_FALSE(covers(list, "app.example.com")) << list;
  }
  EXPECT_TRUE(covers("10.1.2.3", "10.1.2.3"));
  EXPECT_TRUE(covers("10.0.0.0/8", "10.1.2.3"));
  EXPECT_FALSE(covers("10.0.0.0/8", "11.1.2.3"));
  EXPECT_FALSE(covers("10.0.0.0/99", "10.1.2.3"));
  EXPECT_TRUE(covers("0.0.0.0/0", "11.1.2.3"));
  EXPECT_TRUE(covers("fd00::/8", "fd12::1"));
  EXPECT_FALSE(covers("fd00::/8", "fe80::1"));
  EXPECT_TRUE(covers("::1", "::1"));
  EXPECT_TRUE(covers("fd12:0::1", "fd12::1"));
  EXPECT_TRUE(covers("[fd12::1]:443", "fd12::1"));
  EXPECT_FALSE(covers("[fd12::1]:444", "fd12::1"));
  EXPECT_FALSE(covers("2.3", "10.1.2.3"));
}

TEST(Proxy, IsChosen) {
  const ProxyEnvironment environment{Secret("http://env:1"), "internal.example.com"};
  EXPECT_EQ((*choose_proxy("", environment, portal))->origin.host, "env");
  EXPECT_EQ((*choose_proxy("http://own:2", environment, portal))->origin.host, "own");
  EXPECT_FALSE(choose_proxy("none", environment, portal)->has_value());
  EXPECT_FALSE(choose_proxy("", environment, Origin{"internal.example.com", 443, true})->has_value());
  EXPECT_FALSE(choose_proxy("", environment, Origin{"localhost", 443, true})->has_value());
  EXPECT_FALSE(choose_proxy("", environment, Origin{"app.example.com", 80, false})->has_value());
  EXPECT_FALSE(choose_proxy("", ProxyEnvironment(), portal)->has_value());
  EXPECT_FALSE(choose_proxy("ftp://x", environment, portal).ok());
}

}  // namespace
}  // namespace auditferry
