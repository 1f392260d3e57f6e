// The orderly end of the program: what can be delivered within shutdown_timeout is, and no far end makes it longer.

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

#include "daemon/program.h"
#include "sandbox/portal.h"
#include "sandbox/portal_client.h"
#include "sources/profile.h"
#include "storage/snapshot.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/no_network.h"
#include "tests/support/recording_log.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_loop.h"

namespace auditferry {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

// Confirms every write, after its time.
class TimedExporter final : public Exporter {
 public:
  TimedExporter(Clock& clock, Duration takes) : clock_(clock), takes_(takes) {}
  Task<Status> open(const ExporterState&) override { co_return Status(); }
  Task<WriteOutcome> write(const std::vector<OutgoingRecord>&, WriteProgress&) override {
    co_await clock_.sleep(takes_);
    co_return WriteOutcome();
  }
  Task<Status> greet() override { co_return Status(); }
  Task<void> reopen() override { co_return; }
  Task<WriteOutcome> tend() override { co_return WriteOutcome(); }
  Task<void> close() override { co_return; }

 private:
  Clock& clock_;
  const Duration takes_;
};

class DrainTest : public testing::Test {
 protected:
  DrainTest() : portal_({}, [this] { return loop_.clock().now(); }) {
    portal_.set_plan(sandbox_tenant, "ENTERPRISE");
    portal_.make("audit", 50, loop_.clock().now() - hours(1), loop_.clock().now());
    SourceSettings source;
    source.name = "acme";
    source.profile = builtin_profile("apptego").value();
    source.base_url = "http://127.0.0.1/frontend";
    source.tenant = sandbox_tenant;
    source.credentials["token_key"] = Secret(sandbox_token_key);
    source.credentials["token_secret"] = Secret(sandbox_token_secret);
    source.requests_per_minute = 6000;
    StreamSettings stream;
    stream.name = "audit";
    stream.profile = source.profile.streams.at("audit");
    source.streams = {stream};
    settings_.sources = {source};
    settings_.journal.min_free = 1;
    settings_.daemon.state_dir = folder_.path();
    settings_.daemon.shutdown_timeout = seconds(20);
  }
  ~DrainTest() override { loop_.run(program_->end()); }
  void add_exporter(const std::string& name, Duration takes) {
    ExporterSettings exporter;
    exporter.name = name;
    exporter.type = "timed";
    exporter.format = "json";
    settings_.exporters.push_back(exporter);
    takes_[name] = takes;
  }
  // Begins, and asks for the end while writes are under way that began a moment ago. How long that takes.
  Duration end_in_the_middle_of_a_write() {
    Surroundings surroundings{loop_.executor(), loop_.clock(), log_,  random_, files_, network_, network_, loop_.blocking(),
                              [this] { return std::make_unique<LoopExecutor>(loop_.executor()); },
                              [this](const PeerSettings&) { return std::make_unique<PortalHttpClient>(portal_, loop_.clock()); },
                              [this](const ExporterSettings& settings, ExporterWorld) { return std::make_unique<TimedExporter>(loop_.clock(), takes_.at(settings.name)); }};
    program_ = std::make_unique<Program>(std::move(surroundings), settings_, RunOptions());
    const Status opened = program_->open(folder_ / "journal.db");
    EXPECT_TRUE(opened.ok()) << opened.error().message;
    program_->start();
    loop_.run_until_idle(seconds(2));
    const SteadyTime begin = loop_.clock().steady_now();
    program_->stop();
    loop_.run(drain());
    return loop_.clock().steady_now() - begin;
  }
  std::uint64_t waiting_for(const std::string& name) {
    for (const ExporterRow& row : snapshot_.exporters) {
      if (row.name == name) return row.books.waiting(snapshot_.last_seq);
    }
    ADD_FAILURE() << "no exporter " << name;
    return 0;
  }

  TestLoop loop_;
  TemporaryFolder folder_{TemporaryFolder::Place::memory};
  RecordingLog log_;
  Random random_{11};
  FaultyFileSystem files_;
  NoNetwork network_;
  Portal portal_;
  Settings settings_;
  std::map<std::string, Duration> takes_;
  std::unique_ptr<Program> program_;
  JournalSnapshot snapshot_;  // at the end of the drain

 private:
  Task<void> drain() {
    co_await program_->wait();
    co_await program_->drain();
    auto look = [](Journal& journal) { return take_snapshot(journal); };
    const Result<JournalSnapshot> snapshot = co_await program_->storage().run(look);
    snapshot_ = *snapshot;
  }
};

TEST_F(DrainTest, AWriteThatEndsInTimeIsWaitedFor) {
  add_exporter("quick", Duration::zero());
  add_exporter("slow", seconds(4));
  const Duration took = end_in_the_middle_of_a_write();
  EXPECT_EQ(snapshot_.last_seq, 50u);
  EXPECT_EQ(waiting_for("quick"), 0u);
  EXPECT_EQ(waiting_for("slow"), 0u);
  EXPECT_GT(took, seconds(1)) << "something was under way";
  EXPECT_LT(took, seconds(10));
  EXPECT_EQ(log_.count("not everything was delivered within shutdown_timeout"), 0u) << log_.text();
}

TEST_F(DrainTest, AFarEndThatHangsIsLeftAfterShutdownTimeoutAndHoldsUpNobody) {
  add_exporter("quick", Duration::zero());
  add_exporter("hangs", hours(1000));
  const Duration took = end_in_the_middle_of_a_write();
  EXPECT_EQ(snapshot_.last_seq, 50u);
  EXPECT_EQ(waiting_for("quick"), 0u);
  EXPECT_EQ(waiting_for("hangs"), 50u);
  EXPECT_GE(took, seconds(20));
  EXPECT_LT(took, seconds(21));
  EXPECT_EQ(log_.count("not everything was delivered within shutdown_timeout"), 1u) << log_.text();
}

}  // namespace
}  // namespace auditferry
