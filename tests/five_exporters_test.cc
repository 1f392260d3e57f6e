// The real program with five exporters over the network, of which one hangs, one answers 500, one 401 and one takes a
// byte a second: the fifth gets everything, and the end of the program is not held up.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>

#include "tests/process_fixture.h"
#include "tests/support/collector_server.h"
#include "tests/support/kept_ids.h"
#include "tests/support/raw_socket.h"
#include "tests/support/scripted_server.h"

namespace auditferry {
namespace {

// Takes a byte a second of each connection, and has little room for more.
class Crawler {
 public:
  Crawler() : listener_(RawSocket::on_loopback(SOCK_STREAM)) {
    const int room = 1;
    setsockopt(listener_.descriptor(), SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    thread_ = std::thread([this] { run(); });
  }
  ~Crawler() {
    ending_ = true;
    thread_.join();
  }
  std::uint16_t port() const { return listener_.port(); }
  std::uint64_t taken() const { return taken_; }

 private:
  void run() {
    std::vector<RawSocket> connections;
    while (!ending_) {
      pollfd wanted{listener_.descriptor(), POLLIN, 0};
      while (poll(&wanted, 1, 0) == 1) connections.push_back(listener_.accept());
      for (RawSocket& connection : connections) {
        char byte = 0;
        if (recv(connection.descriptor(), &byte, 1, MSG_DONTWAIT) == 1) ++taken_;
      }
      for (int i = 0; i < 20 && !ending_; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }
  RawSocket listener_;
  std::atomic<bool> ending_{false};
  std::atomic<std::uint64_t> taken_{0};
  std::thread thread_;
};

TEST_F(ProcessTest, FourBadExportersOfFiveHoldUpNobody) {
  portal_.stop_making();
  const std::vector<std::string> made = made_ids();
  ScriptedServer hangs({{ServerStep::read_request(), ServerStep::hang()}});
  CollectorServer fails([](const CollectorServer::Request&) { return http_answer(500, "it burns"); });
  CollectorServer refuses([](const CollectorServer::Request&) { return http_answer(401, "who are you"); });
  const Crawler crawls;
  KeptIds kept;
  CollectorServer good([&kept](const CollectorServer::Request& request) {
    kept.take(request.body, "id");
    return http_answer(200, "{}");
  });
  std::string more;
  for (const auto& [name, url] : {std::pair<std::string, std::string>{"hangs", hangs.url("/")},
                                  {"fails", fails.url()},
                                  {"refuses", refuses.url()},
                                  {"crawls", "http://127.0.0.1:" + std::to_string(crawls.port()) + "/"},
                                  {"good", good.url()}}) {
    more += "[exporters." + name + "]\ntype = \"http\"\ncompression = \"none\"\nmax_backoff = \"1s\"\nurl = \"" + url + "\"\n";
  }
  write_config(more);
  const auto daemon = start({"run"});
  const auto missing = [&] {
    return std::count_if(made.begin(), made.end(), [&kept](const std::string& id) { return !kept.has(id); });
  };
  EXPECT_TRUE(eventually([&] { return missing() == 0; })) << missing() << " are missing\n" << daemon->output();
  const auto told = [&](const std::string& words) { return daemon->output().find(words) != std::string::npos; };
  EXPECT_TRUE(eventually([&] { return told("status 500") && told("status 401"); })) << daemon->output();
  EXPECT_TRUE(eventually([&] { return hangs.connections() > 0 && crawls.taken() > 0; }));
  daemon->signal(SIGTERM);
  // shutdown_timeout is ten seconds; the rest is for a machine that is busy.
  EXPECT_EQ(daemon->wait(std::chrono::seconds(30)), 0) << daemon->output();
  EXPECT_EQ(kept.repeats(), 0u);
  const Result<std::unique_ptr<JournalReader>> reader = JournalReader::open(folder_ / "state/journal.db");
  ASSERT_TRUE(reader.ok());
  const Result<JournalSnapshot> snapshot = (*reader)->snapshot();
  ASSERT_EQ(snapshot->exporters.size(), 6u);
  for (const ExporterRow& row : snapshot->exporters) {
    EXPECT_TRUE(row.books.balance(snapshot->last_seq)) << row.name;
    EXPECT_EQ(row.books.dead, 0u) << row.name;
    const bool gets_all = row.name == "good" || row.name == "archive";
    EXPECT_EQ(row.books.delivered, gets_all ? snapshot->last_seq : 0) << row.name;
  }
}

}  // namespace
}  // namespace auditferry
