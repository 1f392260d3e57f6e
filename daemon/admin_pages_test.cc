#include "daemon/admin_pages.h"

#include <gtest/gtest.h>

#include <memory>

#include "encoding/json_scanner.h"
#include "net/file_system.h"
#include "tests/support/hanging_executor.h"
#include "tests/support/recording_log.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_loop.h"

namespace auditferry {
namespace {

class AdminPagesTest : public testing::Test {
 protected:
  AdminPagesTest() {
    Result<std::unique_ptr<Journal>> opened = Journal::open(folder_ / "journal.db");
    EXPECT_TRUE(opened.ok());
    journal_ = std::move(opened).value();
    storage_ = std::make_unique<StorageQueue>(*journal_, executor_, loop_.clock(), loop_.executor());
    housekeeper_ = std::make_unique<Housekeeper>(loop_.clock(), log_, *storage_, files_, loop_.blocking(), settings_.journal,
                                                 folder_.path(), std::vector<Poller*>());
    life_ = std::make_unique<LifeSigns>(loop_.clock(), *storage_, "");
    pages_ = std::make_unique<DaemonPages>(AdminWorld{loop_.clock(), *storage_, settings_, *housekeeper_, *life_});
    group_.spawn("watch", life_->watch());
  }
  ~AdminPagesTest() override {
    executor_.go_on();
    loop_.run(end());
  }
  Task<void> end() {
    group_.cancel();
    co_await group_.join();
  }

  Task<void> keep(std::string path, AdminAnswer& answer) {
    answer = co_await pages_->get(std::move(path));
  }
  AdminAnswer get(const std::string& path) {
    AdminAnswer answer;
    loop_.run(keep(path, answer));
    return answer;
  }

  TestLoop loop_;
  TemporaryFolder folder_{TemporaryFolder::Place::memory};
  RecordingLog log_;
  PosixFileSystem files_;
  HangingExecutor executor_{loop_.blocking()};
  Settings settings_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<StorageQueue> storage_;
  std::unique_ptr<Housekeeper> housekeeper_;
  std::unique_ptr<LifeSigns> life_;
  std::unique_ptr<DaemonPages> pages_;
  TaskGroup group_{loop_.executor()};
};

TEST_F(AdminPagesTest, HasEveryPage) {
  const AdminAnswer metrics = get("/metrics");
  EXPECT_EQ(metrics.status, 200);
  EXPECT_EQ(metrics.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_NE(metrics.body.find("auditferry_journal_bytes "), std::string::npos) << metrics.body;
  const AdminAnswer status = get("/status");
  EXPECT_EQ(status.content_type, "application/json");
  EXPECT_TRUE(scan_json(status.body).ok()) << status.body;
  const AdminAnswer page = get("/");
  EXPECT_EQ(page.content_type, "text/html; charset=utf-8");
  EXPECT_NE(page.body.find("<strong>In order:</strong>"), std::string::npos) << page.body;
  EXPECT_NE(page.content_policy.find("script-src 'sha256-"), std::string::npos);
  EXPECT_EQ(status.content_policy, AdminAnswer().content_policy);
  EXPECT_EQ(get("/healthz").body, "ok\n");
  EXPECT_EQ(get("/metrics/").status, 404);
  EXPECT_EQ(get("/../etc/passwd").status, 404);
}

TEST_F(AdminPagesTest, IsReadyWhenItIsToldSo) {
  EXPECT_EQ(get("/readyz").status, 503);
  pages_->set_ready(true);
  EXPECT_EQ(get("/readyz").status, 200);
  pages_->set_ready(false);
  EXPECT_EQ(get("/readyz").status, 503);
}

TEST_F(AdminPagesTest, IsHealthyAsLongAsTheStorageThreadAnswers) {
  loop_.run_until_idle(std::chrono::hours(1));
  EXPECT_EQ(get("/healthz").status, 200);
  executor_.hangs = true;
  loop_.run_until_idle(std::chrono::seconds(45));
  EXPECT_EQ(get("/healthz").status, 200);
  // Virtual time moves only while something waits for it.
  group_.spawn("time", loop_.clock().sleep(std::chrono::minutes(2)));
  loop_.run_until_idle(std::chrono::minutes(3));
  EXPECT_EQ(get("/healthz").status, 503);
  EXPECT_EQ(get("/metrics").status, 503);  // and does not wait
  executor_.go_on();
  loop_.run_until_idle(std::chrono::seconds(1));
  EXPECT_EQ(get("/healthz").status, 200);
}

TEST_F(AdminPagesTest, ThePageSaysThatAPersonIsNeeded) {
  ASSERT_TRUE(journal_->attach_exporter("archive", "file", "hold", false).ok());
  ASSERT_TRUE(journal_->set_exporter_error(1, "the disk of <b>archive</b> is full").ok());
  const AdminAnswer page = get("/");
  EXPECT_NE(page.body.find("<strong>Needs attention:</strong>"), std::string::npos) << page.body;
  EXPECT_NE(page.body.find("Exporter archive does not deliver: the disk of &lt;b&gt;archive&lt;/b&gt; is full"), std::string::npos) << page.body;
  EXPECT_EQ(page.body.find("<b>"), std::string::npos);
  EXPECT_EQ(get("/healthz").status, 200);  // a dead sink is no reason to restart
}

}  // namespace
}  // namespace auditferry
