#include "exporters/elastic_exporter.h"

#include <algorithm>
#include <utility>

#include "encoding/json_object.h"
#include "encoding/json_scanner.h"
#include "encoding/json_view.h"

namespace auditferry {
namespace {

constexpr Duration avoid_for = std::chrono::seconds(30);
constexpr const char* bulk_path = "/_bulk?filter_path=errors,items.*.status,items.*.error";
// What the action line and the time stamp add to a record, about.
constexpr std::size_t envelope_bytes = 300;
constexpr std::uint64_t answer_bytes_per_record = 4096;

}  // namespace

ElasticExporter::ElasticExporter(const ExporterSettings& settings, ExporterWorld world)
    : settings_(std::any_cast<const ElasticSettings&>(settings.own)),
      concurrency_(settings.concurrency),
      world_(std::move(world)),
      sink_(settings_.sink, world_, settings.name),
      writes_(world_.loop) {
  for (const std::string& url : settings_.hosts)
    hosts_.push_back({url, {peer_of(url), "hosts", "api_key or auth"}, {}});
}

Task<Status> ElasticExporter::open(const ExporterState&) {
  co_return Status();
}

std::vector<std::size_t> ElasticExporter::order() const {
  std::vector<std::size_t> all;
  for (std::size_t i = 0; i < hosts_.size(); ++i) all.push_back((current_ + i) % hosts_.size());
  const SteadyTime now = world_.clock.steady_now();
  std::stable_partition(all.begin(), all.end(), [&](std::size_t i) { return hosts_[i].avoid_until <= now; });
  return all;
}

HttpRequest ElasticExporter::bulk_request(std::string body, const Host& host) const {
  HttpRequest request;
  request.method = "POST";
  request.url = host.url + bulk_path;
  request.headers.push_back({"Content-Type", "application/x-ndjson"});
  request.body = std::move(body);
  return request;
}

Task<WriteOutcome> ElasticExporter::write(const std::vector<OutgoingRecord>& records, WriteProgress&) {
  const WritesUnderWay::One under_way(writes_);
  std::string body;
  std::size_t size = 0;
  for (const OutgoingRecord& record : records) size += record.bytes.size() + envelope_bytes;
  body.reserve(size);
  for (const OutgoingRecord& record : records) append_create(record, settings_.index, body);
  WriteOutcome failure{Verdict::retry, "no host is left"};
  const std::vector<std::size_t> hosts = order();
  for (std::size_t n = 0; n < hosts.size(); ++n) {
    // The body is copied only when there may be another try.
    const bool last = n + 1 == hosts.size();
    HttpRequest request = bulk_request(last ? std::move(body) : body, hosts_[hosts[n]]);
    request.max_body_bytes = std::max<std::uint64_t>(32u << 20, records.size() * answer_bytes_per_record);
    const Result<HttpResponse> answer = co_await sink_.send(std::move(request));
    std::optional<WriteOutcome> outcome = judge(answer, hosts[n], records.size(), failure);
    if (outcome) co_return std::move(*outcome);
  }
  co_return failure;
}

std::optional<WriteOutcome> ElasticExporter::judge(const Result<HttpResponse>& answer, std::size_t index,
                                                   std::size_t records, WriteOutcome& failure) {
  Host& host = hosts_[index];
  const bool gateway =
      answer.ok() && (answer->status == 502 || answer->status == 503 || answer->status == 504);
  if (!answer.ok() || gateway) {
    host.avoid_until = world_.clock.steady_now() + avoid_for;
    failure = answer.ok() ? sink_.judge_answer(*answer, Verdict::retry, host.who, request_error(answer->body))
                          : sink_.judge_error(answer.error());
    return std::nullopt;
  }
  current_ = index;
  host.avoid_until = {};
  const Verdict verdict = HttpSink::verdict_of(answer->status);
  if (verdict != Verdict::delivered)
    return sink_.judge_answer(*answer, verdict, host.who, request_error(answer->body));
  const std::optional<BulkAnswer> bulk = parse_bulk_answer(answer->body);
  if (!bulk) return sink_.judge_strange_body(*answer, host.who, "the JSON of a bulk answer");
  if (bulk->items.size() != records) {
    WriteOutcome outcome;
    outcome.verdict = Verdict::retry;
    outcome.reason =
        host.who.peer + " was sent " + std::to_string(records) + " records and answered for " +
        std::to_string(bulk->items.size()) +
        ", so nothing counts as delivered: check what stands between; sent again under the same ids";
    return outcome;
  }
  return judge_items(*bulk, host);
}

WriteOutcome ElasticExporter::judge_items(const BulkAnswer& answer, const Host& host) const {
  WriteOutcome outcome;
  for (std::size_t i = 0; i < answer.items.size(); ++i) {
    ItemVerdict item = judge_item(answer.items[i]);
    if (item.verdict == Verdict::delivered) continue;
    std::string reason = host.who.peer + " refused a record, " + sink_.quotable(item.reason);
    if (item.verdict == Verdict::retry)
      reason = host.who.peer + " cannot take records now, " + sink_.quotable(item.reason);
    if (item.verdict == Verdict::pause) reason += ": check index and the permissions";
    outcome.records.push_back({i, item.verdict, std::move(reason)});
  }
  // All for the same reason: that is the batch's verdict, and poison stays with each record.
  const Verdict first = outcome.records.empty() ? Verdict::delivered : outcome.records.front().verdict;
  const bool all = outcome.records.size() == answer.items.size() &&
                   std::all_of(outcome.records.begin(), outcome.records.end(),
                               [first](const RecordOutcome& record) { return record.verdict == first; });
  if (all && (first == Verdict::retry || first == Verdict::pause)) {
    outcome.verdict = first;
    outcome.reason = outcome.records.front().reason;
    outcome.records.clear();
  }
  return outcome;
}

Task<Status> ElasticExporter::greet_host(const Host& host) {
  HttpRequest request;
  request.url = host.url + "/";
  const Result<HttpResponse> answer = co_await sink_.send(std::move(request));
  if (!answer) co_return answer.error();
  // 403: known, and not allowed to see the version, which nobody needs for writing.
  if (answer->status != 200 && answer->status != 403) {
    const WriteOutcome outcome = sink_.judge_answer(*answer, HttpSink::verdict_of(answer->status), host.who,
                                                    request_error(answer->body));
    co_return Error{ErrorKind::permission, outcome.reason};
  }
  const Result<ScannedJson> scanned = scan_json(answer->body, 64);
  const bool named = scanned.ok() && JsonView(scanned->text).find("version").has_value();
  if (answer->status == 200 && !named) {
    const WriteOutcome outcome =
        sink_.judge_strange_body(*answer, host.who, "the JSON of Elasticsearch or OpenSearch");
    co_return Error{ErrorKind::protocol, outcome.reason};
  }
  HttpRequest rights;
  rights.method = "POST";
  rights.url = host.url + "/_security/user/_has_privileges";
  rights.headers.push_back({"Content-Type", "application/json"});
  const std::string pattern = settings_.index.pattern();
  JsonObject index;
  std::string names = "[";
  append_json_string(names, pattern);
  index.value("names", names + "]").value("privileges", "[\"create_doc\"]");
  rights.body = JsonObject().value("index", "[" + index.finish() + "]").finish();
  const Result<HttpResponse> told = co_await sink_.send(std::move(rights));
  if (!told) co_return told.error();
  // OpenSearch, and Elasticsearch without security, have no such question.
  if (told->status != 200) co_return Status();
  const Result<ScannedJson> rights_text = scan_json(told->body, 64);
  const auto allowed =
      rights_text.ok() ? JsonView(rights_text->text).find("has_all_requested") : std::optional<JsonView>();
  if (allowed && allowed->as_bool() == false)
    co_return Error{ErrorKind::permission, host.who.peer + " does not allow creating documents in " +
                                               pattern +
                                               ": give the user or API key the privilege create_doc there"};
  co_return Status();
}

Task<Status> ElasticExporter::greet() {
  for (const Host& host : hosts_) {
    Status status = co_await greet_host(host);
    if (!status.ok()) co_return status;
  }
  co_return Status();
}

Task<void> ElasticExporter::reopen() {
  sink_.reopen();
  for (Host& host : hosts_) host.avoid_until = {};
  co_return;
}

Task<WriteOutcome> ElasticExporter::tend() {
  co_return WriteOutcome{};
}

Task<void> ElasticExporter::close() {
  co_await writes_.end();
}

}  // namespace auditferry
