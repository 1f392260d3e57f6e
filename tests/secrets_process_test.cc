// What the real program writes and shows, at its most talkative level and in every failure mode: no secret.

#include <gtest/gtest.h>

#include <atomic>

#include "encoding/base64.h"
#include "encoding/compress.h"
#include "storage/sqlite.h"
#include "tests/process_fixture.h"
#include "tests/support/admin_client.h"
#include "tests/support/collector_server.h"
#include "tests/support/scripted_server.h"

namespace auditferry {
namespace {

class SecretsTest : public ProcessTest {
 protected:
  SecretsTest() : far_end_([this](const CollectorServer::Request& request) { return repeat_what_was_sent(request); }) {
    log_level_ = "trace";
    listen_ = "127.0.0.1:0";
    const std::string proxy = far_end_.url("");
    environment_ = {{"HEC_TOKEN", "example-hec-token"},     {"BEARER", "example-bearer"},
                    {"USER_PASSWORD", "example-password"},  {"HEADER", "example-secret-header"},
                    {"API_KEY", "example-id:example-key"},  {"HMAC_KEY", "example-signature-key"},
                    {"REDACT_KEY", "example-redact-key-of-32-bytes--"},
                    {"HOOK_URL", far_end_.url("/hook/example-path?t=example-query")},
                    {"PROXY", "http://proxy-user:example-proxy-password@" + proxy.substr(7, proxy.find('/', 7) - 7)}};
    portal_.stop_making();
    for (const char* who : {"\"first@example.com\"", "\"second@example.com\"", "\"third@example.com\""}) {
      portal_.add("audit", clock_.now() - std::chrono::seconds(20), {{"api_call", "\"reviewed\""}, {"user_id", who}});
    }
    write_secret(sandbox_token_secret);
    write(exporters());
  }

  void write_secret(const std::string& secret) {
    std::ofstream(kept_ / "new") << secret;
    std::filesystem::rename(kept_ / "new", kept_ / "secret");
  }
  // The secret of the source is in a file, so that it can be exchanged.
  void write(const std::string& more) {
    write_config(more, "", "timeout = \"300ms\"");
    std::string text = text_of(config_);
    const std::string in_environment = "{ env = \"SECRET\" }";
    text.replace(text.find(in_environment), in_environment.size(), "{ file = \"" + (kept_ / "secret") + "\" }");
    std::ofstream(config_) << text;
  }

  // In every form in which it is sent.
  static std::vector<std::string> secrets() {
    std::vector<std::string> all = {sandbox_token_key,
                                    sandbox_token_secret,
                                    base64_encode(std::string(sandbox_token_key) + ":" + sandbox_token_secret),
                                    "rotated-secret",
                                    base64_encode("auditferry:example-password"),
                                    base64_encode("example-id:example-key"),
                                    base64_encode("proxy-user:example-proxy-password")};
    for (const char* plain : {"example-hec-token", "example-bearer", "example-password", "example-secret-header", "example-key",
                              "example-signature-key", "example-redact-key", "example-path", "example-query", "example-proxy-password"}) {
      all.push_back(plain);
    }
    return all;
  }

