// The README's troubleshooting table against the real program: each message that it quotes is what the program says when
// that goes wrong.

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>

#include "tests/portal_over_tls.h"
#include "tests/process_fixture.h"
#include "tests/support/without_numbers.h"

namespace auditferry {
namespace {

using std::chrono::seconds;

class Troubleshooting : public ProcessTest {
 protected:
  Troubleshooting() {
    portal_.stop_making();
    const std::string readme = text_of(AUDITFERRY_SOURCE "/README.md");
    std::size_t at = readme.find("\n## Troubleshooting\n");
    EXPECT_NE(at, std::string::npos);
    const std::size_t end = readme.find("\n## ", at + 1);
    const std::string opening = "\n| `";
    for (at = readme.find(opening, at); at < end; at = readme.find(opening, at)) {
      at += opening.size();
      quotes_.push_back(readme.substr(at, readme.find("` |", at) - at));
    }
  }
  // The quote that has those words is what the program said, but for "…".
  void expect_quoted(const std::string& words, const std::string& said) {
    const auto quote = std::find_if(quotes_.begin(), quotes_.end(), [&](const std::string& one) { return one.find(words) != std::string::npos; });
    ASSERT_NE(quote, quotes_.end()) << "the README has nothing about: " << words;
    const std::string wanted = without_numbers(*quote);
    const std::string text = without_numbers(said);
    const std::string left_out = "…";
    std::size_t at = 0;
    for (std::size_t from = 0; from <= wanted.size();) {
      const std::size_t to = std::min(wanted.find(left_out, from), wanted.size());
      const std::string part = wanted.substr(from, to - from);
      const std::size_t found = text.find(part, at);
      ASSERT_NE(found, std::string::npos) << "'" << part << "' of the README's '" << *quote << "' is not in: " << said;
      at = found + part.size();
      from = to + left_out.size();
    }
    quotes_.erase(quote);
  }
  void check_online(const std::string& words) {
    SCOPED_TRACE(words);
    EXPECT_NE(finish({"check", "--online"}), 0);
    expect_quoted(words, said());
  }
  void what_the_portal_answers() {
    secret_ = "wrong";
    check_online("refused the credentials");
    secret_ = sandbox_token_secret;
    write_config("", "", "", "11111111111111111111111111111111");
    check_online("denies these credentials tenant");
    write_config("", server_.origin() + "/wrong");
    check_online("does not know this address");
    write_config("");
    portal_.set_plan(sandbox_tenant, "TEAM");
    check_online("is on TEAM");
    portal_.set_plan(sandbox_tenant, "ENTERPRISE");
    portal_.add_fault({"/frontend/audit_logs", 0, 1, status_fault(403)});
    check_online("denies this token the log");
    break_every_answer(FaultKind::html);
    check_online("HTML page");
    break_every_answer(FaultKind::success_false);
    check_online("says that the request failed");
    Fault limited = status_fault(429);
    limited.retry_after = "5";
    break_every_answer(limited);
    check_online("asks us to wait");
    std::filesystem::remove_all(folder_ / "state");  // where the wait is kept
    break_every_answer(FaultKind::huge_body);
    check_online("larger than the limit");
    write_config("", "", "timeout = \"1s\"");
    break_every_answer(FaultKind::hang);
    check_online("did not answer completely");
    portal_.set_faults({});
    write_config("");
  }
  void what_the_profile_does_not_fit() {
    SandboxDialect other;
    other.array_name = "entries";
    portal_.set_dialect(other);
    check_online("there is an array at /entries");
    portal_.set_dialect({});
    PortalOptions milliseconds = options();
    milliseconds.dialect.time_unit = TimeUnit::milliseconds;
    milliseconds.dialect.request_time_unit = TimeUnit::milliseconds;
    Portal portal(milliseconds, [this] { return clock_.now(); });
    PortalServer server(portal, {});
    ASSERT_TRUE(server.start().ok());
    write_config("", server.origin());
    check_online("time_unit");
    std::string profile = text_of(AUDITFERRY_SOURCE "/sources/profiles/apptego.toml");
    const std::string cursor = "\"/cursor\"";
    for (std::size_t at = 0; (at = profile.find(cursor, at)) != std::string::npos;) profile.replace(at, cursor.size(), "\"/next_cursor\"");
    std::ofstream(folder_ / "other.toml") << profile;
    write_config("");
    std::string config = text_of(config_);
    const std::string built_in = "\"apptego\"";
    config.replace(config.find(built_in), built_in.size(), "\"" + (folder_ / "other.toml") + "\"");
    std::ofstream(config_) << config;
    check_online("has no cursor");
    write_config("");
  }
  void what_is_in_the_way() {
    const PortalOverTls over_tls(portal_, folder_ / "tls");
    write_config("", over_tls.origin());
    check_online("unknown authority");
    write_config("", "http://127.0.0.1:9");
    check_online("cannot connect");
    write_config("", "https://portal.invalid");
    check_online("cannot find the address");
    write_config("");
  }
  void what_a_daemon_says() {
    auto daemon = start({"run"});
    ASSERT_TRUE(eventually([&] { return std::filesystem::exists(folder_ / "records/audit.jsonl"); })) << said();
    const auto reload = [&](const std::string& config, const std::string& words) {
      std::ofstream(config_) << config;
      const std::uintmax_t before = std::filesystem::file_size(folder_ / "output");
      daemon->signal(SIGHUP);
      const auto heard = [&] { return text_of(folder_ / "output", before); };
      EXPECT_TRUE(eventually([&] { return heard().find(words) != std::string::npos; }, seconds(60))) << words;
      expect_quoted(words, heard());
    };
    const std::string config = text_of(config_);
    reload(config + "[nonsense]\n", "the new configuration is refused");
    std::string elsewhere = config;
    elsewhere.insert(elsewhere.find("/state\""), "/elsewhere");
    reload(elsewhere, "this needs a restart");
    std::ofstream(config_) << config;
    EXPECT_NE(finish({"run"}), 0);
    expect_quoted("is in use by process", said());
    daemon->signal(SIGTERM);
    EXPECT_EQ(daemon->wait(seconds(60)), 0);
    EXPECT_NE(finish({"init"}), 0);
    expect_quoted("is not overwritten", said());
  }

  std::vector<std::string> quotes_;
};

TEST_F(Troubleshooting, EveryMessageOfTheReadmeIsSaidToTheLetter) {
  EXPECT_GT(quotes_.size(), 15u);
  what_the_portal_answers();
  what_the_profile_does_not_fit();
  what_is_in_the_way();
  what_a_daemon_says();
  for (const std::string& quote : quotes_) ADD_FAILURE() << "nothing here shows this message of the README: " << quote;
}

}  // namespace
}  // namespace auditferry
