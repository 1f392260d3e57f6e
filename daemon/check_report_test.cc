#include "daemon/check_report.h"

#include <gtest/gtest.h>

#include "daemon/journal_report.h"
#include "daemon/poller_fixture.h"
#include "exporters/syslog_exporter.h"
#include "tests/support/fake_receiver.h"
#include "tests/support/faulty_file_system.h"

namespace auditferry {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

class FakeExporter final : public Exporter {
 public:
  explicit FakeExporter(Status answer) : answer_(std::move(answer)) {}
  Task<Status> open(const ExporterState&) override { co_return Status(); }
  Task<WriteOutcome> write(const std::vector<OutgoingRecord>&, WriteProgress&) override { co_return WriteOutcome(); }
  Task<Status> greet() override { co_return answer_; }
  Task<void> reopen() override { co_return; }
  Task<WriteOutcome> tend() override { co_return WriteOutcome(); }
  Task<void> close() override { co_return; }

 private:
  Status answer_;
};

struct CheckFixture : PollerFixture {
  explicit CheckFixture(PortalOptions options = {}) : PollerFixture(std::move(options)) {
    for (const char* name : {"audit", "device"}) {
      StreamSettings stream;
      stream.name = name;
      stream.profile = source_.profile.streams.at(name);
      source_.streams.push_back(stream);
      portal_.make(name, 5, loop_.clock().now() - hours(1), loop_.clock().now() - minutes(1));
    }
  }

  // The report; `good` is its verdict.
  std::string check(const std::vector<CheckedExporter>& exporters = {}) {
    const Result<std::vector<Penalty>> penalties = stored_penalties(folder_ / "journal.db");
    EXPECT_TRUE(penalties.ok());
    std::string report;
    const ReportSink sink = [&report](std::string_view text) { report += text; };
    const std::vector<CheckedSource> sources{{&source_, &http_}};
    const KeepPenalty keep = [this](const Penalty& penalty) { return keep_in_journal(penalty); };
    loop_.run(keep_verdict(
        check_online(CheckWorld{loop_.clock(), log_, random_, *penalties, keep, sink}, sources, exporters)));
    return report;
  }
  Task<Status> keep_in_journal(const Penalty& penalty) { co_return journal_->set_penalty(penalty); }
  Task<void> keep_verdict(Task<bool> task) { good = co_await std::move(task); }

