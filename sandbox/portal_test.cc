#include "sandbox/portal.h"

#include <gtest/gtest.h>

#include <set>

#include "encoding/base64.h"
#include "encoding/json_scanner.h"
#include "encoding/json_view.h"
#include "tests/support/portal_fixture.h"

namespace auditferry {
namespace {

using namespace std::chrono_literals;

TEST(Portal, AnswersTheDocumentedCalls) {
  PortalFixture fixture;
  const PortalAnswer tenants = fixture.call("GET", "/frontend/get_tenants", "");
  EXPECT_EQ(tenants.status, 200);
  EXPECT_EQ(JsonView(tenants.body).at_pointer("/tenants/0/tenant_id")->as_string(), sandbox_tenant);
  EXPECT_EQ(JsonView(tenants.body).at_pointer("/tenants/0/plan")->as_string(), "ENTERPRISE");
  const PortalAnswer subscription = fixture.call("GET", "/frontend/get_tenant_subscription", "");
  EXPECT_EQ(JsonView(subscription.body).at_pointer("/subscription")->as_string(), "ENTERPRISE");
  for (const char* path :
       {"/frontend/get_applications", "/frontend/security_dashboard_data", "/frontend/ws-ticket"}) {
    EXPECT_EQ(fixture.call("POST", path, "{}").status, 200) << path;
  }
  EXPECT_EQ(fixture.call("POST", "/frontend/config", R"({"version":"production"})").status, 200);
  EXPECT_EQ(fixture.call("POST", "/frontend/config", R"({"version":"other"})").status, 400);
  EXPECT_EQ(fixture.call("POST", "/frontend/nothing", "{}").status, 404);
}

TEST(Portal, EveryAnswerHasDateAndRequestId) {
  PortalFixture fixture;
  const PortalAnswer answer = fixture.call("GET", "/frontend/get_tenants", "");
  EXPECT_EQ(fixture.header(answer, "Date"), "Sun, 23 Nov 2025 10:00:00 GMT");
  EXPECT_EQ(fixture.header(answer, "X-Request-Id"), "sandbox-000001");
  fixture.portal().set_date_offset(-1h);
  EXPECT_EQ(fixture.header(fixture.call("GET", "/frontend/get_tenants", ""), "Date"),
            "Sun, 23 Nov 2025 09:00:00 GMT");
}

TEST(Portal, TellsWhoMayNot) {
  PortalFixture fixture;
  const std::string body = "{}";
  fixture.token = "wrong";
  EXPECT_EQ(fixture.call("POST", "/frontend/audit_logs", body).status, 401);
  fixture.token = fixture.good_token();
  fixture.tenant = "00000000000000000000000000000000";
  EXPECT_EQ(fixture.call("POST", "/frontend/audit_logs", body).status, 403);
  fixture.tenant = "";
  EXPECT_EQ(fixture.call("POST", "/frontend/audit_logs", body).status, 400);
  fixture.tenant = sandbox_second_tenant;  // on TEAM
  const PortalAnswer gated = fixture.call("POST", "/frontend/audit_logs", body);
  EXPECT_EQ(gated.status, 403);
  EXPECT_EQ(JsonView(gated.body).find("error")->as_string(), "audit logs need the ENTERPRISE plan");
  EXPECT_EQ(fixture.call("POST", "/frontend/device_logs", body).status, 200);
  fixture.tenant = sandbox_tenant;
  EXPECT_EQ(fixture.call("POST", "/frontend/audit_logs", body).status, 200);
  fixture.portal().set_permissions(sandbox_token_key, {permission_device_logs});
  EXPECT_EQ(fixture.call("POST", "/frontend/audit_logs", body).status, 403);
  EXPECT_EQ(fixture.call("POST", "/frontend/device_logs", body).status, 200);
  fixture.portal().set_plan(sandbox_tenant, "FREE");
  EXPECT_EQ(fixture.call("POST", "/frontend/get_applications", body).status, 403);
  EXPECT_EQ(fixture.call("GET", "/frontend/get_tenant_subscription", "").status, 200);
  fixture.portal().set_token_revoked(sandbox_token_key, true);
  EXPECT_EQ(fixture.call("POST", "/frontend/device_logs", body).status, 401);
}

TEST(Portal, RefusesWrongRequests) {
  PortalFixture fixture;
  for (const char* body : {"", "[]", "{", R"({"limit":0})", R"({"limit":"5"})", R"({"start_time":"x"})",
                           R"({"start_time":5,"end_time":4})", R"({"query":7})", R"({"query":"nothing = 1"})",
                           R"({"cursor":"unknown"})", R"({"cursor":1})"}) {
    EXPECT_EQ(fixture.call("POST", "/frontend/audit_logs", body).status, 400) << body;
  }
  EXPECT_EQ(fixture.call("POST", "/frontend/audit_logs", R"({"other":1})").status, 200);
  SandboxDialect strict;
  strict.strict_fields = true;
  fixture.portal().set_dialect(strict);
  EXPECT_EQ(fixture.call("POST", "/frontend/audit_logs", R"({"other":1})").status, 400);
}

TEST(Portal, RecordsHaveTheDocumentedFields) {
  PortalFixture fixture;
  fixture.portal().make("audit", 1, fixture.now() - 1h, fixture.now() - 1h);
  fixture.portal().make("device", 1, fixture.now() - 1h, fixture.now() - 1h);
  const std::string audit = *fixture.portal().all_records("audit").at(0).json;
  for (const char* field : {"event", "user_id", "api_call", "creation_time", "successful", "raw_data"}) {
    EXPECT_TRUE(JsonView(audit).find(field)) << field;
  }
  EXPECT_TRUE(json_lookup(audit, "/raw_data#/version"));
  const std::string device = *fixture.portal().all_records("device").at(0).json;
  for (const char* field :
       {"event", "event_type", "action", "platform", "device_id", "app_id", "app_version", "os_version",
        "device_model", "ip_address", "country", "creation_time", "raw_data"}) {
    EXPECT_TRUE(JsonView(device).find(field)) << field;
  }
}

TEST(Portal, PadsRecordsToTheByte) {
  PortalFixture fixture;
  for (const char* stream : {"audit", "device", "okta", "github"}) {
    fixture.portal().make(stream, 3, fixture.now() - 1h, fixture.now(), 777);
    for (const RecordInfo& record : fixture.portal().all_records(stream)) {
      EXPECT_EQ(record.json->size(), 777u) << stream;
      EXPECT_TRUE(scan_json(*record.json).ok());
    }
  }
}

TEST(Portal, TheSameSeedMakesTheSameRecordsHoweverItIsAsked) {
  SandboxStreamOptions stream;
  stream.rate_per_second = 3;
  stream.pile = 4;
  stream.burst_every = 17s;
  stream.burst_size = 5;
  stream.late_share = 0.2;
  stream.late_by = 30s;
  stream.disorder_share = 0.2;
  stream.disorder_by = 10s;
  PortalOptions options;
  options.streams[SandboxLog::audit] = stream;
  PortalFixture often(options);
  PortalFixture once(options);
  for (int i = 0; i < 100; ++i) {
    often.pass(1s);
    often.portal().advance_to(often.now());
  }
  once.pass(100s);
  const auto a = often.portal().all_records("audit");
  const auto b = once.portal().all_records("audit");
  ASSERT_EQ(a.size(), b.size());
  ASSERT_GT(a.size(), 250u);
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(*a[i].json, *b[i].json);
    EXPECT_EQ(a[i].first_visible, b[i].first_visible);
  }
  options.seed = 2;
  PortalFixture other(options);
  other.pass(100s);
  EXPECT_NE(*other.portal().all_records("audit").at(0).json, *a.at(0).json);
}

TEST(Portal, RecordsComeWithTimeAndLateOnesLater) {
  SandboxStreamOptions stream;
  stream.rate_per_second = 1;
  stream.late_share = 1;
  stream.late_by = 60s;
  PortalOptions options;
  options.streams[SandboxLog::device] = stream;
  PortalFixture fixture(options);
  fixture.pass(59s);
  EXPECT_TRUE(fixture.portal().all_records("device").empty());
  fixture.pass(2s);
  const auto records = fixture.portal().all_records("device");
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].first_visible - records[0].created, 60s);
  fixture.portal().stop_making();
  fixture.pass(1h);
  EXPECT_EQ(fixture.portal().all_records("device").size(), 62u);
}

