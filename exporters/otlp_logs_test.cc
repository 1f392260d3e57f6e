#include "exporters/otlp_logs.h"

#include <gtest/gtest.h>

#include <deque>
#include <fstream>
#include <iterator>
#include <random>

#include "encoding/json_scanner.h"
#include "encoding/json_view.h"
#include "encoding/time_format.h"
#include "exporters/otlp_protobuf.h"
#include "tests/support/child_process.h"
#include "tests/support/temporary_folder.h"

namespace auditferry {
namespace {

// Two records of one source, one of another between them, and a gap.
class OtlpLogs : public testing::Test {
 protected:
  OtlpLogs() {
    Record record;
    record.seq = 7;
    record.source = "acme";
    record.vendor = "apptego";
    record.tenant = "t1";
    record.stream = "audit";
    record.id = "81723";
    record.time = *parse_rfc3339("2025-11-23T10:25:12.000001Z");
    record.received = *parse_rfc3339("2025-11-23T10:25:14Z");
    add(record, R"({"text":"\"quoted\" é"})");
    record.seq = 8;
    record.source = "other";
    record.id = "1";
    record.has_time = false;
    add(record, std::string(300, 'x'));  // lengths of two bytes
    record.seq = 9;
    record.source = "acme";
    record.id = "81724";
    record.revision = 2;
    record.has_time = true;
    add(record, "{}");
    Record gap = record;
    gap.seq = 10;
    gap.id = "gap-10";
    gap.revision = 1;
    gap.gap = true;
    add(gap, R"({"kind":"gap"})");
    for (std::size_t i = 0; i < records_.size(); ++i) outgoing.push_back({&records_[i], bytes_[i]});
  }
  std::vector<OutgoingRecord> outgoing;

