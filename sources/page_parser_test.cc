#include "sources/page_parser.h"

#include <gtest/gtest.h>

#include "core/random.h"
#include "encoding/hash.h"
#include "encoding/json_text.h"
#include "encoding/time_format.h"
#include "sources/profile.h"

namespace auditferry {
namespace {

constexpr std::uint64_t max_record = 16 << 20;

class PageParser : public testing::Test {
 protected:
  PageParser() : profile_(*builtin_profile("apptego")), stream_(profile_.streams.at("audit")) {}

  std::variant<Page, PageProblem> parse(std::string body) {
    response_.status = 200;
    response_.body = std::move(body);
    return parse_page(profile_, stream_, response_, max_record, secrets_);
  }
  Page page(std::string body) {
    auto parsed = parse(std::move(body));
    if (const auto* problem = std::get_if<PageProblem>(&parsed)) {
      ADD_FAILURE() << to_string(problem->kind) << ": " << problem->message;
      return {};
    }
    return std::get<Page>(std::move(parsed));
  }
  PageProblem problem(std::string body) {
    auto parsed = parse(std::move(body));
    if (std::holds_alternative<PageProblem>(parsed)) return std::get<PageProblem>(parsed);
    ADD_FAILURE() << "a page was made of it";
    return {};
  }
  // A page whose only record is this.
  PageRecord record(const std::string& json) {
    last_ = page("{\"logs\":[" + json + "],\"cursor\":null}");
    return last_.records.empty() ? PageRecord{} : last_.records[0];
  }

  const SecretMask secrets_{{Secret("example-token")}};
  Profile profile_;
  StreamProfile stream_;
  HttpResponse response_{200, {{"Date", "Sun, 23 Nov 2025 10:25:14 GMT"}}, ""};
  Page last_;
};

TEST_F(PageParser, ReadsARealPage) {
  const Page result = page(R"({"logs": [
    {"event": 81723, "user_id": "admin@example.com", "api_call": "config_update", "creation_time": 1763893512, "successful": true,
     "raw_data": "{\"version\":\"staging\"}"},
    {"event": "81722", "creation_time": 1763893511, "successful": 0, "raw_data": {"ip": null}}], "cursor": "opaque"})");
  ASSERT_EQ(result.records.size(), 2u);
  EXPECT_EQ(result.cursor, "\"opaque\"");
  EXPECT_EQ(result.records[0].id, "81723");
  EXPECT_EQ(format_rfc3339(result.records[0].time), "2025-11-23T10:25:12Z");
  EXPECT_TRUE(result.records[0].has_id && result.records[0].has_time);
  EXPECT_EQ(result.records[1].raw,
            R"({"event":"81722","creation_time":1763893511,"successful":0,"raw_data":{"ip":null}})");
  EXPECT_EQ(result.records[1].id, "81722");
  EXPECT_EQ(result.records[1].content, short_hash(canonical_json(result.records[1].raw)));
  EXPECT_FALSE(result.repaired);
}

TEST_F(PageParser, KeepsEveryDigitOfIds) {
  EXPECT_EQ(record(R"({"event":18446744073709551616,"creation_time":1763893512})").id,
            "18446744073709551616");
  EXPECT_EQ(record(R"({"event":123456789012345678901234567890,"creation_time":1763893512})").id,
            "123456789012345678901234567890");
  EXPECT_EQ(record(R"({"event":"a\u00e9\ud83d\ude00","creation_time":1763893512})").id,
            "a\xc3\xa9\xf0\x9f\x98\x80");
  EXPECT_EQ(record(R"({"event":0,"creation_time":1763893512})").id, "0");
}

TEST_F(PageParser, UsesTheContentWhereThereIsNoId) {
  for (const char* json :
       {R"({"b":1,"a":2,"creation_time":1763893512})", R"({"event":null,"creation_time":1763893512})",
        R"({"event":true,"creation_time":1763893512})", R"({"event":{},"creation_time":1763893512})",
        R"({"event":"","creation_time":1763893512})"}) {
    const PageRecord result = record(json);
    EXPECT_FALSE(result.has_id) << json;
    EXPECT_EQ(result.id, hex(sha256(canonical_json(json))));
  }
  EXPECT_EQ(record(R"({"a":1,"b":2})").id, record(R"({"b":2,"a":1})").id);
  stream_.fields.id = "";
  EXPECT_FALSE(record(R"({"event":1,"creation_time":1763893512})").has_id);
}

