#include "sources/request_builder.h"

#include <gtest/gtest.h>

#include "encoding/secret_mask.h"
#include "encoding/time_format.h"
#include "sources/profile.h"

namespace auditferry {
namespace {

std::string header(const HttpRequest& request, std::string_view name) {
  std::string found = "none";
  for (const HttpHeader& entry : request.headers) {
    if (entry.name == name) found = found == "none" ? entry.value : "twice";
  }
  return found;
}

struct Scene {
  explicit Scene(const char* vendor, const char* stream_name = "audit") : profile(*builtin_profile(vendor)) {
    stream = profile.streams.at(stream_name);
    context.profile = &profile;
    context.stream = &stream;
    context.base_url = profile.base_url;
    context.tenant = "9f1c";
    context.user_agent = "auditferry/test";
    for (const std::string& name : profile.credentials) context.credentials[name] = Secret("example-" + name);
  }
  Profile profile;
  StreamProfile stream;
  RequestContext context;
};

PageRequest by_time(const char* from, const char* to) {
  PageRequest page;
  page.from = parse_rfc3339(from);
  page.to = parse_rfc3339(to);
  return page;
}

TEST(SecretsOf, AreTheCredentialsAndWhatIsMadeOfThem) {
  Scene scene("apptego");
  const SecretMask mask(secrets_of(scene.context));
  EXPECT_EQ(mask.masked("example-token_key:example-token_secret, Bearer "
                        "ZXhhbXBsZS10b2tlbl9rZXk6ZXhhbXBsZS10b2tlbl9zZWNyZXQ=, <ZXhhbXBsZS10b2tlbl9rZXk6ZXhhbXBsZS10b2tlbl9zZWNyZXQ=>"),
            "***:***, ***, <***>");
  EXPECT_EQ(mask.masked("application/json 9f1c auditferry/test"), "application/json 9f1c auditferry/test");
  Scene github("github");
  EXPECT_EQ(SecretMask(secrets_of(github.context)).masked("Bearer example-token"), "***");
}

TEST(BuildPageRequest, AppTegoByTime) {
  Scene scene("apptego");
  const auto request =
      build_page_request(scene.context, by_time("2025-11-23T10:25:12.900Z", "2025-11-23T10:26:00.100Z"));
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->method, "POST");
  EXPECT_EQ(request->url, "https://app.apptego.com/frontend/audit_logs");
  EXPECT_EQ(request->body, R"({"start_time":1763893512,"end_time":1763893561,"limit":100})");
  EXPECT_EQ(header(*request, "Authorization"), "Bearer ZXhhbXBsZS10b2tlbl9rZXk6ZXhhbXBsZS10b2tlbl9zZWNyZXQ=");
  EXPECT_EQ(header(*request, "tenant"), "9f1c");
  EXPECT_EQ(header(*request, "Content-Type"), "application/json");
  EXPECT_EQ(header(*request, "User-Agent"), "auditferry/test");
}

TEST(BuildPageRequest, AppTegoByCursorWithQuery) {
  Scene scene("apptego", "device");
  scene.context.query = "successful = false";
  PageRequest page = by_time("2025-11-23T10:25:12Z", "2025-11-23T10:26:00Z");
  page.cursor = "\"a\\\"b\"";
  page.page_size = 7;
  EXPECT_EQ(
      build_page_request(scene.context, page)->body,
      R"({"query":"successful = false","start_time":1763893512,"end_time":1763893560,"limit":7,"cursor":"a\"b"})");
  page.cursor = "18446744073709551617";
  page.from.reset();
  page.to.reset();
  EXPECT_EQ(build_page_request(scene.context, page)->body,
            R"({"query":"successful = false","limit":7,"cursor":18446744073709551617})");
  EXPECT_EQ(build_page_request(scene.context, page)->url, "https://app.apptego.com/frontend/device_logs");
}

