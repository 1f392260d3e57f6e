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
constexpr const char* expected = "the JSON of a Splunk HTTP Event Collector";

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

SplunkExporter::Collector::Collector(std::size_t index, const SplunkExporter& exporter, HttpSink& sink, std::string channel)
    : host(index),
      who(exporter.hosts_.who(index)),
      acks(exporter.settings_, exporter.hosts_.url(index), exporter.world_.clock, sink, exporter.world_.loop, std::move(channel)) {}

SplunkExporter::SplunkExporter(const ExporterSettings& settings, ExporterWorld world)
    : settings_(std::any_cast<const SplunkSettings&>(settings.own)),
      concurrency_(settings.concurrency),
      world_(std::move(world)),
      name_(settings.name),
      sink_(settings_.sink, world_, settings.name),
      hosts_(settings_.urls, {"", "url", "token"}, world_.clock),
      writes_(world_.loop) {
  for (std::size_t host = 0; host < hosts_.size(); ++host)
    collectors_.emplace_back(host, *this, sink_, make_guid(*world_.random));
}

WriteLimits SplunkExporter::limits() const {
  return {concurrency_, settings_.ack ? settings_.unconfirmed : 0};
}

Task<Status> SplunkExporter::open(const ExporterState&) {
  co_return Status();
}

HttpRequest SplunkExporter::event_request(const Collector& to, std::string body) const {
  HttpRequest request;
  request.method = "POST";
  request.url = hosts_.url(to.host) + "/services/collector/event";
  request.headers.push_back({"Content-Type", "application/json"});
  if (settings_.ack && !to.without_channel)
    request.headers.push_back({"X-Splunk-Request-Channel", to.acks.channel()});
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
  WriteOutcome outcome{Verdict::retry, "every host has asked us to wait", hosts_.wait()};
  const std::vector<std::size_t> order = hosts_.order();
  for (std::size_t n = 0; n < order.size(); ++n) {
    Collector& collector = collectors_[order[n]];
    // The body is copied only when there may be another try.
    const bool last = n + 1 == order.size();
    HttpRequest request = event_request(collector, last ? std::move(body) : body);
    const Result<HttpResponse> answer = co_await sink_.send(std::move(request));
    const SplunkAnswer parsed = answer ? parse_splunk_answer(answer->body) : SplunkAnswer();
    outcome = answer ? judge(collector, *answer, parsed, records.size()) : sink_.judge_error(answer.error());
    if (needs_another_host(answer) && (!answer || outcome.verdict == Verdict::retry)) {
      hosts_.failed(collector.host, outcome, world_.log, name_);
      continue;
    }
    hosts_.worked(collector.host);
    if (outcome.verdict != Verdict::delivered || !outcome.records.empty() || !settings_.ack) break;
    if (!parsed.ack_id) {
      go_on_without_acks(collector, "the answer has no ackId");
      break;
    }
    collector.without_acks = false;
    progress.sent();
    const SplunkAcks::End end = co_await collector.acks.wait(*parsed.ack_id);
    co_return judge_ack(collector, end);
  }
  co_return outcome;
}

void SplunkExporter::go_on_without_acks(Collector& with, const std::string& why) {
  if (with.without_acks) return;
  with.without_acks = true;
  world_.log.error(with.who.peer + " gives no indexer acknowledgements (" + why +
                       "), so delivered only means that Splunk has taken the records into its queue: enable "
                       "indexer acknowledgement for this token, or set ack = false",
                   {{"exporter", name_}});
}