TEST(Portal, PilesBurstsAndDisorder) {
  SandboxStreamOptions stream;
  stream.rate_per_second = 10;
  stream.pile = 50;
  stream.burst_every = 20s;
  stream.burst_size = 30;
  PortalOptions options;
  options.streams[SandboxLog::audit] = stream;
  stream = {};
  stream.rate_per_second = 10;
  stream.disorder_share = 0.5;
  stream.disorder_by = 100s;
  options.streams[SandboxLog::device] = stream;
  PortalFixture fixture(options);
  fixture.pass(24s);
  std::multiset<WallTime> times;
  for (const RecordInfo& record : fixture.portal().all_records("audit")) times.insert(record.created);
  EXPECT_EQ(times.size(), 280u);
  EXPECT_EQ(times.count(fixture.start()), 50u);
  EXPECT_EQ(times.count(fixture.start() + 20s), 80u);
  const auto device = fixture.portal().all_records("device");
  std::size_t backwards = 0;
  for (std::size_t i = 1; i < device.size(); ++i) {
    EXPECT_LT(device[i - 1].event, device[i].event);
    backwards += device[i].created < device[i - 1].created ? 1 : 0;
  }
  EXPECT_GT(backwards, 20u);
}

TEST(Portal, ForgetsErasesAndChanges) {
  PortalFixture fixture;
  const auto ids = fixture.portal().make("audit", 10, fixture.now() - 9h, fixture.now());
  fixture.portal().set_retention("audit", 4h);
  EXPECT_EQ(fixture.ids(fixture.logs("audit_logs", "{}")).size(), 5u);
  EXPECT_TRUE(fixture.portal().erase("audit", ids[9]));
  EXPECT_FALSE(fixture.portal().erase("audit", "nobody"));
  EXPECT_TRUE(fixture.portal().change("audit", ids[8]));
  EXPECT_TRUE(fixture.portal().change("audit", ids[8]));
  const std::string page = fixture.logs("audit_logs", "{}");
  EXPECT_EQ(fixture.ids(page), (std::vector<std::string>{ids[8], ids[7], ids[6], ids[5]}));
  EXPECT_EQ(JsonView(page).at_pointer("/logs/0/sandbox_changed")->as_int64(), 2);
  const auto records = fixture.portal().all_records("audit");
  EXPECT_TRUE(records[0].forgotten);
  EXPECT_FALSE(records[9].forgotten);
  EXPECT_TRUE(records[9].erased);
  EXPECT_EQ(records[8].changes, 2u);
  const PortalStats stats = fixture.portal().stats();
  EXPECT_EQ(stats.streams.at("audit").made, 10u);
  EXPECT_EQ(stats.streams.at("audit").forgotten, 5u);
  EXPECT_EQ(stats.streams.at("audit").erased, 1u);
  EXPECT_EQ(stats.streams.at("audit").changed, 2u);
}

