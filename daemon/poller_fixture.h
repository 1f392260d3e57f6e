#pragma once
// A poller against a simulated portal with a real journal, all on one loop with virtual time. For tests.

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>

#include "core/task_group.h"
#include "daemon/poller.h"
#include "sandbox/portal.h"
#include "sandbox/portal_client.h"
#include "sources/profile.h"
#include "storage/snapshot.h"
#include "tests/support/recording_log.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_loop.h"

namespace auditferry {

// Every log of the portal gets records at that rate, and has got them for so long.
inline PortalOptions steady(double rate = 0.5, Duration history = std::chrono::hours(3)) {
  PortalOptions options;
  for (const SandboxLog log : {SandboxLog::audit, SandboxLog::device, SandboxLog::okta, SandboxLog::github}) {
    options.streams[log].rate_per_second = rate;
    options.streams[log].history = history;
  }
  return options;
}

// The audit log alone.
inline PortalOptions audit_only(double rate, Duration history) {
  PortalOptions options;
  options.streams[SandboxLog::audit].rate_per_second = rate;
  options.streams[SandboxLog::audit].history = history;
  return options;
}

// The sandbox names the two other vendors' logs after them.
inline std::string log_of(const std::string& profile, const std::string& stream) { return profile == "apptego" ? stream : profile; }

// Nothing is made in the logs that nobody looks at.
inline PortalOptions only(const std::string& log, PortalOptions options) {
  std::erase_if(options.streams, [&log](const auto& entry) { return stream_name(entry.first) != log; });
  return options;
}

class PollerFixture {
 public:
  explicit PollerFixture(PortalOptions options = {}, const std::string& profile = "apptego", const std::string& stream = "audit")
      : portal_(only(log_of(profile, stream), std::move(options)), [this] { return loop_.clock().now(); }), http_(portal_, loop_.clock()) {
    Result<Profile> loaded = builtin_profile(profile);
    source_.name = "acme";
    source_.profile = std::move(loaded).value();
    source_.base_url = profile == "apptego" ? "http://127.0.0.1/frontend" : "http://127.0.0.1";
    source_.tenant = profile == "apptego" ? sandbox_tenant : "example";
    source_.credentials["token_key"] = Secret(sandbox_token_key);
    source_.credentials["token_secret"] = Secret(sandbox_token_secret);
    source_.credentials["token"] = Secret(profile == "okta" ? "sandbox-okta-token" : "sandbox-github-token");
    source_.requests_per_minute = 6000;
    stream_.profile = source_.profile.streams.at(stream);
    stream_.name = stream;
    log_name_ = log_of(profile, stream);
    open();
  }
  ~PollerFixture() { stop(); }

  // Opens the journal and makes a poller, as a new process would.
  void open() { open_with(http_); }
  void open_with(HttpClient& http) {
    Result<std::unique_ptr<Journal>> opened = Journal::open(folder_ / "journal.db");
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    journal_ = std::move(opened).value();
    storage_ = std::make_unique<StorageQueue>(*journal_, loop_.blocking(), loop_.clock(), loop_.executor());
    budget_ = std::make_unique<RequestBudget>(loop_.clock(), source_.requests_per_minute);
    bell_ = std::make_unique<Bell>(loop_.executor());
    group_ = std::make_unique<TaskGroup>(loop_.executor());
    poller_ = std::make_unique<Poller>(
        PollerWorld{loop_.clock(), log_, *storage_, http, *budget_, random_, *bell_, credential_key(source_)}, source_, stream_);
  }
  void run_for(Duration duration) {
    if (group_->empty()) group_->spawn("poller", poller_->run());
    loop_.run_until_idle(duration);
  }
  // As a crash does: nothing more happens, and only the journal remains.
  void stop() {
    EXPECT_LE(http_.most_in_flight(), 1) << "one request in flight per stream";
    group_->cancel();
    loop_.run(group_->join());
    poller_.reset();
    group_.reset();
    storage_.reset();
    journal_.reset();
    budget_.reset();
    bell_.reset();
  }
  void restart() {
    stop();
    open();
  }
  Status run_once(Duration limit = std::chrono::hours(2)) {
    Status outcome;
    loop_.run(keep(poller_->run_once(), outcome), limit);
    return outcome;
  }

