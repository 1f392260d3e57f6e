// The real program and the commands that care for what it keeps: backfill, gaps, exporters; beside a running
// daemon and without one.

#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>

#include "encoding/time_format.h"
#include "storage/journal.h"
#include "tests/process_fixture.h"

namespace auditferry {
namespace {

using std::chrono::seconds;

class CareProcessTest : public ProcessTest {
 protected:
  CareProcessTest() { configure(); }
  // Collection begins with the last moments only. `more`: further exporters.
  void configure(const std::string& more = "") {
    write_config(more, "", "[sources.acme.stream.audit]\nstart = \"-1s\"\n[sources.acme.stream.device]\nstart = \"-1s\"\n");
  }
  std::string exporter(const std::string& name, const std::string& file) {
    return "[exporters." + name + "]\ntype = \"file\"\npath = \"" + (folder_ / "records/") + file + "\"\n";
  }
  // How often each id stands in the file.
  std::map<std::string, int> ids_in(const std::string& file) {
    std::map<std::string, int> ids;
    std::ifstream lines(folder_ / "records/" + file);
    for (std::string line; std::getline(lines, line);) {
      // The last line may be half written yet.
      if (line.ends_with('}') && line.find("\"kind\":\"gap\"") == std::string::npos) ++ids[line.substr(7, line.find('"', 7) - 7)];
    }
    return ids;
  }
  void expect_each_once(const std::string& file) {
    const std::map<std::string, int> ids = ids_in(file);
    EXPECT_FALSE(ids.empty()) << file;
    for (const auto& [id, times] : ids) EXPECT_EQ(times, 1) << id;
  }
  // Of the window, what the portal showed of a stream and is not in its file.
  std::size_t missing(const std::string& stream) {
    const std::map<std::string, int> ids = ids_in(stream + ".jsonl");
    std::size_t missing = 0;
    std::size_t wanted = 0;
    for (const RecordInfo& record : portal_.all_records(stream)) {
      if (!window_.contains(record.created)) continue;
      ++wanted;
      if (!ids.contains(std::string("apptego/") + sandbox_tenant + "/" + stream + "/" + record.id)) ++missing;
    }
    EXPECT_GT(wanted, 500u);
    return missing;
  }
  std::vector<std::string> backfill() {
    return {"backfill", "--source", "acme", "--from", format_rfc3339(window_.from), "--to", format_rfc3339(window_.to)};
  }
  JournalSnapshot snapshot() {
    const Result<std::unique_ptr<JournalReader>> reader = JournalReader::open(folder_ / "state/journal.db");
    return (*reader)->snapshot().value();
  }
  void expect_sound_journal() {
    const Result<std::unique_ptr<JournalReader>> reader = JournalReader::open(folder_ / "state/journal.db");
    const Result<std::vector<std::string>> findings = (*reader)->check();
    ASSERT_TRUE(findings.ok()) << findings.error().message;
    EXPECT_TRUE(findings->empty()) << findings->front();
  }
  void end(ChildProcess& daemon) {
    daemon.signal(SIGTERM);
    EXPECT_EQ(daemon.wait(seconds(120)), 0) << daemon.output();
    expect_sound_journal();
  }
  bool runs() { return std::filesystem::exists(folder_ / "records/audit.jsonl") && !snapshot().exporters.empty(); }
  bool says(const std::string& text) { return said().find(text) != std::string::npos; }
  // As if a walk had failed; no daemon may run.
  void make_gap() {
    const std::int64_t collection = snapshot().streams.at(0).collections.back().collection_id;
    const auto journal = std::move(Journal::open(folder_ / "state/journal.db")).value();
    ASSERT_TRUE(journal->record_gap(collection, {"unreachable", window_, "made by the test"}, clock_.now()).value());
    ASSERT_TRUE(journal->close().ok());
  }