TEST(Portal, AddsExactRecords) {
  PortalFixture fixture;
  const std::string id = fixture.portal().add("audit", fixture.now() - 5s,
                                              {{"user_id", "\"auditor@example.com\""}, {"extra", "[1]"}});
  const std::string late = fixture.portal().add("audit", fixture.now() - 9s, {}, fixture.now() + 10s);
  fixture.portal().add_raw("audit", fixture.now() - 7s, "raw", "{\"event\":tru}");
  std::string page = fixture.logs("audit_logs", "{}");
  EXPECT_NE(page.find("{\"event\":tru}"), std::string::npos);
  EXPECT_NE(page.find("\"extra\":[1]"), std::string::npos);
  EXPECT_NE(page.find("\"user_id\":\"auditor@example.com\""), std::string::npos);
  EXPECT_EQ(page.find("\"event\":" + late), std::string::npos);
  fixture.pass(10s);
  page = fixture.logs("audit_logs", "{}");
  EXPECT_NE(page.find("\"event\":" + late), std::string::npos);
  EXPECT_NE(page.find("\"event\":" + id), std::string::npos);
}

TEST(Portal, ListsWhatItHasMadeAndCounts) {
  PortalFixture fixture;
  fixture.portal().make("audit", 3, fixture.now() - 1h, fixture.now());
  fixture.call("GET", "/frontend/get_tenants", "");
  PortalAnswer answer = fixture.call("GET", "/sandbox/records?stream=audit", "");
  std::string lines = answer.body;
  while (answer.more(lines)) {
  }
  std::size_t count = 0;
  for (std::size_t at = 0, end = 0; (end = lines.find('\n', at)) != std::string::npos;
       at = end + 1, ++count) {
    const Result<ScannedJson> line = scan_json(std::string_view(lines).substr(at, end - at));
    ASSERT_TRUE(line.ok());
    EXPECT_TRUE(JsonView(line->text).at_pointer("/record/event"));
  }
  EXPECT_EQ(count, 3u);
  EXPECT_EQ(fixture.call("GET", "/sandbox/records?stream=none", "").status, 404);
  const PortalAnswer stats = fixture.call("GET", "/sandbox/stats", "");
  EXPECT_EQ(JsonView(stats.body).at_pointer("/streams/audit/made")->as_int64(), 3);
  EXPECT_EQ(JsonView(stats.body).at_pointer("/by_status/200")->as_int64(), 1);
  EXPECT_EQ(fixture.portal().seen_requests().size(), 1u);
}

