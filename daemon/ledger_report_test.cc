#include "daemon/ledger_report.h"

#include <gtest/gtest.h>

#include <map>
#include <sstream>

#include "daemon/journal_report.h"
#include "daemon/poller_fixture.h"
#include "encoding/json_object.h"
#include "encoding/json_scanner.h"
#include "encoding/json_view.h"

namespace auditferry {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

// A journal with some history in it, and a reader of it as another process would have.
struct LedgerFixture : PollerFixture {
  LedgerFixture() {
    portal_.make("audit", 30, loop_.clock().now() - hours(2), loop_.clock().now() - minutes(1));
    stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
    EXPECT_TRUE(run_once().ok());
    EXPECT_TRUE(journal_->note("configuration", "{\"sha256\":\"00\"}", loop_.clock().now()).ok());
  }
  JournalReader& reader() {
    if (!reader_) reader_ = std::move(JournalReader::open(folder_ / "journal.db")).value();
    return *reader_;
  }
  std::string report(const LedgerQuery& query, bool json) {
    std::string text;
    const ReportSink sink = [&text](std::string_view piece) { text += piece; };
    Result<LedgerOutcome> rendered = render_ledger(reader(), query, json, sink);
    EXPECT_TRUE(rendered.ok());
    if (rendered) outcome = *rendered;
    return text;
  }
  // As somebody would who wants to hide something.
  void tamper(const std::string& sql) {
    Database database(folder_ / "journal.db", Database::Mode::create);
    database.execute(sql.c_str());
  }

  LedgerOutcome outcome;
  std::unique_ptr<JournalReader> reader_;
};

TEST(LedgerReport, ShowsRowsCoverageAndUnbrokenChains) {
  LedgerFixture fixture;
  const std::string text = fixture.report({}, false);
  EXPECT_TRUE(fixture.outcome.unbroken);
  EXPECT_FALSE(fixture.outcome.open_gaps);
  EXPECT_NE(text.find("  acme/audit  #1  collection  {"), std::string::npos) << text;
  EXPECT_NE(text.find("  the daemon  #1  configuration  {\"sha256\":\"00\"}\n"), std::string::npos) << text;
  EXPECT_NE(text.find("covered  acme/audit  "), std::string::npos) << text;
  EXPECT_NE(text.find("chain of acme/audit: "), std::string::npos) << text;
  EXPECT_NE(text.find("chain of the daemon: 1 row, unbroken\n"), std::string::npos) << text;
}

TEST(LedgerReport, KeepsToWhatIsAskedFor) {
  LedgerFixture fixture;
  LedgerQuery query;
  query.source = "acme";
  const std::string text = fixture.report(query, false);
  EXPECT_EQ(text.find("the daemon"), std::string::npos) << text;
  query.from = fixture.loop_.clock().now() + hours(1);
  const std::string later = fixture.report(query, false);
  EXPECT_EQ(later.find("collection"), std::string::npos) << later;
  EXPECT_EQ(later.find("covered"), std::string::npos) << later;
  EXPECT_NE(later.find("unbroken"), std::string::npos) << later;

  query.source = "acm";
  const ReportSink sink = [](std::string_view) {};
  const Result<LedgerOutcome> unknown = render_ledger(fixture.reader(), query, false, sink);
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().message, "the journal knows no source \"acm\"; did you mean \"acme\"?");
  query.source.clear();
  query.stream = "audti";
  EXPECT_FALSE(render_ledger(fixture.reader(), query, false, sink).ok());
}

