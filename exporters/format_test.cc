#include <gtest/gtest.h>

#include "encoding/json_scanner.h"
#include "exporters/json_format.h"
#include "exporters/raw_format.h"

namespace auditferry {
namespace {

WallTime time_at(std::int64_t seconds, std::int64_t micros = 0) {
  return from_micros(seconds * 1'000'000 + micros);
}

Record example() {
  Record record;
  record.seq = 17;
  record.source = "acme";
  record.vendor = "apptego";
  record.tenant = "9f1c0a4e7b8d4a4db52e6a6d5c5c1f11";
  record.stream = "audit";
  record.id = "81723";
  record.time = time_at(1763893512);
  record.received = time_at(1763893514, 120331);
  record.raw = R"({"event":81723})";
  return record;
}

std::string line(const Format& format, const Record& record) {
  std::string out = "before|";
  format.append(record, out);
  EXPECT_TRUE(out.starts_with("before|"));
  return out.substr(7);
}

// The line of DESIGN.md, byte for byte.
constexpr const char* golden =
    R"({"id":"apptego/9f1c0a4e7b8d4a4db52e6a6d5c5c1f11/audit/81723","seq":17,"source":"acme","vendor":"apptego",)"
    R"("tenant":"9f1c0a4e7b8d4a4db52e6a6d5c5c1f11","stream":"audit","time":"2025-11-23T10:25:12Z",)"
    R"("received":"2025-11-23T10:25:14.120331Z","record":{"event":81723}})";

TEST(JsonFormat, TheDocumentedLine) {
  EXPECT_EQ(line(JsonFormat({}), example()), golden);
}

TEST(JsonFormat, EverythingThatMayBeThere) {
  Record record = example();
  record.revision = 2;
  record.repaired = true;
  record.has_time = false;
  record.raw = R"({"n":1.2300000000000000001e5,"s":"\u00e9"})";
  EXPECT_EQ(
      line(JsonFormat({{"site", "north \"1\""}, {"env", "prod"}}), record),
      R"({"id":"apptego/9f1c0a4e7b8d4a4db52e6a6d5c5c1f11/audit/81723@2","seq":17,"source":"acme","vendor":"apptego",)"
      R"("tenant":"9f1c0a4e7b8d4a4db52e6a6d5c5c1f11","stream":"audit","time":null,)"
      R"("received":"2025-11-23T10:25:14.120331Z","labels":{"env":"prod","site":"north \"1\""},"rev":2,"repaired":true,)"
      R"("record":{"n":1.2300000000000000001e5,"s":"\u00e9"}})");
}

TEST(JsonFormat, AGap) {
  Record record = example();
  record.gap = true;
  record.id = "gap-7";
  record.raw =
      R"({"type":"forgotten","from":"2025-11-23T10:00:00Z","to":"2025-11-23T11:00:00Z","why":"x","state":"open"})";
  EXPECT_EQ(
      line(JsonFormat({}), record),
      R"({"id":"apptego/9f1c0a4e7b8d4a4db52e6a6d5c5c1f11/audit/gap-7","seq":17,"source":"acme","vendor":"apptego",)"
      R"("tenant":"9f1c0a4e7b8d4a4db52e6a6d5c5c1f11","stream":"audit","time":"2025-11-23T10:25:12Z",)"
      R"("received":"2025-11-23T10:25:14.120331Z","kind":"gap",)"
      R"("gap":{"type":"forgotten","from":"2025-11-23T10:00:00Z","to":"2025-11-23T11:00:00Z","why":"x","state":"open"},"record":null})");
  record.source = record.vendor = record.tenant = record.stream = "";
  EXPECT_TRUE(line(JsonFormat({}), record).starts_with(R"({"id":"gap-7","seq":17,"source":"","vendor":"")"));
}

TEST(JsonFormat, HostileTextStaysOneLineOfJson) {
  for (int byte = 0; byte < 256; ++byte) {
    Record record = example();
    const std::string text = std::string("a") + static_cast<char>(byte) + "b";
    record.id = record.source = record.tenant = record.stream = record.vendor = text;
    const std::map<std::string, std::string> labels{{text, text}};
    const std::string out = line(JsonFormat(labels), record);
    EXPECT_EQ(out.find_first_of("\r\n"), std::string::npos) << byte;
    EXPECT_TRUE(scan_json(out).ok()) << byte << ": " << out;
  }
  Record record = example();
  const std::string long_id(5000, 'i');
  record.id = long_id;
  EXPECT_NE(line(JsonFormat({}), record).find("/audit/" + long_id + "\""), std::string::npos);
}

TEST(RawFormat, TheVendorsValueAlone) {
  Record record = example();
  EXPECT_EQ(line(RawFormat(), record), R"({"event":81723})");
  record.raw = R"({"type":"damaged"})";
  record.gap = true;
  EXPECT_EQ(line(RawFormat(), record), R"({"kind":"gap","gap":{"type":"damaged"}})");
}

TEST(RawFormat, NeverEndsALine) {
  Record record = example();
  record.raw = "{\"a\":\n1,\r\n\"b\":2}\n";
  EXPECT_EQ(line(RawFormat(), record), "{\"a\": 1,  \"b\":2} ");
  record.raw = "";
  EXPECT_EQ(line(RawFormat(), record), "null");
}

}  // namespace
}  // namespace auditferry
