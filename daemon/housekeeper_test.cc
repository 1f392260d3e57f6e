// What keeps the journal and its disk within bounds, with a poller on a simulated portal and a disk in memory.

#include "daemon/housekeeper.h"

#include <gtest/gtest.h>

#include "daemon/poller_fixture.h"
#include "storage/sqlite.h"
#include "tests/support/faulty_file_system.h"

namespace auditferry {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::uint64_t mebibyte = 1u << 20;
constexpr std::uint64_t reserve_bytes = 16 * mebibyte;

PortalOptions busy() {
  PortalOptions options;
  options.streams[SandboxLog::audit].rate_per_second = 2;
  options.streams[SandboxLog::audit].history = hours(1);
  return options;
}

class HousekeeperTest : public testing::Test {
 protected:
  HousekeeperTest() : fixture_(busy()) { settings_.min_free = 0; }

  std::unique_ptr<Housekeeper> make() {
    return std::make_unique<Housekeeper>(fixture_.loop_.clock(), fixture_.log_, *fixture_.storage_, files_, fixture_.loop_.blocking(),
                                         settings_, "/state", std::vector<Poller*>{fixture_.poller_.get()});
  }
  void round() { fixture_.loop_.run(keeper_->round()); }
  ExporterRow attach(const std::string& when_full, const std::string& name = "siem") {
    return fixture_.journal_->attach_exporter(name, "scripted", when_full, false).value();
  }
  void deliver_all() {
    deliver(fixture_.journal_->exporters().value().at(0), fixture_.journal_->last_seq());
  }
  void deliver(const ExporterRow& row, std::uint64_t to) {
    PositionUpdate update;
    update.exporter_id = row.exporter_id;
    update.from = row.books.position;
    update.to = to;
    update.delivered = update.to - update.from;
    ASSERT_TRUE(fixture_.journal_->advance({update}, fixture_.loop_.clock().now()).value().at(0));
  }
  std::uint64_t fetched() { return fixture_.snapshot().streams.at(0).books.fetched; }
  std::size_t errors(const std::string& text) const { return fixture_.log_.count(text, LogLevel::error); }
  // With a size of so many bytes free for others than the reserve.
  void fill_disk(std::uint64_t bytes) { files_.put("/state/other", std::string(bytes, 'x')); }
  std::uint64_t reserve() const {
    const auto contents = files_.contents();
    const auto found = contents.find("/state/reserve");
    return found == contents.end() ? 0 : found->second.size();
  }
  std::int64_t identities_from(WallTime time) {
    Statement count(fixture_.journal_->database(), "SELECT count(*) FROM identity WHERE time >= ?");
    count.query(to_micros(time)).step();
    return count.integer(0);
  }

