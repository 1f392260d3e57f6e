#include "exporters/http_exporter.h"

#include <utility>

#include "encoding/compress.h"
#include "encoding/hash.h"
#include "exporters/http_body.h"

namespace auditferry {
namespace {

// Of an answer: only its beginning is ever looked at, and of a larger one no more is read.
constexpr std::uint64_t largest_answer_bytes = 1u << 20;

}  // namespace

HttpExporter::HttpExporter(const ExporterSettings& settings, ExporterWorld world)
    : settings_(std::any_cast<const HttpExporterSettings&>(settings.own)),
      concurrency_(settings.concurrency),
      world_(std::move(world)),
      sink_(settings_.sink, world_, settings.name),
      who_{peer_of(settings_.url), "url", "auth"},
      writes_(world_.loop) {}

Task<Status> HttpExporter::open(const ExporterState&) {
  co_return Status();
}

std::string HttpExporter::signature(std::string_view body) const {
  const std::int64_t micros = to_micros(world_.clock.now());
  const std::string seconds = std::to_string(micros / 1'000'000);
  std::string text;
  text.reserve(seconds.size() + 1 + body.size());
  text += seconds;
  text += '.';
  text += body;
  return "t=" + seconds + ",v1=" + hex(hmac_sha256(settings_.signature_key.reveal(), text));
}

Task<WriteOutcome> HttpExporter::send(std::string body) {
  HttpRequest request;
  request.method = settings_.method;
  request.url = settings_.url;
  request.max_body_bytes = largest_answer_bytes;
  request.headers.push_back({"Content-Type", settings_.content_type});
  if (!settings_.signature_key.empty()) {
    // Of the bytes that arrive, so that they are compressed here and not by the client.
    const std::string_view coding = compress_body(settings_.sink.peer.compression, body);
    if (!coding.empty()) request.headers.push_back({"Content-Encoding", std::string(coding)});
    request.headers.push_back({settings_.signature_header, signature(body)});
  }
  request.body = std::move(body);
  const Result<HttpResponse> answer = co_await sink_.send(std::move(request));
  if (!answer) co_return sink_.judge_error(answer.error());
  const Verdict verdict = settings_.statuses.of(answer->status);
  if (verdict != Verdict::delivered) co_return sink_.judge_answer(*answer, verdict, who_);
  if (!settings_.accept_html && looks_like_html(*answer)) {
    WriteOutcome outcome = sink_.judge_strange_body(*answer, who_, "");
    outcome.reason += "; if this receiver answers so, set accept_html = true";
    co_return outcome;
  }
  co_return WriteOutcome{};
}

Task<WriteOutcome> HttpExporter::write(const std::vector<OutgoingRecord>& records, WriteProgress&) {
  const WritesUnderWay::One under_way(writes_);
  if (settings_.body == HttpBody::single) {
    WriteOutcome outcome = co_await write_single(records);
    co_return outcome;
  }
  std::string body = http_body(settings_.body, records);
  WriteOutcome outcome = co_await send(std::move(body));
  co_return outcome;
}

// One after the other, so that the order stays. What was refused is just that record; anything else ends
// the batch: what came before is delivered, the rest shares the verdict.
Task<WriteOutcome> HttpExporter::write_single(const std::vector<OutgoingRecord>& records) {
  std::vector<RecordOutcome> refused;
  for (std::size_t i = 0; i < records.size(); ++i) {
    WriteOutcome one{Verdict::retry, "the program ends: the rest of the batch is sent at the next start"};
    if (!writes_.closing()) {
      std::string body(records[i].bytes);
      one = co_await send(std::move(body));
    }
    if (one.verdict == Verdict::delivered) continue;
    if (one.verdict == Verdict::refused) {
      refused.push_back({i, Verdict::poison, std::move(one.reason)});
      continue;
    }
    auto next = refused.begin();
    for (std::size_t before = 0; before < i; ++before) {
      if (next != refused.end() && next->index == before) {
        one.records.push_back(std::move(*next++));
      } else {
        one.records.push_back({before, Verdict::delivered, {}});
      }
    }
    co_return one;
  }
  WriteOutcome outcome;
  outcome.records = std::move(refused);
  co_return outcome;
}

Task<Status> HttpExporter::greet() {
  HttpRequest request;
  request.method = "HEAD";
  request.url = settings_.url;
  Result<HttpResponse> answer = co_await sink_.send(std::move(request));
  if (answer.ok() && answer->status == 400) {
    // Whether that is about a client certificate stands in the body, which HEAD leaves out.
    HttpRequest again;
    again.url = settings_.url;
    again.max_body_bytes = largest_answer_bytes;
    Result<HttpResponse> told = co_await sink_.send(std::move(again));
    answer = std::move(told);
  }
  if (!answer) co_return answer.error();
  const int status = answer->status;
  if (is_out_of_reach(status)) {
    const WriteOutcome outcome = sink_.judge_answer(*answer, Verdict::retry, who_);
    co_return Error{ErrorKind::unavailable, outcome.reason};
  }
  if (status == 401 || status == 403 || status == 407 || (status >= 300 && status < 400)) {
    const WriteOutcome outcome = sink_.judge_answer(*answer, Verdict::pause, who_);
    co_return Error{ErrorKind::permission, outcome.reason};
  }
  co_return Status();
}

Task<void> HttpExporter::reopen() {
  sink_.reopen();
  co_return;
}

Task<WriteOutcome> HttpExporter::tend() {
  co_return WriteOutcome{};
}

Task<void> HttpExporter::close() {
  co_await writes_.end();
}

}  // namespace auditferry
