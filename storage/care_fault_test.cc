// Faults of the disk under everything that changes the journal besides pages and deliveries: gaps, quarantine, dead
// letters, what a person does about them, jobs, pruning, release, copies, new schema versions. Each happens as a whole or not at all, says so,
// and what it said it has done survives a crash.

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "storage/care_fixture.h"
#include "storage/dead_letters.h"
#include "storage/exporter_care.h"
#include "storage/gap_care.h"
#include "storage/jobs.h"
#include "storage/journal_copy.h"
#include "storage/old_file.h"
#include "storage/schema.h"
#include "tests/support/every_call.h"
#include "tests/support/faulty_sqlite.h"

namespace auditferry {
namespace {

const std::uint64_t care_stride = stride_of_calls(3, 7);

constexpr int records = 40;

WallTime at(int second) { return CareJournal::at(second); }

// Every row of every table, as text.
std::string everything_in(const std::string& path) {
  Database database(path, Database::Mode::read_only);
  Statement tables(database,
                   "SELECT 'SELECT ' || quote(t.name) || ' || ' || group_concat('quote(' || c.name || ')', ' || '','' || ') || ' FROM ' || t.name "
                   "FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' GROUP BY t.name");
  std::string text;
  tables.query();
  while (tables.step()) {
    const std::string select(tables.text(0));
    std::vector<std::string> rows;
    Statement row(database, select.c_str());
    row.query();
    while (row.step()) rows.emplace_back(row.text(0));
    std::sort(rows.begin(), rows.end());
    for (const std::string& line : rows) text += line + "\n";
  }
  return text;
}

// A journal with records, an exporter that has got some of them and refused one, one that is not attached any more, and
// a gap.
class Kept : public CareJournal {
 public:
  Kept() {
    for (int first = 0; first < records; first += 10) publish(first, 10);
    const ExporterRow archive = journal().attach_exporter("archive", "file", "hold", false).value();
    EXPECT_TRUE(journal().attach_exporter("old", "file", "hold", true).ok());
    EXPECT_TRUE(journal().detach_exporters_except({"archive"}).ok());
    PositionUpdate update;
    update.exporter_id = archive.exporter_id;
    update.to = 20;
    update.delivered = 19;
    update.dead.push_back(refused(5));
    EXPECT_TRUE(journal().advance({update}, at(0)).value().at(0));
    EXPECT_TRUE(journal().record_gap(collection_id(), NewGap{"forgotten", TimeRange{at(1000), at(1010)}, "x"}, at(0)).value());
    archive_ = exporter("archive");
    gap_id_ = open_gap_ids(journal(), {}).value().at(0);
    letter_id_ = dead_letter_ids(journal(), {"archive", {}}).value().at(0);
  }
  // As a new process would.
  bool open() {
    Result<std::unique_ptr<Journal>> opened = Journal::open(path());
    if (opened) journal_ = std::move(opened).value();
    return opened.ok();
  }
  void close() { journal_.reset(); }
  static DeadLetter refused(std::uint64_t seq) {
    DeadLetter letter;
    letter.seq = seq;
    letter.reason = "mapping";
    letter.record = "as it was refused";
    return letter;
  }
  // It goes on like any other: what came before did not leave it half done.
  void expect_sound() {
    publish(1000, 10);
    const JournalSnapshot taken = snapshot();
    EXPECT_TRUE(taken.streams[0].books.balance());
    for (const ExporterRow& row : taken.exporters) EXPECT_TRUE(row.books.balance(taken.last_seq)) << row.name;
    ASSERT_TRUE(journal().close().ok());
    EXPECT_TRUE(JournalReader::open(path()).value()->check()->empty());
  }
  Journal& journal() { return *journal_; }
  std::string path() const { return folder_ / "journal.db"; }
  std::int64_t stream_id() const { return collection_.stream_id; }
  std::int64_t collection_id() const { return collection_.collection_id; }
  // As they are before anything is changed.
  const ExporterRow& archive() const { return archive_; }
  std::int64_t gap_id() const { return gap_id_; }
  std::int64_t letter_id() const { return letter_id_; }

