#include "storage/payload_codec.h"

#include <gtest/gtest.h>

#include "encoding/compress.h"

namespace auditferry {
namespace {

Record make(std::int64_t seconds, std::string_view id, std::string_view raw) {
  Record record;
  record.time = from_micros(seconds * 1'000'000);
  record.id = id;
  record.raw = raw;
  return record;
}

TEST(PayloadCodec, GivesBackEveryFieldThatIsKept) {
  std::vector<Record> records{make(-5, "a", "{}"), make(1'763'893'512, "81723", R"({"event":81723})"), make(1'763'893'512, "", "null")};
  records[0].has_time = false;
  records[1].revision = 7;
  records[1].repaired = true;
  records[2].gap = true;
  const std::string encoded = encode_payload("acme", from_micros(42), records);
  const Result<DecodedPayload> decoded = decode_payload(encoded);
  ASSERT_TRUE(decoded.ok());
  ASSERT_EQ(decoded->records.size(), 3u);
  for (std::size_t i = 0; i < records.size(); ++i) {
    const Record& record = decoded->records[i];
    EXPECT_EQ(record.time, records[i].time);
    EXPECT_EQ(record.id, records[i].id);
    EXPECT_EQ(record.raw, records[i].raw);
    EXPECT_EQ(record.revision, records[i].revision);
    EXPECT_EQ(record.has_time, records[i].has_time);
    EXPECT_EQ(record.repaired, records[i].repaired);
    EXPECT_EQ(record.gap, records[i].gap);
    EXPECT_EQ(record.source, "acme");
    EXPECT_EQ(record.received, from_micros(42));
  }
}

// Flags that nobody sets, a first version that says that it is another, and one beyond what a record can have.
TEST(PayloadCodec, RefusesWhatItNeverWrites) {
  const auto payload = [](const std::string& flags_and_revision) {
    return zstd_compress(std::string("\1\0\0\1\0", 5) + flags_and_revision + std::string("\1x\2{}", 5), 1);
  };
  EXPECT_TRUE(decode_payload(payload(std::string("\0", 1))).ok());
  EXPECT_EQ(decode_payload(payload("\10\2"))->records.at(0).revision, 2u);
  for (const std::string& wrong : {std::string("\20"), std::string("\70\2"), std::string("\10\0", 2), std::string("\10\1"),
                                   std::string("\10\x80\x80\x80\x80\x10")}) {
    EXPECT_FALSE(decode_payload(payload(wrong)).ok());
  }
}

TEST(PayloadCodec, RefusesEveryCutAndEveryFlippedByteOfTheInside) {
  const std::string encoded = encode_payload("acme", from_micros(1), {make(1, "1", "{}"), make(2, "2", R"({"k":"v"})")});
  const Result<std::string> inside = zstd_decompress(encoded, 1u << 20);
  ASSERT_TRUE(inside.ok());
  for (std::size_t length = 0; length < inside->size(); ++length) {
    EXPECT_FALSE(decode_payload(zstd_compress(inside->substr(0, length), 1)).ok()) << length;
  }
  EXPECT_FALSE(decode_payload(zstd_compress(*inside + "x", 1)).ok());
  for (std::size_t at = 0; at < inside->size(); ++at) {
    std::string flipped = *inside;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x55);
    const Result<DecodedPayload> decoded = decode_payload(zstd_compress(flipped, 1));
    // Flipping may give another valid payload, whose hash would not fit; it must never read outside.
    EXPECT_TRUE(!decoded.ok() || decoded->records.size() <= inside->size());
  }
}

}  // namespace
}  // namespace auditferry