TEST_F(PageParser, ReadsIdsInsideEmbeddedJson) {
  stream_.fields.id = "/raw_data#/uuid";
  EXPECT_EQ(record(R"({"raw_data":"{\"uuid\": \"u-1\"}","creation_time":1763893512})").id, "u-1");
  EXPECT_EQ(record(R"({"raw_data":{"uuid":7},"creation_time":1763893512})").id, "7");
  EXPECT_FALSE(record(R"({"raw_data":"not json","creation_time":1763893512})").has_id);
}

TEST_F(PageParser, ReadsTimesOfTheConfiguredUnit) {
  EXPECT_EQ(format_rfc3339(record(R"({"event":1,"creation_time":"1763893512"})").time),
            "2025-11-23T10:25:12Z");
  EXPECT_EQ(format_rfc3339(record(R"({"event":1,"creation_time":1763893512.5})").time),
            "2025-11-23T10:25:12.500Z");
  stream_.time_unit = TimeUnit::milliseconds;
  EXPECT_EQ(format_rfc3339(record(R"({"event":1,"creation_time":1763893512345})").time),
            "2025-11-23T10:25:12.345Z");
  stream_.time_unit = TimeUnit::rfc3339;
  EXPECT_EQ(format_rfc3339(record(R"({"event":1,"creation_time":"2025-11-23T11:25:12+01:00"})").time),
            "2025-11-23T10:25:12Z");
}

TEST_F(PageParser, MarksRecordsWithoutATime) {
  for (const char* json :
       {R"({"event":1})", R"({"event":1,"creation_time":null})", R"({"event":1,"creation_time":"yesterday"})",
        R"({"event":1,"creation_time":{}})"}) {
    const PageRecord result = record(json);
    EXPECT_FALSE(result.has_time) << json;
    EXPECT_EQ(result.time, WallTime{});
  }
  // A single odd one among good ones is a record like any other.
  const Page result = page(
      R"({"logs":[{"event":1,"creation_time":1763893512},{"event":2,"creation_time":1763893512},)"
      R"({"event":3,"creation_time":1763893512000},{"event":4,"creation_time":5},{"event":5,"creation_time":1763893512}]})");
  ASSERT_EQ(result.records.size(), 5u);
  EXPECT_FALSE(result.records[2].has_time);
  EXPECT_TRUE(result.records[3].has_time);
}

TEST_F(PageParser, NamesTheUnitThatWouldFit) {
  const PageProblem milliseconds = problem(
      R"({"logs":[{"event":1,"creation_time":1763893512000},{"event":2,"creation_time":1763893512001}]})");
  EXPECT_EQ(milliseconds.kind, PageProblem::Kind::other_shape);
  EXPECT_NE(milliseconds.message.find("streams.audit.time_unit says \"seconds\""), std::string::npos)
      << milliseconds.message;
  EXPECT_NE(milliseconds.message.find("time_unit = \"milliseconds\" would fit"), std::string::npos)
      << milliseconds.message;
  const PageProblem text = problem(R"({"logs":[{"event":1,"creation_time":"2025-11-23T10:25:12Z"}]})");
  EXPECT_NE(text.message.find("time_unit = \"rfc3339\" would fit"), std::string::npos) << text.message;
  const PageProblem small = problem(R"({"logs":[{"event":1,"creation_time":17}]})");
  EXPECT_NE(small.message.find("no time_unit fits"), std::string::npos) << small.message;
  stream_.time_unit = TimeUnit::milliseconds;
  const PageProblem seconds = problem(R"({"logs":[{"event":1,"creation_time":1763893512}]})");
  EXPECT_NE(seconds.message.find("time_unit = \"seconds\" would fit"), std::string::npos) << seconds.message;
}

TEST_F(PageParser, ReadsCursors) {
  const auto cursor = [this](const std::string& rest) {
    return page("{\"logs\":[]" + rest + "}").cursor.value_or("none");
  };
  EXPECT_EQ(cursor(R"(,"cursor":"abc\"")"), R"("abc\"")");
  EXPECT_EQ(cursor(R"(,"cursor":17)"), "17");
  EXPECT_EQ(cursor(R"(,"cursor":0)"), "0");
  EXPECT_EQ(cursor(R"(,"cursor":{"after":1})"), R"({"after":1})");
  for (const char* none :
       {"", R"(,"cursor":null)", R"(,"cursor":"")", R"(,"cursor":false)", R"(,"cursor":{})"}) {
    EXPECT_EQ(cursor(none), "none") << none;
  }
}

TEST_F(PageParser, ReadsLinks) {
  stream_.paging = PagingKind::link;
  stream_.cursor = "";
  response_.headers.push_back({"Link", "<https://h/s>; rel=\"self\""});
  EXPECT_EQ(page("{\"logs\":[]}").cursor, std::nullopt);
  response_.headers.push_back({"Link", "<https://h/n>; rel=\"next\""});
  EXPECT_EQ(page("{\"logs\":[]}").cursor, "https://h/n");
  stream_.cursor = "/links/next";
  EXPECT_EQ(page(R"({"logs":[],"links":{"next":"https:\/\/h\/p"}})").cursor, "https://h/p");
  EXPECT_EQ(page(R"({"logs":[],"links":{"next":null}})").cursor, std::nullopt);
  stream_.paging = PagingKind::offset;
  EXPECT_EQ(page("{\"logs\":[],\"cursor\":\"x\"}").cursor, std::nullopt);
}

TEST_F(PageParser, AMissingArrayIsAnotherShapeNeverZeroRecords) {
  const PageProblem missing =
      problem(R"({"cursor":null,"entries":[{"event":1}],"total":1,"message":"moved"})");
  EXPECT_EQ(missing.kind, PageProblem::Kind::other_shape);
  EXPECT_EQ(missing.message,
            "the answer has the keys cursor, entries, total, message; profile setting streams.audit.records "
            "says \"/logs\": change it "
            "(there is an array at /entries)");
  EXPECT_EQ(missing.error_text, "moved");
  EXPECT_NE(problem(R"({"logs":null})").message.find("where there is null, not an array"), std::string::npos);
  EXPECT_EQ(problem(R"({"logs":{}})").kind, PageProblem::Kind::other_shape);
  EXPECT_NE(problem("[]").message.find("the answer is an array"), std::string::npos);
  EXPECT_NE(problem("\"text\"").message.find("the answer is a string"), std::string::npos);
  EXPECT_NE(problem("{}").message.find("empty object"), std::string::npos);
  const PageProblem entry = problem(R"({"logs":[{"event":1},17]})");
  EXPECT_EQ(entry.kind, PageProblem::Kind::other_shape);
  EXPECT_NE(entry.message.find("entry 1 "), std::string::npos) << entry.message;
  EXPECT_TRUE(page("{\"logs\":[]}").records.empty());
}

TEST_F(PageParser, TheWholeAnswerCanBeTheArray) {
  stream_.records = "";
  EXPECT_EQ(page(R"([{"event":1,"creation_time":1763893512}])").records.size(), 1u);
}

TEST_F(PageParser, TellsProblemsApart) {
  EXPECT_EQ(problem("").kind, PageProblem::Kind::truncated);
  EXPECT_EQ(problem(R"({"logs":[{"event":1},{"ev)").kind, PageProblem::Kind::truncated);
  EXPECT_EQ(problem("Service Unavailable").kind, PageProblem::Kind::not_json);
  EXPECT_EQ(problem("{\"logs\":[tru]}").kind, PageProblem::Kind::not_json);
  EXPECT_EQ(problem("\n <!DOCTYPE html><html>login</html>").kind, PageProblem::Kind::html);
  EXPECT_EQ(problem(std::string(300, '[')).kind, PageProblem::Kind::too_deep);
  const PageProblem failed = problem(R"({"success":false,"error":"quota\nexceeded"})");
  EXPECT_EQ(failed.kind, PageProblem::Kind::success_false);
  EXPECT_EQ(failed.error_text, "quota exceeded");
  EXPECT_EQ(page(R"({"success":true,"logs":[]})").records.size(), 0u);
}

TEST_F(PageParser, NoProblemRepeatsASecret) {
  const std::string secret = "example-token";
  for (const std::string body :
       {R"({"example-token":1,"error":"example-token"})", R"({"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa example-token":[]})",
        R"({"success":false,"error":"example-token"})", R"({"logs":[{"event":1,"creation_time":"2025 example-token"}]})",
        R"({"logs":[{"event":1,"creation_time":7e99}],"error":"example-token"})"}) {
    auto parsed = parse(body);
    const auto* met = std::get_if<PageProblem>(&parsed);
    if (met == nullptr) continue;
    EXPECT_EQ(met->message.find("example-"), std::string::npos) << met->message;
    EXPECT_EQ(met->error_text.find(secret), std::string::npos) << met->error_text;
  }
  EXPECT_EQ(problem(R"({"success":false,"error":"example-token"})").error_text, "***");
  EXPECT_NE(problem(R"({"example-token":1})").message.find("the keys ***"), std::string::npos);
}

TEST_F(PageParser, FlagsTheRepairedRecordsOnly) {
  const Page result = page(
      "{\"logs\":[{\"event\":1,\"x\":\"\xff\"},{\"event\":2},{\"event\":3,\"y\":\"a\tb\"}],\"note\":"
      "\"\xff\"}");
  ASSERT_EQ(result.records.size(), 3u);
  EXPECT_TRUE(result.records[0].repaired);
  EXPECT_FALSE(result.records[1].repaired);
  EXPECT_TRUE(result.records[2].repaired);
  EXPECT_TRUE(result.repaired);
  EXPECT_FALSE(page("{\"note\":\"\xff\",\"logs\":[{\"event\":2}]}").repaired);
}

TEST_F(PageParser, SetsOversizedRecordsAside) {
  response_.body = R"({"logs":[{"event":1,"creation_time":1763893512,"x":")" + std::string(500, 'x') +
                   R"("},{"event":2,"creation_time":1763893511}]})";
  const auto parsed = parse_page(profile_, stream_, response_, 100, secrets_);
  const Page& result = std::get<Page>(parsed);
  ASSERT_EQ(result.records.size(), 1u);
  EXPECT_EQ(result.records[0].id, "2");
  ASSERT_EQ(result.oversized.size(), 1u);
  EXPECT_EQ(result.oversized[0].id, "1");
  EXPECT_GT(result.oversized[0].bytes, 500u);
  EXPECT_TRUE(result.oversized[0].has_time);
}