 private:
  ExporterRow archive_;
  std::int64_t gap_id_ = 0;
  std::int64_t letter_id_ = 0;
};

struct Change {
  std::string name;
  std::function<Status(Kept&)> make;
  std::function<bool(Kept&)> made;
  bool tidies = false;  // gives room back in a second transaction, which may fail when all else is done
  std::function<void(Kept&)> prepare = {};
};
void PrintTo(const Change& change, std::ostream* out) { *out << change.name; }

template <typename Value>
Status status_of(const Result<Value>& result) {
  if (!result) return result.error();
  return {};
}

// Every byte is one too many.
PruneRules at_its_limit() {
  PruneRules rules;
  rules.max_bytes = 1;
  return rules;
}

std::vector<Change> changes() {
  std::vector<Change> all;
  all.push_back({"Gap",
                 [](Kept& kept) {
                   return status_of(kept.journal().record_gap(kept.collection_id(), NewGap{"forgotten", TimeRange{at(2000), at(2010)}, "y"}, at(100)));
                 },
                 [](Kept& kept) {
                   return open_gap_ids(kept.journal(), {}).value().size() == 2 && kept.journal().last_seq() == records + 2;
                 }});
  all.push_back({"GapOfAnExporter",
                 [](Kept& kept) {
                   return status_of(kept.journal().record_exporter_gap(kept.archive(), NewGap{"damaged", std::nullopt, "y"}, 21, 22, at(100)));
                 },
                 [](Kept& kept) { return open_gap_ids(kept.journal(), {}).value().size() == 2; }});
  all.push_back({"AcceptedGap", [](Kept& kept) { return status_of(accept_gap(kept.journal(), kept.gap_id(), "alex", "known", at(100))); },
                 [](Kept& kept) {
                   return open_gap_ids(kept.journal(), {}).value().empty() && kept.journal().last_seq() == records + 2;
                 }});
  all.push_back({"Quarantine",
                 [](Kept& kept) { return status_of(kept.journal().quarantine(kept.stream_id(), QuarantineItem{"unreadable", 1, "{\"", false}, at(100))); },
                 [](Kept& kept) {
                   return kept.journal().is_quarantined(kept.stream_id(), QuarantineItem{"unreadable", 1, "{\"", false}).value() &&
                          kept.snapshot().streams[0].books.quarantined == 1;
                 }});
  all.push_back({"DeadLetter",
                 [](Kept& kept) {
                   PositionUpdate update;
                   update.exporter_id = kept.archive().exporter_id;
                   update.from = 20;
                   update.to = 30;
                   update.delivered = 9;
                   update.dead.push_back(Kept::refused(25));
                   return status_of(kept.journal().advance({update}, at(100)));
                 },
                 [](Kept& kept) { return dead_letter_ids(kept.journal(), {"archive", {}}).value().size() == 2 && kept.exporter("archive").books.position == 30; }});
  all.push_back({"DiscardedLetter",
                 [](Kept& kept) { return status_of(settle_dead_letter(kept.journal(), kept.letter_id(), LetterEnd::discarded, at(100))); },
                 [](Kept& kept) {
                   return dead_letter_ids(kept.journal(), {"archive", {}}).value().empty() && kept.exporter("archive").books.discarded == 1;
                 }});
  all.push_back({"RenamedExporter", [](Kept& kept) { return rename_exporter(kept.journal(), "archive", "evidence", "alex", at(100)); },
                 [](Kept& kept) { return kept.exporter("evidence").books.position == 20; }});
  all.push_back({"ForgottenExporter", [](Kept& kept) { return status_of(drop_exporter(kept.journal(), "old", 0, "alex", at(100))); },
                 [](Kept& kept) { return kept.snapshot().exporters.size() == 1; }});
  all.push_back({"VanishedRecords",
                 [](Kept& kept) {
                   MetRecords met;
                   for (int i = 0; i < 20; ++i) {
                     if (i != 5) met.add(std::to_string(i));
                   }
                   return status_of(kept.journal().note_vanished(kept.stream_id(), {at(0), at(20)}, std::move(met), at(100)));
                 },
                 [](Kept& kept) { return kept.snapshot().streams[0].books.vanished == 1; }});
  all.push_back({"Penalty", [](Kept& kept) { return kept.journal().set_penalty({"portal", "ab", at(200), "429"}); },
                 [](Kept& kept) { return kept.journal().penalties(at(100)).value().size() == 1; }});
  all.push_back({"Pruning",
                 [](Kept& kept) {
                   PruneRules rules;
                   rules.forget_before = {{kept.stream_id(), at(100'000)}};
                   return status_of(kept.journal().prune(rules, at(100'000)));
                 },
                 // Of four pages two have been delivered.
                 [](Kept& kept) {
                   return kept.journal().oldest_seq().value() == 21 && kept.journal().read(0, 1000, 1u << 20).value().records.size() == records + 1 - 20;
                 },
                 true});
  // Two pages that an exporter has not got, which gives way; once more done, it lets go of its own gaps, too.
  all.push_back({"Release",
                 [](Kept& kept) { return status_of(kept.journal().prune(at_its_limit(), at(100))); },
                 [](Kept& kept) { return kept.exporter("archive").books.released >= 21 && kept.journal().oldest_seq().value() >= 42; },
                 true,
                 [](Kept& kept) {
                   ASSERT_TRUE(kept.journal().attach_exporter("archive", "file", "release", false).ok());
                   ASSERT_EQ(kept.journal().prune(at_its_limit(), at(99)).value().released, 0u);
                 }});
  all.push_back({"RecognisedCopy", [](Kept& kept) { return status_of(recognise_copy(kept.journal(), at(100))); },
                 [](Kept& kept) {
                   return kept.ledger("restored").size() == 1 && kept.journal().database().query_int("SELECT count(*) FROM meta WHERE key = 'copied_at'") == 0;
                 },
                 false,
                 [](Kept& kept) { kept.journal().database().execute("INSERT INTO meta(key, value) VALUES ('copied_at', 5)"); }});
  all.push_back({"EmptyFileNoted", [](Kept& kept) { return status_of(kept.journal().note_empty_file(at(100))); },
                 [](Kept& kept) { return kept.ledger("empty_file").size() == 1; }, false,
                 [](Kept& kept) { kept.journal().database().execute("INSERT INTO meta(key, value) VALUES ('from_empty_file', 1)"); }});
  all.push_back({"ReplayedRecords", [](Kept& kept) { return kept.journal().count_replayed("archive", 5); },
                 [](Kept& kept) { return kept.exporter("archive").books.replayed == 5; }});
  all.push_back({"LetterRefusedAgain", [](Kept& kept) { return keep_dead_letter(kept.journal(), kept.letter_id(), "still no good"); },
                 [](Kept& kept) { return find_dead_letter(kept.journal(), kept.letter_id()).value()->reason == "still no good"; }});
  all.push_back({"Job", [](Kept& kept) { return status_of(add_job(kept.journal(), "replay", "{}", at(100))); },
                 [](Kept& kept) { return queued_jobs(kept.journal()).value().size() == 1; }});
  all.push_back({"JobsProgress", [](Kept& kept) { return set_job(kept.journal(), 1, JobState::done, "all of it"); },
                 [](Kept& kept) { return kept.journal().database().query_text("SELECT state || ': ' || progress FROM job") == "done: all of it"; },
                 false,
                 [](Kept& kept) { ASSERT_EQ(add_job(kept.journal(), "replay", "{}", at(0)).value(), 1); }});
  all.push_back({"JobsTidied", [](Kept& kept) { return tidy_jobs(kept.journal(), at(50)); },
                 [](Kept& kept) {
                   return kept.journal().database().query_text("SELECT group_concat(job_id || ' ' || state) FROM job") == "2 failed";
                 },
                 false,
                 [](Kept& kept) {
                   const std::int64_t old = add_job(kept.journal(), "replay", "{}", at(0)).value();
                   ASSERT_TRUE(set_job(kept.journal(), old, JobState::done, "").ok());
                   const std::int64_t under_way = add_job(kept.journal(), "replay", "{}", at(60)).value();
                   ASSERT_TRUE(set_job(kept.journal(), under_way, JobState::running, "").ok());
                 }});
  return all;
}

class CareFaults : public testing::TestWithParam<Change> {
 protected:
  struct Prepared : Kept {
    Prepared() {
      if (GetParam().prepare) GetParam().prepare(*this);
    }
  };
  static std::uint64_t calls() {
    FaultySqlite disk;
    Prepared kept;
    const std::uint64_t before = disk.calls();
    EXPECT_TRUE(GetParam().make(kept).ok());
    EXPECT_TRUE(GetParam().made(kept));
    return disk.calls() - before;
  }
};

TEST_P(CareFaults, WhatFailsHasNotHappenedAndCanBeDoneAgain) {
  const std::uint64_t all = calls();
  int failed = 0;
  for (const FaultySqlite::Fault fault : {FaultySqlite::Fault::io_error, FaultySqlite::Fault::full}) {
    for (std::uint64_t n = 1; n <= all; n += care_stride) {
      FaultySqlite disk;
      Prepared kept;
      const std::string before = everything_in(kept.path());
      disk.fail_at(n, fault);
      const bool done = GetParam().make(kept).ok();
      disk.repair();
      if (!done) {
        ++failed;
        const std::string after = everything_in(kept.path());
        EXPECT_TRUE(after == before || (GetParam().tidies && GetParam().made(kept))) << after;
        EXPECT_TRUE(GetParam().make(kept).ok());
      }
      EXPECT_TRUE(GetParam().made(kept));
      kept.expect_sound();
      if (HasFailure()) FAIL() << "call " << n << " of " << all;
    }
  }
  EXPECT_GT(failed, 0);
}

TEST_P(CareFaults, ACrashLeavesAllOfItOrNothing) {
  const std::uint64_t all = calls();
  int undone = 0;
  for (const FaultySqlite::Loss loss : {FaultySqlite::Loss::none, FaultySqlite::Loss::all, FaultySqlite::Loss::some}) {
    for (std::uint64_t n = 1; n <= all; n += care_stride) {
      FaultySqlite disk;
      Prepared kept;
      const std::string before = everything_in(kept.path());
      disk.crash_at(n);
      const bool done = GetParam().make(kept).ok();
      kept.close();
      disk.restart(loss, n);
      ASSERT_TRUE(kept.open());
      const bool unchanged = everything_in(kept.path()) == before;
      EXPECT_FALSE(done && unchanged) << "it was said to be done";
      if (unchanged) {
        ++undone;
        EXPECT_TRUE(GetParam().make(kept).ok());
      }
      EXPECT_TRUE(GetParam().made(kept));
      kept.expect_sound();
      if (HasFailure()) FAIL() << "crash at call " << n << " of " << all;
    }
  }
  EXPECT_GT(undone, 0);
}

INSTANTIATE_TEST_SUITE_P(Of, CareFaults, testing::ValuesIn(changes()), [](const auto& tested) { return tested.param.name; });

// A file of the first version, which is brought to the present one step by step.
class MigrationFaults : public testing::Test {
 protected:
  static std::uint64_t calls() {
    FaultySqlite disk;
    TemporaryFolder folder(TemporaryFolder::Place::memory);
    make_file_of_version_one(folder / "journal.db");
    const std::uint64_t before = disk.calls();
    EXPECT_TRUE(Journal::open(folder / "journal.db").ok());
    return disk.calls() - before;
  }
  static void expect_present(const std::string& path) {
    Result<std::unique_ptr<Journal>> journal = Journal::open(path);
    ASSERT_TRUE(journal.ok()) << journal.error().message;
    EXPECT_EQ((*journal)->database().query_int("PRAGMA user_version"), schema_version);
    const std::vector<std::int64_t> letters = dead_letter_ids(**journal, {"siem", {}}).value();
    ASSERT_EQ(letters.size(), 1u);
    EXPECT_EQ(find_dead_letter(**journal, letters[0]).value()->bytes, "ab");
    EXPECT_TRUE(take_snapshot(**journal).value().exporters.at(0).books.balance(3));
    ASSERT_TRUE((*journal)->close().ok());
    EXPECT_TRUE(JournalReader::open(path).value()->check()->empty());
  }
};

TEST_F(MigrationFaults, AStepThatFailsIsMadeByTheNextStart) {
  const std::uint64_t all = calls();
  int failed = 0;
  for (const FaultySqlite::Fault fault : {FaultySqlite::Fault::io_error, FaultySqlite::Fault::full}) {
    for (std::uint64_t n = 1; n <= all; n += care_stride) {
      FaultySqlite disk;
      TemporaryFolder folder(TemporaryFolder::Place::memory);
      make_file_of_version_one(folder / "journal.db");
      disk.fail_at(n, fault);
      const Result<std::unique_ptr<Journal>> opened = Journal::open(folder / "journal.db");
      disk.repair();
      if (!opened) {
        ++failed;
        EXPECT_NE(opened.error().kind, ErrorKind::corrupt) << opened.error().message;
      }
      if (!opened) expect_present(folder / "journal.db");
      if (HasFailure()) FAIL() << "call " << n << " of " << all;
    }
  }
  EXPECT_GT(failed, 0);
}

TEST_F(MigrationFaults, ACrashInBetweenLosesNothing) {
  const std::uint64_t all = calls();
  for (const FaultySqlite::Loss loss : {FaultySqlite::Loss::none, FaultySqlite::Loss::all, FaultySqlite::Loss::some}) {
    for (std::uint64_t n = 1; n <= all; n += care_stride) {
      FaultySqlite disk;
      TemporaryFolder folder(TemporaryFolder::Place::memory);
      make_file_of_version_one(folder / "journal.db");
      disk.crash_at(n);
      { const Result<std::unique_ptr<Journal>> opened = Journal::open(folder / "journal.db"); }
      disk.restart(loss, n);
      expect_present(folder / "journal.db");
      if (HasFailure()) FAIL() << "crash at call " << n << " of " << all;
    }
  }
}

}  // namespace
}  // namespace auditferry
