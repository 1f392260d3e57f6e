#include "exporters/splunk_exporter.h"

#include <algorithm>
#include <array>
#include <utility>

#include "encoding/hash.h"
#include "encoding/time_format.h"
#include "exporters/splunk_event.h"

namespace auditferry {
namespace {

constexpr Duration shortest_slow_down = std::chrono::seconds(1);
constexpr Duration longest_slow_down = std::chrono::seconds(30);
constexpr int rounds_until_pause = 3;

// RFC 9562, version 4.
std::string make_guid(Random& random) {
  std::array<std::uint8_t, 16> bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(random.below(256));
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0F) | 0x40);
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3F) | 0x80);
  std::string text = hex(std::span<const std::uint8_t>(bytes));
  for (const std::size_t at : {20, 16, 12, 8}) text.insert(at, "-");
  return text;
}

}  // namespace

SplunkExporter::SplunkExporter(const ExporterSettings& settings, ExporterWorld world)
    : settings_(std::any_cast<const SplunkSettings&>(settings.own)),
      concurrency_(settings.concurrency),
      world_(std::move(world)),
      name_(settings.name),
      sink_(settings_.sink, world_, settings.name),
      who_{peer_of(settings_.url), "url", "token"},
      acks_(settings_, world_.clock, sink_, world_.loop, make_guid(*world_.random)),
      writes_(world_.loop) {}

WriteLimits SplunkExporter::limits() const {
  return {concurrency_, settings_.ack ? settings_.unconfirmed : 0};
}

Task<Status> SplunkExporter::open(const ExporterState&) {
  co_return Status();
}

HttpRequest SplunkExporter::event_request(std::string body) const {
  HttpRequest request;
  request.method = "POST";
  request.url = settings_.url + "/services/collector/event";
  request.headers.push_back({"Content-Type", "application/json"});
  if (settings_.ack && !without_channel_)
    request.headers.push_back({"X-Splunk-Request-Channel", acks_.channel()});
  request.max_body_bytes = 1u << 20;
  request.body = std::move(body);
  return request;
}

Task<WriteOutcome> SplunkExporter::write(const std::vector<OutgoingRecord>& records,
                                         WriteProgress& progress) {
  const WritesUnderWay::One under_way(writes_);
  const SteadyTime now = world_.clock.steady_now();
  if (now < not_before_ && !writes_.closing()) co_await world_.clock.sleep(not_before_ - now);
  std::string body = splunk_body(settings_, records);
  HttpRequest request = event_request(std::move(body));
  const Result<HttpResponse> answer = co_await sink_.send(std::move(request));
  if (!answer) co_return sink_.judge_error(answer.error());
  const SplunkAnswer parsed = parse_splunk_answer(answer->body);
  WriteOutcome outcome = judge(*answer, parsed, records.size());
  if (outcome.verdict != Verdict::delivered || !outcome.records.empty() || !settings_.ack) co_return outcome;
  if (!parsed.ack_id) {
    go_on_without_acks("the answer has no ackId");
    co_return outcome;
  }
  without_acks_ = false;
  progress.sent();
  const SplunkAcks::End end = co_await acks_.wait(*parsed.ack_id);
  co_return judge_ack(end);
}

void SplunkExporter::go_on_without_acks(const std::string& why) {
  if (without_acks_) return;
  without_acks_ = true;
  world_.log.error(who_.peer + " gives no indexer acknowledgements (" + why +
                       "), so delivered only means that Splunk has taken the records into its queue: enable "
                       "indexer acknowledgement for this token, or set ack = false",
                   {{"exporter", name_}});
}

