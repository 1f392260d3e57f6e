// Care of the journal with the real program: copies beside a running daemon, a copy that is put in the journal's place,
// and what can be saved of a damaged one.

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <map>
#include <set>

#include "storage/sqlite.h"
#include "tests/process_fixture.h"

namespace auditferry {
namespace {

using std::chrono::seconds;

class JournalProcessTest : public ProcessTest {
 protected:
  std::string journal() { return folder_ / "state/journal.db"; }
  std::string run(std::vector<std::string> arguments, int expected) {
    EXPECT_EQ(finish(std::move(arguments)), expected) << said();
    return said();
  }
  JournalSnapshot snapshot() {
    Result<std::unique_ptr<JournalReader>> reader = JournalReader::open(journal());
    EXPECT_TRUE(reader.ok()) << reader.error().message;
    return (*reader)->snapshot().value();
  }
  std::vector<std::string> ledger_of(const std::string& kind) {
    std::vector<std::string> details;
    Result<std::unique_ptr<JournalReader>> reader = JournalReader::open(journal());
    EXPECT_TRUE((*reader)->ledger({}, [&](const LedgerRow& row) {
      if (row.kind == kind) details.push_back(row.detail);
    }).ok());
    return details;
  }
  std::map<std::string, std::string> record_files() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / "records")) files[entry.path().string()] = text_of(entry.path());
    return files;
  }
  std::uint64_t bytes_of(const std::string& stream) const {
    std::error_code ignored;
    const std::uintmax_t bytes = std::filesystem::file_size(folder_ / ("records/" + stream + ".jsonl"), ignored);
    return ignored ? 0 : bytes;
  }
  bool each_file_has(const std::map<std::string, std::uint64_t>& bytes) const {
    return std::all_of(bytes.begin(), bytes.end(), [this](const auto& wanted) { return bytes_of(wanted.first) >= wanted.second; });
  }
  std::uint64_t lines_of_records() const {
    std::uint64_t lines = 0;
    for (const auto& [path, content] : record_files()) lines += static_cast<std::uint64_t>(std::count(content.begin(), content.end(), '\n'));
    return lines;
  }
  // Puts the copy in the journal's place, as docs/journal.md says.
  void restore(const std::string& copy) {
    for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(journal() + end);
    std::filesystem::copy_file(copy, journal());
  }
  // Of these bytes, wherever they are: they may be spread over pages, and stand in free room as they were before.
  static void flip_a_bit(std::string& content, const std::string& body) {
    constexpr std::size_t part = 48;
    for (std::size_t from = 0; from + part <= body.size(); from += 16) {
      const std::string wanted = body.substr(from, part);
      int found = 0;
      for (std::size_t at = content.find(wanted); at != std::string::npos; at = content.find(wanted, at), ++found) {
        content[at] = static_cast<char>(content[at] ^ 4);
      }
      if (found > 0) return;
    }
    FAIL() << "the payload is not in the file";
  }
  // How many records that the portal made are in no file, and how many lines hold one that was there before.
  std::pair<std::uint64_t, std::uint64_t> missing_and_twice() {
    std::vector<std::string> files;
    for (const auto& [path, content] : record_files()) files.push_back(path);
    const Comparison comparison = compare_files(files, made_ids()).value();
    return {comparison.missing, comparison.twice};
  }
};

TEST_F(JournalProcessTest, ACopyOfALiveJournalPutInItsPlaceLosesNothingAndCutsNoFile) {
  const std::string copy = folder_ / "backup.db";
  {
    auto daemon = start({"run"});
    // Written into the files of both streams, and noted down.
    ASSERT_TRUE(eventually([&] { return each_file_has({{"audit", 10'000}, {"device", 10'000}}); })) << daemon->output();
    const std::uint64_t written = lines_of_records();
    ASSERT_TRUE(eventually([&] { return snapshot().exporters.at(0).books.delivered >= written; })) << daemon->output();
    ASSERT_EQ(finish({"journal", "backup", "--to", copy}), 0) << said();
    EXPECT_NE(text_of(folder_ / "output").find("copied the journal of this moment to " + copy), std::string::npos);
    const std::uint64_t audit = bytes_of("audit");
    const std::uint64_t device = bytes_of("device");
    ASSERT_TRUE(eventually([&] { return each_file_has({{"audit", audit + 10'000}, {"device", device + 10'000}}); })) << "the daemon goes on";
    daemon->signal(SIGTERM);
    EXPECT_EQ(daemon->wait(seconds(150)), 0);
  }
  EXPECT_EQ(std::filesystem::status(copy).permissions() & std::filesystem::perms(077), std::filesystem::perms::none);
  const std::string epoch = snapshot().epoch;
  const std::map<std::string, std::string> before = record_files();
  restore(copy);
  portal_.stop_making();
  const std::string output = run({"run", "--once"}, 0);
  EXPECT_NE(output.find("this journal is a copy that was made at"), std::string::npos) << output;
  EXPECT_EQ(missing_and_twice().first, 0u);
  // What the far end had confirmed after the copy was made is left as it is.
  for (const auto& [path, content] : before) EXPECT_TRUE(text_of(path).starts_with(content)) << path;
  const std::string renewed = snapshot().epoch;
  EXPECT_NE(renewed, epoch);
  ASSERT_EQ(ledger_of("restored").size(), 1u);
  EXPECT_NE(ledger_of("restored")[0].find(epoch), std::string::npos);
  EXPECT_GE(ledger_of("file_abandoned").size(), 1u) << "lines that this journal does not know stand at the end of a file";
  EXPECT_EQ(snapshot().exporters.at(0).books.waiting(snapshot().last_seq), 0u);
  // From now on it is a journal like any other.
  run({"run", "--once"}, 0);
  EXPECT_EQ(snapshot().epoch, renewed);
  EXPECT_EQ(ledger_of("restored").size(), 1u);
  EXPECT_EQ(run({"journal", "check"}, 0).find("finding"), std::string::npos);
}

