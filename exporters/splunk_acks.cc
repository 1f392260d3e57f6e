#include "exporters/splunk_acks.h"

#include <algorithm>
#include <utility>

#include "exporters/far_hosts.h"
#include "exporters/splunk_answer.h"

namespace auditferry {
namespace {

// Batches are often indexed within a second: the first look comes soon.
constexpr Duration first_look = std::chrono::seconds(1);
// A host that is only started anew is back by then, and what it took need not be sent again.
constexpr Duration longest_silence = std::chrono::seconds(30);

}  // namespace

// Takes an entry off the list, however its wait ends.
class SplunkAcks::Waiting {
 public:
  Waiting(SplunkAcks& acks, Entry entry) : acks_(acks) {
    at_ = acks_.entries_.insert(acks_.entries_.end(), std::move(entry));
  }
  ~Waiting() { acks_.entries_.erase(at_); }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  Entry& entry() { return *at_; }

 private:
  SplunkAcks& acks_;
  std::list<Entry>::iterator at_;
};

// One poll at a time; when it ends, also by a cancellation, the others look for what it has found.
class SplunkAcks::Polling {
 public:
  explicit Polling(SplunkAcks& acks) : acks_(acks) { acks_.polling_ = true; }
  ~Polling() {
    acks_.polling_ = false;
    acks_.next_poll_ = acks_.clock_.steady_now() + acks_.poll_every_;
    acks_.bell_.ring();
  }
  Polling(const Polling&) = delete;
  Polling& operator=(const Polling&) = delete;

 private:
  SplunkAcks& acks_;
};

SplunkAcks::SplunkAcks(const SplunkSettings& settings, std::string url, Clock& clock, HttpSink& sink, Executor loop,
                       std::string channel)
    : settings_(settings),
      url_(std::move(url)),
      clock_(clock),
      sink_(sink),
      channel_(std::move(channel)),
      bell_(std::move(loop)),
      poll_every_(std::min(first_look, settings.ack_poll)) {}

void SplunkAcks::lose(Entry& entry, State how) {
  if (entry.state != State::waiting) return;
  entry.state = how;
  if (entry.since < round_began_) return;
  round_began_ = clock_.steady_now();
  ++rounds_lost_;
}

Task<SplunkAcks::End> SplunkAcks::wait(std::uint64_t ack_id) {
  // Numbers only grow. One that does not comes from a Splunk that was restarted, or from another one behind
  // a balancer: what a "true" for an older number would mean is not known any more.
  const bool begun_anew = last_serial_ > 0 && ack_id <= last_ack_id_;
  if (begun_anew && !entries_.empty()) {
    for (Entry& entry : entries_) lose(entry, State::lost);
    bell_.ring();
  }
  last_ack_id_ = ack_id;
  const SteadyTime began = clock_.steady_now();
  if (entries_.empty()) {
    poll_every_ = std::min(first_look, settings_.ack_poll);
    next_poll_ = began + poll_every_;
    silent_since_.reset();
  }
  Waiting waiting(*this, {ack_id, ++last_serial_, began});
  const Entry& entry = waiting.entry();
  const SteadyTime deadline = began + settings_.ack_timeout;
  while (entry.state == State::waiting) {
    const SteadyTime now = clock_.steady_now();
    if (now >= deadline) {
      lose(waiting.entry(), State::lost);
      break;
    }
    if (!polling_ && now >= next_poll_) {
      co_await poll();
      continue;
    }
    const SteadyTime until = polling_ ? now + poll_every_ : next_poll_;
    co_await ring_or_time(bell_, clock_, std::min(until, deadline) - now);
  }
  switch (entry.state) {
    case State::confirmed:
      co_return End::confirmed;
    case State::disabled:
      co_return End::disabled;
    case State::gone:
      co_return End::gone;
    default:
      co_return End::lost;
  }
}

HttpRequest SplunkAcks::poll_request(const std::string& ids) const {
  HttpRequest request;
  request.method = "POST";
  request.url = url_ + "/services/collector/ack?channel=" + channel_;
  request.headers.push_back({"X-Splunk-Request-Channel", channel_});
  request.headers.push_back({"Content-Type", "application/json"});
  request.max_body_bytes = 1u << 20;
  request.body = "{\"acks\":[" + ids + "]}";
  return request;
}

Task<void> SplunkAcks::poll() {
  Polling polling(*this);
  std::string ids;
  for (const Entry& entry : entries_) {
    if (entry.state == State::waiting) ids += (ids.empty() ? "" : ",") + std::to_string(entry.ack_id);
  }
  if (ids.empty()) co_return;
  const std::uint64_t last_asked = last_serial_;
  HttpRequest request = poll_request(ids);
  const SteadyTime asked = clock_.steady_now();
  const Result<HttpResponse> answer = co_await sink_.send(std::move(request));
  read_poll(answer, last_asked);
  watch_silence(answer, asked, last_asked);
}

// Where there are other hosts, there is no use in waiting for a dead one. It has not been silent towards what was sent
// after the question.
void SplunkAcks::watch_silence(const Result<HttpResponse>& answer, SteadyTime asked, std::uint64_t last_asked) {
  if (!needs_another_host(answer)) {
    silent_since_.reset();
    return;
  }
  if (!silent_since_) silent_since_ = asked;
  if (settings_.urls.size() < 2 || clock_.steady_now() - *silent_since_ < longest_silence) return;
  for (Entry& entry : entries_) {
    if (entry.serial <= last_asked) lose(entry, State::gone);
  }
}

void SplunkAcks::disable(Entry& entry) {
  entry.state = State::disabled;
  if (disabled_since_ && entry.since <= *disabled_since_) return;
  if (disabled_since_) ++rounds_contradicted_;
  disabled_since_ = clock_.steady_now();
}

void SplunkAcks::read_poll(const Result<HttpResponse>& answer, std::uint64_t last_asked) {
  if (!hurried_) poll_every_ = std::min(poll_every_ * 2, settings_.ack_poll);
  if (!answer) {
    poll_problem_ = sink_.words_of(answer.error());
    return;
  }
  const bool good = HttpSink::verdict_of(answer->status) == Verdict::delivered;
  const auto confirmed = good ? parse_splunk_acks(answer->body) : std::nullopt;
  if (!confirmed) {
    poll_problem_ = "the question for acknowledgements was answered with status " +
                    std::to_string(answer->status) + " (\"" + sink_.quotable(answer->body) + "\")";
    if (parse_splunk_answer(answer->body).code != 14) return;
  } else {
    poll_problem_.clear();
  }
  for (Entry& entry : entries_) {
    // What was sent after the question is not meant by the answer.
    if (entry.serial > last_asked || entry.state != State::waiting) continue;
    if (!confirmed) {
      disable(entry);
    } else if (confirmed->count(entry.ack_id) != 0) {
      entry.state = State::confirmed;
      rounds_lost_ = 0;
      rounds_contradicted_ = 0;
      disabled_since_.reset();
      // A Splunk that keeps up is asked often, since each confirmation makes room for a batch.
      poll_every_ = std::min(first_look, settings_.ack_poll);
    }
  }
}

void SplunkAcks::hurry() {
  hurried_ = true;
  poll_every_ = std::min(settings_.ack_poll, first_look);
  next_poll_ = clock_.steady_now();
  bell_.ring();
}

}  // namespace auditferry
