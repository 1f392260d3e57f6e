#include "tests/simulation/far_http.h"

#include <vector>

#include "encoding/json_view.h"

namespace auditferry::simulation {
namespace {

struct Sent {
  std::uint64_t seq = 0;
  std::string id;
};

HttpResponse answered(int status, std::string body) { return {status, {}, std::move(body)}; }
HttpResponse come_again() { return {429, {{"Retry-After", "20"}}, "come again"}; }

class FarHttp final : public HttpClient {
 public:
  FarHttp(FarEnd& far_end, SinkWorld world, Clock& clock, HttpProtocol protocol) : far_end_(far_end), world_(world), clock_(clock), protocol_(protocol) {}
  Task<Result<HttpResponse>> send(HttpRequest request) override;

 private:
  std::vector<Sent> records_of(const std::string& body);
  void take(const Sent& one);
  // What a far end answers that is in order, after it has taken what it can; `confirmed`: what the answer tells as taken.
  HttpResponse judge(const std::vector<Sent>& items, std::vector<std::uint64_t>& confirmed);
  HttpResponse judge_bulk(const std::vector<Sent>& items, std::vector<std::uint64_t>& confirmed);
  HttpResponse judge_events(const std::vector<Sent>& items, std::vector<std::uint64_t>& confirmed);

  FarEnd& far_end_;
  SinkWorld world_;
  Clock& clock_;
  HttpProtocol protocol_;
};

// One line per record, each with its seq and id; Elasticsearch's action lines have none.
std::vector<Sent> FarHttp::records_of(const std::string& body) {
  std::vector<Sent> items;
  for (std::size_t at = 0; at < body.size();) {
    const std::size_t end = std::min(body.find('\n', at), body.size());
    const JsonView line(std::string_view(body).substr(at, end - at));
    at = end + 1;
    const auto event = protocol_ == HttpProtocol::splunk_hec ? line.find("event") : std::optional<JsonView>(line);
    const auto seq = event ? event->find("seq") : std::nullopt;
    const auto id = event ? event->find("id") : std::nullopt;
    if (seq && id) items.push_back({static_cast<std::uint64_t>(seq->as_int64().value_or(0)), id->as_string().value_or("")});
    else if (protocol_ != HttpProtocol::elasticsearch || !line.find("create")) far_end_.complaints.push_back("a line that is no record: " + std::string(line.raw()));
  }
  return items;
}

void FarHttp::take(const Sent& one) {
  const auto known = far_end_.taken.find(one.seq);
  // Stored by id: what comes again is not taken again.
  const bool again = protocol_ == HttpProtocol::elasticsearch && known != far_end_.taken.end() && !known->second.confirmed;
  if (!again) far_end_.take(one.seq, one.id);
}

HttpResponse FarHttp::judge_bulk(const std::vector<Sent>& items, std::vector<std::uint64_t>& confirmed) {
  std::string body;
  bool errors = false;
  for (const Sent& one : items) {
    const bool poison = far_end_.is_poison(one.seq);
    const bool known = far_end_.taken.contains(one.seq);
    errors = errors || poison || known;
    body += body.empty() ? "" : ",";
    if (poison) {
      far_end_.refuse(one.seq);
      body += R"({"create":{"status":400,"error":{"type":"document_parsing_exception","reason":"this record is not welcome"}}})";
      continue;
    }
    take(one);
    confirmed.push_back(one.seq);
    body += known ? R"({"create":{"status":409,"error":{"type":"version_conflict_engine_exception","reason":"document already exists"}}})"
                  : R"({"create":{"status":201}})";
    if (known) world_.trace.hit("sink knows the id");
  }
  if (confirmed.size() < items.size()) world_.trace.hit("sink poison");
  return answered(200, "{\"errors\":" + std::string(errors ? "true" : "false") + ",\"items\":[" + body + "]}");
}

// Splunk stops at the first event that it refuses; those before are taken.
HttpResponse FarHttp::judge_events(const std::vector<Sent>& items, std::vector<std::uint64_t>& confirmed) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (far_end_.is_poison(items[i].seq)) {
      far_end_.refuse(items[i].seq);
      world_.trace.hit("sink poison");
      return answered(400, "{\"text\":\"Invalid data format\",\"code\":6,\"invalid-event-number\":" + std::to_string(i) + "}");
    }
    take(items[i]);
    confirmed.push_back(items[i].seq);
  }
  return answered(200, R"({"text":"Success","code":0})");
}