  std::string exporter(const std::string& name, const std::string& type, const std::string& own) const {
    const std::string table = "exporters." + name;
    return "[" + table + "]\ntype = \"" + type + "\"\nmax_backoff = \"1s\"\nbatch.records = 1\ncompression = \"none\"\n" + own + "[[" + table +
           ".select.where]]\nfield = \"action\"\nequals = \"reviewed\"\n";
  }
  std::string exporters() const {
    const std::string url = "url = \"" + far_end_.url("/in") + "\"\n";
    return exporter("hec", "splunk_hec", "url = \"" + far_end_.url("") + "\"\ntoken = { env = \"HEC_TOKEN\" }\nack = true\n") +
           exporter("bearer", "http", url + "auth.bearer = { env = \"BEARER\" }\nheaders.X-Key = { env = \"HEADER\" }\nsignature.key = { env = \"HMAC_KEY\" }\n") +
           exporter("basic", "http",
                    url + "auth.username = \"auditferry\"\nauth.password = { env = \"USER_PASSWORD\" }\nproxy = { env = \"PROXY\" }\n"
                          "redact_key = { env = \"REDACT_KEY\" }\n") +
           "[[exporters.basic.redact]]\nfield = \"/user_id\"\naction = \"hash\"\n" +
           exporter("hook", "http", "url = { env = \"HOOK_URL\" }\n") +
           exporter("search", "elasticsearch", "hosts = [\"" + far_end_.url("") + "\"]\nindex = \"x\"\napi_key = { env = \"API_KEY\" }\n") +
           exporter("telemetry", "otlp", "url = \"" + far_end_.url("/v1/logs") + "\"\nauth.bearer = { env = \"BEARER\" }\n");
  }
  // A receiver that takes some, and otherwise says in its error what it was sent.
  std::string repeat_what_was_sent(const CollectorServer::Request& request) {
    constexpr int statuses[] = {200, 400, 401, 200, 500, 413, 429, 302};
    const int status = statuses[answered_++ % std::size(statuses)];
    if (status == 200) return http_answer(200, "{\"text\":\"Success\",\"code\":0,\"errors\":false,\"items\":[]}");
    return http_answer(status, status == 400 ? "{\"text\":\"" + one_line(request.head) + "\",\"error\":{\"reason\":\"" + one_line(request.head) + "\"}}" : request.head,
                       status == 429 ? "Retry-After: 1\r\n" : "Location: /" + one_line(request.head) + "\r\n");
  }
  static std::string one_line(std::string text) {
    std::replace_if(text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n' || c == '"'; }, ' ');
    return text;
  }

  // Where the admin listener of the program that was started last listens.
  std::uint16_t find_port() {
    EXPECT_TRUE(eventually([&] { return admin_port(said()) != 0; })) << said();
    return admin_port(said());
  }
  // What it shows, kept among what is looked at.
  void keep_pages() {
    for (const char* path : {"/", "/status", "/metrics", "/healthz", "/readyz"}) {
      const std::string page = admin_page(port_, path);
      EXPECT_FALSE(page.empty()) << path;
      std::ofstream(folder_ / "pages", std::ios::app) << page;
    }
  }
  // The running program meets this fault a few times.
  void meet(const Fault& fault) {
    Faults faults;
    faults.random.push_back({"", 1, fault});
    portal_.set_faults(faults);
    const std::uint64_t before = portal_.stats().faults[to_string(fault.kind)];
    EXPECT_TRUE(eventually([&] { return portal_.stats().faults[to_string(fault.kind)] >= before + 3; })) << to_string(fault.kind);
    keep_pages();
  }
  // As long as nothing at all can be read, each other answer that cannot be goes to quarantine, once for each stream.
  void meet_unreadable_from_the_first(const ChildProcess& daemon) {
    int kept = 0;
    for (const std::string& body : unreadable_bodies()) {
      break_every_answer(echo(200, body));
      kept += 2;
      ASSERT_TRUE(eventually([&] { return times_said("; the answer is in quarantine") >= kept; })) << body.substr(0, 100) << "\n" << daemon.output();
    }
    portal_.set_faults({});
  }
  static std::vector<std::string> unreadable_bodies() {
    return {"{\"logs\":[{\"event\":1,\"raw_data\":\"{credential} {authorization}", "{\"logs\":[{\"raw_data\":\"{authorization}\" tru}]}",
            "{\"error\":\"{authorization}\",\"logs\":" + std::string(5000, '[')};
  }
  int times_said(const std::string& words) const {
    const std::string text = said();
    int times = 0;
    for (std::size_t at = text.find(words); at != std::string::npos; at = text.find(words, at + 1)) ++times;
    return times;
  }
  // A page that can be read, but for a byte of its record: the page is kept as it came.
  std::string repaired_body() {
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(clock_.now().time_since_epoch()).count();
    return "{\"logs\":[{\"event\":900001,\"creation_time\":" + std::to_string(now - 20) + ",\"user_id\":\"\xff\"}],\"error\":\"{credential} {authorization}\"}";
  }
  static Fault fault_of(FaultKind kind) {
    Fault fault;
    fault.kind = kind;
    return fault;
  }
  // The portal repeats the credentials.
  static Fault echo(int status, const std::string& body = "") {
    Fault fault = fault_of(FaultKind::echo);
    fault.status = status;
    fault.body = body;
    return fault;
  }
  void reload(const ChildProcess& daemon, const std::string& words) {
    const std::uintmax_t before = std::filesystem::file_size(folder_ / "output");
    daemon.signal(SIGHUP);
    EXPECT_TRUE(eventually([&] { return text_of(folder_ / "output", before).find(words) != std::string::npos; })) << words;
    keep_pages();
  }
  void reload_and_rotate(const ChildProcess& daemon) {
    portal_.set_faults({});
    write(exporters() + "[journal]\nkepe = \"7d\"\n");
    reload(daemon, "journal.kepe");
    write(exporters() + "[exporters.late]\ntype = \"http\"\nurl = \"" + far_end_.url("/late") + "\"\nauth.bearer = { env = \"BEARER\" }\n");
    reload(daemon, "exporter late added");
    write_secret("rotated-secret");
    reload(daemon, "source acme changed");
    EXPECT_TRUE(eventually([&] { return portal_.stats().by_status[401] > 100 || text_of(folder_ / "output").find("status 401") != std::string::npos; }));
    write_secret(sandbox_token_secret);
    reload(daemon, "source acme changed");
  }
  void use_without_daemon() {
    const std::string begin = format_rfc3339(clock_.now() - std::chrono::hours(1));
    const std::string end = format_rfc3339(clock_.now());
    for (const Fault& fault : {echo(401), echo(200, "{\"logs\":[{\"raw_data\":\"{authorization}")}) {
      Faults faults;
      faults.random.push_back({"", 1, fault});
      portal_.set_faults(faults);
      finish({"run", "--once", "--timeout", "1s"});
    }
    portal_.set_faults({});
    finish({"dead-letters", "retry", "--all", "--exporter", "bearer"});
    finish({"replay", "--exporter", "search", "--from", begin, "--to", end});
    finish({"backfill", "--source", "acme", "--from", begin, "--to", end});
    finish({"gaps", "list"});
    finish({"dead-letters", "discard", "--all", "--exporter", "hook"});
    finish({"ledger", "--json"});
    finish({"status"});
    // Of exporters that are no longer in the configuration.
    write("");
    finish({"run", "--once", "--timeout", "10s"});
    for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
             {"exporter", "rename", "telemetry", "spans"}, {"exporter", "forget", "hook", "--yes"}, {"journal", "salvage", "--to", folder_ / "salvaged.db"}}) {
      EXPECT_EQ(finish(command), 0) << command[0] << " " << command[1] << "\n" << said();
    }
  }
  // Another configuration for the same portal, with the secrets that are there already; it ends with `check --online`.
  void run_init() {
    std::ofstream(kept_ / "key") << sandbox_token_key;
    ChildProcess init({AUDITFERRY_PROGRAM, "init", "--config", folder_ / "init/auditferry.toml", "--profile", "apptego", "--base-url", server_.origin() + "/frontend",
                       "--tenant", sandbox_tenant, "--listen", "127.0.0.1:0", "--credential-file", "token_key=" + (kept_ / "key"), "--credential-file",
                       "token_secret=" + (kept_ / "secret")},
                      {}, folder_ / "output");
    EXPECT_EQ(init.wait(patience).value_or(-1), 1) << said();
    EXPECT_TRUE(std::filesystem::exists(folder_ / "init/auditferry.toml"));
  }
  // Answers that could not be read are compressed in the journal.
  void expect_no_secret_in_quarantine(const std::string& journal) {
    Database database(journal, Database::Mode::read_only);
    Statement bodies(database, "SELECT why, body FROM quarantine");
    std::size_t masked = 0;
    std::size_t masked_repaired = 0;
    bodies.query();
    while (bodies.step()) {
      const Result<std::string> body = zstd_decompress(bodies.blob(1), 1u << 26);
      ASSERT_TRUE(body.ok()) << body.error().message;
      if (body->find("***") != body->npos) ++(bodies.text(0).find("repaired") == std::string::npos ? masked : masked_repaired);
      for (const std::string& secret : secrets()) EXPECT_EQ(body->find(secret), std::string::npos) << bodies.text(0) << "\n" << body->substr(0, 1000);
    }
    EXPECT_GE(masked, 2 * unreadable_bodies().size()) << journal << ": not every unreadable answer with a secret came into quarantine";
    EXPECT_GE(masked_repaired, 1u) << journal << ": no repaired page with a secret came into quarantine";
  }
  void expect_no_secret() {
    std::size_t looked_at = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
      if (!entry.is_regular_file()) continue;
      ++looked_at;
      const std::string text = text_of(entry.path());
      for (const std::string& secret : secrets()) {
        const std::size_t at = text.find(secret);
        EXPECT_EQ(at, std::string::npos) << entry.path() << ": " << text.substr(at > 300 ? at - 300 : 0, 400);
      }
    }
    EXPECT_GE(looked_at, 8u);
  }

