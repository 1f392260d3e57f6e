#include "daemon/backfill_job.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "daemon/poller_fixture.h"

namespace auditferry {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class BackfillJobs : public PollerFixture {
 public:
  BackfillJobs() : PollerFixture(audit_only(0.2, hours(8))) {
    stream_.start = {StartSetting::Kind::ago, {}, minutes(10)};
    source_.streams = {stream_};
    settings_.sources = {source_};
  }
  TimeRange window(Duration from_ago, Duration to_ago) { return {begun_ - from_ago, begun_ - to_ago}; }
  Status check(const BackfillRequest& request) { return check_backfill(settings_, request, begun_); }
  // Beside the poller, which the caller has started.
  JobOutcome run(const BackfillRequest& request) {
    const std::string argument = backfill_argument(request);
    job_id_ = add_job(*journal_, "backfill", argument, begun_).value();
    Jobs jobs(JobWorld{loop_.clock(), log_, *storage_, random_, settings_, [](const ExporterSettings&) { return JobExporter(); },
                       [this](const std::string&, const std::string& stream) { return stream == "audit" ? poller_.get() : nullptr; }});
    JobOutcome outcome;
    loop_.run(carry_out(jobs, {job_id_, "backfill", argument, JobState::queued, ""}, outcome));
    return outcome;
  }

  Settings settings_;
  std::int64_t job_id_ = 0;
  const WallTime begun_ = loop_.clock().now();

 private:
  static Task<void> carry_out(Jobs& jobs, JobRow job, JobOutcome& outcome) { outcome = co_await jobs.carry_out(std::move(job)); }
};

TEST(BackfillJob, SaysWhatCannotBeDoneAndWhatWasMeant) {
  BackfillJobs world;
  const TimeRange window = world.window(hours(2), hours(1));
  EXPECT_TRUE(world.check({"acme", "", window}).ok());
  EXPECT_TRUE(world.check({"acme", "audit", window}).ok());
  EXPECT_NE(world.check({"acne", "", window}).error().message.find("did you mean \"acme\""), std::string::npos)
      << world.check({"acne", "", window}).error().message;
  EXPECT_NE(world.check({"acme", "audits", window}).error().message.find("did you mean \"audit\""), std::string::npos);
  EXPECT_NE(world.check({"acme", "", world.window(hours(-1), hours(-2))}).error().message.find("in the future"), std::string::npos);
  // Its end may be still to come: then the window reaches to the present.
  EXPECT_TRUE(world.check({"acme", "", world.window(hours(1), hours(-1))}).ok());
  for (TemplateField& field : world.settings_.sources[0].streams[0].profile.request.body) field.text.clear();
  for (TemplateField& field : world.settings_.sources[0].streams[0].profile.request.query) field.text.clear();
  EXPECT_EQ(world.check({"acme", "", window}).error().kind, ErrorKind::unsupported);
}

TEST(BackfillJob, WalksAndTellsWhatCameOfIt) {
  BackfillJobs world;
  world.run_for(minutes(5));
  const TimeRange window = world.window(hours(4), hours(3));
  const JobOutcome outcome = world.run({"acme", "", window});
  EXPECT_EQ(outcome.state, JobState::done) << outcome.words;
  EXPECT_TRUE(outcome.words.starts_with("audit: ")) << outcome.words;
  EXPECT_NE(outcome.words.find(" of them new; no gap is open in "), std::string::npos) << outcome.words;
  const JobOutcome again = world.run({"acme", "audit", window});
  EXPECT_NE(again.words.find(", 0 of them new; "), std::string::npos) << again.words;
}

TEST(BackfillJob, NeedsAPersonWhereAGapIsLeft) {
  BackfillJobs world;
  world.run_for(minutes(5));
  ASSERT_EQ(world.run({"acme", "", world.window(hours(6), hours(5))}).state, JobState::done);
  world.portal_.set_retention("audit", hours(1));
  const JobOutcome outcome = world.run({"acme", "", world.window(hours(4), hours(3))});
  EXPECT_EQ(outcome.state, JobState::needs_a_person) << outcome.words;
  EXPECT_NE(outcome.words.find("1 gap is open in"), std::string::npos) << outcome.words;
  EXPECT_NE(outcome.words.find("auditferry gaps list"), std::string::npos) << outcome.words;
}

TEST(BackfillJob, FailsWithThePortalsReason) {
  BackfillJobs world;
  world.run_for(minutes(5));
  world.portal_.set_token_revoked(sandbox_token_key, true);
  const JobOutcome outcome = world.run({"acme", "", world.window(hours(4), hours(3))});
  EXPECT_EQ(outcome.state, JobState::failed);
  EXPECT_NE(outcome.words.find("given up at"), std::string::npos) << outcome.words;
  EXPECT_NE(outcome.words.find(world.poller_->status().problem), std::string::npos) << outcome.words;
}

TEST(BackfillJob, TellsHowFarItIs) {
  BackfillJobs world;
  world.http_.set_latency(seconds(2));
  world.run_for(minutes(5));
  world.http_.set_latency(seconds(20));
  const std::string argument = backfill_argument({"acme", "", world.window(hours(4), hours(3))});
  const std::int64_t id = add_job(*world.journal_, "backfill", argument, world.begun_).value();
  Jobs jobs(JobWorld{world.loop_.clock(), world.log_, *world.storage_, world.random_, world.settings_,
                     [](const ExporterSettings&) { return JobExporter(); },
                     [&world](const std::string&, const std::string&) { return world.poller_.get(); }});
  TaskGroup group(world.loop_.executor());
  group.spawn("jobs", jobs.run());
  const auto client = std::move(JobClient::open(world.folder_ / "journal.db")).value();
  std::vector<std::string> told;
  JobState state = JobState::queued;
  for (int i = 0; i < 3600 && (state == JobState::queued || state == JobState::running); ++i) {
    world.loop_.run_until_idle(seconds(1));
    const JobRow row = client->look(id).value();
    state = row.state;
    if (told.empty() || told.back() != row.progress) told.push_back(row.progress);
  }
  EXPECT_EQ(state, JobState::done);
  EXPECT_GT(told.size(), 3u);
  EXPECT_TRUE(std::any_of(told.begin(), told.end(), [](const std::string& text) { return text.find("walked up to") != std::string::npos; }));
  group.cancel();
  world.loop_.run(group.join());
}

}  // namespace
}  // namespace auditferry