TEST(BuildPageRequest, BaseUrlWithSlashAndUserHeaders) {
  Scene scene("apptego");
  scene.context.base_url = "http://127.0.0.1:8480/frontend//";
  scene.context.headers = {{"X-Team", "audit"}, {"TENANT", "other"}};
  const auto request = build_page_request(scene.context, {});
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->url, "http://127.0.0.1:8480/frontend/audit_logs");
  EXPECT_EQ(header(*request, "X-Team"), "audit");
  EXPECT_EQ(header(*request, "tenant"), "other");
  EXPECT_EQ(request->body, R"({"limit":100})");
}

TEST(BuildPageRequest, RefusesHeadersWithLineBreaksWithoutShowingThem) {
  Scene scene("okta");
  scene.context.base_url = "https://example.okta.com";
  scene.context.credentials["token"] = Secret("example-token\r\nX: y");
  const auto request = build_page_request(scene.context, {});
  ASSERT_FALSE(request.ok());
  EXPECT_EQ(request.error().kind, ErrorKind::invalid);
  EXPECT_EQ(request.error().message.find("example-token"), std::string::npos);
  scene.context.base_url = "example.okta.com";
  EXPECT_FALSE(build_page_request(scene.context, {}).ok());
}

TEST(BuildPageRequest, OktaByTimeAndByLink) {
  Scene scene("okta");
  scene.context.base_url = "https://example.okta.com/";
  scene.context.query = "eventType eq \"user.session.start\"";
  PageRequest page = by_time("2025-11-23T10:25:12.5Z", "2025-11-23T10:26:00Z");
  const auto first = build_page_request(scene.context, page);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first->method, "GET");
  EXPECT_EQ(first->url,
            "https://example.okta.com/api/v1/"
            "logs?since=2025-11-23T10%3A25%3A12.500Z&until=2025-11-23T10%3A26%3A00Z&"
            "filter=eventType%20eq%20%22user.session.start%22&sortOrder=ASCENDING&limit=100");
  EXPECT_EQ(first->body, "");
  EXPECT_EQ(header(*first, "Authorization"), "SSWS example-token");
  EXPECT_EQ(header(*first, "Content-Type"), "none");

  page.cursor = "https://EXAMPLE.okta.com:443/api/v1/logs?after=1627500044869_1&limit=100";
  const auto next = build_page_request(scene.context, page);
  ASSERT_TRUE(next.ok());
  EXPECT_EQ(next->url, *page.cursor);
  EXPECT_EQ(header(*next, "Authorization"), "SSWS example-token");
  page.cursor = "/api/v1/logs?after=2";
  EXPECT_EQ(build_page_request(scene.context, page)->url, "https://example.okta.com/api/v1/logs?after=2");
}

TEST(BuildPageRequest, RefusesLinksThatLeadElsewhere) {
  Scene scene("okta");
  scene.context.base_url = "https://example.okta.com";
  for (const char* link :
       {"http://example.okta.com/x", "https://example.okta.com:444/x", "https://evil.example/x",
        "https://example.okta.com@evil.example/x", "https://example.okta.com.evil.example/x",
        "//evil.example/x", "https://example.okta.com\\@evil.example/", "x", "", "file:///etc/passwd",
        "https://example.okta.com/a\r\nHost: b", "/a b"}) {
    PageRequest page;
    page.cursor = link;
    const auto request = build_page_request(scene.context, page);
    ASSERT_FALSE(request.ok()) << link;
    EXPECT_EQ(request.error().kind, ErrorKind::invalid);
    EXPECT_NE(request.error().message.find("credentials"), std::string::npos);
  }
}

TEST(BuildPageRequest, GitHubPutsTheTimeIntoThePhrase) {
  Scene scene("github");
  scene.context.tenant = "octo org";
  PageRequest page = by_time("2025-11-23T10:25:12.5Z", "2025-11-23T10:26:00Z");
  EXPECT_EQ(build_page_request(scene.context, page)->url,
            "https://api.github.com/orgs/octo%20org/"
            "audit-log?phrase=created%3A%3E%3D2025-11-23T10%3A25%3A12Z%20&order=asc&per_page=100");
  scene.context.query = "action:team";
  page.from.reset();
  EXPECT_EQ(build_page_request(scene.context, page)->url,
            "https://api.github.com/orgs/octo%20org/audit-log?phrase=action%3Ateam&order=asc&per_page=100");
}

