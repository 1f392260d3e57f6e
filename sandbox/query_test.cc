#include "sandbox/query.h"

#include <gtest/gtest.h>

namespace auditferry {
namespace {

constexpr std::string_view sample =
    R"({"event":7,"user_id":"admin@example.com","api_call":"config_update","creation_time":1763893512,"successful":false,"raw_data":"{\"who\":\"it's\"}"})";

bool fits(std::string_view query) {
  const Result<RecordFilter> filter = parse_query(query, SandboxLog::audit);
  EXPECT_TRUE(filter.ok()) << query;
  return filter.ok() && (!*filter || (*filter)(sample));
}

TEST(Query, Fits) {
  for (const char* query : {"", "event = 7", "event=7", "successful = false", "user_id = 'admin@example.com'",
                            "api_call LIKE 'config%'", "api_call like '%fig%te'",
                            "successful = FALSE and event = 7 AND api_call = 'config_update'",
                            "raw_data LIKE '%it''s%'", "creation_time = 1763893512"}) {
    EXPECT_TRUE(fits(query)) << query;
  }
}

TEST(Query, DoesNotFit) {
  for (const char* query : {"event = 8", "successful = true", "user_id = 'admin'", "api_call LIKE 'config'",
                            "event = 7 AND successful = true", "event = -7"}) {
    EXPECT_FALSE(fits(query)) << query;
  }
}

TEST(Query, IsRefused) {
  for (const char* query : {"nothing = 1", "event", "event =", "event = '7'", "user_id = 7", "successful = 1",
                            "event LIKE '7'", "event = 7 OR event = 8", "event = 7 AND", "user_id = 'open",
                            "event > 7", "= 7", "event = 99999999999999999999999", "device_id = 'x'", " "}) {
    EXPECT_FALSE(parse_query(query, SandboxLog::audit).ok()) << query;
  }
  EXPECT_TRUE(parse_query("device_id = 'x'", SandboxLog::device).ok());
}

}  // namespace
}  // namespace auditferry
