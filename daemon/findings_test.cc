#include "daemon/findings.h"

#include <gtest/gtest.h>

#include "daemon/live_state_fixture.h"

namespace auditferry {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

// The only finding.
Finding only(const HealthyDaemon& daemon) {
  const std::vector<Finding> found = findings(daemon.state);
  EXPECT_EQ(found.size(), 1u);
  return found.empty() ? Finding() : found[0];
}

TEST(Findings, NoneWhenAllIsInOrder) {
  HealthyDaemon daemon;
  EXPECT_TRUE(findings(daemon.state).empty());
}

TEST(Findings, AStreamThatIsStopped) {
  HealthyDaemon daemon;
  daemon.poller().up = false;
  daemon.poller().stopped = true;
  daemon.poller().problem = "refused the credentials, status 401";
  const Finding finding = only(daemon);
  EXPECT_EQ(finding.what, "acme/audit is not collected: refused the credentials, status 401");
  EXPECT_EQ(finding.command, "auditferry check --online --config /etc/auditferry/auditferry.toml");
}

TEST(Findings, APortalThatDoesNotAnswerIsGivenTime) {
  HealthyDaemon daemon;
  daemon.poller().up = false;
  daemon.poller().problem = "status 503";
  daemon.poller().last_page = fixture_now - minutes(14);
  EXPECT_TRUE(findings(daemon.state).empty());
  daemon.poller().last_page = fixture_now - minutes(16);
  EXPECT_EQ(only(daemon).what, "acme/audit does not get through to its portal since 2025-11-23T10:09:12Z: status 503");
  daemon.poller().last_page.reset();
  EXPECT_EQ(only(daemon).what, "acme/audit does not get through to its portal: status 503");
}

TEST(Findings, AnExporterThatDoesNotDeliver) {
  HealthyDaemon daemon;
  daemon.exporter().books.position = 1200;
  daemon.exporter().books.delivered = 1200;
  daemon.exporter().last_error = "stored words";
  EXPECT_EQ(only(daemon).what, "Exporter archive does not deliver: stored words");
  daemon.deliverer().up = false;
  daemon.deliverer().problem = "the disk is full";
  const Finding finding = only(daemon);
  EXPECT_EQ(finding.what, "Exporter archive does not deliver: the disk is full");
  EXPECT_EQ(finding.todo, "Delivery goes on by itself once this is solved; 4 records wait in the journal.");
  // What is no longer configured needs nobody.
  daemon.exporter().attached = false;
  EXPECT_TRUE(findings(daemon.state).empty());
}

TEST(Findings, DeadLettersWithTheCommand) {
  HealthyDaemon daemon;
  daemon.exporter().name = "it's";
  daemon.deliverer().exporter = "it's";
  daemon.exporter().books.delivered = 1202;
  daemon.exporter().books.dead = 2;
  const Finding finding = only(daemon);
  EXPECT_EQ(finding.what, "Exporter it's has 2 dead letters: the far end refused the record for good.");
  EXPECT_EQ(finding.command, "auditferry dead-letters list --exporter 'it'\\''s' --config /etc/auditferry/auditferry.toml");
}

TEST(Findings, APeerThatIsNotVerified) {
  HealthyDaemon daemon;
  daemon.settings.exporters.resize(1);
  daemon.settings.exporters[0].name = "siem";
  daemon.settings.exporters[0].insecure = true;
  const Finding finding = only(daemon);
  EXPECT_EQ(finding.what, "Exporter siem has tls.insecure: neither certificate nor name of its far end are verified, and anybody between can read and change what is sent.");
  EXPECT_EQ(finding.todo, "Set tls.ca_file where the certificate is of an authority of your own, and remove tls.insecure.");
}

TEST(Findings, GapsOncePerOwner) {
  HealthyDaemon daemon;
  GapRow gap;
  gap.collection_id = 7;
  gap.opened = fixture_now - hours(2);
  daemon.snapshot.gaps = {gap, gap};
  EXPECT_EQ(only(daemon).what, "2 gaps of acme/audit are open: it cannot be shown that no record is missing there.");
  gap.gap_id = 4;
  gap.range = TimeRange{fixture_now - hours(10), fixture_now - hours(9)};
  const std::vector<GapAdvice> advice = gap_advice(gap, daemon.snapshot, daemon.state.config);
  ASSERT_EQ(advice.size(), 3u);
  const std::string config = " --config /etc/auditferry/auditferry.toml";
  EXPECT_EQ(advice[0].command, "auditferry ledger --source acme --stream audit --from 2025-11-23T07:25:12Z --to 2025-11-23T08:26:12Z" + config);
  EXPECT_EQ(advice[1].command, "auditferry backfill --source acme --stream audit --from 2025-11-23T00:25:12Z --to 2025-11-23T01:25:13Z" + config);
  EXPECT_EQ(advice[2].command, "auditferry gaps accept 4 --reason WHY" + config);
  gap.collection_id.reset();  // an exporter's: no portal can be asked
  EXPECT_EQ(gap_advice(gap, daemon.snapshot, daemon.state.config).size(), 2u);
  daemon.snapshot.gaps[1].collection_id.reset();
  daemon.snapshot.gaps[1].exporter_id = 3;
  EXPECT_EQ(findings(daemon.state).size(), 2u);
}

TEST(Findings, RetentionThatRunsOut) {
  HealthyDaemon daemon;
  daemon.collection().coverage = {{{fixture_now - hours(240), fixture_now - hours(100)}, "poll", fixture_now}};
  daemon.settings.sources[0].streams[0].retention = hours(125);
  EXPECT_TRUE(findings(daemon.state).empty());
  daemon.settings.sources[0].streams[0].retention = hours(120);
  EXPECT_EQ(only(daemon).what, "In 20h the portal will forget records of acme/audit that are not here yet.");
  daemon.settings.sources[0].streams[0].retention = hours(99);
  EXPECT_EQ(only(daemon).what, "The portal may have forgotten records of acme/audit that are not here.");
  // A short memory is no alarm as long as the stream is close to its end.
  daemon.collection().coverage = {{{fixture_now - hours(240), fixture_now - minutes(1)}, "poll", fixture_now}};
  daemon.settings.sources[0].streams[0].retention = hours(12);
  EXPECT_TRUE(findings(daemon.state).empty());
}

TEST(Findings, AFullJournal) {
  HealthyDaemon daemon;
  daemon.state.journal_full_in = hours(25);
  EXPECT_TRUE(findings(daemon.state).empty());
  daemon.state.journal_full_in = hours(23);
  EXPECT_EQ(only(daemon).what, "The journal will be full in 23h at the present rate.");
  daemon.state.holding = true;
  EXPECT_EQ(only(daemon).what, "Nothing is fetched, because the journal or its disk is full.");
  daemon.state.held_by = "archive";
  EXPECT_EQ(only(daemon).what, "Nothing is fetched: the journal is full of records that exporter archive has not delivered.");
  EXPECT_EQ(only(daemon).todo, "Mend exporter archive, or raise journal.max_size.");
}

TEST(Findings, BooksThatDoNotBalance) {
  HealthyDaemon daemon;
  daemon.snapshot.streams[0].books.fetched += 1;
  EXPECT_EQ(only(daemon).what, "The books of acme/audit do not balance.");
  daemon.snapshot.streams[0].books.fetched -= 1;
  daemon.exporter().books.delivered -= 1;
  EXPECT_EQ(only(daemon).what, "The books of exporter archive do not balance.");
  EXPECT_EQ(only(daemon).command, "auditferry journal check --config /etc/auditferry/auditferry.toml");
}

}  // namespace
}  // namespace auditferry
