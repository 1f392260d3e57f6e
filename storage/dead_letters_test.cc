// What is stored of a dead letter is what was refused, or is known not to be.

#include "storage/dead_letters.h"

#include <gtest/gtest.h>

#include <set>

#include "storage/care_fixture.h"
#include "storage/payload_codec.h"
#include "storage/salvage.h"
#include "storage/sqlite.h"

namespace auditferry {
namespace {

class DeadLettersTest : public CareFixture {
 protected:
  DeadLettersTest() {
    publish(0, 10);
    const ExporterRow row = journal_->attach_exporter("siem", "scripted", "hold", false).value();
    const RecordBatch batch = journal_->read(4, 1, 1u << 20).value();
    DeadLetter letter;
    letter.seq = 5;
    letter.reason = "mapping";
    letter.record = "{\"as\":\"it was sent\"}";
    letter.identity = {"apptego", "t", "audit"};
    letter.payload = encode_payload("acme", start, batch.records);
    PositionUpdate update;
    update.exporter_id = row.exporter_id;
    update.to = 10;
    update.delivered = 9;
    update.dead = {letter};
    EXPECT_TRUE(journal_->advance({update}, start).value().at(0));
  }
  DeadLetterRow letter() { return find_dead_letter(*journal_, 1).value().value(); }
  std::vector<std::string> findings() { return JournalReader::open(folder_ / "journal.db").value()->check().value(); }
  // The letter with one column changed, everything else as it was.
  template <class Value>
  void put(const std::string& column, const Value& value) {
    Statement(journal_->database(), ("UPDATE dead_letter SET " + column + " = ?").c_str()).run(value);
  }
  std::string stored(const std::string& column) {
    Statement statement(journal_->database(), ("SELECT " + column + " FROM dead_letter").c_str());
    EXPECT_TRUE(statement.query().step());
    return std::string(statement.blob(0));
  }
};

TEST_F(DeadLettersTest, ALetterIsReadAsItWasStored) {
  EXPECT_FALSE(letter().damaged);
  ASSERT_EQ(letter().batch.records.size(), 1u);
  EXPECT_EQ(letter().batch.records[0].id, "4");
  EXPECT_EQ(letter().batch.records[0].tenant, "t");
  EXPECT_TRUE(findings().empty());
  // It may be refused once more, with other words.
  ASSERT_TRUE(keep_dead_letter(*journal_, 1, "still no good").ok());
  EXPECT_FALSE(letter().damaged);
}

TEST_F(DeadLettersTest, AFlippedBitIsNoticedWhereverItIs) {
  const std::set<std::string> identity{"vendor", "tenant", "stream"};
  for (const std::string column : {"payload", "record", "hash", "vendor", "tenant", "stream"}) {
    const std::string sound = stored(column);
    ASSERT_FALSE(sound.empty());
    const bool text = identity.contains(column);
    for (std::size_t bit = 0; bit < sound.size() * 8; ++bit) {
      std::string flipped = sound;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
      if (text) {
        put(column, flipped);
      } else {
        put(column, Statement::Blob{flipped});
      }
      const DeadLetterRow row = letter();
      EXPECT_TRUE(row.damaged) << column << ", bit " << bit % 8 << " of byte " << bit / 8;
      EXPECT_TRUE(row.batch.records.empty()) << "it must not be sent";
    }
    if (text) {
      put(column, sound);
    } else {
      put(column, Statement::Blob{sound});
    }
    EXPECT_FALSE(letter().damaged) << column;
  }
}

TEST_F(DeadLettersTest, TheCheckOfTheJournalNamesADamagedLetter) {
  put("record", Statement::Blob{"{\"as\":\"it was cent\"}"});
  ASSERT_EQ(findings().size(), 1u);
  EXPECT_EQ(findings()[0], "dead letter 1 of exporter siem is damaged: its bytes do not fit their hash");
}

TEST_F(DeadLettersTest, TheCheckOfTheJournalNamesADamagedItemInQuarantine) {
  ASSERT_TRUE(journal_->quarantine(collection_.stream_id, {"malformed JSON", 0, "{\"logs\":["}, start).value());
  ASSERT_TRUE(journal_->quarantine(collection_.stream_id, {"nothing came", 0, ""}, start).value());
  EXPECT_TRUE(findings().empty());
  journal_->database().execute("UPDATE quarantine SET body = (SELECT body FROM quarantine WHERE quarantine_id = 2) WHERE quarantine_id = 1");
  ASSERT_EQ(findings().size(), 1u);
  EXPECT_EQ(findings()[0], "quarantine item 1 is damaged: its bytes do not fit their hash");
}

// Salvage carries a damaged letter over as what it is; one without a hash is taken for what it says.
TEST_F(DeadLettersTest, SalvageKeepsWhatIsKnownOfThem) {
  for (const bool hashed : {true, false}) {
    put("tenant", std::string("u"));
    if (!hashed) put("hash", nullptr);
    const std::string rescued = folder_ / (hashed ? "hashed.db" : "plain.db");
    ASSERT_TRUE(salvage_journal(folder_ / "journal.db", rescued, start).ok());
    const std::unique_ptr<Journal> journal = std::move(Journal::open(rescued)).value();
    EXPECT_EQ(find_dead_letter(*journal, 1).value()->damaged, hashed);
  }
}

}  // namespace
}  // namespace auditferry
