// The exporters over HTTP with the real client, over real sockets.

#include <gtest/gtest.h>

#include "encoding/compress.h"
#include "encoding/hash.h"
#include "exporters/catalog.h"
#include "exporters/json_format.h"
#include "exporters/otlp_logs.h"
#include "sandbox/portal_server.h"
#include "sandbox/test_certificates.h"
#include "tests/support/delivery_rig.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/http_fixture.h"
#include "tests/support/portal_fixture.h"
#include "tests/support/scripted_server.h"
#include "tests/support/temporary_folder.h"

namespace auditferry {
namespace {

class HttpReal : public testing::Test {
 protected:
  std::unique_ptr<Exporter> make(const std::string& type, const std::string& configuration) {
    settings_.name = "siem";
    settings_.type = type;
    TomlProblems problems;
    const auto document = TomlDocument::parse(configuration, "test.toml", problems);
    TomlTable table = document->root();
    const SecretPlaces places{[](const std::string& name) { return std::optional<std::string>(name); }, "",
                              true};
    EXPECT_TRUE(read_exporter(settings_, table, places));
    document->report_unknown_keys();
    EXPECT_TRUE(problems.empty()) << (problems.empty() ? "" : problems.lines().front());
    ExporterWorld world{fixture_.loop.executor(), fixture_.loop.clock(), fixture_.log, disk_, blocking_, {}};
    world.random = &random_;
    world.make_http_client = [this](const PeerSettings& peer) {
      PeerSettings quick = peer;
      quick.timeout = std::chrono::seconds(5);
      return std::make_unique<BeastHttpClient>(fixture_.loop.executor(), fixture_.loop.clock(),
                                               fixture_.resolver, fixture_.contexts, fixture_.environment,
                                               quick, fixture_.log);
    };
    return make_exporter(settings_, world);
  }
  WriteOutcome write(Exporter& exporter) {
    batch_.clear();
    for (std::size_t i = 0; i < records_.size(); ++i)
      batch_.push_back({&records_.record(i), records_.line(i)});
    WriteOutcome outcome;
    fixture_.loop.run(write_into(exporter, batch_, outcome));
    return outcome;
  }
  WriteOutcome write(const std::string& type, const std::string& configuration) {
    const auto exporter = make(type, configuration);
    return write(*exporter);
  }
  // What the server got: a head that must hold all of `headers`, and the body, unpacked.
  static std::string body_of(const ScriptedServer& server, const std::vector<std::string>& headers) {
    const std::string request = server.requests().at(0);
    const std::size_t end = request.find("\r\n\r\n");
    for (const std::string& header : headers)
      EXPECT_LT(request.find("\r\n" + header + "\r\n"), end) << header << "\n" << request.substr(0, end);
    const Result<std::string> body = inflate_body(request.substr(end + 4), ContentCoding::gzip, 1u << 20);
    EXPECT_TRUE(body.ok());
    return body.ok() ? *body : "";
  }
  static ScriptedServer serve(std::string answer) {
    return ScriptedServer({{ServerStep::read_request(), ServerStep::write(std::move(answer))}});
  }

  HttpFixture fixture_;
  FaultyFileSystem disk_;
  LoopExecutor blocking_{fixture_.loop.executor()};
  Random random_{5};
  JsonFormat format_{{}};
  TestRecords records_{format_, 3, 1, std::chrono::minutes(1)};