WriteOutcome SplunkExporter::judge_ack(SplunkAcks::End end) {
  WriteOutcome outcome;
  outcome.verdict = Verdict::retry;
  switch (end) {
    case SplunkAcks::End::confirmed:
      outcome.verdict = Verdict::delivered;
      return outcome;
    case SplunkAcks::End::disabled:
      if (acks_.rounds_contradicted() > 0) {
        outcome.verdict = Verdict::pause;
        outcome.reason =
            who_.peer + " contradicts itself: it numbers batches for acknowledgement, and asked for them it says "
                        "that this token has none (code 14), so what it took is not known to be indexed, and sending "
                        "it again would only double it: usually collectors with different settings stand behind one "
                        "address (give them the same, and make the balancer sticky), or set ack = false";
        return outcome;
      }
      go_on_without_acks("code 14");
      outcome.reason = who_.peer + " has stopped to acknowledge: sent again, so records may be double";
      outcome.retry_after = Duration::zero();
      return outcome;
    case SplunkAcks::End::lost:
      break;
  }
  outcome.reason = who_.peer + " took a batch and did not acknowledge it within " +
                   format_duration(settings_.ack_timeout) + ": sent again, so records may be double";
  if (!acks_.poll_problem().empty()) outcome.reason += "; " + acks_.poll_problem();
  if (acks_.rounds_lost() >= rounds_until_pause) {
    outcome.verdict = Verdict::pause;
    outcome.reason =
        who_.peer + " took batches " + std::to_string(rounds_until_pause) +
        " times in a row and acknowledged none: usually a balancer without sticky sessions stands "
        "before several indexers (make it sticky by cookie or by the header "
        "X-Splunk-Request-Channel), else the indexers are stuck" +
        (acks_.poll_problem().empty() ? "" : "; " + acks_.poll_problem());
  }
  return outcome;
}

WriteOutcome SplunkExporter::judge(const HttpResponse& answer, const SplunkAnswer& parsed,
                                   std::size_t records) {
  const SplunkVerdict verdict = judge_splunk_answer(answer, parsed);
  const auto with_advice = [&](Verdict meaning) {
    WriteOutcome outcome = sink_.judge_answer(answer, meaning, who_);
    const bool channel_lost = verdict.meaning == SplunkMeaning::channel_wanted && settings_.ack;
    if (channel_lost && !without_channel_) {
      outcome.reason = who_.peer + " says that our channel is missing or broken, status " + std::to_string(answer.status) + " (\"" +
                       sink_.quotable(answer.body) +
                       "\"), and we have sent one: a proxy or balancer on the way removes the header "
                       "X-Splunk-Request-Channel; let it pass";
    } else if (*verdict.advice != '\0') {
      outcome.reason = who_.peer + " refuses records, status " + std::to_string(answer.status) + " (\"" +
                       sink_.quotable(answer.body) + "\"): " + verdict.advice;
    }
    return outcome;
  };
  switch (verdict.meaning) {
    case SplunkMeaning::taken:
      slow_down_ = Duration::zero();
      return {};
    case SplunkMeaning::taken_slow_down:
      slow_down_ = std::clamp(slow_down_ * 2, shortest_slow_down, longest_slow_down);
      not_before_ = world_.clock.steady_now() + slow_down_;
      return {};
    case SplunkMeaning::retry:
      return with_advice(Verdict::retry);
    case SplunkMeaning::pause:
      return with_advice(Verdict::pause);
    case SplunkMeaning::refused:
      return with_advice(Verdict::refused);
    case SplunkMeaning::channel_wanted: {
      if (!settings_.ack || !without_channel_) return with_advice(Verdict::pause);
      // Acknowledgements were switched on again.
      without_channel_ = false;
      WriteOutcome outcome = with_advice(Verdict::retry);
      outcome.retry_after = Duration::zero();
      return outcome;
    }
    case SplunkMeaning::bad_event:
      return judge_bad_event(answer, parsed, records);
    case SplunkMeaning::ack_disabled: {
      if (!settings_.ack || without_channel_) return with_advice(Verdict::pause);
      go_on_without_acks("code 14");
      without_channel_ = true;
      WriteOutcome outcome = with_advice(Verdict::retry);
      outcome.retry_after = Duration::zero();
      return outcome;
    }
    case SplunkMeaning::strange:
      break;
  }
  return sink_.judge_strange_body(answer, who_, "the JSON of a Splunk HTTP Event Collector");
}