TEST(BuildPageRequest, OffsetAndPage) {
  Scene scene("okta");
  scene.context.base_url = "https://h";
  scene.stream.request.query = {{{"skip"}, "{offset}", "", false}, {{"page"}, "{page}", "", false}};
  PageRequest page;
  page.offset = 0;
  page.page = 3;
  scene.stream.paging = PagingKind::offset;
  EXPECT_EQ(build_page_request(scene.context, page)->url, "https://h/api/v1/logs?skip=0");
  scene.stream.paging = PagingKind::page;
  EXPECT_EQ(build_page_request(scene.context, page)->url, "https://h/api/v1/logs?page=3");
}

TEST(BuildPageRequest, RefusesAQueryThatWouldNarrowNothing) {
  Scene scene("apptego");
  scene.context.query = "successful = false";
  scene.stream.request.body.erase(scene.stream.request.body.begin());
  const auto request = build_page_request(scene.context, {});
  ASSERT_FALSE(request.ok());
  EXPECT_NE(request.error().message.find("{query}"), std::string::npos);
}

TEST(BuildPageRequest, RoundsOutwardsBeforeTheEpochToo) {
  Scene scene("apptego");
  EXPECT_EQ(
      build_page_request(scene.context, by_time("1969-12-31T23:59:58.5Z", "1969-12-31T23:59:59.5Z"))->body,
      R"({"start_time":-2,"end_time":0,"limit":100})");
}

TEST(BuildProbes, AreThoseOfTheProfile) {
  Scene scene("apptego");
  const auto probe = build_probe_request(scene.context);
  ASSERT_TRUE(probe.ok());
  EXPECT_EQ(probe->method + " " + probe->url + " " + probe->body,
            "POST https://app.apptego.com/frontend/get_applications {}");
  const auto plan = build_plan_request(scene.context);
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->method + " " + plan->url + plan->body,
            "GET https://app.apptego.com/frontend/get_tenant_subscription");
  EXPECT_EQ(build_plan_request(Scene("okta").context).error().kind, ErrorKind::unsupported);
}

TEST(RequestFingerprint, ChangesWithTheMeaningOnly) {
  const Scene plain("apptego");
  const std::string base = request_fingerprint(plain.context);
  EXPECT_EQ(base.size(), 64u);
  const auto changed = [&](auto change) {
    Scene scene("apptego");
    change(scene);
    scene.context.profile = &scene.profile;
    scene.context.stream = &scene.stream;
    return request_fingerprint(scene.context) != base;
  };
  EXPECT_FALSE(changed([](Scene& s) { s.context.credentials["token_key"] = Secret("other"); }));
  EXPECT_FALSE(changed([](Scene& s) { s.stream.page_size = 7; }));
  EXPECT_FALSE(changed([](Scene& s) { s.context.user_agent = "x"; }));
  EXPECT_FALSE(changed([](Scene& s) { s.context.base_url += "/"; }));
  EXPECT_FALSE(
      changed([](Scene& s) { s.stream.request.body.erase(s.stream.request.body.begin() + 3); }));  // limit
  EXPECT_TRUE(changed([](Scene& s) { s.context.query = "successful = false"; }));
  EXPECT_TRUE(changed([](Scene& s) { s.context.tenant = "other"; }));
  EXPECT_TRUE(changed([](Scene& s) { s.stream.name = "device"; }));
  EXPECT_TRUE(changed([](Scene& s) { s.stream.fields.id = "/uuid"; }));
  EXPECT_TRUE(changed([](Scene& s) { s.stream.records = "/entries"; }));
  EXPECT_TRUE(changed([](Scene& s) { s.stream.time_unit = TimeUnit::milliseconds; }));
  EXPECT_TRUE(changed([](Scene& s) { s.stream.request.path = "/other"; }));
  EXPECT_TRUE(changed([](Scene& s) { s.stream.request.body.push_back({{"only"}, "", "\"mine\"", true}); }));
}

}  // namespace
}  // namespace auditferry