HttpResponse FarHttp::judge(const std::vector<Sent>& items, std::vector<std::uint64_t>& confirmed) {
  if (protocol_ == HttpProtocol::elasticsearch) return judge_bulk(items, confirmed);
  if (protocol_ == HttpProtocol::splunk_hec) return judge_events(items, confirmed);
  bool welcome = true;
  for (const Sent& one : items) {
    if (!far_end_.is_poison(one.seq)) continue;
    far_end_.refuse(one.seq);
    welcome = false;
  }
  if (!welcome) {
    world_.trace.hit("sink refused batch");
    return answered(400, "something in it is not welcome");
  }
  for (const Sent& one : items) {
    take(one);
    confirmed.push_back(one.seq);
  }
  return answered(200, "");
}

Task<Result<HttpResponse>> FarHttp::send(HttpRequest request) {
  const Error dead{ErrorKind::connect, "the process is dead"};
  if (world_.dead) co_return dead;
  const std::vector<Sent> items = records_of(request.body);
  if (items.empty()) co_return answered(404, "");
  world_.trace.hit(std::string("sink ") + name_of(protocol_));
  const Mood mood = far_end_.mood;
  world_.trace.hit(std::string("sink ") + name_of(mood));
  world_.trace.note(far_end_.name + ": " + name_of(mood) + " " + std::to_string(items.front().seq) + ".." + std::to_string(items.back().seq));
  co_await clock_.sleep(world_.random.jitter(std::chrono::milliseconds(mood == Mood::slow ? 8000 : 80)));
  if (world_.dead) co_return dead;
  switch (mood) {
    case Mood::refusing:
      for (const Sent& one : items) far_end_.refuse(one.seq);
      co_return answered(400, "not today");
    case Mood::pausing: co_return answered(401, "who are you");
    case Mood::hanging:
      co_await clock_.sleep(std::chrono::minutes(3));
      co_return Error{ErrorKind::timeout, "127.0.0.1:1 did not answer in time"};
    case Mood::busy: co_return come_again();
    case Mood::partial:
      for (std::size_t i = 0; i < items.size() / 2; ++i) {
        if (!far_end_.is_poison(items[i].seq)) take(items[i]);
      }
      co_return Error{ErrorKind::connect, "the connection broke"};
    case Mood::lost_answers:
    case Mood::good:
    case Mood::slow: break;
  }
  std::vector<std::uint64_t> confirmed;
  HttpResponse answer = judge(items, confirmed);
  if (mood == Mood::lost_answers) {
    co_await clock_.sleep(std::chrono::seconds(30));
    co_return Error{ErrorKind::timeout, "127.0.0.1:1 did not answer in time"};
  }
  // The answer travels; a process that dies meanwhile never learns of it.
  co_await clock_.sleep(world_.random.jitter(std::chrono::milliseconds(80)));
  if (world_.dead) co_return dead;
  for (const std::uint64_t seq : confirmed) far_end_.confirm(seq);
  co_return answer;
}

}  // namespace

const char* name_of(HttpProtocol protocol) {
  switch (protocol) {
    case HttpProtocol::http: return "http";
    case HttpProtocol::elasticsearch: return "elasticsearch";
    case HttpProtocol::splunk_hec: return "splunk_hec";
  }
  return "";
}

HttpProtocol protocol_of(const std::string& exporter_type) {
  if (exporter_type == "elasticsearch") return HttpProtocol::elasticsearch;
  return exporter_type == "splunk_hec" ? HttpProtocol::splunk_hec : HttpProtocol::http;
}

std::unique_ptr<HttpClient> make_far_http(FarEnd& far_end, SinkWorld world, Clock& clock, HttpProtocol protocol) {
  return std::make_unique<FarHttp>(far_end, world, clock, protocol);
}

}  // namespace auditferry::simulation