// Splunk reads events one after the other and stops at the first that it refuses; those before are taken.
// With acknowledgements they would stay without one, so they are sent again.
WriteOutcome SplunkExporter::judge_bad_event(const HttpResponse& answer, const SplunkAnswer& parsed,
                                             std::size_t records) const {
  WriteOutcome outcome = sink_.judge_answer(answer, Verdict::refused, who_);
  if (!parsed.invalid_event || *parsed.invalid_event >= records) return outcome;
  const std::size_t bad = *parsed.invalid_event;
  RecordOutcome refused{bad, Verdict::poison, std::move(outcome.reason)};
  outcome = WriteOutcome{};
  if (!settings_.ack || without_acks_) {
    for (std::size_t i = 0; i < bad; ++i) outcome.records.push_back({i, Verdict::delivered, {}});
  }
  outcome.records.push_back(std::move(refused));
  if (outcome.records.size() == records) {
    // Nothing is left: the refused one is the only exception.
    outcome.records.erase(outcome.records.begin(), outcome.records.end() - 1);
    return outcome;
  }
  outcome.verdict = Verdict::retry;
  outcome.reason = who_.peer + " refused one event of a batch; the rest of it is sent again";
  outcome.retry_after = Duration::zero();
  return outcome;
}

Task<Status> SplunkExporter::greet_acks() {
  // A number that no batch has.
  HttpRequest request = acks_.poll_request("4294967295");
  const Result<HttpResponse> answer = co_await sink_.send(std::move(request));
  if (!answer) co_return answer.error();
  if (parse_splunk_answer(answer->body).code == 14)
    co_return Error{ErrorKind::unsupported, who_.peer +
                                                " gives this token no indexer acknowledgements (code 14): "
                                                "enable them for the token, or set ack = false"};
  co_return Status();
}

Task<Status> SplunkExporter::greet() {
  HttpRequest health;
  health.url = settings_.url + "/services/collector/health";
  health.max_body_bytes = 1u << 20;
  const Result<HttpResponse> condition = co_await sink_.send(std::move(health));
  if (!condition) co_return condition.error();
  // Others that speak this protocol have no such address.
  const int status = condition->status;
  if (status != 200 && status != 404 && status != 405) {
    const WriteOutcome outcome = sink_.judge_answer(*condition, HttpSink::verdict_of(status), who_);
    co_return Error{ErrorKind::unavailable, outcome.reason};
  }
  HttpRequest nothing = event_request("");
  const Result<HttpResponse> answer = co_await sink_.send(std::move(nothing));
  if (!answer) co_return answer.error();
  const SplunkAnswer parsed = parse_splunk_answer(answer->body);
  const SplunkVerdict verdict = judge_splunk_answer(*answer, parsed);
  // Code 5, "no data", comes only after the token was found to be good.
  const bool good = parsed.code == 5 || parsed.code == 0 || verdict.meaning == SplunkMeaning::bad_event;
  if (!good) {
    WriteOutcome outcome = sink_.judge_answer(*answer, HttpSink::verdict_of(answer->status), who_);
    if (verdict.meaning == SplunkMeaning::strange)
      outcome = sink_.judge_strange_body(*answer, who_, "the JSON of a Splunk HTTP Event Collector");
    if (*verdict.advice != '\0') outcome.reason += "; " + std::string(verdict.advice);
    co_return Error{ErrorKind::permission, outcome.reason};
  }
  if (!settings_.ack) co_return Status();
  Status acks = co_await greet_acks();
  co_return acks;
}

Task<void> SplunkExporter::reopen() {
  sink_.reopen();
  // Somebody may have enabled acknowledgements meanwhile.
  without_channel_ = false;
  co_return;
}

Task<WriteOutcome> SplunkExporter::tend() {
  co_return WriteOutcome{};
}

Task<void> SplunkExporter::close() {
  acks_.hurry();
  co_await writes_.end();
}

}  // namespace auditferry