WriteOutcome SplunkExporter::judge_ack(Collector& by, SplunkAcks::End end) {
  WriteOutcome outcome;
  outcome.verdict = Verdict::retry;
  switch (end) {
    case SplunkAcks::End::confirmed:
      outcome.verdict = Verdict::delivered;
      return outcome;
    case SplunkAcks::End::disabled:
      if (by.acks.rounds_contradicted() > 0) {
        outcome.verdict = Verdict::pause;
        outcome.reason =
            by.who.peer + " contradicts itself: it numbers batches for acknowledgement, and asked for them it says "
                        "that this token has none (code 14), so what it took is not known to be indexed, and sending "
                        "it again would only double it: usually collectors with different settings stand behind one "
                        "address (give them the same, and make the balancer sticky), or set ack = false";
        return outcome;
      }
      go_on_without_acks(by, "code 14");
      outcome.reason = by.who.peer + " has stopped to acknowledge: sent again, so records may be double";
      outcome.retry_after = Duration::zero();
      return outcome;
    case SplunkAcks::End::gone:
      hosts_.failed(by.host);
      outcome.retry_after = Duration::zero();
      outcome.reason = by.who.peer + " took a batch and is gone without having acknowledged it: sent again to the next host, "
                                     "so records may be double";
      break;
    case SplunkAcks::End::lost:
      outcome.reason = by.who.peer + " took a batch and did not acknowledge it within " +
                       format_duration(settings_.ack_timeout) + ": sent again, so records may be double";
      break;
  }
  if (!by.acks.poll_problem().empty()) outcome.reason += "; " + by.acks.poll_problem();
  if (by.acks.rounds_lost() >= rounds_until_pause) {
    outcome.verdict = Verdict::pause;
    outcome.retry_after.reset();
    outcome.reason =
        by.who.peer + " took batches " + std::to_string(rounds_until_pause) +
        " times in a row and acknowledged none: usually a balancer without sticky sessions stands "
        "before several indexers (make it sticky by cookie or by the header "
        "X-Splunk-Request-Channel), else the indexers are stuck" +
        (by.acks.poll_problem().empty() ? "" : "; " + by.acks.poll_problem());
  }
  return outcome;
}

WriteOutcome SplunkExporter::judge(Collector& by, const HttpResponse& answer, const SplunkAnswer& parsed,
                                   std::size_t records) {
  const SplunkVerdict verdict = judge_splunk_answer(answer, parsed);
  const auto with_advice = [&](Verdict meaning) {
    WriteOutcome outcome = sink_.judge_answer(answer, meaning, by.who);
    const bool channel_lost = verdict.meaning == SplunkMeaning::channel_wanted && settings_.ack;
    if (channel_lost && !by.without_channel) {
      outcome.reason = by.who.peer + " says that our channel is missing or broken, status " + std::to_string(answer.status) + " (\"" +
                       sink_.quotable(answer.body) +
                       "\"), and we have sent one: a proxy or balancer on the way removes the header "
                       "X-Splunk-Request-Channel; let it pass";
    } else if (*verdict.advice != '\0') {
      outcome.reason = by.who.peer + " refuses records, status " + std::to_string(answer.status) + " (\"" +
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
      if (!settings_.ack || !by.without_channel) return with_advice(Verdict::pause);
      // Acknowledgements were switched on again.
      by.without_channel = false;
      WriteOutcome outcome = with_advice(Verdict::retry);
      outcome.retry_after = Duration::zero();
      return outcome;
    }
    case SplunkMeaning::bad_event:
      return judge_bad_event(by, answer, parsed, records);
    case SplunkMeaning::ack_disabled: {
      if (!settings_.ack || by.without_channel) return with_advice(Verdict::pause);
      go_on_without_acks(by, "code 14");
      by.without_channel = true;
      WriteOutcome outcome = with_advice(Verdict::retry);
      outcome.retry_after = Duration::zero();
      return outcome;
    }
    case SplunkMeaning::strange:
      break;
  }
  return sink_.judge_strange_body(answer, by.who, expected);
}

// Splunk reads events one after the other and stops at the first that it refuses; those before are taken.
// With acknowledgements they would stay without one, so they are sent again.
WriteOutcome SplunkExporter::judge_bad_event(const Collector& by, const HttpResponse& answer,
                                             const SplunkAnswer& parsed, std::size_t records) const {
  WriteOutcome outcome = sink_.judge_answer(answer, Verdict::refused, by.who);
  if (!parsed.invalid_event || *parsed.invalid_event >= records) return outcome;
  const std::size_t bad = *parsed.invalid_event;
  RecordOutcome refused{bad, Verdict::poison, std::move(outcome.reason)};
  outcome = WriteOutcome{};
  if (!settings_.ack || by.without_acks) {
    for (std::size_t i = 0; i < bad; ++i) outcome.records.push_back({i, Verdict::delivered, {}});
  }
  outcome.records.push_back(std::move(refused));
  if (outcome.records.size() == records) {
    // Nothing is left: the refused one is the only exception.
    outcome.records.erase(outcome.records.begin(), outcome.records.end() - 1);
    return outcome;
  }
  outcome.verdict = Verdict::retry;
  outcome.reason = by.who.peer + " refused one event of a batch; the rest of it is sent again";
  outcome.retry_after = Duration::zero();
  return outcome;
}