  TemporaryFolder kept_;  // the secrets themselves: not looked at
  std::uint16_t port_ = 0;
  std::atomic<std::size_t> answered_ = 0;
  CollectorServer far_end_;
};

TEST_F(SecretsTest, NothingThatIsWrittenOrShownHoldsASecret) {
  break_every_answer(echo(200, unreadable_bodies().front()));
  auto daemon = start({"run"});
  ASSERT_NO_FATAL_FAILURE(meet_unreadable_from_the_first(*daemon));
  ASSERT_TRUE(eventually([&] { return bytes_of_records() > 0; })) << said();
  ASSERT_TRUE(eventually([&] { return answered_ > 40; })) << said();
  port_ = find_port();
  keep_pages();
  for (const FaultKind kind : {FaultKind::html, FaultKind::truncated, FaultKind::malformed, FaultKind::hang, FaultKind::reset, FaultKind::refuse,
                               FaultKind::huge_body, FaultKind::success_false, FaultKind::empty_body, FaultKind::cut, FaultKind::half_close,
                               FaultKind::invalid_utf8, FaultKind::deep_nesting, FaultKind::expire_cursors}) {
    meet(fault_of(kind));
  }
  for (const int status : {400, 401, 403, 404, 418, 500}) meet(echo(status));
  for (const char* body : {"{\"logs\":[{\"event\":1,\"raw_data\":\"{credential} {authorization}", "{\"logs\":[{\"raw_data\":\"{authorization}\" tru}]}",
                           "<html>{authorization}</html>", "{\"success\":false,\"error\":\"{credential}\"}", "{\"{authorization}\":[],\"{credential}\":1}",
                           "{\"logs\":[{\"event\":1,\"creation_time\":1e99,\"user_id\":\"x\"}],\"error\":\"{authorization}\"}"}) {
    meet(echo(200, body));
  }
  meet(echo(200, repaired_body()));
  // Commands beside it, in the worst of these.
  meet(echo(401));
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
           {"check"}, {"check", "--online"}, {"status"}, {"status", "--json"}, {"status", "--line"}, {"ledger"}, {"ledger", "--json"}, {"dead-letters", "list"},
           {"dead-letters", "show", "--all"}, {"exporter", "list", "--json"}, {"gaps", "list"},
           {"gaps", "accept", "--all", "--reason", "known"}, {"journal", "check"}, {"journal", "backup", "--to", folder_ / "copy.db"}, {"health"}, {"run"}}) {
    EXPECT_NE(finish(command), 2) << command[0] << "\n" << said();
  }
  run_init();
  reload_and_rotate(*daemon);
  daemon->signal(SIGTERM);
  EXPECT_EQ(daemon->wait(patience).value_or(-1), 0) << daemon->output();
  use_without_daemon();
  const std::string output = text_of(folder_ / "output");
  for (const char* met : {"request answered", "refused the credentials", "answered with a page that cannot be read", "SIGHUP", "refused what we sent", "***"}) {
    EXPECT_NE(output.find(met), std::string::npos) << met << " was not met at all";
  }
  // Every such line says for whom.
  for (std::size_t at = output.find("request answered"); at != std::string::npos; at = output.find("request answered", at + 1)) {
    const std::string line = output.substr(at, output.find('\n', at) - at);
    EXPECT_TRUE(line.find(" source=acme") != std::string::npos || line.find(" exporter=") != std::string::npos) << line;
  }
  EXPECT_NE(text_of(folder_ / "pages").find("<html"), std::string::npos);
  EXPECT_NE(text_of(folder_ / "pages").find("auditferry_fetched_records_total"), std::string::npos);
  expect_no_secret();
  for (const char* journal : {"state/journal.db", "copy.db", "salvaged.db"}) expect_no_secret_in_quarantine(folder_ / journal);
}

}  // namespace
}  // namespace auditferry