  PollerFixture fixture_;
  FaultyFileSystem files_;
  JournalSettings settings_;
  std::unique_ptr<Housekeeper> keeper_ = make();
};

TEST_F(HousekeeperTest, AtMaxSizePollingWaitsUntilAnExporterHasDelivered) {
  attach("hold");
  fixture_.run_for(minutes(10));
  settings_.max_size = fixture_.journal_->used_bytes().value();
  round();
  round();
  EXPECT_TRUE(keeper_->holding());
  EXPECT_TRUE(fixture_.poller_->status().waiting_for_room);
  EXPECT_EQ(errors("with records that exporter siem has not delivered: polling waits"), 1u) << "told once";
  fixture_.run_for(minutes(2));  // what was under way comes to its end
  const std::uint64_t before = fetched();
  fixture_.run_for(minutes(30));
  EXPECT_EQ(fetched(), before);
  EXPECT_TRUE(fixture_.snapshot().gaps.empty()) << "the portal keeps the records meanwhile";
  deliver_all();
  round();
  EXPECT_FALSE(keeper_->holding());
  EXPECT_EQ(fixture_.log_.count("the journal has room again"), 1u);
  settings_.max_size = std::uint64_t{1} << 40;
  fixture_.portal_.stop_making();
  fixture_.run_for(minutes(30));
  EXPECT_GT(fetched(), before);
  std::uint64_t made = fixture_.portal_ids().size();
  EXPECT_EQ(fixture_.snapshot().streams.at(0).books.journaled, made) << "nothing was missed while it waited";
}

// The one with the lowest position of those that hold polling up.
TEST_F(HousekeeperTest, AFullJournalNamesTheExporterThatWaitsLongest) {
  const ExporterRow quick = attach("hold", "archive");
  const ExporterRow slow = attach("hold", "siem");
  attach("release", "metrics");
  attach("hold", "gone");
  fixture_.run_for(minutes(10));
  ASSERT_TRUE(fixture_.journal_->detach_exporters_except({"archive", "siem", "metrics"}).ok());
  const std::uint64_t last = fixture_.journal_->last_seq();
  deliver(quick, last / 2);
  settings_.max_size = mebibyte;
  for (int i = 0; i < 3; ++i) {
    round();
    settings_.max_size = keeper_->used_bytes();
  }
  ASSERT_TRUE(keeper_->holding());
  EXPECT_EQ(keeper_->held_by(), "siem");
  EXPECT_EQ(errors("with records that exporter siem has not delivered"), 1u) << fixture_.log_.text();
  EXPECT_NE(fixture_.log_.text().find("or raise journal.max_size exporter=siem\n"), std::string::npos) << fixture_.log_.text();
  // Now it is the other's turn, and that is told, too.
  deliver(slow, last);
  round();
  settings_.max_size = keeper_->used_bytes();
  round();
  EXPECT_EQ(keeper_->held_by(), "archive");
  EXPECT_EQ(errors("with records that exporter archive has not delivered"), 1u) << fixture_.log_.text();
  deliver(fixture_.journal_->exporters().value().at(0), last);
  settings_.max_size = std::uint64_t{1} << 40;
  round();
  EXPECT_EQ(keeper_->held_by(), "");
  EXPECT_FALSE(keeper_->holding());
}

TEST_F(HousekeeperTest, AtMaxSizeUndeliveredRecordsOfAnExporterThatReleasesBecomeItsGap) {
  attach("release");
  fixture_.run_for(minutes(10));
  const std::uint64_t last = fixture_.journal_->last_seq();
  ASSERT_GT(last, 500u);
  settings_.max_size = fixture_.journal_->used_bytes().value();
  round();
  EXPECT_FALSE(keeper_->holding());
  EXPECT_EQ(errors("undelivered records were released"), 1u);
  const JournalSnapshot snapshot = fixture_.snapshot();
  const ExporterRow& row = snapshot.exporters.at(0);
  ASSERT_FALSE(snapshot.gaps.empty());
  EXPECT_EQ(snapshot.gaps[0].type, "released");
  EXPECT_EQ(snapshot.gaps[0].exporter_id, row.exporter_id);
  EXPECT_EQ(snapshot.gaps[0].from_seq, 1u);
  std::uint64_t released = 0;
  for (const GapRow& gap : snapshot.gaps) released += gap.to_seq - gap.from_seq + 1;
  EXPECT_EQ(row.books.released, released);
  EXPECT_TRUE(row.books.balance(snapshot.last_seq));
  EXPECT_LT(keeper_->used_bytes(), settings_.max_size);
  const std::uint64_t before = fetched();
  fixture_.run_for(minutes(5));
  EXPECT_GT(fetched(), before);
}

TEST_F(HousekeeperTest, AJournalThatWillBeFullWithinADayIsAnError) {
  attach("hold");
  fixture_.run_for(minutes(5));
  round();
  const std::uint64_t first = keeper_->used_bytes();
  EXPECT_FALSE(keeper_->full_in().has_value()) << "nothing is known yet";
  fixture_.run_for(minutes(20));
  round();
  const std::uint64_t grown = keeper_->used_bytes() - first;
  ASSERT_GT(grown, 0u);
  settings_.max_size = keeper_->used_bytes() + grown * 720;  // ten days
  round();
  ASSERT_TRUE(keeper_->full_in().has_value());
  EXPECT_GT(*keeper_->full_in(), hours(9 * 24));
  EXPECT_LT(*keeper_->full_in(), hours(11 * 24));
  EXPECT_EQ(errors("will reach journal.max_size"), 0u);
  settings_.max_size = keeper_->used_bytes() + grown * 66;  // 22 hours
  round();
  round();
  EXPECT_LT(*keeper_->full_in(), hours(24));
  EXPECT_EQ(errors("the journal will reach journal.max_size in about "), 1u) << fixture_.log_.text();
  EXPECT_FALSE(keeper_->holding());
}

TEST_F(HousekeeperTest, BelowMinFreePollingWaitsAndTheReserveIsGivenWhenTheDiskIsFull) {
  settings_.min_free = 32 * mebibyte;
  files_.set_capacity(80 * mebibyte);
  fixture_.run_for(minutes(5));
  round();
  EXPECT_EQ(reserve(), reserve_bytes);
  EXPECT_FALSE(keeper_->holding());
  fill_disk(40 * mebibyte);
  round();
  round();
  EXPECT_TRUE(keeper_->holding());
  EXPECT_EQ(errors("has only 24MiB free, less than journal.min_free (32MiB): polling waits, deliveries go on"), 1u) << fixture_.log_.text();
  EXPECT_EQ(reserve(), reserve_bytes) << "there is still room for positions";
  fixture_.run_for(minutes(2));
  const std::uint64_t before = fetched();
  fixture_.run_for(minutes(10));
  EXPECT_EQ(fetched(), before);
  fill_disk(63 * mebibyte);
  round();
  EXPECT_EQ(reserve(), 0u) << "its room is for positions and pruning";
  EXPECT_GE(files_.free_bytes("/state").value(), reserve_bytes);
  round();
  EXPECT_TRUE(keeper_->holding());
  EXPECT_EQ(reserve(), 0u);
  fill_disk(0);
  round();
  EXPECT_FALSE(keeper_->holding());
  EXPECT_EQ(fixture_.log_.count("the disk has room again"), 1u);
  EXPECT_EQ(reserve(), reserve_bytes);
  fixture_.run_for(minutes(5));
  EXPECT_GT(fetched(), before);
}

TEST_F(HousekeeperTest, AReserveOfAnEarlierProcessIsGivenToo) {
  settings_.min_free = 32 * mebibyte;
  files_.set_capacity(80 * mebibyte);
  round();
  ASSERT_EQ(reserve(), reserve_bytes);
  fill_disk(63 * mebibyte);
  keeper_ = make();
  round();
  EXPECT_EQ(reserve(), 0u);
}

TEST_F(HousekeeperTest, IdentitiesAreForgottenAfterRememberButNeverWhatAWalkCouldMeet) {
  fixture_.stream_.poll_every = minutes(2);
  fixture_.run_for(hours(4));
  const WallTime now = fixture_.loop_.clock().now();
  settings_.remember = hours(2);
  const std::int64_t recent = identities_from(now - hours(2));
  ASSERT_GT(identities_from(WallTime{}), recent + 5000);
  round();
  EXPECT_EQ(identities_from(WallTime{}), recent);
  settings_.remember = Duration(0);
  const std::optional<WallTime> needed = fixture_.poller_->oldest_needed();
  ASSERT_TRUE(needed.has_value());
  const std::int64_t kept = identities_from(*needed);
  ASSERT_GT(kept, 100);
  round();
  EXPECT_EQ(identities_from(WallTime{}), kept);
  // Overlap walks meet no record that they take for a new one.
  fixture_.run_for(hours(1));
  fixture_.portal_.stop_making();
  fixture_.run_for(minutes(30));
  EXPECT_EQ(fixture_.ids().size(), fixture_.snapshot().streams.at(0).books.journaled);
}

TEST_F(HousekeeperTest, AJournalFullOfIdentitiesAloneSaysWhichSettingToChange) {
  attach("hold");
  fixture_.run_for(minutes(30));
  fixture_.portal_.stop_making();
  fixture_.run_for(minutes(2));
  deliver_all();
  settings_.keep = Duration(0);
  round();
  settings_.max_size = fixture_.journal_->used_bytes().value();
  round();
  round();
  EXPECT_TRUE(keeper_->holding());
  EXPECT_EQ(errors("holds no record that could be removed"), 1u) << fixture_.log_.text();
  EXPECT_EQ(errors("raise journal.max_size, or lower journal.remember"), 1u);
  EXPECT_EQ(errors("has not delivered"), 0u);
  settings_.max_size *= 2;
  round();
  EXPECT_FALSE(keeper_->holding());
}

}  // namespace
}  // namespace auditferry