 private:
  static Task<void> write_into(Exporter& exporter, const std::vector<OutgoingRecord>& batch,
                               WriteOutcome& outcome) {
    NoProgress progress;
    outcome = co_await exporter.write(batch, progress);
  }
  ExporterSettings settings_;
  std::vector<OutgoingRecord> batch_;
};

TEST_F(HttpReal, Http) {
  const ScriptedServer server = serve(http_answer(202, ""));
  const WriteOutcome outcome =
      write("http", "url = \"" + server.url("/hook") +
                        "\"\ncompression = \"gzip\"\nauth.bearer = { env = \"example-token\" }\n"
                        "headers.X-Key = { env = \"example-key\" }\nuser_agent = \"ferry/1\"");
  EXPECT_EQ(outcome.verdict, Verdict::delivered) << outcome.reason;
  EXPECT_EQ(
      body_of(server, {"Content-Type: application/x-ndjson", "Content-Encoding: gzip", "X-Key: example-key",
                       "Authorization: Bearer example-token", "User-Agent: ferry/1"}),
      records_.line(0) + "\n" + records_.line(1) + "\n" + records_.line(2) + "\n");
  EXPECT_TRUE(server.requests().at(0).starts_with("POST /hook HTTP/1.1\r\n"));
}

// A receiver sees compressed bytes, and it is those that it verifies.
TEST_F(HttpReal, ASignatureIsOfTheBytesThatArrive) {
  for (const char* compression : {"none", "gzip", "zstd"}) {
    const ScriptedServer server = serve(http_answer(202, ""));
    const WriteOutcome outcome = write("http", "url = \"" + server.url("/hook") + "\"\ncompression = \"" + compression +
                                                   "\"\nsignature.key = { env = \"example-key\" }");
    EXPECT_EQ(outcome.verdict, Verdict::delivered) << outcome.reason;
    const std::string request = server.requests().at(0);
    const std::size_t end = request.find("\r\n\r\n");
    const std::string sent = request.substr(end + 4);
    const std::size_t seal = request.find("X-Auditferry-Signature: t=");
    ASSERT_LT(seal, end) << request.substr(0, end);
    const std::string value = request.substr(seal + 26, request.find("\r\n", seal) - seal - 26);
    const std::string time = value.substr(0, value.find(','));
    EXPECT_EQ(value, time + ",v1=" + hex(hmac_sha256("example-key", time + "." + sent))) << compression;
    const std::string coding = std::string("\r\nContent-Encoding: ") + compression + "\r\n";
    const std::size_t first = request.find(coding);
    EXPECT_EQ(first < end, std::string(compression) != "none");
    EXPECT_EQ(request.find("Content-Encoding", first == request.npos ? 0 : first + coding.size()), request.npos);
    std::string body = sent;
    if (std::string(compression) == "gzip") body = inflate_body(sent, ContentCoding::gzip, 1u << 20).value();
    if (std::string(compression) == "zstd") body = zstd_decompress(sent, 1u << 20).value();
    EXPECT_EQ(body, records_.line(0) + "\n" + records_.line(1) + "\n" + records_.line(2) + "\n") << compression;
  }
}

TEST_F(HttpReal, Splunk) {
  const ScriptedServer server = serve(http_answer(200, R"({"text":"Success","code":0})"));
  const WriteOutcome outcome =
      write("splunk_hec",
            "url = \"" + server.url("") + "\"\ncompression = \"gzip\"\ntoken = { env = \"example-token\" }");
  EXPECT_EQ(outcome.verdict, Verdict::delivered) << outcome.reason;
  const std::string body = body_of(server, {"Content-Encoding: gzip", "Authorization: Splunk example-token"});
  EXPECT_NE(body.find("\"event\":" + records_.line(2) + "}"), std::string::npos) << body;
  EXPECT_TRUE(server.requests().at(0).starts_with("POST /services/collector/event HTTP/1.1\r\n"));
}

TEST_F(HttpReal, Elasticsearch) {
  const ScriptedServer server = serve(http_answer(
      200,
      R"({"errors":false,"items":[{"create":{"status":201}},{"create":{"status":201}},{"create":{"status":409}}]})",
      "Content-Type: application/json\r\n"));
  const WriteOutcome outcome =
      write("elasticsearch",
            "hosts = [\"" + server.url("") +
                "\"]\nindex = \"audit\"\ncompression = \"gzip\"\napi_key = { env = \"example-key\" }");
  EXPECT_EQ(outcome.verdict, Verdict::delivered) << outcome.reason;
  EXPECT_TRUE(outcome.records.empty());
  const std::string body = body_of(server, {"Content-Encoding: gzip", "Authorization: ApiKey example-key"});
  EXPECT_NE(body.find("{\"create\":{\"_index\":\"audit\",\"_id\":\"apptego/t1/s0/1002\"}}\n"),
            std::string::npos)
      << body;
}

TEST_F(HttpReal, Otlp) {
  const ScriptedServer server = serve(http_answer(200, "", "Content-Type: application/x-protobuf\r\n"));
  const WriteOutcome outcome = write("otlp", "url = \"" + server.url("") + "\"\ncompression = \"gzip\"");
  EXPECT_EQ(outcome.verdict, Verdict::delivered) << outcome.reason;
  std::vector<OutgoingRecord> batch;
  for (std::size_t i = 0; i < records_.size(); ++i) batch.push_back({&records_.record(i), records_.line(i)});
  EXPECT_EQ(body_of(server, {"Content-Type: application/x-protobuf", "Content-Encoding: gzip"}),
            encode_otlp(OtlpEncoding::protobuf, batch));
  EXPECT_TRUE(server.requests().at(0).starts_with("POST /v1/logs HTTP/1.1\r\n"));
}

// It has taken the records: what it says beyond the beginning changes nothing about that.
TEST_F(HttpReal, AReceiverThatSaysMuchHasTakenTheRecords) {
  const std::string much(3u << 20, 'x');
  for (const std::string& given : {http_answer(200, much), http_answer(200, gzip_compress(much), "Content-Encoding: gzip\r\n")}) {
    const ScriptedServer server = serve(given);
    const WriteOutcome outcome = write("http", "url = \"" + server.url("/hook") + "\"");
    EXPECT_EQ(outcome.verdict, Verdict::delivered) << outcome.reason;
  }
  const std::string page = "<!DOCTYPE html>" + much;
  const ScriptedServer server = serve(http_answer(200, page));
  EXPECT_EQ(write("http", "url = \"" + server.url("/hook") + "\"").verdict, Verdict::pause);
}

TEST_F(HttpReal, AnAnswerThatIsTooLargeForItsProtocolConfirmsNothing) {
  const std::string much(5u << 20, ' ');
  const ScriptedServer splunk = serve(http_answer(200, much + R"({"text":"Success","code":0})"));
  WriteOutcome outcome = write("splunk_hec", "url = \"" + splunk.url("") + "\"\ntoken = { env = \"example-token\" }");
  EXPECT_EQ(outcome.verdict, Verdict::retry);
  EXPECT_NE(outcome.reason.find("more than fits the JSON of a Splunk"), std::string::npos) << outcome.reason;
  // A field that is not known, as long as all that is read: what comes behind it could be a rejection.
  const std::string cut_between_fields("\x7a\xfb\xff\xff\x01", 5);
  const std::string rejection("\x0a\x02\x08\x01", 4);
  const ScriptedServer otlp = serve(
      http_answer(200, cut_between_fields + std::string((4u << 20) - 5, 'x') + rejection, "Content-Type: application/x-protobuf\r\n"));
  outcome = write("otlp", "url = \"" + otlp.url("") + "\"");
  EXPECT_EQ(outcome.verdict, Verdict::retry);
  EXPECT_NE(outcome.reason.find("more than fits an OTLP answer"), std::string::npos) << outcome.reason;
}

TEST_F(HttpReal, AllTheAddressesThatWereTriedLeaveRoomForTheAdvice) {
  std::uint16_t port = 0;
  {
    const ScriptedServer gone({{ServerStep::hang()}});
    port = gone.port();
  }
  fixture_.resolver.addresses.clear();
  for (int n = 1; n <= 6; ++n) fixture_.resolver.addresses.push_back("127.0.0.10" + std::to_string(n));
  const WriteOutcome outcome = write("http", "url = \"https://an-address-with-six-addresses-behind-it.hook.example.com:" + std::to_string(port) + "/hook\"");
  EXPECT_EQ(outcome.verdict, Verdict::retry);
  EXPECT_NE(outcome.reason.find("127.0.0.101: "), std::string::npos) << outcome.reason;
  EXPECT_TRUE(outcome.reason.ends_with("check that it runs, the port, and the firewalls between")) << outcome.reason;
}

TEST_F(HttpReal, ACutConnectionIsARetry) {
  const ScriptedServer server(
      {{ServerStep::read_request(), ServerStep::write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"),
        ServerStep::reset()}});
  const WriteOutcome outcome = write("http", "url = \"" + server.url("/hook") + "\"");
  EXPECT_EQ(outcome.verdict, Verdict::retry);
  EXPECT_FALSE(outcome.reason.empty());
}

TEST_F(HttpReal, AHandshakeThatIsCutIsARetry) {
  const ScriptedServer server({{ServerStep::reset()}});
  const std::string url = "https://127.0.0.1:" + std::to_string(server.port()) + "/hook";
  EXPECT_EQ(write("http", "url = \"" + url + "\"").verdict, Verdict::retry);
}

TEST_F(HttpReal, CertificatesAreChecked) {
  const TemporaryFolder folder;
  Result<TestCertificates> certificates = TestCertificates::make(folder.path(), "Example CA");
  ASSERT_TRUE(certificates.ok());
  const Result<CertificateFiles> files = certificates->issue_for_loopback();
  ASSERT_TRUE(files.ok());
  PortalFixture portal;
  PortalServerOptions options;
  options.tls = PortalServerTls{*files, "", false};
  PortalServer server(portal.portal(), options);
  ASSERT_TRUE(server.start().ok());
  // The portal takes no records; that it says so is the proof that they reached it.
  const std::string at = "url = \"https://127.0.0.1:" + std::to_string(server.port()) + "/hook\"\n";
  WriteOutcome outcome =
      write("http", at + "status.delivered = [\"4xx\"]\ntls.ca_file = \"" + certificates->ca_file() + "\"");
  EXPECT_EQ(outcome.verdict, Verdict::delivered) << outcome.reason;
  outcome = write("http", at + "status.delivered = [\"4xx\"]");
  EXPECT_EQ(outcome.verdict, Verdict::pause);
  EXPECT_NE(outcome.reason.find("tls.ca_file"), std::string::npos) << outcome.reason;
}

}  // namespace
}  // namespace auditferry