  JournalSnapshot snapshot() {
    Result<JournalSnapshot> taken = take_snapshot(*journal_);
    EXPECT_TRUE(taken.ok());
    for (const StreamSnapshot& stream : taken->streams) EXPECT_TRUE(stream.books.balance());
    return std::move(taken).value();
  }
  // Ids of the published records, with "@n"; gaps left out. Fails when one comes twice.
  std::set<std::string> ids() {
    std::set<std::string> ids;
    Result<RecordBatch> batch = journal_->read(0, 10'000'000, std::uint64_t{1} << 40);
    EXPECT_TRUE(batch.ok());
    EXPECT_TRUE(batch->missing.empty());
    for (const Record& record : batch->records) {
      if (record.gap) continue;
      const std::string id = std::string(record.id) + (record.revision > 1 ? "@" + std::to_string(record.revision) : "");
      EXPECT_TRUE(ids.insert(id).second) << "twice: " << id;
    }
    return ids;
  }
  // What the journal has to tell of gaps, in its own words.
  std::vector<std::string> gaps() {
    std::vector<std::string> words;
    for (const GapRow& gap : snapshot().gaps) words.push_back(gap.type + ": " + gap.why);
    return words;
  }
  // Everything the portal ever showed is there, once nothing new has come for a while.
  void expect_everything() {
    portal_.stop_making();
    run_for(std::chrono::minutes(30));
    EXPECT_EQ(ids(), portal_ids());
    EXPECT_EQ(gaps(), std::vector<std::string>());
    EXPECT_EQ(log_.count("", LogLevel::error), 0u);
  }
  // The same of a log without ids: each record as often as the portal has it.
  void expect_every_content() {
    portal_.stop_making();
    run_for(std::chrono::minutes(30));
    std::multiset<std::string> of_portal;
    for (const RecordInfo& record : portal_.all_records(log_name_)) of_portal.insert(*record.json);
    EXPECT_EQ(contents(), of_portal);
    EXPECT_EQ(gaps(), std::vector<std::string>());
    EXPECT_EQ(log_.count("", LogLevel::error), 0u);
  }
  std::multiset<std::string> contents() {
    std::multiset<std::string> texts;
    Result<RecordBatch> batch = journal_->read(0, 10'000'000, std::uint64_t{1} << 40);
    EXPECT_TRUE(batch.ok());
    for (const Record& record : batch->records) {
      if (!record.gap) texts.insert(std::string(record.raw));
    }
    return texts;
  }
  // How often the portal was asked for a page so far.
  std::uint64_t requests() { return portal_.stats().requests; }
  std::set<std::string> portal_ids() {
    std::set<std::string> ids;
    for (const RecordInfo& record : portal_.all_records(log_name_)) ids.insert(record.id);
    return ids;
  }
  // As if nothing of that time could have been read.
  void record_unread_gap(TimeRange range) {
    const std::int64_t collection_id = collection(snapshot()).collection_id;
    const NewGap gap{"unreadable", range, "nothing of it could be read"};
    EXPECT_TRUE(journal_->record_gap(collection_id, gap, loop_.clock().now()).value());
  }
  // The end of what has been shown.
  WallTime shown_to() {
    const JournalSnapshot taken = snapshot();
    WallTime shown = *collection(taken).start;
    for (const CoverageInterval& interval : collection(taken).coverage) shown = std::max(shown, interval.range.to);
    return shown;
  }
  const CollectionSnapshot& collection(const JournalSnapshot& snapshot) { return snapshot.streams.at(0).collections.back(); }

  TestLoop loop_;
  TemporaryFolder folder_{TemporaryFolder::Place::memory};
  RecordingLog log_;
  Random random_{7};
  Portal portal_;
  PortalHttpClient http_;
  SourceSettings source_;
  StreamSettings stream_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<StorageQueue> storage_;
  std::unique_ptr<RequestBudget> budget_;
  std::unique_ptr<Bell> bell_;
  std::unique_ptr<TaskGroup> group_;
  std::unique_ptr<Poller> poller_;
  std::string log_name_;  // of the portal

 private:
  static Task<void> keep(Task<Status> task, Status& outcome) { outcome = co_await std::move(task); }
};

}  // namespace auditferry
