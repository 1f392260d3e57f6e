#include "exporters/elastic_bulk.h"

#include <gtest/gtest.h>

#include <random>

#include "encoding/hash.h"
#include "encoding/json_scanner.h"
#include "encoding/time_format.h"

namespace auditferry {
namespace {

Record a_record() {
  Record record;
  record.source = "acme";
  record.vendor = "apptego";
  record.tenant = "T 1";
  record.stream = "audit";
  record.id = "17";
  record.time = *parse_rfc3339("2025-11-23T23:59:59.5Z");
  record.received = *parse_rfc3339("2025-11-24T00:00:01Z");
  return record;
}

std::string create(std::string_view bytes, const Record& record = a_record()) {
  std::string body;
  append_create({&record, bytes}, *TextTemplate::parse("audit-{tenant}-{date}"), body);
  return body;
}

TEST(ElasticBulk, CreatesUnderTheRecordsOwnId) {
  EXPECT_EQ(create(R"({"a":1})"),
            "{\"create\":{\"_index\":\"audit-t_1-2025-11-23\",\"_id\":\"apptego/T 1/audit/17\"}}\n"
            "{\"@timestamp\":\"2025-11-23T23:59:59.500Z\",\"a\":1}\n");
}

// What "released" and "damaged" gaps are: an exporter's, of no source, tenant or stream.
TEST(ElasticBulk, AGapOfNoStreamHasAnIndexToo) {
  Record gap;
  gap.gap = true;
  gap.id = "gap-0011-3";
  gap.time = *parse_rfc3339("2025-11-24T00:00:01Z");
  for (const auto& [written, index] : {std::pair("audit-{tenant}", "audit-auditferry"),
                                       std::pair("{vendor}-{stream}", "auditferry-auditferry"),
                                       std::pair("{tenant}", "auditferry")}) {
    std::string body;
    append_create({&gap, "{}"}, *TextTemplate::parse(written), body);
    EXPECT_TRUE(body.starts_with(std::string("{\"create\":{\"_index\":\"") + index + "\",\"_id\":\"gap-0011-3\"}}\n"))
        << body;
  }
}

TEST(ElasticBulk, EveryDocumentHasATimeStamp) {
  const std::string own = R"({"x":{"@timestamp":1},"@timestamp":"2020-01-01T00:00:00Z"})";
  EXPECT_TRUE(create(own).ends_with("}}\n" + own + "\n"));
  EXPECT_TRUE(create(R"({"x":{"@timestamp":1}})")
                  .ends_with("\n{\"@timestamp\":\"2025-11-23T23:59:59.500Z\",\"x\":{\"@timestamp\":1}}\n"));
  EXPECT_TRUE(create(R"({"\u0040timestamp":1})").ends_with("\n{\"\\u0040timestamp\":1}\n"));
  EXPECT_TRUE(create("{}").ends_with("\n{\"@timestamp\":\"2025-11-23T23:59:59.500Z\"}\n"));
  EXPECT_TRUE(create("[1]").ends_with("\n{\"@timestamp\":\"2025-11-23T23:59:59.500Z\",\"record\":[1]}\n"));
  Record timeless = a_record();
  timeless.has_time = false;
  EXPECT_NE(create("{}", timeless).find("\"@timestamp\":\"2025-11-24T00:00:01Z\""), std::string::npos);
}

TEST(ElasticBulk, LongIdsAreHashed) {
  Record record = a_record();
  const std::string id(495, 'i');  // "apptego/T 1/audit/" is 18 bytes
  record.id = std::string_view(id).substr(0, 494);
  EXPECT_EQ(document_id(record).size(), 512u);
  record.id = id;
  EXPECT_EQ(document_id(record), "sha256:" + hex(sha256("apptego/T 1/audit/" + id)));
  // Bytes that are no text become three each.
  const std::string bytes = std::string(165, '\xFF');
  record.id = std::string_view(bytes).substr(0, 164);
  EXPECT_EQ(document_id(record), "apptego/T 1/audit/" + std::string(record.id));
  record.id = bytes;
  EXPECT_EQ(document_id(record), "sha256:" + hex(sha256("apptego/T 1/audit/" + bytes)));
}

TEST(ElasticBulk, IndexNamesAreLegal) {
  EXPECT_EQ(clean_index("Logs Of/Acme*"), "logs_of_acme_");
  EXPECT_EQ(clean_index("_x"), "xx");
  EXPECT_EQ(clean_index("-+"), "x+");
  EXPECT_EQ(clean_index(".."), "x");
  EXPECT_EQ(clean_index(""), "x");
  EXPECT_EQ(clean_index("a\xC3\xA9\n\"b"), "a____b");
  const std::string long_a = clean_index(std::string(300, 'a'));
  EXPECT_LE(long_a.size(), 255u);
  EXPECT_NE(long_a, clean_index(std::string(301, 'a')));
}

TEST(ElasticBulk, ReadsItems) {
  const auto answer = parse_bulk_answer(
      R"({"errors":true,"items":[{"create":{"status":201}},{"create":{"status":400,"error":{"type":"mapper_parsing_exception","reason":"failed to parse","caused_by":{"type":"x","reason":"For input string: \"a\""}}}},{"create":{"error":"words"}},{}]})");
  ASSERT_TRUE(answer.has_value());
  ASSERT_EQ(answer->items.size(), 4u);
  EXPECT_EQ(answer->items[0].status, 201);
  EXPECT_EQ(judge_item(answer->items[1]).verdict, Verdict::poison);
  EXPECT_EQ(judge_item(answer->items[1]).reason,
            "status 400 mapper_parsing_exception: failed to parse: For input string: \"a\"");
  EXPECT_EQ(judge_item(answer->items[2]).verdict, Verdict::retry);  // no status confirms nothing
  EXPECT_EQ(judge_item(answer->items[3]).verdict, Verdict::retry);
}