 private:
  void add(const Record& record, std::string bytes) {
    records_.push_back(record);
    bytes_.push_back(std::move(bytes));
  }
  std::deque<Record> records_;
  std::deque<std::string> bytes_;
};

// What protoc makes of the bytes.
std::string decoded(const std::string& bytes) {
  const TemporaryFolder folder;
  std::ofstream(folder / "request", std::ios::binary) << bytes;
  const std::string proto = OTLP_PROTO;
  const std::string command = "protoc --decode=otlp.ExportLogsServiceRequest -I'" +
                              proto.substr(0, proto.rfind('/')) + "' otlp_logs.proto <'" +
                              (folder / "request") + "'";
  ChildProcess child({"/bin/sh", "-c", command}, {}, folder / "output");
  EXPECT_EQ(child.wait(std::chrono::seconds(60)), 0) << child.output();
  return child.output();
}

std::string attribute(int depth, const std::string& key, const std::string& value) {
  const std::string in(static_cast<std::size_t>(depth) * 2, ' ');
  return in + "attributes {\n" + in + "  key: \"" + key + "\"\n" + in + "  value {\n" + in + "    " + value +
         "\n" + in + "  }\n" + in + "}\n";
}

TEST_F(OtlpLogs, ProtocUnderstandsThem) {
  const std::string text = decoded(encode_otlp(OtlpEncoding::protobuf, outgoing));
  const auto resource = [](const std::string& source) {
    return "resource_logs {\n  resource {\n" + attribute(2, "service.name", "string_value: \"auditferry\"") +
           attribute(2, "service.version", "string_value: \"" AUDITFERRY_VERSION "\"") +
           attribute(2, "auditferry.source", "string_value: \"" + source + "\"") +
           attribute(2, "auditferry.vendor", "string_value: \"apptego\"") +
           attribute(2, "auditferry.tenant", "string_value: \"t1\"") +
           "  }\n  scope_logs {\n    scope {\n      name: \"auditferry\"\n      version: "
           "\"" AUDITFERRY_VERSION "\"\n    }\n";
  };
  const auto entry = [](const std::string& time, const std::string& severity, const std::string& body,
                        const std::string& id, const std::string& seq, const std::string& more) {
    return "    log_records {\n" + time + severity + "      body {\n        string_value: \"" + body +
           "\"\n      }\n" + attribute(3, "log.record.uid", "string_value: \"" + id + "\"") +
           attribute(3, "auditferry.seq", "int_value: " + seq) +
           attribute(3, "auditferry.stream", "string_value: \"audit\"") + more +
           "      observed_time_unix_nano: 1763893514000000000\n    }\n";
  };
  const std::string time = "      time_unix_nano: 1763893512000001000\n";
  const std::string info = "      severity_number: 9\n      severity_text: \"INFO\"\n";
  const std::string warn = "      severity_number: 13\n      severity_text: \"WARN\"\n";
  const std::string expected =
      resource("acme") +
      entry(time, info, R"({\"text\":\"\\\"quoted\\\" \303\251\"})", "apptego/t1/audit/81723", "7", "") +
      entry(time, info, "{}", "apptego/t1/audit/81724@2", "9",
            attribute(3, "auditferry.revision", "int_value: 2")) +
      entry(time, warn, R"({\"kind\":\"gap\"})", "apptego/t1/audit/gap-10", "10",
            attribute(3, "auditferry.kind", "string_value: \"gap\"")) +
      "  }\n}\n" + resource("other") + entry("", info, std::string(300, 'x'), "apptego/t1/audit/1", "8", "") +
      "  }\n}\n";
  EXPECT_EQ(text, expected);
}

TEST_F(OtlpLogs, AsJsonTheyKeepTheRules) {
  const std::string body = encode_otlp(OtlpEncoding::json, outgoing);
  const Result<ScannedJson> scanned = scan_json(body);
  ASSERT_TRUE(scanned.ok()) << body;
  EXPECT_EQ(scanned->text, body);
  const JsonView view(body);
  const auto first = view.at_pointer("/resourceLogs/0/scopeLogs/0/logRecords/0");
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->find("timeUnixNano")->raw(), "\"1763893512000001000\"");
  EXPECT_EQ(first->find("observedTimeUnixNano")->raw(), "\"1763893514000000000\"");
  EXPECT_EQ(first->find("severityNumber")->raw(), "9");
  EXPECT_EQ(first->at_pointer("/body/stringValue")->as_string(), R"({"text":"\"quoted\" é"})");
  EXPECT_EQ(first->at_pointer("/attributes/0")->raw(),
            R"({"key":"log.record.uid","value":{"stringValue":"apptego/t1/audit/81723"}})");
  EXPECT_EQ(first->at_pointer("/attributes/1")->raw(),
            R"({"key":"auditferry.seq","value":{"intValue":"7"}})");
  EXPECT_EQ(view.at_pointer("/resourceLogs/1/resource/attributes/2/value/stringValue")->as_string(), "other");
  EXPECT_FALSE(view.at_pointer("/resourceLogs/1/scopeLogs/0/logRecords/0/timeUnixNano"));
  EXPECT_EQ(view.at_pointer("/resourceLogs/0/scopeLogs/0/logRecords/2/severityText")->as_string(), "WARN");
}

TEST(OtlpTimes, NeverOverflow) {
  Record record;
  record.time = WallTime::max();
  record.received = WallTime::min();
  const std::vector<OutgoingRecord> outgoing{{&record, "x"}};
  const std::string body = encode_otlp(OtlpEncoding::json, outgoing);
  EXPECT_NE(body.find("\"timeUnixNano\":\"9000000000000000000\",\"observedTimeUnixNano\":\"0\""),
            std::string::npos)
      << body;
}

std::string partial_success(std::int64_t rejected, std::string_view message) {
  std::string body;
  ProtobufWriter(body).message(1, [&](auto& out) {
    if (rejected != 0) out.varint(1, static_cast<std::uint64_t>(rejected));
    if (!message.empty()) out.text(2, message);
  });
  return body;
}

HttpResponse typed(std::string body, const char* type) {
  return {200, {{"Content-Type", type}}, std::move(body)};
}