TEST_F(JournalProcessTest, WithoutADaemonACopyIsMadeOnceAndNothingIsOverwritten) {
  const std::string copy = folder_ / "backup.db";
  EXPECT_NE(run({"journal", "backup", "--to", copy}, 1).find("there is no journal"), std::string::npos);
  portal_.stop_making();
  run({"run", "--once"}, 0);
  run({"journal", "backup", "--to", copy}, 0);
  const std::string content = text_of(copy);
  EXPECT_NE(run({"journal", "backup", "--to", copy}, 1).find("is not overwritten"), std::string::npos);
  EXPECT_EQ(text_of(copy), content);
  run({"journal", "backup"}, 2);
}

TEST_F(JournalProcessTest, OfADamagedJournalEverythingElseIsSavedAndTheRestIsAGap) {
  portal_.stop_making();
  run({"run", "--once"}, 0);
  // A payload in the middle.
  std::string body;
  std::uint64_t first = 0;
  std::uint64_t records = 0;
  {
    Database database(journal(), Database::Mode::read_only);
    Statement payload(database, "SELECT body, first_seq, p.records FROM payload p JOIN publication USING(payload_id) WHERE first_index = 0 AND "
                                "p.records = publication.records ORDER BY first_seq LIMIT 1 OFFSET 1");
    ASSERT_TRUE(payload.query().step());
    body = payload.blob(0);
    first = static_cast<std::uint64_t>(payload.integer(1));
    records = static_cast<std::uint64_t>(payload.integer(2));
  }
  std::string content = text_of(journal());
  flip_a_bit(content, body);
  std::ofstream(journal(), std::ios::binary) << content;
  EXPECT_NE(run({"journal", "check"}, 3).find("journal salvage"), std::string::npos);
  const std::string lost = "lost: sequence numbers " + std::to_string(first) + " to " + std::to_string(first + records - 1);
  // Beside it first: nothing changes.
  const std::string apart = run({"journal", "salvage", "--to", folder_ / "saved.db"}, 3);
  EXPECT_NE(apart.find(lost), std::string::npos) << apart;
  EXPECT_EQ(text_of(journal()), content);
  const std::string output = run({"journal", "salvage"}, 3);
  EXPECT_NE(output.find(lost), std::string::npos) << output;
  EXPECT_EQ(text_of(journal() + ".damaged-1"), content) << "the damaged file is kept";
  run({"journal", "check"}, 0);
  // An exporter that comes to the lost numbers gets a gap; the one that had delivered them misses nothing.
  write_config("[exporters.late]\ntype = \"file\"\npath = \"" + std::string(folder_ / "late/{stream}.jsonl") + "\"\n");
  run({"run", "--once"}, 3);
  const JournalSnapshot after = snapshot();
  ASSERT_EQ(after.gaps.size(), 1u);
  EXPECT_EQ(after.gaps[0].type, "damaged");
  EXPECT_EQ(after.gaps[0].from_seq, first);
  EXPECT_EQ(after.gaps[0].to_seq, first + records - 1);
  for (const ExporterRow& row : after.exporters) {
    EXPECT_TRUE(row.books.balance(after.last_seq)) << row.name;
    EXPECT_EQ(row.books.waiting(after.last_seq), 0u) << row.name;
    EXPECT_EQ(row.books.released, row.name == "late" ? records : 0u) << row.name;
  }
  EXPECT_EQ(missing_and_twice(), (std::pair<std::uint64_t, std::uint64_t>{0, 0}));
}

// Without them a portal that has asked for a wait would be asked at once.
TEST_F(JournalProcessTest, APenaltyThatCannotBeReadEndsTheStart) {
  run({"run", "--once"}, 0);
  Database(journal(), Database::Mode::create).execute("ALTER TABLE penalty RENAME TO elsewhere");
  const std::size_t asked = portal_.seen_requests().size();
  EXPECT_NE(run({"run", "--once"}, 1).find("no such table: penalty"), std::string::npos) << said();
  EXPECT_EQ(portal_.seen_requests().size(), asked);
}

// Status 0 says that nobody is needed, which must be known.
TEST_F(JournalProcessTest, OnceFailsWhenItCannotBeToldWhetherAPersonIsNeeded) {
  run({"run", "--once"}, 0);
  Fault late;
  late.kind = FaultKind::delay;
  late.delay = seconds(2);
  portal_.add_fault({"", 0, 1000, late});
  const auto process = start({"run", "--once"});
  ASSERT_TRUE(eventually([&] { return said().find(" runs: ") != std::string::npos; })) << said();
  Database(journal(), Database::Mode::create).execute("ALTER TABLE penalty RENAME TO elsewhere");
  portal_.set_faults({});
  EXPECT_EQ(process->wait(seconds(150)), 1) << said();
  EXPECT_NE(said().find("whether a person is needed cannot be told: "), std::string::npos) << said();
}

TEST_F(JournalProcessTest, NothingIsSalvagedUnderARunningDaemon) {
  auto daemon = start({"run"});
  ASSERT_TRUE(eventually([&] { return bytes_of_records() > 0; })) << daemon->output();
  EXPECT_EQ(finish({"journal", "salvage"}), 1);
  EXPECT_NE(said().find("only one auditferry may run on it"), std::string::npos) << said();
  EXPECT_FALSE(std::filesystem::exists(journal() + ".damaged-1"));
  EXPECT_TRUE(daemon->runs());
}

}  // namespace
}  // namespace auditferry
