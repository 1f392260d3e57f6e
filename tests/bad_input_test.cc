// What a user or a portal can get wrong, against the real program: one message that names the thing and the
// next step, and once it is put right everything is in the files, each record once.

#include <gtest/gtest.h>

#include "core/result.h"
#include "encoding/hash.h"
#include "tests/portal_over_tls.h"
#include "tests/process_fixture.h"

namespace auditferry {
namespace {

using std::chrono::seconds;

class BadInput : public ProcessTest {
 protected:
  explicit BadInput(const PortalOptions& wanted = options()) : ProcessTest(wanted) { portal_.stop_making(); }

  void expect_words(const std::vector<std::string>& words) {
    const std::string text = said();
    for (const std::string& word : words) EXPECT_NE(text.find(word), std::string::npos) << word << " in: " << text;
  }
  // The program cannot do its work now, and says for whom, why and what to do: the words.
  void expect_refusal(const std::vector<std::string>& words) {
    EXPECT_EQ(finish({"run", "--once", "--timeout", "2s"}), 1) << said();
    expect_words({"source acme, stream "});
    expect_words(words);
  }
  void expect_everything() {
    EXPECT_EQ(finish({"run", "--once"}), 0) << said();
    expect_equal_sets(said());
  }
  void mend() { portal_.set_faults({}); }
  void expect_usage(const std::string& config, const std::vector<std::string>& words) {
    std::ofstream(config_) << config;
    EXPECT_EQ(finish({"check"}), 2);
    expect_words(words);
    EXPECT_EQ(finish({"run"}), 2);
    expect_words(words);
    EXPECT_FALSE(std::filesystem::exists(folder_ / "state"));
  }
  WallTime recently() { return clock_.now() - seconds(30); }
};

TEST_F(BadInput, UnknownOptionAndCommand) {
  EXPECT_EQ(finish({"run", "--no-such-option"}), 2);
  expect_words({"--no-such-option"});
  EXPECT_EQ(finish({"rnu"}), 2);
  expect_words({"rnu"});
}

TEST_F(BadInput, MissingFile) {
  std::filesystem::remove(config_);
  EXPECT_EQ(finish({"run"}), 2);
  expect_words({config_, "--config"});
  write_config("");
  expect_everything();
}

TEST_F(BadInput, WrongTomlWrongTypesAndMissingSecretsWithTheirPlace) {
  expect_usage("[daemon\nstate_dir = 1\n", {config_ + ":1:", "]"});
  expect_usage("[daemon]\nstate_dir = 1\nlog_levle = \"info\"\n[journal]\nkeep = \"7 days\"\n",
               {config_ + ":2:", "daemon.state_dir", "string", "log_level", "journal.keep", "ms s m h d"});
  expect_usage("[sources.acme]\nprofile = \"apptego\"\ntenant = \"t\"\ncredentials.token_key = \"abc\"\n"
               "credentials.token_secret = { env = \"NOT_SET\" }\n[exporters.archive]\ntype = \"file\"\npath = \"x\"\n",
               {"credentials.token_key", "env", "NOT_SET"});
  write_config("");
  expect_everything();
}

TEST_F(BadInput, UnreachablePortal) {
  server_.stop();
  expect_refusal({"127.0.0.1", "Connection refused", "check that it runs"});
  PortalServer again(portal_, {});
  ASSERT_TRUE(again.start().ok());
  write_config("", again.origin());
  expect_everything();
}

TEST_F(BadInput, NameThatDoesNotExist) {
  write_config("", "https://portal.invalid");
  expect_refusal({"portal.invalid", "check the spelling of the host name"});
  write_config("");
  expect_everything();
}

TEST_F(BadInput, CertificateOfAnUnknownAuthorityThenWithIt) {
  const PortalOverTls over_tls(portal_, folder_ / "tls");
  write_config("", over_tls.origin());
  expect_refusal({"127.0.0.1", "unknown authority 'Example CA'", "tls.ca_file"});
  write_config("", over_tls.origin(), "tls.ca_file = \"" + over_tls.ca_file() + "\"");
  expect_everything();
}

TEST_F(BadInput, WrongToken) {
  secret_ = "wrong";
  expect_refusal({"127.0.0.1", "401", "credentials.token_key and credentials.token_secret"});
  secret_ = sandbox_token_secret;
  expect_everything();
}

TEST_F(BadInput, WrongTenant) {
  write_config("", "", "", "11111111111111111111111111111111");
  expect_refusal({"127.0.0.1", "11111111111111111111111111111111", "403", "check the tenant"});
  write_config("");
  expect_everything();
}

TEST_F(BadInput, TeamPlan) {
  portal_.set_plan(sandbox_tenant, "TEAM");
  expect_refusal({sandbox_tenant, "is on TEAM", "need ENTERPRISE", "change the tenant's plan"});
  portal_.set_plan(sandbox_tenant, "ENTERPRISE");
  expect_everything();
}

TEST_F(BadInput, WrongAddress) {
  write_config("", server_.origin() + "/wrong");
  expect_refusal({"127.0.0.1", "404", "check base_url"});
  write_config("");
  expect_everything();
}

TEST_F(BadInput, HtmlInsteadOfJson) {
  break_every_answer(FaultKind::html);
  expect_refusal({"127.0.0.1", "HTML page", "check base_url and proxy"});
  mend();
  expect_everything();
}

TEST_F(BadInput, SuccessFalseAndJsonOfAnotherShape) {
  break_every_answer(FaultKind::success_false);
  expect_refusal({"127.0.0.1", "/success is false", "check the stream's query"});
  mend();
  SandboxDialect other;
  other.array_name = "entries";
  portal_.set_dialect(other);
  expect_refusal({"streams.audit.records", "change it", "/entries"});
  portal_.set_dialect({});
  expect_everything();
}

TEST_F(BadInput, AnAnswerOfTwoGigabytes) {
  break_every_answer(FaultKind::huge_body);
  expect_refusal({"127.0.0.1", "larger than the limit of 33554432 bytes", "asking for smaller pages", "sources.acme.max_page_bytes"});
  mend();
  expect_everything();
}

TEST_F(BadInput, TruncatedAndMalformedPages) {
  break_every_answer(FaultKind::truncated);
  expect_refusal({"127.0.0.1", "ends early", "asking again", "quarantine"});
  break_every_answer(FaultKind::malformed);
  expect_refusal({"127.0.0.1", "malformed JSON", "asking again", "quarantine"});
  mend();
  expect_everything();
}

TEST_F(BadInput, NoAnswerAtAll) {
  write_config("", "", "timeout = \"500ms\"");
  break_every_answer(FaultKind::hang);
  expect_refusal({"127.0.0.1", "did not answer completely within 500ms", "raise timeout"});
  mend();
  expect_everything();
}

TEST_F(BadInput, RecordsOfFiveMegabytes) {
  portal_.make("audit", 3, recently(), recently(), 5u << 20);
  expect_everything();
}

// The record is kept, repaired, and its bytes as they came are in quarantine.
TEST_F(BadInput, InvalidUtf8AndControlCharacters) {
  portal_.add_raw("audit", recently(), "900001",
                  "{\"event\":900001,\"creation_time\":" + std::to_string(recently().time_since_epoch() / seconds(1)) +
                      ",\"api_call\":\"bad \xff\xfe bytes\"}");
  portal_.add_raw("audit", recently(), "900002",
                  "{\"event\":900002,\"creation_time\":" + std::to_string(recently().time_since_epoch() / seconds(1)) +
                      ",\"api_call\":\"raw \x01 control\"}");
  expect_everything();
  const std::string lines = text_of(folder_ / "records/audit.jsonl");
  EXPECT_NE(lines.find("\"repaired\":true"), std::string::npos);
  EXPECT_EQ(lines.find('\xff'), std::string::npos);
  EXPECT_EQ(lines.find('\x01'), std::string::npos);
}

TEST_F(BadInput, NestingAsDeepAsTheLimitIsKept) {
  const std::string deep = std::string(200, '[') + std::string(200, ']');
  portal_.add_raw("audit", recently(), "900004",
                  "{\"event\":900004,\"creation_time\":" + std::to_string(recently().time_since_epoch() / seconds(1)) + ",\"detail\":" + deep + "}");
  expect_everything();
}

TEST_F(BadInput, NestingWithoutEndIsRefusedInWords) {
  break_every_answer(FaultKind::deep_nesting);
  expect_refusal({"127.0.0.1", "nested deeper than 256", "goes to quarantine", "show it to the vendor"});
  mend();
  expect_everything();
}

TEST_F(BadInput, NullAndMissingFieldsAndOddIds) {
  portal_.add("audit", recently(), {{"api_call", "null"}, {"user_id", "null"}, {"raw_data", "null"}});
  portal_.add("audit", recently(), {{"successful", "\"yes\""}, {"raw_data", "{\"already\":\"an object\"}"}});
  const std::string time = std::to_string(recently().time_since_epoch() / seconds(1));
  portal_.add_raw("audit", recently(), "18446744073709551615", "{\"event\":18446744073709551615,\"creation_time\":" + time + "}");
  portal_.add_raw("audit", recently(), "9223372036854775808123", "{\"event\":9223372036854775808123,\"creation_time\":" + time + "}");
  portal_.add_raw("audit", recently(), "of letters", "{\"event\":\"of letters\",\"creation_time\":" + time + "}");
  expect_everything();
}

// They are kept, and told apart by their content; equal ones by their number.
TEST_F(BadInput, RecordsWithoutAnIdOrATime) {
  const std::string time = std::to_string(recently().time_since_epoch() / seconds(1));
  const std::string idless = "{\"api_call\":\"login\",\"creation_time\":" + time + "}";
  portal_.add_raw("audit", recently(), hex(sha256(idless)), idless);
  portal_.add_raw("audit", recently(), hex(sha256(idless)) + "#2", idless);
  portal_.add_raw("audit", recently(), "900010", "{\"api_call\":\"logout\",\"event\":900010}");
  expect_everything();
  expect_words({"source=acme", "stream=audit", "no id at /event", "sources.acme.stream.audit.id", "streams.audit.fields.id"});
  expect_words({"no time that can be read at /creation_time", "streams.audit.fields.time", "time_unit"});
}

class MillisecondPortal : public BadInput {
 protected:
  MillisecondPortal() : BadInput(in_milliseconds()) {}
  static PortalOptions in_milliseconds() {
    PortalOptions options = BadInput::options();
    options.dialect.time_unit = TimeUnit::milliseconds;
    options.dialect.request_time_unit = TimeUnit::milliseconds;
    return options;
  }
};

TEST_F(MillisecondPortal, IsRefusedUntilTheUnitIsNamed) {
  expect_refusal({"streams.audit.time_unit says \"seconds\"", "time_unit = \"milliseconds\" would fit"});
  write_config("", "", "[sources.acme.stream.audit]\ntime_unit = \"milliseconds\"\n[sources.acme.stream.device]\ntime_unit = \"milliseconds\"");
  expect_everything();
}

TEST_F(BadInput, TimesAsText) {
  portal_.add_raw("audit", recently(), "900003", "{\"event\":900003,\"creation_time\":\"yesterday\"}");
  expect_everything();
  expect_words({"/creation_time", "streams.audit.fields.time"});
}

TEST_F(BadInput, APortalWhoseClockIsAnHourOff) {
  portal_.set_date_offset(std::chrono::hours(1));
  EXPECT_EQ(finish({"run", "--once"}), 0) << said();
  expect_words({"clock of 127.0.0.1", "ahead of this machine", "time service"});
  portal_.set_date_offset(-std::chrono::hours(1));
  EXPECT_EQ(finish({"run", "--once"}), 0) << said();
  portal_.set_date_offset({});
  expect_everything();
}

}  // namespace
}  // namespace auditferry
