#include "exporters/text_template.h"

#include <gtest/gtest.h>

#include "encoding/time_format.h"
#include "exporters/record_id.h"

namespace auditferry {
namespace {

Record templated_record() {
  Record record;
  record.source = "acme";
  record.vendor = "apptego";
  record.tenant = "t1";
  record.stream = "audit";
  record.id = "17";
  record.time = *parse_rfc3339("2025-11-23T23:59:59Z");
  record.received = *parse_rfc3339("2025-11-24T00:00:01Z");
  return record;
}

TEST(TextTemplate, PutsValuesIn) {
  const auto parsed = TextTemplate::parse("x {source}/{vendor}/{tenant}/{stream}/{date}");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->expand(templated_record()), "x acme/apptego/t1/audit/2025-11-23");
  EXPECT_EQ(parsed->pattern(), "x */*/*/*/*");
  Record timeless = templated_record();
  timeless.has_time = false;
  EXPECT_EQ(TextTemplate::parse("{date}")->expand(timeless), "2025-11-24");
}

// A gap of an exporter belongs to no stream, and a profile may know no tenants.
TEST(TextTemplate, TellsWhetherThereIsAValueForEveryPlaceholder) {
  const TextTemplate index = *TextTemplate::parse("audit-{tenant}-{date}");
  EXPECT_TRUE(index.filled_by(templated_record()));
  Record gap;
  gap.gap = true;
  EXPECT_FALSE(index.filled_by(gap));
  EXPECT_EQ(index.expand(gap), "audit-auditferry-1970-01-01");
  EXPECT_EQ(TextTemplate::parse("{source}/{vendor}:{stream}")->expand(gap), "auditferry/auditferry:auditferry");
  EXPECT_TRUE(TextTemplate::parse("audit-{date}")->filled_by(gap));
}

TEST(TextTemplate, RefusesWhatItDoesNotKnow) {
  for (const char* text : {"{sorce}", "{", "}", "a{b", "\n", "{hour}"})
    EXPECT_FALSE(TextTemplate::parse(text).ok()) << text;
  EXPECT_TRUE(TextTemplate::parse("")->empty());
}

TEST(RecordId, NamesTheRecordInAllTheWorld) {
  Record record = templated_record();
  EXPECT_EQ(record_id(record), "apptego/t1/audit/17");
  record.revision = 12;
  EXPECT_EQ(record_id(record), "apptego/t1/audit/17@12");
  Record gap;
  gap.gap = true;
  gap.id = "gap-3";
  EXPECT_EQ(record_id(gap), "gap-3");
}

}  // namespace
}  // namespace auditferry