TEST(OtlpAnswer, IsReadInBothEncodings) {
  const auto read = [](const HttpResponse& answer) {
    return parse_otlp_answer(answer, OtlpEncoding::protobuf);
  };
  for (const HttpResponse& given :
       {typed(partial_success(3, "too old"), "application/x-protobuf"),
        typed(R"({"partialSuccess":{"rejectedLogRecords":"3","errorMessage":"too old"}})",
              "application/json; charset=utf-8"),
        typed(R"({"partialSuccess":{"rejectedLogRecords":3,"errorMessage":"too old"}})",
              "application/json")}) {
    const auto answer = read(given);
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->rejected, 3);
    EXPECT_EQ(answer->message, "too old");
  }
  for (const HttpResponse& good :
       {typed("", "application/x-protobuf"), typed("{}", "application/json"),
        typed(R"({"partialSuccess":null})", "application/json"), HttpResponse{200, {}, ""},
        typed(partial_success(0, ""), "application/x-protobuf")}) {
    ASSERT_TRUE(read(good).has_value()) << good.body;
    EXPECT_EQ(read(good)->rejected, 0);
  }
  EXPECT_EQ(read(typed(partial_success(-1, ""), "application/x-protobuf"))->rejected, -1);
}

TEST(OtlpAnswer, IsNothingElse) {
  for (const HttpResponse& bad :
       {typed("ok", "text/plain"), typed("ok", "application/x-protobuf"), typed("ok", "application/json"),
        typed("[]", "application/json"),
        typed(R"({"partialSuccess":{"rejectedLogRecords":"many"}})", "application/json"),
        typed("<html>", "text/html"), HttpResponse{200, {}, "\xff"}})
    EXPECT_FALSE(parse_otlp_answer(bad, OtlpEncoding::protobuf)) << bad.body;
}

TEST(OtlpAnswer, SurvivesEveryBody) {
  const std::string good = partial_success(300, "some words");
  std::mt19937 random(9);
  for (int round = 0; round < 50'000; ++round) {
    std::string body = good.substr(0, random() % (good.size() + 1));
    for (std::size_t i = random() % 4; i > 0 && !body.empty(); --i)
      body[random() % body.size()] = static_cast<char>(random());
    const HttpResponse answer = typed(body, "application/x-protobuf");
    static_cast<void>(parse_otlp_answer(answer, OtlpEncoding::protobuf));
    static_cast<void>(otlp_error(answer, OtlpEncoding::protobuf));
  }
}

TEST(Protobuf, WritesAndReadsNumbers) {
  for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{127}, std::uint64_t{128},
                                    std::uint64_t{300}, ~std::uint64_t{0}, std::uint64_t{1} << 63}) {
    std::string bytes;
    ProtobufWriter writer(bytes);
    writer.varint(1, value);
    writer.fixed64(1000, value);
    ProtobufSize size;
    size.varint(1, value);
    size.fixed64(1000, value);
    EXPECT_EQ(bytes.size(), size.bytes());
    ProtobufReader reader(bytes);
    const auto first = reader.next();
    const auto second = reader.next();
    ASSERT_TRUE(first && second);
    EXPECT_EQ(first->number_value, value);
    EXPECT_EQ(second->number_value, value);
    EXPECT_EQ(second->number, 1000u);
    EXPECT_FALSE(reader.next());
    EXPECT_FALSE(reader.broken());
  }
}

TEST(Protobuf, RefusesWhatCannotBe) {
  const std::string bad[] = {
      std::string("\x0a\x05"
                  "abc",
                  5),              // shorter than it says
      std::string("\x08", 1),      // a number is missing
      std::string("\x08\xff", 2),  // and one that does not end
      std::string(11, '\xff'),     // longer than any
      std::string("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11),
      std::string("\x00", 1),  // field 0
      std::string("\x0b", 1),  // a group
      std::string("\x09"
                  "1234567",
                  8),
  };
  for (const std::string& bytes : bad) {
    ProtobufReader reader(bytes);
    while (reader.next()) {
    }
    EXPECT_TRUE(reader.broken());
  }
}

}  // namespace
}  // namespace auditferry