// Why an answer to a greeting is not the one that was hoped for.
Error SplunkExporter::greeting_error(const Collector& by, const HttpResponse& answer, const SplunkVerdict& verdict) const {
  const Verdict by_status = HttpSink::verdict_of(answer.status);
  WriteOutcome outcome = by_status == Verdict::delivered ? sink_.judge_strange_body(answer, by.who, expected)
                                                         : sink_.judge_answer(answer, by_status, by.who);
  if (*verdict.advice != '\0') outcome.reason += "; " + std::string(verdict.advice);
  return {verdict.meaning == SplunkMeaning::retry ? ErrorKind::unavailable : ErrorKind::permission, std::move(outcome.reason)};
}

Task<Status> SplunkExporter::greet_health(const Collector& collector) {
  HttpRequest health;
  health.url = hosts_.url(collector.host) + "/services/collector/health";
  health.max_body_bytes = 1u << 20;
  const Result<HttpResponse> answer = co_await sink_.send(std::move(health));
  if (!answer) co_return answer.error();
  const SplunkVerdict verdict = judge_splunk_answer(*answer, parse_splunk_answer(answer->body));
  const bool well = answer->status == 200 && verdict.meaning != SplunkMeaning::retry && verdict.meaning != SplunkMeaning::pause;
  // Others that speak this protocol have no such address.
  const bool unknown = (answer->status == 404 || answer->status == 405) && *verdict.advice == '\0';
  if (well || unknown) co_return Status();
  co_return greeting_error(collector, *answer, verdict);
}

Task<Status> SplunkExporter::greet_events(const Collector& collector) {
  HttpRequest nothing = event_request(collector, "");
  const Result<HttpResponse> answer = co_await sink_.send(std::move(nothing));
  if (!answer) co_return answer.error();
  const SplunkAnswer parsed = parse_splunk_answer(answer->body);
  const SplunkVerdict verdict = judge_splunk_answer(*answer, parsed);
  // Code 5, "no data", comes only after the token was found to be good.
  const bool good = parsed.code == 5 || parsed.code == 0 || verdict.meaning == SplunkMeaning::bad_event;
  if (good) co_return Status();
  co_return greeting_error(collector, *answer, verdict);
}

Task<Status> SplunkExporter::greet_acks(const Collector& collector) {
  // A number that no batch has.
  HttpRequest request = collector.acks.poll_request("4294967295");
  const Result<HttpResponse> answer = co_await sink_.send(std::move(request));
  if (!answer) co_return answer.error();
  const SplunkAnswer parsed = parse_splunk_answer(answer->body);
  if (parsed.code == 14)
    co_return Error{ErrorKind::unsupported, collector.who.peer +
                                                " gives this token no indexer acknowledgements (code 14): "
                                                "enable them for the token, or set ack = false"};
  if (HttpSink::verdict_of(answer->status) == Verdict::delivered && parse_splunk_acks(answer->body)) co_return Status();
  Error error = greeting_error(collector, *answer, judge_splunk_answer(*answer, parsed));
  error.message = "the question for acknowledgements: " + error.message + "; without an answer nothing would ever count as delivered";
  co_return error;
}

Task<Status> SplunkExporter::greet() {
  for (const Collector& collector : collectors_) {
    Status status = co_await greet_health(collector);
    if (status.ok()) status = co_await greet_events(collector);
    if (status.ok() && settings_.ack) status = co_await greet_acks(collector);
    if (!status.ok()) co_return status;
  }
  co_return Status();
}

Task<void> SplunkExporter::reopen() {
  sink_.reopen();
  hosts_.forgive();
  // Somebody may have enabled acknowledgements meanwhile.
  for (Collector& collector : collectors_) collector.without_channel = false;
  co_return;
}

Task<WriteOutcome> SplunkExporter::tend() {
  co_return WriteOutcome{};
}

void SplunkExporter::hurry() {
  for (Collector& collector : collectors_) collector.acks.hurry();
}

Task<void> SplunkExporter::close() {
  hurry();
  co_await writes_.end();
}

}  // namespace auditferry
