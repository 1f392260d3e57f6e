#include "daemon/exporter_part.h"

#include <gtest/gtest.h>

#include "core/profile.h"
#include "exporters/syslog_settings.h"
#include "tests/support/delivery_rig.h"
#include "tests/support/fake_receiver.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/recording_log.h"
#include "tests/support/test_loop.h"

namespace auditferry {
namespace {

Task<void> keep_outcome(Task<WriteOutcome> write, WriteOutcome& outcome) { outcome = co_await std::move(write); }

// Without the profiles nothing is known of a record's outcome, and all of them would be of the usual severity.
TEST(ExporterWorld, GivesAnExporterTheProfiles) {
  TestLoop loop;
  RecordingLog log;
  Random random{1};
  FaultyFileSystem files;
  FakeReceiver receiver(loop.executor(), loop.clock(), FakeReceiver::Speaks::lines);
  TaskGroup tasks(loop.executor());
  const Surroundings surroundings{loop.executor(), loop.clock(), log, random, files, receiver, receiver, loop.blocking(), {}, {}};
  Profile profile;
  profile.vendor = "apptego";
  profile.streams["audit"].fields.outcome = "/successful";
  ProfileBook profiles;
  profiles.add(profile);

  SyslogSettings own;
  own.transport = SyslogTransport::udp;
  own.hostname = "ferry";
  ExporterSettings settings;
  settings.name = "siem";
  settings.type = "syslog";
  settings.own = own;
  ExporterWorld world = exporter_world(surroundings, profiles, loop.blocking(), tasks, {});
  const std::unique_ptr<Exporter> exporter = surroundings.make_exporter(settings, std::move(world));

  Record record;
  record.vendor = "apptego";
  record.stream = "audit";
  record.raw = "{\"successful\":false}";
  const std::vector<OutgoingRecord> batch{{&record, "x"}};
  NoProgress progress;
  WriteOutcome outcome;
  loop.run(keep_outcome(exporter->write(batch, progress), outcome));
  EXPECT_EQ(outcome.verdict, Verdict::delivered) << outcome.reason;
  ASSERT_EQ(receiver.messages().size(), 1u);
  EXPECT_TRUE(receiver.messages()[0].starts_with("<132>1 ")) << "local0.warning: " << receiver.messages()[0];
}

}  // namespace
}  // namespace auditferry
