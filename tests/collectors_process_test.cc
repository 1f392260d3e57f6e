// The real program and the real client against Splunk, Elasticsearch and OTLP collectors that answer as such do on a
// bad day: what they have at the end, and what the books and the dead letters say of it.

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <mutex>
#include <sstream>

#include "tests/process_fixture.h"
#include "tests/support/collector_server.h"
#include "tests/support/scripted_server.h"

namespace auditferry {
namespace {

constexpr int reviewed = 12;
const char* const refused_user = "refused@example.com";

std::string page() {
  return http_answer(200, "<!DOCTYPE html><html>Sign in</html>", "Content-Type: text/html\r\n");
}
std::string json(int status, const std::string& body, const std::string& more = "") {
  return http_answer(status, body, "Content-Type: application/json\r\n" + more);
}

// What a far end has been given: id to how often it took it.
class Collector {
 public:
  virtual ~Collector() = default;
  // To be called before the part that answers goes.
  void stop() { server_.reset(); }
  std::string url() const { return server_->url(""); }
  std::map<std::string, int> taken() {
    const std::scoped_lock lock(mutex_);
    return taken_;
  }
  // How often it gave this answer.
  int said(const std::string& what) {
    const std::scoped_lock lock(mutex_);
    return said_[what];
  }

 protected:
  virtual std::string answer(const CollectorServer::Request& request) = 0;
  // Counts and gives back.
  std::string say(const std::string& what, std::string text) {
    ++said_[what];
    return text;
  }
  // The first two requests with records meet a login page and a limit.
  std::optional<std::string> bad_start() {
    ++requests_;
    if (requests_ == 1) return say("page", page());
    if (requests_ == 2) return say("413", http_answer(413, "too large", ""));
    return std::nullopt;
  }
  int requests_ = 0;
  std::map<std::string, int> taken_;
  std::map<std::string, int> said_;

