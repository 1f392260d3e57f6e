// What the fuzzers of everything that is sent check, on their corpus and on changed records, without a fuzzer.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "tests/fuzz/sent_input.h"

namespace auditferry {
namespace {

TEST(SentReplay, TheCorpusOfTheFuzzers) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(AUDITFERRY_SOURCE) + "/tests/fuzz/corpus")) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    for (const fixture::SentCheck& one : fixture::sent_checks) one.check(bytes);
    // The first byte chooses settings of syslog: all of them.
    for (int choice = 0; choice < 256; ++choice) fixture::check_syslog(std::string(1, static_cast<char>(choice)) + bytes);
    ++files;
  }
  EXPECT_GE(files, 10u);
}

TEST(SentReplay, CutAndChangedRecords) {
  std::mt19937_64 random(44);
  for (const fixture::NamedRecord& named : fixture::golden_records()) {
    for (int round = 0; round < 60; ++round) {
      std::string bytes = std::string(1, static_cast<char>(random())) + std::string(1, static_cast<char>(random())) +
                          std::string(named.record.raw);
      bytes.resize(random() % (bytes.size() + 1));
      for (int change = 0; change < 3 && !bytes.empty(); ++change)
        bytes[random() % bytes.size()] = static_cast<char>(random());
      for (const fixture::SentCheck& one : fixture::sent_checks) one.check(bytes);
    }
  }
}

// The readers themselves refuse what is wrong: else the checks above would show nothing.
TEST(SentReplay, TheReadersAreStrict) {
  for (const char* bad : {"<13>Nov 23 09:07:01 host tag text", "<013>Nov 23 09:07:01 host tag: x", "<192>Nov 23 09:07:01 host tag: x",
                          "<13>Nov  3 9:07:01 host tag: x", "<13>Nov 23 09:07:01  tag: x", "13>Nov 23 09:07:01 host tag: x"}) {
    EXPECT_FALSE(fixture::parse_old_syslog(bad)) << bad;
  }
  EXPECT_TRUE(fixture::parse_old_syslog("<13>Nov  3 09:07:01 host tag: x"));
  for (const char* bad : {"1 syslog 3 ab\n", "1 syslog 3 abcd\n", "1 syslog 0 \n", "1 syslog 3 abc", "x syslog 0\n", "1  0\n", "1234567890 a 0\n"}) {
    EXPECT_FALSE(fixture::parse_relp(bad)) << bad;
  }
  EXPECT_TRUE(fixture::parse_relp("1 syslog 3 abc\n2 close 0\n"));
  for (const char* bad : {"{}", "{}\n{\n", "{}{}\n", "[]\n", "{\"a\":01}\n"}) EXPECT_FALSE(fixture::parse_ndjson(bad)) << bad;
  EXPECT_TRUE(fixture::parse_ndjson("{}\n{}\n"));
  for (const std::string& bad : {std::string("\x0a\x05""ab"), std::string("\x0b"), std::string("\x08\xff"), std::string("\x02\x00", 2), std::string("\x09""1234567")})
    EXPECT_FALSE(fixture::parse_protobuf(bad));
  EXPECT_FALSE(fixture::parse_otlp_protobuf(std::string("\x12\x00", 2)));
  EXPECT_FALSE(fixture::parse_otlp_json("{}"));
}

}  // namespace
}  // namespace auditferry
