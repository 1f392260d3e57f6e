#include "exporters/ip_address.h"

#include <gtest/gtest.h>

namespace auditferry {
namespace {

std::string network(std::string_view text) {
  const auto address = IpAddress::parse(text);
  return address ? address->network().text() : "none";
}

TEST(IpAddress, IsTheWholeTextOrNothing) {
  for (const char* good : {"192.0.2.7", "0.0.0.0", "::", "2001:db8::17", "::ffff:192.0.2.7"}) {
    EXPECT_TRUE(IpAddress::parse(good)) << good;
  }
  for (const char* bad : {"", " 192.0.2.7", "192.0.2.7 ", "192.0.2", "192.0.2.256", "192.0.2.7:80", "[::1]",
                          "fe80::1%eth0", "host", "1:2:3", "192.0.2.7\n"}) {
    EXPECT_FALSE(IpAddress::parse(bad)) << bad;
  }
  EXPECT_FALSE(IpAddress::parse(std::string_view("192.0.2.7\0x", 11)));
}

TEST(IpAddress, NetworkKeeps24Or48Bits) {
  EXPECT_EQ(network("192.0.2.199"), "192.0.2.0");
  EXPECT_EQ(network("2001:db8:aaaa:bbbb::17"), "2001:db8:aaaa::");
  EXPECT_EQ(network("::1"), "::");
  // An IPv4 address in an IPv6 coat is treated as what it is.
  EXPECT_EQ(network("::ffff:192.0.2.199"), "::ffff:192.0.2.0");
}

TEST(IpAddress, OfAnEndpoint) {
  EXPECT_EQ(address_of_endpoint("192.0.2.7:443")->text(), "192.0.2.7");
  EXPECT_EQ(address_of_endpoint("[2001:DB8::1]:443")->text(), "2001:db8::1");
  EXPECT_EQ(address_of_endpoint("[2001:db8::1]")->text(), "2001:db8::1");
  EXPECT_EQ(address_of_endpoint("2001:db8::1")->text(), "2001:db8::1");
  for (const char* bad : {"", ":", "host:80", "192.0.2.7:", "192.0.2.7:http", "[192.0.2.7]:80", "[::1",
                          "[::1]80", "[]:1", "192.0.2.7:123456"}) {
    EXPECT_FALSE(address_of_endpoint(bad)) << bad;
  }
}

}  // namespace
}  // namespace auditferry
