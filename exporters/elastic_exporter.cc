#include "exporters/elastic_exporter.h"

#include <algorithm>
#include <utility>

#include "encoding/json_object.h"
#include "encoding/json_scanner.h"
#include "encoding/json_view.h"

namespace auditferry {
namespace {

constexpr const char* bulk_path = "/_bulk?filter_path=errors,items.*.status,items.*.error";
// What the action line and the time stamp add to a record, about.
constexpr std::size_t envelope_bytes = 300;
constexpr std::uint64_t answer_bytes_per_record = 4096;

}  // namespace

ElasticExporter::ElasticExporter(const ExporterSettings& settings, ExporterWorld world)
    : settings_(std::any_cast<const ElasticSettings&>(settings.own)),
      name_(settings.name),
      concurrency_(settings.concurrency),
      world_(std::move(world)),
      sink_(settings_.sink, world_, settings.name),
      hosts_(settings_.hosts, {"", "hosts", "api_key or auth"}, world_.clock),
      writes_(world_.loop) {}

Task<Status> ElasticExporter::open(const ExporterState&) {
  co_return Status();
}

HttpRequest ElasticExporter::bulk_request(std::string body, const std::string& host) const {
  HttpRequest request;
  request.method = "POST";
  request.url = host + bulk_path;
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
  WriteOutcome failure{Verdict::retry, "every host has asked us to wait", hosts_.wait()};
  const std::vector<std::size_t> order = hosts_.order();
  for (std::size_t n = 0; n < order.size(); ++n) {
    const std::size_t host = order[n];
    const HttpPeerWords& who = hosts_.who(host);
    // The body is copied only when there may be another try.
    const bool last = n + 1 == order.size();
    HttpRequest request = bulk_request(last ? std::move(body) : body, hosts_.url(host));
    request.max_body_bytes = std::max<std::uint64_t>(32u << 20, records.size() * answer_bytes_per_record);
    const Result<HttpResponse> answer = co_await sink_.send(std::move(request));
    if (!needs_another_host(answer)) {
      hosts_.worked(host);
      co_return judge(*answer, who, records.size());
    }
    failure = answer.ok() ? sink_.judge_answer(*answer, Verdict::retry, who, request_error(answer->body)) : sink_.judge_error(answer.error());
    hosts_.failed(host, failure, world_.log, name_);
  }
  co_return failure;
}

WriteOutcome ElasticExporter::judge(const HttpResponse& answer, const HttpPeerWords& who, std::size_t records) const {
  const Verdict verdict = HttpSink::verdict_of(answer.status);
  if (verdict != Verdict::delivered) return sink_.judge_answer(answer, verdict, who, request_error(answer.body));
  if (answer.cut && !looks_like_html(answer)) return judge_cut(answer, who, records);
  const std::optional<BulkAnswer> bulk = parse_bulk_answer(answer.body);
  if (!bulk) return sink_.judge_strange_body(answer, who, "the JSON of a bulk answer");
  if (bulk->items.size() != records) {
    WriteOutcome outcome;
    outcome.verdict = Verdict::retry;
    outcome.reason =
        who.peer + " was sent " + std::to_string(records) + " records and answered for " +
        std::to_string(bulk->items.size()) +
        ", so nothing counts as delivered: check what stands between; sent again under the same ids";
    return outcome;
  }
  return judge_items(*bulk, who);
}

// What became of the records stands behind the cut. Fewer of them have a shorter answer, and what is there already is
// not doubled. A single one is not to blame.
WriteOutcome ElasticExporter::judge_cut(const HttpResponse& answer, const HttpPeerWords& who, std::size_t records) const {
  WriteOutcome outcome;
  outcome.verdict = records > 1 ? Verdict::refused : Verdict::pause;
  outcome.reason = who.peer + " answered for " + std::to_string(records) + (records > 1 ? " records" : " record") + " with more than " +
                   std::to_string(answer.body.size()) + " bytes, which is too much to be read, so nothing counts as delivered: " +
                   (records > 1 ? "sent again under the same ids in smaller batches; lower batch.records"
                                : "check hosts and what stands between (\"" + sink_.quotable(answer.body) + "\")");
  return outcome;
}

WriteOutcome ElasticExporter::judge_items(const BulkAnswer& answer, const HttpPeerWords& who) const {
  WriteOutcome outcome;
  for (std::size_t i = 0; i < answer.items.size(); ++i) {
    ItemVerdict item = judge_item(answer.items[i]);
    if (item.verdict == Verdict::delivered) continue;
    std::string reason = who.peer + " refused a record, " + sink_.quotable(item.reason);
    if (item.verdict == Verdict::retry)
      reason = who.peer + " cannot take records now, " + sink_.quotable(item.reason);
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

Task<Status> ElasticExporter::greet_host(std::size_t host) {
  const HttpPeerWords& who = hosts_.who(host);
  HttpRequest request;
  request.url = hosts_.url(host) + "/";
  const Result<HttpResponse> answer = co_await sink_.send(std::move(request));
  if (!answer) co_return answer.error();
  // 403: known, and not allowed to see the version, which nobody needs for writing.
  if (answer->status != 200 && answer->status != 403) {
    const WriteOutcome outcome = sink_.judge_answer(*answer, HttpSink::verdict_of(answer->status), who,
                                                    request_error(answer->body));
    co_return Error{ErrorKind::permission, outcome.reason};
  }
  const Result<ScannedJson> scanned = scan_json(answer->body, 64);
  const bool named = scanned.ok() && JsonView(scanned->text).find("version").has_value();
  if (answer->status == 200 && !named) {
    const WriteOutcome outcome =
        sink_.judge_strange_body(*answer, who, "the JSON of Elasticsearch or OpenSearch");
    co_return Error{ErrorKind::protocol, outcome.reason};
  }
  HttpRequest rights;
  rights.method = "POST";
  rights.url = hosts_.url(host) + "/_security/user/_has_privileges";
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
    co_return Error{ErrorKind::permission, who.peer + " does not allow creating documents in " +
                                               pattern +
                                               ": give the user or API key the privilege create_doc there"};
  co_return Status();
}

Task<Status> ElasticExporter::greet() {
  for (std::size_t host = 0; host < hosts_.size(); ++host) {
    Status status = co_await greet_host(host);
    if (!status.ok()) co_return status;
  }
  co_return Status();
}

Task<void> ElasticExporter::reopen() {
  sink_.reopen();
  hosts_.forgive();
  co_return;
}

Task<WriteOutcome> ElasticExporter::tend() {
  co_return WriteOutcome{};
}

Task<void> ElasticExporter::close() {
  co_await writes_.end();
}

}  // namespace auditferry