  const TimeRange window_{std::chrono::floor<seconds>(clock_.now()) - seconds(50), std::chrono::floor<seconds>(clock_.now()) - seconds(10)};
};

TEST_F(CareProcessTest, BackfillsBesideARunningDaemon) {
  const auto daemon = start({"run"});
  ASSERT_TRUE(eventually([&] { return runs(); })) << daemon->output();
  EXPECT_GT(missing("audit"), 0u);
  EXPECT_EQ(finish(backfill()), 0) << said();
  EXPECT_TRUE(says("audit: ") && says("device: ") && says("no gap is open in ")) << said();
  for (const std::string stream : {"audit", "device"}) EXPECT_TRUE(eventually([&] { return missing(stream) == 0; })) << said();
  EXPECT_EQ(finish(backfill()), 0) << said();
  EXPECT_TRUE(says(" fetched, 0 of them new; device: ")) << said();
  end(*daemon);
  expect_each_once("audit.jsonl");
  expect_each_once("device.jsonl");
  for (const StreamSnapshot& stream : snapshot().streams) {
    bool shown = false;
    for (const CoverageInterval& interval : stream.collections.back().coverage) {
      shown = shown || (interval.how == "backfill" && interval.range.from <= window_.from && window_.to <= interval.range.to);
    }
    EXPECT_TRUE(shown) << stream.identity.stream;
  }
}

TEST_F(CareProcessTest, BackfillsWithoutADaemonAndTheNextRunDelivers) {
  EXPECT_EQ(finish(backfill()), 0) << said();
  EXPECT_TRUE(says(" of them new")) << said();
  EXPECT_FALSE(std::filesystem::exists(folder_ / "records/audit.jsonl")) << "it fetches, the daemon delivers";
  portal_.stop_making();
  EXPECT_EQ(finish({"run", "--once"}), 0) << said();
  EXPECT_EQ(missing("audit"), 0u);
  EXPECT_EQ(missing("device"), 0u);
  expect_each_once("audit.jsonl");
}

TEST_F(CareProcessTest, ABackfillThatCannotBeIsRefused) {
  std::vector<std::string> command = backfill();
  command[2] = "acne";
  EXPECT_EQ(finish(command), 2);
  EXPECT_TRUE(says("did you mean \"acme\"")) << said();
  command = backfill();
  command.insert(command.end(), {"--stream", "audits"});
  EXPECT_EQ(finish(command), 2);
  EXPECT_TRUE(says("did you mean \"audit\"")) << said();
  EXPECT_EQ(finish({"backfill", "--source", "acme", "--from", "2099-01-01T00:00:00Z", "--to", "2099-01-02T00:00:00Z"}), 2);
  EXPECT_TRUE(says("in the future")) << said();
  EXPECT_EQ(finish({"backfill", "--source", "acme", "--from", "yesterday", "--to", "2025-01-02T00:00:00Z"}), 2);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "state/journal.db"));
}

TEST_F(CareProcessTest, AGapIsListedAndAcceptedBesideADaemonAndWithoutOne) {
  portal_.stop_making();
  EXPECT_EQ(finish({"run", "--once"}), 0) << said();
  EXPECT_EQ(finish({"gaps", "list"}), 0) << said();
  make_gap();
  EXPECT_EQ(finish({"gaps", "list"}), 3);
  EXPECT_TRUE(says("acme/") && says("unreachable") && says("made by the test")) << said();
  EXPECT_EQ(finish({"status"}), 3);
  EXPECT_EQ(finish({"gaps", "accept", "--id", "1"}), 2) << "a reason is needed";
  EXPECT_EQ(finish({"gaps", "accept", "--id", "7", "--reason", "x"}), 1) << said();
  EXPECT_EQ(finish({"gaps", "accept", "--id", "1", "--reason", "the portal was moved"}), 0) << said();
  EXPECT_EQ(finish({"gaps", "list"}), 0);
  EXPECT_TRUE(says("accepted by ") && says("the portal was moved")) << said();
  EXPECT_EQ(finish({"gaps", "list", "--state", "open"}), 0);
  EXPECT_TRUE(says("there are no gaps")) << said();
  EXPECT_EQ(finish({"status"}), 0) << said();
  EXPECT_EQ(finish({"ledger"}), 0) << said();
  EXPECT_TRUE(says("gap accepted")) << said();
  EXPECT_EQ(finish({"run", "--once"}), 0) << said();
  const std::string lines = text_of(folder_ / "records/audit.jsonl") + text_of(folder_ / "records/device.jsonl");
  EXPECT_TRUE(std::regex_search(lines, std::regex("/gap-[0-9a-f]{12}-1\"")));
  EXPECT_TRUE(std::regex_search(lines, std::regex("/gap-[0-9a-f]{12}-1@2\"")));
  EXPECT_NE(lines.find("\"state\":\"accepted\""), std::string::npos);
}

TEST_F(CareProcessTest, ADaemonAcceptsByTime) {
  portal_.stop_making();
  EXPECT_EQ(finish({"run", "--once"}), 0) << said();
  make_gap();
  const auto daemon = start({"run"});
  ASSERT_TRUE(eventually([&] { return says(" runs: "); })) << said();
  EXPECT_EQ(finish({"gaps", "accept", "--from", format_rfc3339(window_.from), "--to", format_rfc3339(window_.to), "--reason", "known"}), 0) << said();
  EXPECT_TRUE(says("1 gap accepted")) << said();
  EXPECT_TRUE(eventually([&] {
    const std::string lines = text_of(folder_ / "records/audit.jsonl") + text_of(folder_ / "records/device.jsonl");
    return lines.find("\"state\":\"accepted\"") != std::string::npos;
  }));
  end(*daemon);
  EXPECT_TRUE(snapshot().gaps.empty());
  EXPECT_EQ(snapshot().accepted_gaps.size(), 1u);
}