 private:
  std::mutex mutex_;
  std::unique_ptr<CollectorServer> server_ = std::make_unique<CollectorServer>([this](const CollectorServer::Request& request) {
    const std::scoped_lock lock(mutex_);
    return answer(request);
  });
};

std::vector<std::string> lines_in(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// Acknowledges every batch but the first it took; takes no event of the refused user.
class SplunkCollector final : public Collector {
 public:
  explicit SplunkCollector(bool acks) : acks_(acks) {}

 private:
  std::string answer(const CollectorServer::Request& request) override {
    if (request.head.starts_with("GET ")) return json(200, R"({"text":"HEC is healthy","code":17})");
    if (request.head.starts_with("POST /services/collector/ack")) return acknowledged(request.body);
    if (request.body.empty()) return json(400, R"({"text":"No data","code":5})");
    if (auto bad = bad_start()) return *bad;
    const std::vector<std::string> events = lines_in(request.body);
    for (std::size_t i = 0; i < events.size(); ++i) {
      if (events[i].find(refused_user) != std::string::npos)
        return say("6", json(400, R"({"text":"Invalid data format","code":6,"invalid-event-number":)" + std::to_string(i) + "}"));
      ++taken_[JsonView(events[i]).at_pointer("/fields/auditferry_id")->scalar_text()];
    }
    if (!acks_) return json(200, R"({"text":"Success","code":0})");
    return json(200, R"({"text":"Success","code":0,"ackId":)" + std::to_string(next_ack_++) + "}");
  }
  std::string acknowledged(const std::string& body) {
    std::string acks;
    for (const JsonView ack : JsonView(body).find("acks")->elements()) {
      const bool done = ack.raw() != "0";
      if (!done) ++said_["no ack"];
      acks += (acks.empty() ? "\"" : ",\"") + std::string(ack.raw()) + (done ? "\":true" : "\":false");
    }
    return json(200, "{\"acks\":{" + acks + "}}");
  }
  bool acks_;
  int next_ack_ = 0;
};

// One document is stored although the answer says that there was no room for it.
class ElasticCollector final : public Collector {
 public:
  std::atomic<bool> allowed = true;

 private:
  std::string answer(const CollectorServer::Request& request) override {
    if (request.head.starts_with("GET / ")) return say("version", json(200, R"({"version":{"number":"8.17.0"}})"));
    if (request.head.starts_with("POST /_security/user/_has_privileges"))
      return say("rights", json(200, std::string("{\"has_all_requested\":") + (allowed ? "true}" : "false}")));
    if (auto bad = bad_start()) return *bad;
    const std::vector<std::string> lines = lines_in(request.body);
    std::string items;
    bool errors = false;
    for (std::size_t i = 0; i + 1 < lines.size(); i += 2) {
      const std::string item = store(JsonView(lines[i]).at_pointer("/create/_id")->scalar_text(), lines[i + 1]);
      errors = errors || item.find("\"error\"") != item.npos;
      items += (items.empty() ? "" : ",") + item;
    }
    return json(200, std::string("{\"errors\":") + (errors ? "true" : "false") + ",\"items\":[" + items + "]}");
  }
  std::string store(const std::string& id, const std::string& document) {
    const auto item = [this](int status, const std::string& error) {
      ++said_[std::to_string(status)];
      return "{\"create\":{\"status\":" + std::to_string(status) + (error.empty() ? "" : ",\"error\":" + error) + "}}";
    };
    if (document.find(refused_user) != document.npos)
      return item(400, R"({"type":"mapper_parsing_exception","reason":"failed to parse field [user_id]"})");
    if (taken_.count(id) > 0) return item(409, R"({"type":"version_conflict_engine_exception","reason":"document already exists"})");
    ++taken_[id];
    if (said_["429"] == 0) return item(429, R"({"type":"es_rejected_execution_exception","reason":"queue is full"})");
    return item(201, "");
  }
};

// Once it rejects one of a request's records and does not say which; once it has no room.
class OtlpCollector final : public Collector {
 public:
  std::atomic<bool> broken = false;
  std::atomic<std::size_t> rejected = 0;  // records of the request of which some were rejected

 private:
  std::string answer(const CollectorServer::Request& request) override {
    std::vector<std::string> ids;
    for (const JsonView group : JsonView(request.body).find("resourceLogs")->elements()) {
      for (const JsonView scope : group.find("scopeLogs")->elements()) {
        for (const JsonView log : scope.find("logRecords")->elements()) {
          for (const JsonView attribute : log.find("attributes")->elements()) {
            if (attribute.find("key")->as_string() == "log.record.uid")
              ids.push_back(attribute.at_pointer("/value/stringValue")->scalar_text());
          }
        }
      }
    }
    if (broken) return page();
    if (ids.empty()) return say("greeting", json(200, "{}"));
    if (auto bad = bad_start()) return *bad;
    // One record alone would be told from its neighbours by trying again.
    if (said_["partial"] == 0 && ids.size() > 1) {
      rejected = ids.size();
      return say("partial", json(200, R"({"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"timestamp too old"}})"));
    }
    if (said_["503"] == 0) return say("503", json(503, "{}", "Retry-After: 1\r\n"));
    for (const std::string& id : ids) ++taken_[id];
    return json(200, "{}");
  }
};

class CollectorsTest : public ProcessTest {
 protected:
  CollectorsTest() {
    portal_.stop_making();
    for (int i = 0; i < reviewed; ++i) {
      const std::string user = i == 7 ? refused_user : "user-" + std::to_string(i) + "@example.com";
      portal_.add("audit", clock_.now() - std::chrono::seconds(20), {{"api_call", "\"reviewed\""}, {"user_id", "\"" + user + "\""}});
    }
    const std::string all = "max_backoff = \"1s\"\nbatch.records = 4\n";
    std::string text;
    const auto exporter = [&](const std::string& name, const std::string& type, const std::string& own) {
      text += "[exporters." + name + "]\ntype = \"" + type + "\"\n" + all + own + "[[exporters." + name +
              ".select.where]]\nfield = \"action\"\nequals = \"reviewed\"\n";
    };
    exporter("hec", "splunk_hec", "url = \"" + hec_.url() + "\"\ntoken = { env = \"KEY\" }\n");
    exporter("acked", "splunk_hec",
             "url = \"" + acked_.url() + "\"\ntoken = { env = \"KEY\" }\nack = true\nack_poll = \"1s\"\nack_timeout = \"2s\"\n");
    exporter("search", "elasticsearch", "hosts = [\"" + search_.url() + "\"]\nindex = \"audit-{tenant}\"\n");
    exporter("otel", "otlp", "url = \"" + otel_.url() + "\"\nencoding = \"json\"\n");
    write_config(text);
  }
  ~CollectorsTest() override {
    for (Collector* collector : std::initializer_list<Collector*>{&hec_, &acked_, &search_, &otel_}) collector->stop();
  }
  std::map<std::string, ExporterBooks> books() {
    std::map<std::string, ExporterBooks> all;
    const Result<std::unique_ptr<JournalReader>> reader = JournalReader::open(folder_ / "state/journal.db");
    if (!reader.ok()) return all;
    const Result<JournalSnapshot> snapshot = (*reader)->snapshot();
    if (!snapshot.ok()) return all;
    for (const ExporterRow& row : snapshot->exporters) {
      EXPECT_TRUE(row.books.balance(snapshot->last_seq)) << row.name;
      all[row.name] = row.books;
    }
    last_seq_ = snapshot->last_seq;
    return all;
  }
  // Everybody's position is at the end, and the records that count have been there.
  bool all_settled() {
    const auto all = books();
    return all.size() == 5 && std::all_of(all.begin(), all.end(), [this](const auto& one) {
             return one.second.position == last_seq_ && (one.first == "archive" || one.second.delivered + one.second.dead == reviewed);
           });
  }
  static int twice(const std::map<std::string, int>& taken) {
    int count = 0;
    for (const auto& [id, times] : taken) count += times > 1 ? 1 : 0;
    return count;
  }

