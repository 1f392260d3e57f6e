// No room for more: what has been fetched is published, so that it can be delivered and pruned.

#include <gtest/gtest.h>

#include "daemon/housekeeper.h"
#include "daemon/poller_fixture.h"
#include "encoding/hash.h"
#include "tests/support/faulty_file_system.h"

namespace auditferry {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// One slice of history with many pages.
class Room : public testing::Test {
 protected:
  Room() : fixture_(options()) {
    fixture_.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
    fixture_.http_.set_latency(std::chrono::milliseconds(10));
  }
  static PortalOptions options() {
    PortalOptions options = audit_only(2, hours(2));
    options.streams[SandboxLog::audit].record_bytes = 500;
    return options;
  }
  // Until a walk of history has brought some pages.
  void run_into_history() {
    for (int i = 0; i < 1000; ++i) {
      fixture_.run_for(std::chrono::milliseconds(100));
      for (const StoredWalk& walk : walks()) {
        if (walk.how == "history" && staged() > 2000) return;
      }
    }
    FAIL() << "no walk of history";
  }
  std::vector<StoredWalk> walks() {
    const JournalSnapshot snapshot = fixture_.snapshot();
    return fixture_.collection(snapshot).walks;
  }
  std::uint64_t staged() { return fixture_.snapshot().streams[0].books.staged; }

  PollerFixture fixture_;
};

TEST_F(Room, WhatAWalkUnderWayHasBroughtIsPublishedWhenTheJournalIsFull) {
  run_into_history();
  fixture_.poller_->hold(Poller::Room::none);
  fixture_.run_for(seconds(3));
  EXPECT_TRUE(walks().empty());
  EXPECT_EQ(staged(), 0u);
  EXPECT_GT(fixture_.ids().size(), 2000u);
  EXPECT_TRUE(fixture_.poller_->status().waiting_for_room);
  const std::uint64_t requests = fixture_.requests();
  fixture_.run_for(minutes(5));
  EXPECT_EQ(fixture_.requests(), requests);
  // What has been shown is not asked for again but for a little.
  const JournalSnapshot snapshot = fixture_.snapshot();
  Duration covered{};
  for (const CoverageInterval& interval : fixture_.collection(snapshot).coverage) {
    if (interval.how == "history") covered += interval.range.to - interval.range.from;
  }
  EXPECT_GT(covered, minutes(15));
  fixture_.poller_->hold(Poller::Room::enough);
  fixture_.run_for(minutes(10));
  fixture_.expect_everything();
}

TEST_F(Room, AWalkUnderWayStaysWhenOnlyTheDiskIsLow) {
  run_into_history();
  fixture_.poller_->hold(Poller::Room::low);
  fixture_.run_for(seconds(3));
  EXPECT_EQ(walks().size(), 1u);
  const std::uint64_t requests = fixture_.requests();
  fixture_.run_for(minutes(5));
  EXPECT_EQ(fixture_.requests(), requests);
  fixture_.poller_->hold(Poller::Room::enough);
  fixture_.run_for(minutes(10));
  fixture_.expect_everything();
}

// A crash between the cut and the last chunk of the publication.
TEST_F(Room, ACutWalkIsPublishedAfterACrash) {
  run_into_history();
  fixture_.poller_->hold(Poller::Room::none);
  fixture_.run_for(std::chrono::milliseconds(1001));
  fixture_.restart();
  fixture_.run_for(minutes(10));
  fixture_.expect_everything();
}

// The whole way: journal.max_size is smaller than what one walk brings, an exporter delivers what is there.
TEST(RoomForAll, AWalkLargerThanTheJournalGetsThrough) {
  PollerFixture fixture;
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
  fixture.http_.set_latency(std::chrono::milliseconds(500));
  fixture.restart();
  const WallTime now = fixture.loop_.clock().now();
  for (int i = 0; i < 3000; ++i) {
    std::string filler;  // that does not get smaller by compressing it
    for (int part = 0; part < 24; ++part) filler += hex(sha256(std::to_string(i * 100 + part)));
    fixture.portal_.add("audit", now - hours(3) + seconds(3 * i), {{"raw_data", "\"" + filler + "\""}});
  }
  FaultyFileSystem files;
  JournalSettings settings;
  settings.max_size = 1u << 20;  // about a third of it
  settings.min_free = 0;
  Housekeeper housekeeper(fixture.loop_.clock(), fixture.log_, *fixture.storage_, files, fixture.loop_.blocking(), settings,
                          fixture.folder_.path(), {fixture.poller_.get()});
  const std::int64_t exporter = fixture.journal_->attach_exporter("archive", "file", "hold", false)->exporter_id;
  std::uint64_t position = 0;
  std::set<std::string> delivered;
  bool was_full = false;
  for (int round = 0; round < 200 && delivered.size() < 3000; ++round) {
    fixture.run_for(seconds(2));
    fixture.loop_.run(housekeeper.round());
    was_full = was_full || housekeeper.holding();
    fixture.run_for(seconds(2));
    const Result<RecordBatch> batch = fixture.journal_->read(position, 1'000'000, 1u << 30);
    ASSERT_TRUE(batch.ok());
    for (const Record& record : batch->records) {
      EXPECT_TRUE(delivered.insert(std::string(record.id)).second) << "twice: " << record.id;
    }
    PositionUpdate update;
    update.exporter_id = exporter;
    update.from = position;
    update.to = fixture.journal_->last_seq();
    update.delivered = update.to - update.from;
    if (update.to > update.from) {
      ASSERT_TRUE(fixture.journal_->advance({update}, fixture.loop_.clock().now())->at(0));
    }
    position = update.to;
  }
  EXPECT_TRUE(was_full);
  EXPECT_EQ(delivered, fixture.portal_ids());
  EXPECT_EQ(fixture.gaps(), std::vector<std::string>());
}

}  // namespace
}  // namespace auditferry