TEST(Portal, RewritesItsHistoryOverHttp) {
  PortalFixture fixture;
  const std::vector<std::string> ids = fixture.portal().make("audit", 3, fixture.now() - 1h, fixture.now());
  EXPECT_EQ(fixture.call("POST", "/sandbox/change?stream=audit&id=" + ids[0], "").status, 200);
  EXPECT_EQ(fixture.call("POST", "/sandbox/erase?stream=audit&id=" + ids[1], "").status, 200);
  const std::string page = fixture.logs("audit_logs", "{}");
  EXPECT_NE(page.find("\"event\":" + ids[0] + ","), std::string::npos) << page;
  EXPECT_NE(page.find("\"sandbox_changed\":1}"), std::string::npos) << page;
  EXPECT_EQ(page.find("\"event\":" + ids[1] + ","), std::string::npos) << page;
  EXPECT_NE(page.find("\"event\":" + ids[2] + ","), std::string::npos) << page;
  const PortalStats stats = fixture.portal().stats();
  EXPECT_EQ(stats.streams.at("audit").changed, 1u);
  EXPECT_EQ(stats.streams.at("audit").erased, 1u);
  EXPECT_EQ(fixture.call("POST", "/sandbox/erase?stream=audit&id=1", "").status, 404);
  EXPECT_EQ(fixture.call("POST", "/sandbox/erase?stream=none&id=" + ids[2], "").status, 404);
  EXPECT_EQ(fixture.call("POST", "/sandbox/change?stream=audit", "").status, 400);
  EXPECT_EQ(fixture.call("GET", "/sandbox/erase?stream=audit&id=" + ids[2], "").status, 404);
}

TEST(Portal, StopsMakingOverHttp) {
  PortalOptions options;
  options.streams[SandboxLog::audit].rate_per_second = 1;
  PortalFixture fixture(options);
  fixture.pass(10s);
  EXPECT_EQ(fixture.call("POST", "/sandbox/stop-making", "").status, 200);
  fixture.pass(1h);
  EXPECT_EQ(fixture.portal().all_records("audit").size(), 11u);
  fixture.portal().resume_making();
  fixture.pass(5s);
  EXPECT_EQ(fixture.portal().all_records("audit").size(), 16u);
}

TEST(Portal, TenantsHaveTheirOwnRecords) {
  PortalFixture fixture;
  fixture.portal().make("device", 2, fixture.now() - 1h, fixture.now(), 0, sandbox_second_tenant);
  EXPECT_TRUE(fixture.portal().all_records("device").empty());
  fixture.tenant = sandbox_second_tenant;
  EXPECT_EQ(fixture.ids(fixture.logs("device_logs", "{}")).size(), 2u);
}

}  // namespace
}  // namespace auditferry
