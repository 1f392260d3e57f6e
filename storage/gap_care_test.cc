#include "storage/gap_care.h"

#include "storage/care_fixture.h"

namespace auditferry {
namespace {

class GapCareTest : public CareFixture {
 protected:
  GapCareTest() {
    publish(0, 10);
    EXPECT_TRUE(journal_->record_gap(collection_.collection_id, {"unreachable", TimeRange{at(10), at(20)}, "first"}, at(20)).value());
    publish(20, 10);
    EXPECT_TRUE(journal_->record_gap(collection_.collection_id, {"forgotten", TimeRange{at(30), at(40)}, "second"}, at(40)).value());
  }
  std::vector<std::int64_t> open(GapSelection selection = {}) { return open_gap_ids(*journal_, selection).value(); }
};

TEST_F(GapCareTest, SelectsOpenGapsByIdsOwnersAndTime) {
  EXPECT_EQ(open(), (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(open({.gap_ids = {2, 7}}), std::vector<std::int64_t>{2});
  EXPECT_EQ(open({.source = "acme", .stream = "audit"}).size(), 2u);
  EXPECT_TRUE(open({.source = "other"}).empty());
  EXPECT_TRUE(open({.stream = "device"}).empty());
  EXPECT_TRUE(open({.exporter = "archive"}).empty());
  EXPECT_EQ(open({.range = TimeRange{at(10), at(20)}}), std::vector<std::int64_t>{1});
  EXPECT_TRUE(open({.range = TimeRange{at(11), at(39)}}).empty()) << "neither lies wholly within it";
}

TEST_F(GapCareTest, AnAcceptedGapIsToldEverywhereAndCountsNoMore) {
  ASSERT_EQ(snapshot().gaps.size(), 2u);
  EXPECT_EQ(snapshot().streams.at(0).collections.at(0).watermark, at(10));
  EXPECT_TRUE(accept_gap(*journal_, 1, "alex", "the portal was being moved", at(50)).value());
  const JournalSnapshot after = snapshot();
  ASSERT_EQ(after.gaps.size(), 1u);
  EXPECT_EQ(after.gaps[0].gap_id, 2);
  ASSERT_EQ(after.accepted_gaps.size(), 1u);
  EXPECT_EQ(after.accepted_gaps[0].accepted_by, "alex");
  EXPECT_EQ(after.accepted_gaps[0].changed, at(50));
  // Nobody has to fetch it any more, and what is behind it counts.
  EXPECT_EQ(after.streams.at(0).collections.at(0).watermark, at(30));
  EXPECT_EQ(open(), std::vector<std::int64_t>{2});
  const std::vector<std::string> entries = gap_entries();
  ASSERT_EQ(entries.size(), 3u);
  const std::string id = "gap-" + journal_->epoch().substr(0, 12) + "-1";
  EXPECT_TRUE(entries[2].starts_with(id + " 2: {\"type\":\"unreachable\",\"from\":")) << entries[2];
  EXPECT_NE(entries[2].find("\"why\":\"first\",\"state\":\"accepted\",\"accepted_by\":\"alex\",\"reason\":\"the portal was being moved\""), std::string::npos)
      << entries[2];
  const std::vector<LedgerRow> rows = ledger("gap accepted");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].chain, collection_.stream_id);
  EXPECT_NE(rows[0].detail.find("\"by\":\"alex\",\"reason\":\"the portal was being moved\""), std::string::npos) << rows[0].detail;
}

TEST_F(GapCareTest, OnlyAnOpenGapIsAccepted) {
  EXPECT_TRUE(accept_gap(*journal_, 1, "alex", "x", at(50)).value());
  EXPECT_FALSE(accept_gap(*journal_, 1, "alex", "x", at(51)).value());
  EXPECT_FALSE(accept_gap(*journal_, 7, "alex", "x", at(51)).value());
  EXPECT_EQ(gap_entries().size(), 3u);
}

TEST_F(GapCareTest, AHealedGapIsToldToTheExporters) {
  publish(10, 10);
  EXPECT_EQ(open(), std::vector<std::int64_t>{2});
  const std::vector<std::string> entries = gap_entries();
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_TRUE(entries[2].starts_with("gap-" + journal_->epoch().substr(0, 12) + "-1 2: ")) << entries[2];
  EXPECT_NE(entries[2].find("\"state\":\"healed\""), std::string::npos) << entries[2];
  EXPECT_EQ(ledger("gap healed").size(), 1u);
}

TEST_F(GapCareTest, ReadersListAllOfThem) {
  ASSERT_TRUE(accept_gap(*journal_, 2, "alex", "x", at(50)).value());
  publish(10, 10);
  const auto reader = std::move(JournalReader::open(folder_ / "journal.db")).value();
  const std::vector<GapRow> gaps = reader->gaps().value();
  ASSERT_EQ(gaps.size(), 2u);
  EXPECT_EQ(gaps[0].state, "healed");
  EXPECT_EQ(gaps[1].state, "accepted");
}

}  // namespace
}  // namespace auditferry