TEST_F(CareProcessTest, ARenamedExporterGoesOnWhereItWas) {
  configure(exporter("copy", "copy.jsonl"));
  EXPECT_EQ(finish({"run", "--once"}), 0) << said();
  const std::size_t before = ids_in("copy.jsonl").size();
  configure(exporter("second", "copy.jsonl"));
  EXPECT_EQ(finish({"exporter", "rename", "cpoy", "second"}), 1);
  EXPECT_TRUE(says("did you mean \"copy\"")) << said();
  EXPECT_EQ(finish({"exporter", "rename", "copy", "archive"}), 1);
  EXPECT_TRUE(says("already")) << said();
  EXPECT_EQ(finish({"exporter", "rename", "copy", "second"}), 0) << said();
  portal_.stop_making();
  EXPECT_EQ(finish({"run", "--once"}), 0) << said();
  EXPECT_GT(ids_in("copy.jsonl").size(), before);
  expect_each_once("copy.jsonl");
  for (const ExporterRow& row : snapshot().exporters) EXPECT_NE(row.name, "copy");
}

TEST_F(CareProcessTest, AnExporterThatIsRenamedBesideItsDaemonGoesOnAfterTheReload) {
  configure(exporter("copy", "copy.jsonl"));
  const auto daemon = start({"run"});
  ASSERT_TRUE(eventually([&] { return runs() && ids_in("copy.jsonl").size() > 10; })) << said();
  configure(exporter("second", "copy.jsonl"));
  EXPECT_EQ(finish({"exporter", "rename", "copy", "second"}), 0) << said();
  EXPECT_TRUE(says("its position, books and dead letters go on")) << said();
  const std::size_t before = ids_in("copy.jsonl").size();
  daemon->signal(SIGHUP);
  EXPECT_TRUE(eventually([&] { return says("exporter second added"); })) << said();
  EXPECT_TRUE(eventually([&] { return ids_in("copy.jsonl").size() > before + 10; })) << said();
  end(*daemon);
  expect_each_once("copy.jsonl");
  std::set<std::string> names;
  for (const ExporterRow& row : snapshot().exporters) {
    EXPECT_TRUE(row.attached) << row.name;
    names.insert(row.name);
  }
  EXPECT_EQ(names, (std::set<std::string>{"archive", "second"}));
  EXPECT_EQ(finish({"ledger"}), 0) << said();
  EXPECT_TRUE(says("exporter renamed")) << said();
}

// Whoever reads meanwhile sees one moment, and a chain that is whole.
TEST_F(CareProcessTest, StatusAndLedgerCanBeReadWhileTheWriterWorks) {
  const auto daemon = start({"run"});
  ASSERT_TRUE(eventually([&] { return runs(); })) << said();
  const std::uint64_t begin = snapshot().last_seq;
  for (int round = 0; round < 10 || snapshot().last_seq < begin + 200; ++round) {
    ASSERT_LT(round, 1000) << "nothing is written";
    EXPECT_EQ(finish({"status"}), 0) << said();
    EXPECT_TRUE(says("the daemon is running") && says("all is in order")) << said();
    EXPECT_EQ(finish({"ledger", "--json"}), 0) << said();
    EXPECT_EQ(finish({"ledger"}), 0) << said();
    EXPECT_TRUE(says(" rows, unbroken")) << said();
    EXPECT_TRUE(daemon->runs());
  }
  end(*daemon);
}

TEST_F(CareProcessTest, ADetachedExporterIsToldAndForgottenBesideADaemon) {
  configure(exporter("copy", "copy.jsonl"));
  EXPECT_EQ(finish({"run", "--once"}), 0) << said();
  EXPECT_EQ(finish({"exporter", "forget", "copy", "--yes"}), 2);
  EXPECT_TRUE(says("is in the configuration")) << said();
  configure();
  const auto daemon = start({"run"});
  ASSERT_TRUE(eventually([&] {
    for (const ExporterRow& row : snapshot().exporters) {
      if (row.name == "copy") return !row.attached && row.books.position < snapshot().last_seq;
    }
    return false;
  })) << daemon->output();
  EXPECT_EQ(finish({"exporter", "list"}), 0);
  EXPECT_TRUE(says("detached") && says("attached") && says("kept for it until the journal is full")) << said();
  finish({"status"});
  EXPECT_TRUE(says("auditferry exporter forget copy")) << said();
  EXPECT_EQ(finish({"exporter", "forget", "copy"}), 2);
  EXPECT_TRUE(says("--yes") && says(" records yet")) << said();
  EXPECT_EQ(finish({"exporter", "forget", "copy", "--yes"}), 0) << said();
  EXPECT_TRUE(says("it never got ")) << said();
  end(*daemon);
  ASSERT_EQ(snapshot().exporters.size(), 1u);
  EXPECT_EQ(snapshot().exporters[0].name, "archive");
}

}  // namespace
}  // namespace auditferry