  bool good = false;
};

Fault fault_of(FaultKind kind) {
  Fault fault;
  fault.kind = kind;
  return fault;
}

void expect_fail(CheckFixture& fixture, const std::string& words) {
  const std::string report = fixture.check();
  EXPECT_FALSE(fixture.good);
  EXPECT_NE(report.find(words), std::string::npos) << "wanted: " << words << "\n" << report;
  EXPECT_EQ(report.find(sandbox_token_secret), std::string::npos);
}

TEST(CheckReport, SaysThatAllIsWell) {
  CheckFixture fixture;
  FakeExporter exporter{Status()};
  const std::string report = fixture.check({{"archive", &exporter}});
  EXPECT_TRUE(fixture.good);
  EXPECT_EQ(report,
            "ok   source acme: 127.0.0.1 answers and takes the credentials\n"
            "ok   source acme, stream audit: the log can be read: a page of 5 records, the newest of " +
                report_time(fixture.loop_.clock().now() - minutes(1)) +
                "\n"
                "ok   source acme, stream audit: time ranges are understood\n"
                "ok   source acme, stream device: the log can be read: a page of 5 records, the newest of " +
                report_time(fixture.loop_.clock().now() - minutes(1)) +
                "\n"
                "ok   source acme, stream device: time ranges are understood\n"
                "ok   exporter archive: can be reached and written to\n");
}

TEST(CheckReport, SaysNoMoreOfUdpThanItShows) {
  CheckFixture fixture;
  FakeReceiver receiver(fixture.loop_.executor(), fixture.loop_.clock(), FakeReceiver::Speaks::lines);
  FaultyFileSystem disk;
  ExporterWorld world{fixture.loop_.executor(), fixture.loop_.clock(), fixture.log_, disk, fixture.loop_.blocking(), {}};
  world.connector = &receiver;
  world.datagrams = &receiver;
  SyslogSettings settings;
  settings.address.unix_path = "/dev/log";
  const auto line_of = [&](SyslogTransport transport) {
    settings.transport = transport;
    SyslogExporter exporter(settings, world);
    const std::string report = fixture.check({{"siem", &exporter}});
    return report.substr(std::min(report.size(), report.find("ok   exporter siem: ")));
  };
  EXPECT_EQ(line_of(SyslogTransport::udp),
            "ok   exporter siem: its address is known; UDP shows nothing more: see at the receiver whether records arrive\n");
  EXPECT_EQ(line_of(SyslogTransport::unix_datagram), "ok   exporter siem: can be reached and written to\n");
}

TEST(CheckReport, SaysThatAnExporterRefuses) {
  CheckFixture fixture;
  FakeExporter exporter{Error{ErrorKind::permission, "the folder /x may not be written\x1b[2J"}};
  const std::string report = fixture.check({{"archive", &exporter}});
  EXPECT_FALSE(fixture.good);
  EXPECT_NE(report.find("FAIL exporter archive: the folder /x may not be written [2J\n"), std::string::npos)
      << report;
}

TEST(CheckReport, NamesRefusedCredentials) {
  CheckFixture fixture;
  fixture.portal_.set_token_revoked(sandbox_token_key, true);
  expect_fail(fixture,
              "FAIL source acme: AppTego Management API at 127.0.0.1 refused the credentials, status 401 "
              "(\"invalid or revoked "
              "token\"): check credentials.token_key and credentials.token_secret");
  EXPECT_EQ(fixture.portal_.stats().requests, 1u);
}

TEST(CheckReport, NamesAMissingPermission) {
  CheckFixture fixture;
  fixture.portal_.set_permissions(sandbox_token_key, {permission_audit_logs});
  expect_fail(fixture,
              "FAIL source acme, stream device: AppTego Management API at 127.0.0.1 denies this token the "
              "log, status 403");
}

TEST(CheckReport, NamesAPlanThatDoesNotIncludeTheLog) {
  CheckFixture fixture;
  fixture.portal_.set_plan(sandbox_tenant, "TEAM");
  expect_fail(fixture,
              "FAIL source acme, stream audit: tenant 9f1c0a4e7b8d4a4db52e6a6d5c5c1f11 is on TEAM; audit "
              "logs need ENTERPRISE");
}

TEST(CheckReport, NamesAWrongTenant) {
  CheckFixture fixture;
  fixture.source_.tenant = "nobody";
  expect_fail(fixture,
              "FAIL source acme: AppTego Management API at 127.0.0.1 denies these credentials tenant nobody, "
              "status 403");
}

TEST(CheckReport, NamesAWrongAddress) {
  CheckFixture fixture;
  fixture.source_.base_url = "http://127.0.0.1/elsewhere";
  expect_fail(fixture, "does not know this address, status 404");
}

TEST(CheckReport, NamesAPageOfHtml) {
  CheckFixture fixture;
  fixture.portal_.add_fault({"", 0, 100, fault_of(FaultKind::html)});
  expect_fail(fixture,
              "answered with an HTML page, which is a login or a proxy's page: check base_url and proxy");
}

TEST(CheckReport, NamesARequestThatFailedWithStatus200) {
  CheckFixture fixture;
  fixture.portal_.add_fault({"", 0, 100, fault_of(FaultKind::success_false)});
  expect_fail(fixture, "says that the request failed: ");
}

TEST(CheckReport, NamesAnotherShape) {
  PortalOptions options;
  options.dialect.array_name = "entries";
  CheckFixture fixture(options);
  expect_fail(fixture, "entries");
}

TEST(CheckReport, NamesAWrongUnitOfRecords) {
  PortalOptions options;
  options.dialect.time_unit = TimeUnit::milliseconds;
  CheckFixture fixture(options);
  expect_fail(fixture, "time_unit");
}

TEST(CheckReport, NamesAWrongUnitOfRequests) {
  PortalOptions options;
  options.dialect.request_time_unit = TimeUnit::milliseconds;
  CheckFixture fixture(options);
  expect_fail(fixture, "does not come back when exactly its time is asked for");
}

TEST(CheckReport, NamesAFieldThatIsNoId) {
  PortalOptions options;
  options.dialect.id_missing = true;
  CheckFixture fixture(options);
  expect_fail(fixture, "5 of 5 records have no id at /event");
}

TEST(CheckReport, SaysThatNothingCanBeReached) {
  CheckFixture fixture;
  fixture.http_.set_unreachable(true);
  expect_fail(fixture, "FAIL source acme: ");
  EXPECT_EQ(fixture.portal_.stats().requests, 0u);
}

TEST(CheckReport, StopsAskingWhenItIsToldToWait) {
  CheckFixture fixture;
  fixture.portal_.add_fault({"audit", 0, 1, rate_limit_fault(std::chrono::seconds(3600))});
  const WallTime before = fixture.loop_.clock().now();
  expect_fail(fixture,
              "FAIL source acme, stream device: the portal has asked us to wait 60m, so it was not asked");
  EXPECT_EQ(fixture.portal_.stats().during_penalty, 0u);
  EXPECT_LT(fixture.loop_.clock().now() - before, minutes(1));
  CheckFixture other;
  other.portal_.add_fault({"", 0, 1, rate_limit_fault(std::chrono::seconds(100))});
  expect_fail(other, "FAIL source acme: 127.0.0.1 asks us to wait, status 429: 100s; try again after that");
}

// By the probe, which is a source's first request, and by a page of a stream.
TEST(CheckReport, AWaitThatItMeetsIsKeptForWhoeverAsksNext) {
  for (const std::string target : {"/frontend/get_applications", "audit"}) {
    SCOPED_TRACE(target);
    CheckFixture fixture;
    Fault fault = status_fault(429);
    fault.retry_after = "3600";
    fixture.portal_.add_fault({target, 0, 1, fault});
    const WallTime until = fixture.loop_.clock().now() + hours(1);
    fixture.check();
    EXPECT_FALSE(fixture.good);
    const std::uint64_t asked = fixture.portal_.stats().requests;
    expect_fail(fixture, "FAIL source acme: 127.0.0.1 has asked us to wait until ");
    EXPECT_EQ(fixture.portal_.stats().requests, asked);
    const std::vector<Penalty> kept = stored_penalties(fixture.folder_ / "journal.db").value();
    ASSERT_EQ(kept.size(), 1u);
    EXPECT_EQ(kept.front().credential, credential_key(fixture.source_));
    EXPECT_GE(kept.front().until, until);
    EXPECT_LT(kept.front().until, until + minutes(1));
    // A request goes out again once it is over.
    fixture.loop_.run_until_idle(hours(1));
    fixture.check();
    EXPECT_TRUE(fixture.good);
  }
}

TEST(CheckReport, AWaitBeyondMaxRetryAfterIsKeptForNoLonger) {
  CheckFixture fixture;
  Fault fault = status_fault(429);
  fault.retry_after = "86400000";
  fixture.portal_.add_fault({"/frontend/get_applications", 0, 1, fault});
  fixture.check();
  const std::vector<Penalty> kept = stored_penalties(fixture.folder_ / "journal.db").value();
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_LE(kept.front().until, fixture.loop_.clock().now() + fixture.source_.max_retry_after);
}

// Of the headers that tell when the budget is full again, where there is no Retry-After.
TEST(CheckReport, AWaitUntilTheBudgetIsFullAgainIsKept) {
  CheckFixture fixture;
  const WallTime reset = std::chrono::floor<std::chrono::seconds>(fixture.loop_.clock().now()) + minutes(40);
  Fault fault = status_fault(429);
  fault.headers = {{"X-RateLimit-Remaining", "0"}, {"X-RateLimit-Reset", std::to_string(to_micros(reset) / 1'000'000)}};
  fixture.portal_.add_fault({"/frontend/get_applications", 0, 1, fault});
  fixture.check();
  const std::vector<Penalty> kept = stored_penalties(fixture.folder_ / "journal.db").value();
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_GE(kept.front().until, reset - minutes(1));
  EXPECT_LE(kept.front().until, reset + minutes(1));
}

TEST(CheckReport, ObeysAStoredPenalty) {
  CheckFixture fixture;
  const WallTime until = fixture.loop_.clock().now() + hours(1);
  ASSERT_TRUE(fixture.journal_
                  ->set_penalty({"127.0.0.1", credential_key(fixture.source_), until, "too many requests"})
                  .ok());
  expect_fail(fixture, "FAIL source acme: 127.0.0.1 has asked us to wait until " + report_time(until) +
                           ", so it was not asked");
  EXPECT_EQ(fixture.portal_.stats().requests, 0u);
  // Another credential may ask.
  fixture.source_.credentials["token_key"] = Secret("other");
  expect_fail(fixture, "refused the credentials");
}

TEST(CheckReport, NeedsNoJournalAndMakesNone) {
  const TemporaryFolder folder;
  const Result<std::vector<Penalty>> penalties = stored_penalties(folder / "journal.db");
  ASSERT_TRUE(penalties.ok());
  EXPECT_TRUE(penalties->empty());
  EXPECT_FALSE(std::filesystem::exists(folder / "journal.db"));
}

}  // namespace
}  // namespace auditferry
