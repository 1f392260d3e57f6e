#pragma once
// The far end of exporters over HTTP, in memory: every request goes to a handler of the test. And what a
// test of such an exporter needs around it.

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "config/settings.h"
#include "core/http_client.h"
#include "core/task_group.h"
#include "exporters/catalog.h"
#include "exporters/json_format.h"
#include "tests/support/delivery_rig.h"
#include "tests/support/exporter_contract.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/recording_log.h"
#include "tests/support/test_loop.h"

namespace auditferry {

inline HttpResponse answer(int status, std::string body = "", std::vector<HttpHeader> headers = {}) {
  return {status, std::move(headers), std::move(body)};
}

inline std::string header_of(const HttpRequest& request, std::string_view name) {
  for (const HttpHeader& header : request.headers) {
    if (header.name == name) return header.value;
  }
  return "(none)";
}

class FakeFarEnd {
 public:
  using Handler = std::function<Result<HttpResponse>(const HttpRequest& request)>;

  explicit FakeFarEnd(Clock& clock) : clock_(clock) {}

  Handler handler;
  Duration latency = std::chrono::milliseconds(5);
  std::vector<HttpRequest> requests;
  std::vector<PeerSettings> clients;  // that were made

  // Each request has three places at which something can break: the connection before the far end sees it,
  // the connection before its answer arrives, and a balancer that answers 502 instead. At the n-th place
  // from now it does, once.
  void cut_at(std::uint64_t place) {
    cut_at_ = place;
    places_ = 0;
  }
  bool was_cut() const { return places_ >= cut_at_ && cut_at_ != 0; }

  std::function<std::unique_ptr<HttpClient>(const PeerSettings&)> maker() {
    return [this](const PeerSettings& peer) {
      clients.push_back(peer);
      return std::make_unique<Client>(*this);
    };
  }

 private:
  class Client final : public HttpClient {
   public:
    explicit Client(FakeFarEnd& far_end) : far_end_(far_end) {}
    Task<Result<HttpResponse>> send(HttpRequest request) override {
      co_await far_end_.clock_.sleep(far_end_.latency);
      co_return far_end_.take(std::move(request));
    }

   private:
    FakeFarEnd& far_end_;
  };

  Result<HttpResponse> take(HttpRequest request) {
    const Error cut{ErrorKind::connect, "127.0.0.1:1 closed the connection before it answered"};
    const std::uint64_t before = places_;
    places_ += 3;
    if (cut_at_ == before + 1) return cut;
    requests.push_back(std::move(request));
    Result<HttpResponse> made = handler(requests.back());
    if (cut_at_ == before + 2) return cut;
    if (cut_at_ == before + 3)
      return answer(502, "<html>Bad Gateway</html>", {{"Content-Type", "text/html"}});
    return made;
  }

  Clock& clock_;
  std::uint64_t cut_at_ = 0;
  std::uint64_t places_ = 0;
};

// An exporter of a configuration text, its far end and its world.
class FarEndFixture {
 public:
  explicit FarEndFixture(std::string type, std::string configuration)
      : type_(std::move(type)), configuration_(std::move(configuration)) {}

  TestLoop loop;
  RecordingLog log;
  FaultyFileSystem disk;
  Random random{7};
  FakeFarEnd far_end{loop.clock()};
  JsonFormat format{{}};

  // As a new process would make it.
  std::unique_ptr<Exporter> make() {
    settings_ = ExporterSettings();
    settings_.name = "siem";
    settings_.type = type_;
    settings_.format = "json";
    TomlProblems problems;
    const auto document = TomlDocument::parse(configuration_, "test.toml", problems);
    TomlTable table = document->root();
    const SecretPlaces places{[](const std::string& name) { return std::optional<std::string>(name); }, "",
                              true};
    EXPECT_TRUE(read_exporter(settings_, table, places));
    static_cast<void>(table.string("format"));
    settings_.concurrency =
        static_cast<std::uint32_t>(table.integer("concurrency", 1, settings_.max_concurrency).value_or(1));
    document->report_unknown_keys();
    EXPECT_TRUE(problems.empty()) << (problems.empty() ? "" : problems.lines().front());
    ExporterWorld world{loop.executor(), loop.clock(), log, disk, loop.blocking(), {}};
    world.make_http_client = far_end.maker();
    world.random = &random;
    return make_exporter(settings_, world);
  }

  // Offers the records once to an exporter that was made for it.
  WriteOutcome write_once(std::size_t count = 3, std::size_t streams = 1) {
    const auto exporter = make();
    const TestRecords records(format, count, streams, std::chrono::minutes(1));
    return write(*exporter, records);
  }
  WriteOutcome write(Exporter& exporter, const TestRecords& records) {
    DeliveryRig rig(loop, records);
    rig.open(exporter);
    return rig.write(exporter, records.size());
  }
  Status greet() {
    const auto exporter = make();
    const TestRecords records(format, 0, 1, std::chrono::minutes(1));
    return DeliveryRig(loop, records).greet(*exporter);
  }

 private:
  std::string type_;
  std::string configuration_;
  ExporterSettings settings_;
};

// The contract suite's view of a far end that speaks a protocol: `handle` is the protocol, and appends what
// it takes to `taken`.
class FarEndSink : public ExporterSink {
 public:
  FarEndSink(std::string type, std::string configuration)
      : fixture_(std::move(type), std::move(configuration)) {
    fixture_.far_end.handler = [this](const HttpRequest& request) -> Result<HttpResponse> {
      if (broken_) return broken_answer();
      return handle(request);
    };
  }
  TestLoop& loop() override { return fixture_.loop; }
  const Format& format() override { return fixture_.format; }
  const RecordingLog& log() override { return fixture_.log; }
  std::unique_ptr<Exporter> make() override { return fixture_.make(); }
  std::vector<std::string> lines() override { return taken; }
  void break_sink() override { broken_ = true; }
  void repair_sink() override { broken_ = false; }
  bool fail_at(std::uint64_t call) override {
    fixture_.far_end.cut_at(call);
    return true;
  }
  bool has_failed() override { return fixture_.far_end.was_cut(); }

 protected:
  virtual Result<HttpResponse> handle(const HttpRequest& request) = 0;
  virtual Result<HttpResponse> broken_answer() { return answer(503, "{\"message\":\"busy\"}"); }
  std::vector<std::string> taken;
  FarEndFixture fixture_;

 private:
  bool broken_ = false;
};

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t begin = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  if (begin < text.size()) lines.push_back(text.substr(begin));
  return lines;
}

// The problems of a configuration of this type, one line each; empty when it is accepted.
inline std::string problems_of_exporter(const std::string& type, const std::string& configuration) {
  TomlProblems problems;
  const auto document = TomlDocument::parse(configuration, "test.toml", problems);
  if (!document) return "syntax";
  TomlTable table = document->root();
  ExporterSettings settings;
  settings.type = type;
  const SecretPlaces places{[](const std::string& name) { return std::optional<std::string>(name); }, "",
                            true};
  EXPECT_TRUE(read_exporter(settings, table, places));
  static_cast<void>(table.string("format"));
  document->report_unknown_keys();
  std::string all;
  for (const std::string& line : problems.lines()) all += line + "\n";
  return all;
}

}  // namespace auditferry
