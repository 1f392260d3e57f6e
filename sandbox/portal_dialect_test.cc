// Pages, cursors and ranges, in every form that the options offer.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "encoding/json_view.h"
#include "sandbox/portal.h"
#include "tests/support/portal_fixture.h"

namespace auditferry {
namespace {

using namespace std::chrono_literals;

std::string seconds(WallTime time) {
  return std::to_string(to_micros(time) / 1'000'000);
}

// Follows cursors to the end; at most 100 pages.
std::vector<std::string> walk(PortalFixture& fixture, const std::string& first,
                              std::size_t* pages = nullptr) {
  std::vector<std::string> ids;
  std::string body = first;
  for (int page = 0; page < 100; ++page) {
    const std::string text = fixture.logs("audit_logs", body);
    for (std::string& id : fixture.ids(text)) ids.push_back(std::move(id));
    if (pages) ++*pages;
    const auto cursor = JsonView(text).find("cursor");
    if (!cursor || cursor->is_null() || cursor->raw() == "\"\"") break;
    body = first.substr(0, first.size() - 1) + (first.size() > 2 ? "," : "") +
           "\"cursor\":" + std::string(cursor->raw()) + "}";
  }
  return ids;
}

std::vector<std::string> newest_first(PortalFixture& fixture) {
  auto records = fixture.portal().all_records("audit");
  std::sort(records.begin(), records.end(), [](const RecordInfo& a, const RecordInfo& b) {
    return std::make_pair(a.created, a.event) > std::make_pair(b.created, b.event);
  });
  std::vector<std::string> ids;
  for (const RecordInfo& record : records) ids.push_back(record.id);
  return ids;
}

TEST(PortalPages, ShowEachRecordOnceNewestFirst) {
  PortalFixture fixture;
  fixture.portal().make("audit", 95, fixture.now() - 10s, fixture.now());
  std::size_t pages = 0;
  EXPECT_EQ(walk(fixture, R"({"limit":10})", &pages), newest_first(fixture));
  EXPECT_EQ(pages, 10u);
}

TEST(PortalPages, AFullLastPageMayHaveACursorToNothing) {
  PortalFixture fixture;
  fixture.portal().make("audit", 20, fixture.now() - 10s, fixture.now());
  std::size_t pages = 0;
  walk(fixture, R"({"limit":10})", &pages);
  EXPECT_EQ(pages, 2u);
  SandboxDialect dialect;
  dialect.last_page = SandboxLastPage::when_full;
  fixture.portal().set_dialect(dialect);
  pages = 0;
  EXPECT_EQ(walk(fixture, R"({"limit":10})", &pages).size(), 20u);
  EXPECT_EQ(pages, 3u);
}

TEST(PortalPages, TheServersMaximumHolds) {
  PortalOptions options;
  options.page_limit = 7;
  PortalFixture fixture(options);
  fixture.portal().make("audit", 20, fixture.now() - 10s, fixture.now());
  EXPECT_EQ(fixture.ids(fixture.logs("audit_logs", R"({"limit":1000})")).size(), 7u);
}

TEST(PortalPages, NewRecordsDoNotShiftACursor) {
  PortalFixture fixture;
  fixture.portal().make("audit", 20, fixture.now() - 100s, fixture.now() - 50s);
  const std::vector<std::string> before = newest_first(fixture);
  const std::string first = fixture.logs("audit_logs", R"({"limit":10})");
  fixture.portal().make("audit", 20, fixture.now() - 10s, fixture.now());
  const std::string second = fixture.logs(
      "audit_logs", R"({"limit":10,"cursor":)" + std::string(JsonView(first).find("cursor")->raw()) + "}");
  EXPECT_EQ(fixture.ids(second), std::vector<std::string>(before.begin() + 10, before.end()));
}

TEST(PortalPages, OrderByEventIsNotOrderByTime) {
  PortalOptions options;
  options.dialect.order_by_event = true;
  PortalFixture fixture(options);
  const std::string a = fixture.portal().add("audit", fixture.now() - 10s);
  const std::string b = fixture.portal().add("audit", fixture.now() - 50s);
  const std::string c = fixture.portal().add("audit", fixture.now() - 20s);
  EXPECT_EQ(walk(fixture, R"({"limit":1})"), (std::vector<std::string>{c, b, a}));
  EXPECT_EQ(walk(fixture, R"({"limit":1,"start_time":)" + seconds(fixture.now() - 20s) + "}"),
            (std::vector<std::string>{c, a}));
}

TEST(PortalRange, BoundsAreInclusiveUnlessTold) {
  PortalFixture fixture;
  fixture.portal().make("audit", 11, fixture.now() - 10s, fixture.now());
  const std::string body = R"({"start_time":)" + seconds(fixture.now() - 7s) + R"(,"end_time":)" +
                           seconds(fixture.now() - 3s) + "}";
  EXPECT_EQ(walk(fixture, body).size(), 5u);
  const auto with = [&](auto change) {
    SandboxDialect dialect;
    change(dialect);
    fixture.portal().set_dialect(dialect);
    return walk(fixture, body).size();
  };
  EXPECT_EQ(with([](SandboxDialect& d) { d.exclusive_start = true; }), 4u);
  EXPECT_EQ(with([](SandboxDialect& d) { d.exclusive_end = true; }), 4u);
  EXPECT_EQ(with([](SandboxDialect& d) { d.exclusive_start = d.exclusive_end = true; }), 3u);
  EXPECT_EQ(with([](SandboxDialect& d) { d.ignore_start = true; }), 8u);
  EXPECT_EQ(with([](SandboxDialect& d) { d.ignore_end = true; }), 8u);
  EXPECT_EQ(with([](SandboxDialect& d) { d.ignore_start = d.ignore_end = true; }), 11u);
  // Seconds taken for milliseconds: 1970, where nothing is.
  EXPECT_EQ(with([](SandboxDialect& d) { d.request_time_unit = TimeUnit::milliseconds; }), 0u);
  SandboxDialect narrow;
  narrow.max_window = 2s;
  fixture.portal().set_dialect(narrow);
  EXPECT_EQ(fixture.call("POST", "/frontend/audit_logs", body).status, 400);
}

TEST(PortalFields, TakeTheFormsOfTheDialect) {
  PortalOptions options;
  options.dialect.time_unit = TimeUnit::milliseconds;
  options.dialect.id_as_string = true;
  options.dialect.successful_as_number = true;
  options.dialect.raw_data_as_object = true;
  options.dialect.array_name = "entries";
  PortalFixture fixture(options);
  fixture.portal().add("audit", fixture.now() - 1500ms);
  const std::string page = fixture.logs("audit_logs", "{}");
  const auto record = JsonView(page).at_pointer("/entries/0");
  ASSERT_TRUE(record);
  EXPECT_EQ(record->find("creation_time")->as_int64(), to_micros(fixture.now() - 1500ms) / 1000);
  EXPECT_TRUE(record->find("event")->is_string());
  EXPECT_TRUE(record->find("successful")->is_number());
  EXPECT_TRUE(record->find("raw_data")->is_object());
  options.dialect.id_missing = true;
  PortalFixture without(options);
  without.portal().add("audit", without.now());
  const std::string bare = without.logs("audit_logs", "{}");
  EXPECT_FALSE(JsonView(bare).at_pointer("/entries/0/event"));
}

TEST(PortalCursor, EndsInThreeWaysAndMayBeANumber) {
  PortalFixture fixture;
  SandboxDialect dialect;
  const auto last = [&](SandboxCursorEnd end) {
    dialect.cursor_end = end;
    fixture.portal().set_dialect(dialect);
    return fixture.logs("audit_logs", "{}");
  };
  EXPECT_EQ(last(SandboxCursorEnd::null_value), R"({"logs":[],"cursor":null})");
  EXPECT_EQ(last(SandboxCursorEnd::empty_string), R"({"logs":[],"cursor":""})");
  EXPECT_EQ(last(SandboxCursorEnd::missing_key), R"({"logs":[]})");
  dialect.cursor_as_number = true;
  fixture.portal().set_dialect(dialect);
  fixture.portal().make("audit", 25, fixture.now() - 10s, fixture.now());
  const std::string first = fixture.logs("audit_logs", R"({"limit":10})");
  EXPECT_TRUE(JsonView(first).find("cursor")->is_number());
  EXPECT_EQ(walk(fixture, R"({"limit":10})"), newest_first(fixture));
}

TEST(PortalCursor, ServesOnlyTheQueryItCameFrom) {
  PortalFixture fixture;
  fixture.portal().make("audit", 25, fixture.now() - 10s, fixture.now());
  const std::string first = fixture.logs("audit_logs", R"({"limit":10})");
  const std::string cursor(JsonView(first).find("cursor")->raw());
  EXPECT_EQ(fixture.call("POST", "/frontend/device_logs", "{\"cursor\":" + cursor + "}").status, 400);
  EXPECT_EQ(
      fixture
          .call("POST", "/frontend/audit_logs", "{\"query\":\"successful = true\",\"cursor\":" + cursor + "}")
          .status,
      400);
}

class ExpiredCursor : public testing::TestWithParam<bool> {
 protected:
  // Pages one and two, and then what the expired cursor of page two brings.
  std::string expired_answer(SandboxExpiredCursor disguise, int* status) {
    SandboxCursors cursors;
    cursors.expired = disguise;
    if (GetParam()) {
      cursors.lifetime = 60s;
    } else {
      cursors.uses = 1;
    }
    fixture_.portal().set_cursors(cursors);
    fixture_.portal().make("audit", 50, fixture_.now() - 50s, fixture_.now());
    first_ = fixture_.logs("audit_logs", R"({"limit":10})");
    second_ = fixture_.logs("audit_logs", next(first_));
    if (GetParam()) fixture_.pass(61s);
    const PortalAnswer answer = fixture_.call("POST", "/frontend/audit_logs", next(second_));
    *status = answer.status;
    return answer.body;
  }
  std::string next(const std::string& page) {
    return R"({"limit":10,"cursor":)" + std::string(JsonView(page).find("cursor")->raw()) + "}";
  }

