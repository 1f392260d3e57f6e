#include "daemon/record_shape.h"

#include <gtest/gtest.h>

#include "tests/support/recording_log.h"

namespace auditferry {
namespace {

class RawBytes final : public Format {
 public:
  void append(const Record& record, std::string& out) const override { out += record.raw; }
};

class RecordShapeTest : public testing::Test {
 protected:
  RecordShapeTest() {
    settings_.name = "siem";
    settings_.select.streams = {"audit"};
    settings_.redact.key = Secret("an example of a key");
  }
  void redact(const std::string& field, RedactAction action) {
    RedactRule rule;
    rule.field = field;
    rule.action = action;
    settings_.redact.rules.push_back(rule);
  }
  PreparedBatch prepare() {
    RecordBatch batch;
    for (const auto& [stream, raw] : records_) {
      Record record;
      record.seq = batch.records.size() + 1;
      record.vendor = "apptego";
      record.stream = stream;
      record.raw = raw;
      batch.records.push_back(record);
    }
    batch.last_seq = batch.records.size();
    RecordShape shape(settings_, std::make_unique<RawBytes>(), profiles_, log_);
    return PreparedBatch(std::move(batch), shape);
  }

  ExporterSettings settings_;
  ProfileBook profiles_;
  RecordingLog log_;
  std::vector<std::pair<std::string, std::string>> records_ = {
      {"audit", R"({"event":1,"ip":"192.0.2.77"})"}, {"device", R"({"event":2})"}, {"audit", R"({"event":3,"ip":"192.0.2.78"})"}};
};

TEST_F(RecordShapeTest, SelectsAndFormats) {
  const PreparedBatch prepared = prepare();
  ASSERT_EQ(prepared.outgoing.size(), 2u);
  EXPECT_EQ(prepared.not_selected, 1u);
  EXPECT_EQ(prepared.outgoing[0].bytes, records_[0].second);
  EXPECT_EQ(prepared.outgoing[1].bytes, records_[2].second);
}

// Redacted first, "192.0.2.77" would be nowhere, and the record not selected.
TEST_F(RecordShapeTest, ConditionsSeeTheRecordBeforeItIsRedacted) {
  SelectCondition condition;
  condition.field = "/ip";
  condition.test = SelectCondition::Test::one_of;
  condition.values.emplace_back("192.0.2.77");
  settings_.select.where.push_back(condition);
  redact("/ip", RedactAction::mask);
  const PreparedBatch prepared = prepare();
  EXPECT_EQ(prepared.not_selected, 2u);
  ASSERT_EQ(prepared.outgoing.size(), 1u);
  EXPECT_EQ(prepared.outgoing[0].record->seq, 1u);
  EXPECT_EQ(prepared.outgoing[0].bytes.find("192.0.2.77"), std::string_view::npos) << prepared.outgoing[0].bytes;
}

// Neither the bytes nor the record that the exporter sees hold it; what the journal keeps does, so that a dead
// letter is redacted once only when it is sent again.
TEST_F(RecordShapeTest, RedactsWhatTheExporterSeesAndKeepsTheOriginal) {
  redact("/ip", RedactAction::hash);
  const PreparedBatch prepared = prepare();
  ASSERT_EQ(prepared.outgoing.size(), 2u);
  for (const OutgoingRecord& outgoing : prepared.outgoing) {
    EXPECT_EQ(outgoing.bytes.find("192.0.2"), std::string_view::npos) << outgoing.bytes;
    EXPECT_EQ(outgoing.record->raw, outgoing.bytes);
    EXPECT_NE(outgoing.bytes.find("hmac-sha256:"), std::string_view::npos);
  }
  EXPECT_EQ(prepared.original(1).raw, records_[0].second);
  EXPECT_EQ(prepared.original(3).raw, records_[2].second);
  EXPECT_EQ(prepare().outgoing[1].bytes, prepared.outgoing[1].bytes);
}

}  // namespace
}  // namespace auditferry
