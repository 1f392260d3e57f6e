// The real program and a far end that refuses a record: selection, redaction, dead letters and what a person
// does about them, replay.

#include <gtest/gtest.h>

#include <regex>

#include "tests/process_fixture.h"
#include "tests/support/scripted_server.h"

namespace auditferry {
namespace {

class DeliveryProcessTest : public ProcessTest {
 protected:
  DeliveryProcessTest() {
    portal_.stop_making();
    for (const char* who : {"\"first@example.com\"", "\"second@example.com\"", "\"third@example.com\""}) {
      portal_.add("audit", clock_.now() - std::chrono::seconds(20), {{"api_call", "\"reviewed\""}, {"user_id", who}});
    }
  }
  // Answers the n-th request with the n-th status, later ones with the last.
  static std::vector<ConnectionScript> answers(const std::vector<int>& statuses) {
    std::vector<ConnectionScript> scripts;
    for (const int status : statuses) {
      scripts.push_back({ServerStep::read_request(), ServerStep::write(http_answer(status, "{}", "Content-Type: application/json\r\nConnection: close\r\n"))});
    }
    return scripts;
  }
  void deliver_to(const ScriptedServer& server) {
    write_config("[exporters.hook]\ntype = \"http\"\nbody = \"single\"\ncompression = \"none\"\nmax_backoff = \"1s\"\nurl = \"" + server.url("/in") +
                 "\"\n"
                 "[[exporters.hook.select.where]]\nfield = \"action\"\nequals = \"reviewed\"\n"
                 "[[exporters.hook.redact]]\nfield = \"/user_id\"\naction = \"mask\"\n");
  }
  static std::string all_of(const ScriptedServer& server) {
    std::string text;
    for (const std::string& request : server.requests()) text += request;
    return text;
  }
  ExporterBooks books() {
    const Result<std::unique_ptr<JournalReader>> reader = JournalReader::open(folder_ / "state/journal.db");
    const Result<JournalSnapshot> snapshot = (*reader)->snapshot();
    for (const ExporterRow& row : snapshot->exporters) {
      EXPECT_TRUE(row.books.balance(snapshot->last_seq)) << row.name;
      if (row.name == "hook") return row.books;
    }
    ADD_FAILURE() << "no exporter";
    return {};
  }
};

TEST_F(DeliveryProcessTest, SelectsAndRedactsForOneExporterAndNotForTheOther) {
  ScriptedServer server(answers({200}));
  deliver_to(server);
  EXPECT_EQ(finish({"run", "--once"}), 0) << said();
  EXPECT_EQ(server.requests().size(), 3u);
  EXPECT_EQ(all_of(server).find("@example.com"), std::string::npos);
  EXPECT_NE(all_of(server).find("\"user_id\":\"***\""), std::string::npos);
  EXPECT_EQ(books().delivered, 3u);
  EXPECT_GT(books().not_selected, 1000u);
  const std::string lines = text_of(folder_ / "records/audit.jsonl");
  EXPECT_NE(lines.find("second@example.com"), std::string::npos);
}

TEST_F(DeliveryProcessTest, ARefusedRecordIsListedShownRetriedAndDelivered) {
  {
    ScriptedServer server(answers({200, 400, 200}));
    deliver_to(server);
    // Done, but something needs a person.
    EXPECT_EQ(finish({"run", "--once"}), 3) << said();
  }
  EXPECT_EQ(books().delivered, 2u);
  EXPECT_EQ(books().dead, 1u);
  EXPECT_EQ(finish({"dead-letters", "list"}), 3);
  EXPECT_NE(said().find("hook"), std::string::npos) << said();
  EXPECT_NE(said().find("400"), std::string::npos) << said();
  EXPECT_EQ(finish({"dead-letters", "show", "--all"}), 0) << said();
  EXPECT_NE(said().find("***"), std::string::npos) << said();
  // Refused again: it stays.
  {
    ScriptedServer server(answers({400}));
    deliver_to(server);
    EXPECT_EQ(finish({"dead-letters", "retry", "--all"}), 3) << said();
  }
  EXPECT_EQ(books().dead, 1u);
  ScriptedServer server(answers({200}));
  deliver_to(server);
  EXPECT_EQ(finish({"dead-letters", "retry", "--all"}), 0) << said();
  ASSERT_EQ(server.requests().size(), 1u);
  EXPECT_EQ(all_of(server).find("@example.com"), std::string::npos);
  EXPECT_EQ(books().dead, 0u);
  EXPECT_EQ(books().delivered, 3u);
}

TEST_F(DeliveryProcessTest, ADeadLetterIsDiscardedBesideARunningDaemon) {
  ScriptedServer server(answers({200, 400, 200}));
  deliver_to(server);
  const auto daemon = start({"run"});
  ASSERT_TRUE(eventually([&] { return daemon->output().find("dead letter") != std::string::npos; })) << daemon->output();
  ASSERT_TRUE(eventually([&] { return books().dead == 1; }));
  EXPECT_EQ(finish({"dead-letters", "discard", "--all"}), 0) << said();
  EXPECT_EQ(books().dead, 0u);
  EXPECT_EQ(books().discarded, 1u);
  daemon->signal(SIGTERM);
  EXPECT_EQ(daemon->wait(std::chrono::seconds(20)), 0);
}

TEST_F(DeliveryProcessTest, ReplayWritesBesideTheFilesAndMovesNoPosition) {
  EXPECT_EQ(finish({"run", "--once"}), 0) << said();
  expect_equal_sets(said());
  const std::uint64_t before = bytes_of_records();
  EXPECT_EQ(finish({"replay", "--exporter", "archive", "--from", "2020-01-01T00:00:00Z", "--to", "2100-01-01T00:00:00Z", "--stream", "audit"}), 0)
      << said();
  const std::string again = folder_ / "records/audit.jsonl.replay-1";
  ASSERT_TRUE(std::filesystem::exists(again));
  EXPECT_EQ(std::filesystem::file_size(again), std::filesystem::file_size(folder_ / "records/audit.jsonl"));
  EXPECT_EQ(bytes_of_records(), before + std::filesystem::file_size(again));
}

TEST_F(DeliveryProcessTest, ReplayBesideARunningDaemonIsCarriedOutByItAndHoldsUpNothing) {
  const auto daemon = start({"run"});
  ASSERT_TRUE(eventually([&] { return portal_.all_records("audit").size() > 100 && bytes_of_records() > 0; })) << said();
  const WallTime until = clock_.now() - std::chrono::seconds(10);
  EXPECT_EQ(finish({"replay", "--exporter", "archive", "--from", "2020-01-01T00:00:00Z", "--to", format_rfc3339(until), "--stream", "audit"}), 0) << said();
  const std::string again = folder_ / "records/audit.jsonl.replay-1";
  ASSERT_TRUE(std::filesystem::exists(again));
  std::size_t wanted = 0;
  for (const RecordInfo& record : portal_.all_records("audit")) wanted += record.created <= until ? 1 : 0;
  const std::string replayed = text_of(again);
  EXPECT_EQ(static_cast<std::size_t>(std::count(replayed.begin(), replayed.end(), '\n')), wanted);
  EXPECT_TRUE(daemon->runs());
  portal_.make("audit", 50, clock_.now() - std::chrono::seconds(1), clock_.now());
  const auto newest_is_there = [&] { return text_of(folder_ / "records/audit.jsonl").find("/" + portal_.all_records("audit").back().id + "\"") != std::string::npos; };
  EXPECT_TRUE(eventually(newest_is_there)) << said();
  daemon->signal(SIGTERM);
  EXPECT_EQ(daemon->wait(std::chrono::seconds(120)), 0) << said();
  std::filesystem::remove(again);
  EXPECT_EQ(finish({"run", "--once"}), 0) << said();
  expect_equal_sets(said());
}

}  // namespace
}  // namespace auditferry