  PortalFixture fixture_;
  std::string first_;
  std::string second_;
};

TEST_P(ExpiredCursor, IsRefused) {
  int status = 0;
  expired_answer(SandboxExpiredCursor::status_400, &status);
  EXPECT_EQ(status, 400);
  EXPECT_EQ(fixture_.ids(second_).size(), 10u);
}

TEST_P(ExpiredCursor, BringsNothing) {
  int status = 0;
  EXPECT_EQ(expired_answer(SandboxExpiredCursor::empty_page, &status), R"({"logs":[],"cursor":null})");
  EXPECT_EQ(status, 200);
  EXPECT_EQ(fixture_.ids(second_).size(), 10u);
}

TEST_P(ExpiredCursor, BringsTheFirstPageAgain) {
  int status = 0;
  const std::string third = expired_answer(SandboxExpiredCursor::first_page, &status);
  EXPECT_EQ(fixture_.ids(third), fixture_.ids(first_));
  EXPECT_EQ(status, 200);
}

TEST_P(ExpiredCursor, RepeatsItselfForEver) {
  int status = 0;
  const std::string third = expired_answer(SandboxExpiredCursor::same_cursor, &status);
  EXPECT_EQ(JsonView(third).find("cursor")->raw(), JsonView(second_).find("cursor")->raw());
  EXPECT_EQ(fixture_.logs("audit_logs", next(third)), third);
}

INSTANTIATE_TEST_SUITE_P(ByAgeAndByUses, ExpiredCursor, testing::Bool());

TEST(PortalPages, OffsetAndPageNumberPaging) {
  PortalOptions options;
  options.dialect.paging = SandboxPaging::offset;
  PortalFixture fixture(options);
  fixture.portal().make("audit", 25, fixture.now() - 30s, fixture.now());
  const std::vector<std::string> all = newest_first(fixture);
  const std::string page = fixture.logs("audit_logs", R"({"limit":10,"offset":20})");
  EXPECT_EQ(fixture.ids(page), std::vector<std::string>(all.begin() + 20, all.end()));
  EXPECT_EQ(JsonView(page).find("total")->as_int64(), 25);
  options.dialect.paging = SandboxPaging::page;
  options.dialect.first_page = 1;
  fixture.portal().set_dialect(options.dialect);
  EXPECT_EQ(fixture.ids(fixture.logs("audit_logs", R"({"limit":10,"page":2})")),
            std::vector<std::string>(all.begin() + 10, all.begin() + 20));
  EXPECT_EQ(fixture.call("POST", "/frontend/audit_logs", R"({"page":0})").status, 400);
}

TEST(PortalOkta, ANextLinkIsAlwaysThereAndGoesOn) {
  PortalFixture fixture;
  const auto ids = fixture.portal().make("okta", 5, fixture.now() - 10s, fixture.now());
  fixture.authorization = "SSWS sandbox-okta-token";
  std::string target = "/api/v1/logs?limit=2&since=2025-11-23T09:00:00Z";
  std::vector<std::string> seen;
  for (int page = 0; page < 4; ++page) {
    const PortalAnswer answer = fixture.call("GET", target, "");
    ASSERT_EQ(answer.status, 200) << answer.body;
    for (const JsonView record : JsonView(answer.body).elements())
      seen.push_back(*record.find("uuid")->as_string());
    target = fixture.next_link(answer);
    ASSERT_FALSE(target.empty());
  }
  EXPECT_EQ(seen, ids);
  const std::string late = fixture.portal().add("okta", fixture.now() - 9s);
  EXPECT_EQ(JsonView(fixture.call("GET", target, "").body).at_pointer("/0/uuid")->as_string(), late);
  EXPECT_EQ(fixture.call("GET", "/api/v1/logs?after=wrong", "").status, 400);
  EXPECT_EQ(fixture.call("GET", "/api/v1/logs?since=yesterday", "").status, 400);
  fixture.portal().expire_cursors();
  EXPECT_EQ(fixture.call("GET", target, "").status, 400);
  fixture.authorization = "SSWS wrong";
  EXPECT_EQ(fixture.call("GET", "/api/v1/logs", "").status, 401);
}

TEST(PortalOkta, ABoundedRangeEnds) {
  PortalFixture fixture;
  fixture.portal().make("okta", 5, fixture.now() - 8s, fixture.now());
  fixture.authorization = "SSWS sandbox-okta-token";
  const PortalAnswer answer =
      fixture.call("GET", "/api/v1/logs?since=2025-11-23T09:59:52Z&until=2025-11-23T10:00:00Z", "");
  EXPECT_EQ(fixture.next_link(answer), "");
  std::size_t count = 0;
  for ([[maybe_unused]] const JsonView record : JsonView(answer.body).elements()) ++count;
  EXPECT_EQ(count, 4u);
}

TEST(PortalGithub, TheLastPageHasNoNextLink) {
  PortalFixture fixture;
  const auto ids = fixture.portal().make("github", 5, fixture.now() - 10s, fixture.now());
  fixture.authorization = "Bearer sandbox-github-token";
  std::string target =
      "/orgs/sandbox/audit-log?order=asc&per_page=2&phrase=created:%3E%3D2025-11-23T09:00:00Z";
  std::vector<std::string> seen;
  std::size_t pages = 0;
  for (; !target.empty() && pages < 10; ++pages) {
    const PortalAnswer answer = fixture.call("GET", target, "");
    ASSERT_EQ(answer.status, 200) << answer.body;
    for (const JsonView record : JsonView(answer.body).elements()) {
      seen.push_back(*record.find("_document_id")->as_string());
      EXPECT_GT(*record.find("@timestamp")->as_int64(), 1'700'000'000'000);
    }
    target = fixture.next_link(answer);
  }
  EXPECT_EQ(seen, ids);
  EXPECT_EQ(pages, 3u);
  EXPECT_EQ(fixture.call("GET", "/orgs/sandbox/audit-log?after=wrong", "").status, 400);
  fixture.authorization = "Bearer wrong";
  EXPECT_EQ(fixture.call("GET", "/orgs/sandbox/audit-log", "").status, 401);
}

}  // namespace
}  // namespace auditferry