  SplunkCollector hec_{false};
  SplunkCollector acked_{true};
  ElasticCollector search_;
  OtlpCollector otel_;
  std::uint64_t last_seq_ = 0;
};

TEST_F(CollectorsTest, EveryRecordIsThereOrADeadLetter) {
  const auto daemon = start({"run"});
  ASSERT_TRUE(eventually([this] { return all_settled(); })) << daemon->output();
  daemon->signal(SIGTERM);
  EXPECT_EQ(daemon->wait(std::chrono::seconds(60)), 0) << daemon->output();

  auto all = books();
  for (const char* name : {"hec", "acked", "search"}) {
    EXPECT_EQ(all[name].delivered, reviewed - 1u) << name;
    EXPECT_EQ(all[name].dead, 1u) << name;
  }
  EXPECT_EQ(all["otel"].dead, otel_.rejected);
  EXPECT_EQ(all["otel"].delivered, reviewed - otel_.rejected);
  // What is delivered is there; what is there twice is what had to be sent again.
  for (Collector* one : std::initializer_list<Collector*>{&hec_, &acked_, &search_, &otel_}) {
    EXPECT_EQ(one->said("page"), 1);
    EXPECT_EQ(one->said("413"), 1);
  }
  EXPECT_EQ(hec_.taken().size(), reviewed - 1u);
  EXPECT_EQ(twice(hec_.taken()), 0);
  EXPECT_EQ(acked_.taken().size(), reviewed - 1u);
  EXPECT_GT(twice(acked_.taken()), 0) << "the batch that was never acknowledged";
  EXPECT_GT(acked_.said("no ack"), 0);
  EXPECT_EQ(search_.taken().size(), reviewed - 1u);
  EXPECT_EQ(twice(search_.taken()), 0);
  for (const char* status : {"201", "400", "409", "429"}) EXPECT_GT(search_.said(status), 0) << status;
  EXPECT_EQ(search_.said("409"), 1) << "delivered: not sent a third time";
  EXPECT_EQ(otel_.taken().size(), reviewed - otel_.rejected);
  EXPECT_EQ(twice(otel_.taken()), 0);
  EXPECT_EQ(otel_.said("503"), 1);

  struct Letter {
    std::string reason, bytes;
  };
  std::map<std::string, std::vector<Letter>> letters;
  const Result<std::unique_ptr<JournalReader>> reader = JournalReader::open(folder_ / "state/journal.db");
  ASSERT_TRUE((*reader)->dead_letters({}, [&letters](const DeadLetterRow& row) { letters[row.exporter].push_back({row.reason, row.bytes}); }).ok());
  const std::pair<const char*, const char*> words[] = {
      {"hec", "Invalid data format"}, {"acked", "Invalid data format"}, {"search", "mapper_parsing_exception"}, {"otel", "timestamp too old"}};
  for (const auto& [name, word] : words) {
    ASSERT_EQ(letters[name].size(), all[name].dead) << name;
    for (const Letter& letter : letters[name]) {
      EXPECT_NE(letter.reason.find(word), std::string::npos) << letter.reason;
      if (std::string(name) != "otel") {
        EXPECT_NE(letter.bytes.find(refused_user), std::string::npos) << name;
      }
    }
  }
}

TEST_F(CollectorsTest, CheckOnlineGreetsThem) {
  EXPECT_EQ(finish({"check", "--online"}), 0) << said();
  EXPECT_EQ(search_.said("version"), 1);
  EXPECT_EQ(search_.said("rights"), 1);
  EXPECT_EQ(otel_.said("greeting"), 1);
  EXPECT_TRUE(search_.taken().empty() && otel_.taken().empty() && hec_.taken().empty() && acked_.taken().empty());
  search_.allowed = false;
  otel_.broken = true;
  EXPECT_EQ(finish({"check", "--online"}), 1);
  EXPECT_NE(said().find("does not allow creating documents in audit-*"), std::string::npos) << said();
  EXPECT_NE(said().find("HTML page"), std::string::npos) << said();
}

}  // namespace
}  // namespace auditferry
