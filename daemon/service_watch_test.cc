#include "daemon/service_watch.h"

#include <gtest/gtest.h>

#include <memory>

#include "core/task_group.h"
#include "tests/support/hanging_executor.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_loop.h"

namespace auditferry {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

const WallTime watched_at = from_micros(1'763'893'512'000'000);

TEST(ServiceStatusLine, ShowsStreamsLagAndWaitingRecords) {
  Settings settings;
  settings.sources.resize(1);
  settings.sources[0].name = "acme";
  settings.sources[0].profile.vendor = "apptego";
  settings.sources[0].tenant = "t1";
  settings.sources[0].streams.resize(2);
  settings.sources[0].streams[0].name = "audit";
  settings.sources[0].streams[1].name = "device";
  JournalSnapshot snapshot;
  snapshot.last_seq = 1204;
  CollectionSnapshot collection;
  collection.start = watched_at - hours(24);
  collection.coverage = {{{watched_at - hours(24), watched_at - seconds(12)}, "poll", watched_at}};
  collection.watermark = watched_at - seconds(12);
  StreamSnapshot stream;
  stream.identity = {"apptego", "t1", "audit"};
  stream.source = "acme";
  stream.collections = {collection};
  // What is no longer configured only grows older.
  StreamSnapshot left = stream;
  left.identity.stream = "left";
  left.collections[0].watermark = watched_at - hours(9);
  snapshot.streams = {stream, left};
  ExporterRow row;
  row.name = "archive";
  row.books.position = 1200;
  row.books.delivered = 1200;
  snapshot.exporters = {row};
  ExporterRow detached = row;
  detached.attached = false;
  detached.books.position = 0;
  detached.books.delivered = 0;
  snapshot.exporters.push_back(detached);
  StatusContext context;
  context.now = watched_at;
  context.settings = &settings;
  EXPECT_EQ(service_status_line(snapshot, context), "2 streams, lag 12s, 4 records waiting");
  snapshot.exporters[0].last_error = "the disk is full\nand on fire";
  EXPECT_EQ(service_status_line(snapshot, context).find("2 streams, lag 12s, 4 records waiting; a person is needed: exporter archive"), 0u)
      << service_status_line(snapshot, context);
  EXPECT_EQ(service_status_line(snapshot, context).find('\n'), std::string::npos);
}

class ServiceWatchTest : public testing::Test {
 protected:
  ServiceWatchTest() {
    Result<std::unique_ptr<Journal>> opened = Journal::open(folder_ / "journal.db");
    EXPECT_TRUE(opened.ok());
    journal_ = std::move(opened).value();
    storage_ = std::make_unique<StorageQueue>(*journal_, executor_, loop_.clock(), loop_.executor());
    life_ = std::make_unique<LifeSigns>(loop_.clock(), *storage_, "");
    watch_ = std::make_unique<ServiceWatch>(ServiceWatch::World{loop_.clock(), *storage_, *life_, settings_},
                                            [this](const std::string& line) { lines_.push_back(line); }, [this] { ++signs_; });
    group_.spawn("life", life_->watch());
    group_.spawn("watchdog", watch_->keep_alive(seconds(30)));
    group_.spawn("status", watch_->keep_status());
  }
  ~ServiceWatchTest() override {
    executor_.go_on();
    loop_.run(end());
  }
  Task<void> end() {
    group_.cancel();
    co_await group_.join();
  }
  void pass(Duration duration) { loop_.run(loop_.clock().sleep(duration)); }

  TestLoop loop_;
  TemporaryFolder folder_{TemporaryFolder::Place::memory};
  Settings settings_;
  HangingExecutor executor_{loop_.blocking()};
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<StorageQueue> storage_;
  std::unique_ptr<LifeSigns> life_;
  std::unique_ptr<ServiceWatch> watch_;
  std::vector<std::string> lines_;
  int signs_ = 0;
  TaskGroup group_{loop_.executor()};
};

TEST_F(ServiceWatchTest, TheWatchdogGetsNoSignWhileTheStorageThreadHangs) {
  pass(seconds(301));
  EXPECT_EQ(signs_, 11);
  executor_.hangs = true;
  pass(seconds(70));
  const int before = signs_;
  pass(seconds(600));
  EXPECT_EQ(signs_, before);
  executor_.go_on();
  pass(seconds(60));
  EXPECT_GT(signs_, before);
}

TEST_F(ServiceWatchTest, TheStatusLineIsRenewed) {
  pass(seconds(31));
  ASSERT_EQ(lines_.size(), 3u);
  EXPECT_EQ(lines_.back(), "0 streams, lag 0s, 0 records waiting");
}

}  // namespace
}  // namespace auditferry