TEST(ElasticBulk, EveryStatusOfAnItemHasItsVerdict) {
  const std::pair<int, Verdict> table[] = {
      {200, Verdict::delivered}, {201, Verdict::delivered}, {409, Verdict::delivered}, {400, Verdict::poison},
      {413, Verdict::poison},    {422, Verdict::poison},    {401, Verdict::pause},     {403, Verdict::pause},
      {404, Verdict::pause},     {429, Verdict::retry},     {500, Verdict::retry},     {503, Verdict::retry},
      {0, Verdict::retry}};
  for (const auto& [status, verdict] : table)
    EXPECT_EQ(judge_item({status, "", ""}).verdict, verdict) << status;
  EXPECT_EQ(judge_item({400, "invalid_index_name_exception", ""}).verdict, Verdict::pause);
  EXPECT_EQ(judge_item({400, "index_closed_exception", "closed"}).verdict, Verdict::pause);
  EXPECT_EQ(judge_item({400, "illegal_argument_exception", "pipeline with id [x] does not exist"}).verdict,
            Verdict::pause);
}

TEST(ElasticBulk, IsNoAnswerWithoutItsParts) {
  for (const char* body :
       {"", "ok", "[]", "{}", R"({"errors":false})", R"({"items":[]})", R"({"errors":1,"items":[]})",
        R"({"errors":false,"items":{}})", R"({"errors":false,"items":[)"})
    EXPECT_FALSE(parse_bulk_answer(body)) << body;
}

TEST(ElasticBulk, SurvivesEveryBody) {
  const std::string good =
      R"({"errors":true,"items":[{"create":{"status":400,"error":{"type":"t","reason":"r","caused_by":{"reason":"c"}}}}]})";
  std::mt19937 random(5);
  for (int round = 0; round < 20'000; ++round) {
    std::string body = good.substr(0, random() % (good.size() + 1));
    for (std::size_t i = random() % 3; i > 0 && !body.empty(); --i)
      body[random() % body.size()] = static_cast<char>(random());
    if (const auto answer = parse_bulk_answer(body)) {
      for (const BulkItem& item : answer->items) static_cast<void>(judge_item(item));
    }
    static_cast<void>(request_error(body));
  }
}

}  // namespace
}  // namespace auditferry