TEST_F(PageParser, RecordsOutliveTheResponse) {
  Page result = page(R"({"logs":[{"event":1}]})");
  response_.body.assign(100, '#');
  const Page moved = std::move(result);
  EXPECT_EQ(moved.records[0].raw, "{\"event\":1}");
}

TEST_F(PageParser, SurvivesMutatedAnswers) {
  Random random(4242);
  const std::string good =
      R"({"logs":[{"event":81723,"creation_time":1763893512,"raw_data":"{\"a\":\"\\u00e9\"}"},)"
      R"({"event":"x","creation_time":"1763893511","successful":false}],"cursor":"c","success":true})";
  for (int round = 0; round < 20'000; ++round) {
    std::string body = good;
    for (std::uint64_t i = 1 + random.below(3); i > 0; --i) {
      const std::size_t at = random.below(body.size());
      if (random.below(2) == 0) {
        body[at] = static_cast<char>(random.below(256));
      } else {
        body.erase(at, 1 + random.below(5));
      }
    }
    const auto parsed = parse(body);
    if (const auto* result = std::get_if<Page>(&parsed)) {
      for (const PageRecord& entry : result->records) ASSERT_FALSE(entry.id.empty());
    } else {
      ASSERT_FALSE(std::get<PageProblem>(parsed).message.empty());
    }
  }
}

}  // namespace
}  // namespace auditferry