TEST(LedgerReport, WritesJson) {
  LedgerFixture fixture;
  ASSERT_TRUE(
      fixture.journal_
          ->record_gap(
              1,
              {"forgotten", TimeRange{fixture.loop_.clock().now() - hours(3), fixture.loop_.clock().now()},
               "w\x01"},
              fixture.loop_.clock().now())
          .ok());
  std::istringstream lines(fixture.report({}, true));
  std::map<std::string, int> types;
  for (std::string line; std::getline(lines, line);) {
    const Result<ScannedJson> scanned = scan_json(line);
    ASSERT_TRUE(scanned.ok()) << line;
    const JsonView view(scanned->text);
    const std::string type = view.find("type")->scalar_text();
    ++types[type];
    if (type == "row") {
      EXPECT_EQ(view.find("hash")->scalar_text().size(), 64u);
    }
    if (type == "coverage") {
      EXPECT_EQ(view.find("chain")->scalar_text(), "acme/audit");
    }
    if (type == "gap") {
      EXPECT_EQ(view.find("kind")->scalar_text(), "forgotten");
    }
    if (type == "chain") {
      EXPECT_EQ(view.find("unbroken")->scalar_text(), "true");
    }
  }
  EXPECT_GT(types["row"], 2);
  EXPECT_GT(types["coverage"], 0);
  EXPECT_EQ(types["gap"], 1);
  EXPECT_EQ(types["chain"], 2);
  EXPECT_TRUE(fixture.outcome.open_gaps);
}

// ESC, DEL, and U+009B, which terminals take for ESC [.
TEST(LedgerReport, NoTerminalObeysWhatAPortalSays) {
  const std::string evil = "x\x1b[31m\x7f\xc2\x9b" "31m";
  LedgerFixture fixture;
  const WallTime now = fixture.loop_.clock().now();
  const std::string row = JsonObject().text("cursor_in", evil).text("cursor_out", evil).finish();
  ASSERT_TRUE(fixture.journal_->note("configuration", row, now).ok());
  ASSERT_TRUE(fixture.journal_->record_gap(1, {"forgotten", TimeRange{now - hours(3), now}, evil}, now).ok());
  for (const bool json : {false, true}) {
    const std::string text = fixture.report({}, json);
    EXPECT_NE(text.find("cursor_out"), std::string::npos) << text;
    for (const char* harmful : {"\x1b", "\x7f", "\xc2\x9b"}) EXPECT_EQ(text.find(harmful), std::string::npos) << text;
  }
  // The same to a program that reads it.
  const std::string text = fixture.report({}, true);
  const std::size_t begin = text.rfind('\n', text.find("cursor_out")) + 1;
  const std::string line = text.substr(begin, text.find('\n', begin) - begin);
  EXPECT_EQ(JsonView(line).find("detail")->find("cursor_out")->as_string(), evil) << line;
}

TEST(LedgerReport, FindsARowThatWasChanged) {
  LedgerFixture fixture;
  fixture.tamper("UPDATE ledger SET detail = replace(detail, '200', '201') WHERE chain = 1 AND number = 2");
  fixture.tamper("UPDATE ledger SET detail = detail || ' ' WHERE chain = 1 AND number = 2");
  const std::string text = fixture.report({}, false);
  EXPECT_FALSE(fixture.outcome.unbroken);
  EXPECT_NE(text.find("chain of acme/audit: 1 row, then BROKEN at row 2 of "), std::string::npos) << text;
}

TEST(JournalReport, SaysWhatWasFoundAndWhatToDo) {
  LedgerFixture fixture;
  std::string text;
  const ReportSink sink = [&text](std::string_view piece) { text += piece; };
  Result<bool> good = render_journal_check(fixture.reader(), sink);
  ASSERT_TRUE(good.ok());
  EXPECT_TRUE(*good);
  EXPECT_NE(text.find("the journal is in order"), std::string::npos);

  fixture.tamper("UPDATE payload SET hash = zeroblob(16) WHERE payload_id = 1");
  fixture.tamper("UPDATE ledger SET detail = '{}' WHERE chain = 1 AND number = 1");
  fixture.tamper("UPDATE stream SET fetched = fetched + 1");
  text.clear();
  good = render_journal_check(fixture.reader(), sink);
  ASSERT_TRUE(good.ok());
  EXPECT_FALSE(*good);
  EXPECT_NE(text.find("payload 1 ("), std::string::npos) << text;
  EXPECT_NE(text.find("what to do: check the disk"), std::string::npos) << text;
  EXPECT_NE(text.find("do not balance\n  what to do: records are not affected"), std::string::npos) << text;
  EXPECT_NE(text.find("is broken at row 1"), std::string::npos) << text;
  EXPECT_NE(text.find("3 findings\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace auditferry
