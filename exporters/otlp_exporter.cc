#include "exporters/otlp_exporter.h"

#include <utility>

#include "config/peer_reader.h"
#include "exporters/http_sink_settings.h"

namespace auditferry {
namespace {

constexpr std::string_view logs_path = "/v1/logs";
constexpr const char* expected = "an OTLP answer (ExportLogsServiceResponse)";

// The specification, "Failures" of OTLP/HTTP: what is not named there must not be retried as it is. Where
// it is not the request's fault, an operator must look.
Verdict verdict_of(int status) {
  if (status == 429 || is_out_of_reach(status)) return Verdict::retry;
  const Verdict verdict = HttpSink::verdict_of(status);
  return verdict == Verdict::retry ? Verdict::pause : verdict;
}

}  // namespace

OtlpSettings read_otlp_settings(TomlTable& table, const SecretPlaces& places) {
  OtlpSettings settings;
  settings.sink = read_http_sink(table, places);
  refuse_zstd(table, settings.sink);
  read_auth(table, places, ApiKey::none, settings.sink);
  settings.url = read_url(table, "url", "", settings.sink.peer);
  if (!settings.url.ends_with(logs_path)) settings.url += logs_path;
  settings.encoding = table
                          .choice<OtlpEncoding>("encoding", {{"protobuf", OtlpEncoding::protobuf},
                                                             {"json", OtlpEncoding::json}})
                          .value_or(settings.encoding);
  return settings;
}

OtlpExporter::OtlpExporter(const ExporterSettings& settings, ExporterWorld world)
    : settings_(std::any_cast<const OtlpSettings&>(settings.own)),
      concurrency_(settings.concurrency),
      world_(std::move(world)),
      name_(settings.name),
      sink_(settings_.sink, world_, settings.name),
      who_{peer_of(settings_.url), "url", "auth"},
      writes_(world_.loop) {}

Task<Status> OtlpExporter::open(const ExporterState&) {
  co_return Status();
}

HttpRequest OtlpExporter::request(std::string body) const {
  HttpRequest request;
  request.method = "POST";
  request.url = settings_.url;
  request.headers.push_back({"Content-Type", content_type(settings_.encoding)});
  request.max_body_bytes = 4u << 20;  // what the specification lets a client assume
  request.body = std::move(body);
  return request;
}

Task<WriteOutcome> OtlpExporter::write(const std::vector<OutgoingRecord>& records, WriteProgress&) {
  const WritesUnderWay::One under_way(writes_);
  HttpRequest batch = request(encode_otlp(settings_.encoding, records));
  const Result<HttpResponse> answer = co_await sink_.send(std::move(batch));
  if (!answer) co_return sink_.judge_error(answer.error());
  co_return judge(*answer, records.size());
}

WriteOutcome OtlpExporter::judge(const HttpResponse& answer, std::size_t records) {
  const Verdict verdict = verdict_of(answer.status);
  if (verdict != Verdict::delivered) {
    WriteOutcome outcome = sink_.judge_answer(answer, verdict, who_, otlp_error(answer, settings_.encoding));
    if (verdict == Verdict::pause && HttpSink::verdict_of(answer.status) == Verdict::retry)
      outcome.reason +=
          "; OTLP calls only 429, 502, 503 and 504 worth a retry, so this is tried again slowly";
    return outcome;
  }
  if (looks_like_html(answer)) return sink_.judge_strange_body(answer, who_, expected);
  // Protobuf that was cut between two fields reads as if all had been taken.
  const std::optional<OtlpAnswer> parsed = answer.cut ? std::nullopt : parse_otlp_answer(answer, settings_.encoding);
  if (!parsed || parsed->rejected < 0) return sink_.judge_strange_body(answer, who_, expected);
  if (parsed->rejected == 0) {
    if (!parsed->message.empty())
      world_.log.warn(
          who_.peer + " took the records with a warning: \"" + sink_.quotable(parsed->message) + "\"",
          {{"exporter", name_}});
    return {};
  }
  WriteOutcome outcome;
  if (static_cast<std::uint64_t>(parsed->rejected) >= records) {
    // No neighbour was accepted: perhaps it is not the records. Nothing of it was taken, so halving doubles nothing.
    outcome.verdict = Verdict::refused;
    outcome.reason = who_.peer + " rejected all of " + std::to_string(records) + " log records (\"" + sink_.quotable(parsed->message) + "\")";
    return outcome;
  }
  outcome.verdict = Verdict::poison;
  outcome.reason =
      who_.peer + " rejected " + std::to_string(parsed->rejected) + " of " + std::to_string(records) +
      " log records for good (\"" + sink_.quotable(parsed->message) +
      "\") and does not say which, so all of this batch are dead letters: retry them, some may be "
      "double, once the cause is solved";
  return outcome;
}

Task<Status> OtlpExporter::greet() {
  HttpRequest nothing = request(settings_.encoding == OtlpEncoding::json ? "{\"resourceLogs\":[]}" : "");
  const Result<HttpResponse> answer = co_await sink_.send(std::move(nothing));
  if (!answer) co_return answer.error();
  const Verdict verdict = verdict_of(answer->status);
  // Some receivers call a request without records a bad one; it was read, then.
  if (verdict == Verdict::refused) co_return Status();
  if (verdict != Verdict::delivered) {
    const WriteOutcome outcome =
        sink_.judge_answer(*answer, verdict, who_, otlp_error(*answer, settings_.encoding));
    co_return Error{verdict == Verdict::pause ? ErrorKind::permission : ErrorKind::unavailable,
                    outcome.reason};
  }
  if (looks_like_html(*answer) || answer->cut || !parse_otlp_answer(*answer, settings_.encoding)) {
    const WriteOutcome outcome = sink_.judge_strange_body(*answer, who_, expected);
    co_return Error{ErrorKind::protocol, outcome.reason};
  }
  co_return Status();
}

Task<void> OtlpExporter::reopen() {
  sink_.reopen();
  co_return;
}

Task<WriteOutcome> OtlpExporter::tend() {
  co_return WriteOutcome{};
}

Task<void> OtlpExporter::close() {
  co_await writes_.end();
}

}  // namespace auditferry
