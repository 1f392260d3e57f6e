#include "daemon/status_page.h"

#include <gtest/gtest.h>

#include "daemon/live_state_fixture.h"
#include "encoding/base64.h"
#include "encoding/hash.h"

namespace auditferry {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// What is between the first `begin` and the `end` after it.
std::string between(const std::string& text, const std::string& begin, const std::string& end) {
  const std::size_t from = text.find(begin);
  if (from == std::string::npos) return {};
  const std::size_t to = text.find(end, from + begin.size());
  return text.substr(from + begin.size(), to - from - begin.size());
}

std::string source_of(const std::string& text) {
  const Sha256 hash = sha256(text);
  return "'sha256-" + base64_encode({reinterpret_cast<const char*>(hash.data()), hash.size()}) + "'";
}

TEST(StatusPage, SaysOnTopThatAllIsInOrder) {
  HealthyDaemon daemon;
  daemon.rates.observe(1, 1000, SteadyTime(hours(1) - seconds(90)));
  daemon.rates.observe(1, 1204, SteadyTime(hours(1) - seconds(70)));
  const std::string page = render_status_page(daemon.state);
  EXPECT_TRUE(holds(page, "<strong>In order:</strong> 1 log is collected, 1 exporter delivers, and nothing needs a person.")) << page;
  EXPECT_TRUE(holds(page, "<title>In order \xe2\x80\x93 auditferry</title>"));
  EXPECT_TRUE(holds(between(page, "<tbody", "</tbody>"), "acme/audit"));
  for (const char* part : {"up to date", "2025-11-23 10:25:00&nbsp;UTC", ">12s<", "in 29d", "1,204", "204 in the last hour",
                           "everything is delivered", "<rect class=\"bar\""})
    EXPECT_TRUE(holds(page, part)) << part << "\n" << page;
  // Sections that have nothing to say are not there, but have their place.
  EXPECT_TRUE(holds(page, "<div id=\"part-gaps\" data-part></div>"));
  EXPECT_FALSE(holds(page, "<h2 id=\"title-letters\">"));
}

TEST(StatusPage, SaysWhatNeedsAPersonAndWhatToDo) {
  HealthyDaemon daemon;
  daemon.exporter().books.position = 1200;
  daemon.exporter().books.delivered = 1198;
  daemon.exporter().books.dead = 2;
  daemon.deliverer().up = false;
  daemon.deliverer().paused = true;
  daemon.deliverer().problem = "the token is refused";
  daemon.deliverer().oldest_waiting = fixture_now - minutes(3);
  GapRow gap;
  gap.gap_id = 4;
  gap.collection_id = 7;
  gap.type = "unreachable";
  gap.range = TimeRange{fixture_now - hours(10), fixture_now - hours(9)};
  gap.why = "the cursor expired";
  gap.opened = fixture_now - hours(1);
  daemon.snapshot.gaps = {gap};
  daemon.snapshot.penalties = {{"portal.example.com:443", "", fixture_now + minutes(5), "status 429"}, {"old", "", fixture_now, ""}};
  daemon.snapshot.quarantined_items = 2;
  const std::string page = render_status_page(daemon.state);
  for (const char* part :
       {"<strong>Needs attention:</strong> 3 things need a person", "<title>Needs attention", "Exporter archive does not deliver: the token is refused",
        "4 records wait in the journal", "<code>auditferry check --online --config /etc/auditferry/auditferry.toml</code>", "stopped</span>", ">3m<",
        "unreachable", "the cursor expired", "2025-11-23 00:25:12&nbsp;UTC</time> to ",
        "<code>auditferry ledger --source acme --stream audit", "<code>auditferry backfill --source acme --stream audit", "<code>auditferry gaps accept 4 --reason WHY", "<code>auditferry dead-letters retry --all --exporter archive",
        "<code>auditferry dead-letters discard --all --exporter archive", "No request goes to <bdi>portal.example.com:443</bdi> until", "2 items in quarantine"})
    EXPECT_TRUE(holds(page, part)) << part << "\n" << page;
  EXPECT_FALSE(holds(page, "<bdi>old</bdi>"));
}

TEST(StatusPage, StreamsThatWereNotAskedYetAreThere) {
  HealthyDaemon daemon;
  daemon.snapshot.streams.clear();
  daemon.poller() = {};
  daemon.poller().source = "acme";
  daemon.poller().stream = "audit";
  EXPECT_TRUE(holds(render_status_page(daemon.state), "not asked yet"));
  daemon.poller().problem = "cannot connect";
  const std::string page = render_status_page(daemon.state);
  EXPECT_TRUE(holds(page, "trying again</span><span class=\"more\"><bdi>cannot connect</bdi>")) << page;
}

TEST(StatusPage, StatesOfStreamsAndExporters) {
  HealthyDaemon daemon;
  daemon.poller().waiting_for_room = true;
  EXPECT_TRUE(holds(render_status_page(daemon.state), "waits for room in the journal"));
  daemon.poller().waiting_for_room = false;
  daemon.collection().coverage = {{{fixture_now - hours(240), fixture_now - hours(200)}, "history", fixture_now},
                                  {{fixture_now - hours(20), fixture_now - seconds(12)}, "poll", fixture_now}};
  EXPECT_TRUE(holds(render_status_page(daemon.state), "fetching what is older"));
  daemon.settings.sources.clear();
  daemon.exporter().attached = false;
  const std::string page = render_status_page(daemon.state);
  EXPECT_TRUE(holds(page, "no longer collected"));
  EXPECT_TRUE(holds(page, "no longer configured"));
}

// Everything that can come from outside, in every place where it is shown.
TEST(StatusPage, NothingFromOutsideInjectsAnything) {
  HealthyDaemon daemon;
  const std::string evil = "\"'><img src=x onerror=alert(1)></bdi></table><script>alert(1)</script>\x1b[31m\xe2\x80\xae" "txt";
  daemon.snapshot.streams[0].source = evil;
  daemon.snapshot.streams[0].identity.stream = evil;
  daemon.settings.sources[0].name = evil;
  daemon.state.config = "/etc/" + evil;
  daemon.poller().source = evil;
  daemon.poller().stream = evil;
  daemon.poller().up = false;
  daemon.poller().stopped = true;
  daemon.poller().problem = evil;
  daemon.exporter().name = evil;
  daemon.exporter().type = evil;
  daemon.exporter().books.dead = 1;
  daemon.exporter().books.delivered = 1203;
  daemon.deliverer().exporter = evil;
  daemon.deliverer().problem = evil;
  GapRow gap;
  gap.type = evil;
  gap.why = evil;
  gap.exporter_id = 3;
  GapRow of_stream = gap;
  of_stream.exporter_id.reset();
  of_stream.collection_id = 7;
  daemon.snapshot.gaps = {gap, of_stream};
  daemon.snapshot.penalties = {{evil, evil, fixture_now + minutes(5), evil}};
  std::string page = render_status_page(daemon.state);
  const std::string script = between(page, "<script>", "</script>");
  const std::size_t own = page.find("<script>" + script);
  ASSERT_NE(own, std::string::npos);
  EXPECT_TRUE(holds(script, "\"use strict\""));
  page.erase(own, script.size() + 8);
  EXPECT_FALSE(holds(page, "<script")) << page;
  EXPECT_FALSE(holds(page, "<img"));
  EXPECT_FALSE(holds(page, "\x1b"));
  EXPECT_FALSE(holds(page, "\xe2\x80\xae"));
  // The quotes of attributes cannot be left.
  EXPECT_FALSE(holds(page, "\"'>"));
  EXPECT_TRUE(holds(page, "&lt;script&gt;"));
}

TEST(StatusPage, ThePolicyAllowsItsOwnStyleAndScriptAndNothingElse) {
  HealthyDaemon daemon;
  const std::string page = render_status_page(daemon.state);
  const std::string policy = status_page_policy();
  EXPECT_TRUE(policy.starts_with("default-src 'none'; ")) << policy;
  EXPECT_TRUE(holds(policy, "script-src " + source_of(between(page, "<script>", "</script>")) + ";")) << policy;
  EXPECT_TRUE(holds(policy, "style-src " + source_of(between(page, "<style>", "</style>")) + ";")) << policy;
  for (const char* part : {"connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'", "require-trusted-types-for 'script'"})
    EXPECT_TRUE(holds(policy, part)) << part;
  EXPECT_FALSE(holds(policy, "unsafe"));
  EXPECT_FALSE(holds(policy, "http"));
  // Nothing that the policy would stop, and nothing from elsewhere.
  for (const char* part : {" style=", " onclick", " onload", "http://", "https://", "url(", "<link", "@import", "innerHTML"})
    EXPECT_FALSE(holds(page, part)) << part;
}

TEST(StatusPage, WorksWithoutScriptForKeyboardsAndScreenReaders) {
  HealthyDaemon daemon;
  const std::string page = render_status_page(daemon.state);
  for (const char* part : {"<html lang=\"en\">", "<noscript><meta http-equiv=\"refresh\" content=\"10\"></noscript>", "<a class=\"skip\" href=\"#main\">",
                           "<main id=\"main\">", "<header>", "<footer>", "role=\"status\"", "<caption>Streams</caption>", "<th scope=\"col\"",
                           "<th scope=\"row\"", "aria-labelledby=\"title-streams\"", "<h2 id=\"title-streams\">", "role=\"img\"",
                           "prefers-color-scheme: dark", ":focus-visible"})
    EXPECT_TRUE(holds(page, part)) << part;
}

// Read out when it changes: so nothing in it may change while all stays as it is.
TEST(StatusPage, TheSentenceOnTopDoesNotChangeWithTime) {
  HealthyDaemon daemon;
  const auto verdict = [&] { return between(render_status_page(daemon.state), "<p id=\"verdict\"", "</p>"); };
  const std::string before = verdict();
  daemon.state.now += seconds(7);
  daemon.snapshot.streams[0].books.journaled += 5;
  daemon.snapshot.streams[0].books.fetched += 5;
  EXPECT_EQ(verdict(), before);
}

TEST(StatusPage, ManyGapsAreCutShort) {
  HealthyDaemon daemon;
  GapRow gap;
  gap.collection_id = 7;
  daemon.snapshot.gaps.assign(1000, gap);
  const std::string page = render_status_page(daemon.state);
  EXPECT_TRUE(holds(page, "and 800 more: <code>auditferry gaps list --state open --config"));
  EXPECT_LT(page.size(), 500'000u);
}

}  // namespace
}  // namespace auditferry
