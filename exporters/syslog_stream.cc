#include "exporters/syslog_stream.h"

#include <algorithm>
#include <array>
#include <deque>
#include <optional>
#include <string>
#include <utility>

#include "encoding/time_format.h"
#include "exporters/syslog_message.h"

namespace auditferry {
namespace {

// How often the counters are looked at; within these bounds a twentieth of `linger`.
constexpr Duration shortest_step = std::chrono::milliseconds(10);
constexpr Duration longest_step = std::chrono::milliseconds(250);
// An orderly end waits for the far end to close for `linger`, in which everything is confirmed by itself,
// and a little more; but not so long that the end of the whole program is held up.
constexpr Duration longest_farewell = std::chrono::seconds(15);

// Takes the batch to its end: thousands of writes wait for `linger`, and none of them may keep its messages.
// (Assigning an empty one would keep the memory of its text.)
std::string frames_of(SyslogBatch batch, SyslogFraming framing) {
  std::string frames;
  frames.reserve(batch.text.size() + batch.messages.size() * 8);
  for (const SyslogBatch::Message& message : batch.messages) append_frame(framing, batch.view(message), frames);
  return frames;
}

}  // namespace

// A write whose bytes are out. Lives in its coroutine.
struct SyslogStream::Waiting {
  std::uint64_t mark = 0;  // delivered when so many bytes are acknowledged, and have been for `linger`
  std::optional<SteadyTime> acknowledged;
  bool delivered = false;
};

struct SyslogStream::Link final : SyslogLink {
  using SyslogLink::SyslogLink;
  Duration linger{};
  Duration patience{};
  std::deque<Waiting*> waiting;  // oldest first, without those that are delivered
  bool watched = false;
  std::uint64_t acknowledged = 0;
  SteadyTime last_progress{};

  // Reads the counters. False when the link is lost by that.
  bool look() {
    const Result<ByteStream::Counters> counters = stream->counters();
    if (!counters.ok()) {
      lose(with_context(peer, counters.error()));
      return false;
    }
    const SteadyTime now = clock.steady_now();
    if (counters->acknowledged != acknowledged) last_progress = now;
    acknowledged = counters->acknowledged;
    for (Waiting* write : waiting) {
      if (write->acknowledged) continue;
      if (write->mark > acknowledged) break;
      write->acknowledged = now;
    }
    return true;
  }
  // Delivers those that are acknowledged and have been for `age`.
  void deliver(Duration age) {
    const SteadyTime now = clock.steady_now();
    bool any = false;
    while (!waiting.empty() && waiting.front()->acknowledged && now - *waiting.front()->acknowledged >= age) {
      waiting.front()->delivered = true;
      waiting.pop_front();
      any = true;
    }
    if (any) changed.ring();
  }
  bool stuck() const {
    return !waiting.empty() && !waiting.back()->acknowledged &&
           clock.steady_now() - last_progress >= patience;
  }
};

SyslogLinkPtr SyslogStream::make_link(std::unique_ptr<ByteStream> stream) {
  auto link = std::make_shared<Link>(world().loop, world().clock, std::move(stream), settings().peer_name());
  link->linger = settings().linger;
  link->patience = settings().peer.timeout;
  return link;
}

Task<void> SyslogStream::read(SyslogLinkPtr link) {
  return read_to_end(std::static_pointer_cast<Link>(std::move(link)));
}

// A receiver of syslog says nothing; what is awaited is the end, a reset or an alert.
Task<void> SyslogStream::read_to_end(std::shared_ptr<Link> link) {
  std::array<char, 4096> bytes{};
  for (;;) {
    const Result<std::size_t> count = co_await link->stream->read_some(bytes.data(), bytes.size());
    if (!count.ok()) {
      link->lose(with_context(link->peer, count.error()));
      co_return;
    }
    if (*count > 0) continue;
    // It has read our end, and so all that stood before it.
    if (link->finishing && link->look()) link->deliver(Duration::zero());
    link->lose({ErrorKind::connect, link->peer +
                                        " closed the connection; what it had for less than linger (" +
                                        format_duration(link->linger) + ") is sent again"});
    co_return;
  }
}

Task<Status> SyslogStream::begin(SyslogLinkPtr) {
  co_return Status();
}

Task<void> SyslogStream::watch(std::shared_ptr<Link> link) {
  const Duration step = std::clamp(link->linger / 20, shortest_step, longest_step);
  while (!link->lost && !link->waiting.empty()) {
    if (!link->look()) break;
    link->deliver(link->linger);
    if (link->stuck()) {
      link->lose({ErrorKind::timeout, link->peer + " has acknowledged nothing for " +
                                          format_duration(link->patience) +
                                          ": see what holds it up, or the network"});
    }
    Task<void> lost = until_lost(link);
    Task<void> next = link->clock.sleep(step);
    co_await first_to_end(std::move(lost), std::move(next));
  }
  link->watched = false;
}

Task<WriteOutcome> SyslogStream::wait(std::shared_ptr<Link> link, std::uint64_t mark) {
  Waiting self{mark, std::nullopt, false};
  struct Place {
    Link& link;
    Waiting* waiting;
    ~Place() { std::erase(link.waiting, waiting); }
  };
  if (link->waiting.empty() || link->waiting.back()->acknowledged)
    link->last_progress = link->clock.steady_now();
  link->waiting.push_back(&self);
  const Place place{*link, &self};
  if (!link->watched) {
    link->watched = true;
    world().tasks->spawn("syslog watch", watch(link));
  }
  while (!self.delivered && !link->lost) co_await link->changed.wait();
  if (self.delivered) co_return WriteOutcome{};
  co_return syslog_failure(*link->lost);
}

Task<WriteOutcome> SyslogStream::transmit(SyslogLinkPtr link, SyslogBatch batch, WriteProgress& progress) {
  {
    const std::string frames = frames_of(std::move(batch), settings().framing);
    Task<Status> writing = write_to_link(link, frames, settings().peer.timeout);
    const Status written = co_await std::move(writing);
    if (!written.ok()) co_return syslog_failure(written.error());
  }
  const Result<ByteStream::Counters> counters = link->stream->counters();
  if (!counters.ok()) {
    link->lose(with_context(link->peer, counters.error()));
    co_return syslog_failure(*link->lost);
  }
  progress.sent();
  Task<WriteOutcome> waiting = wait(std::static_pointer_cast<Link>(link), counters->handed_over);
  WriteOutcome outcome = co_await std::move(waiting);
  co_return outcome;
}

Task<void> SyslogStream::end(SyslogLinkPtr link) {
  const bool anything = !std::static_pointer_cast<Link>(link)->waiting.empty() || link->writing;
  const Duration linger = anything ? settings().linger : Duration::zero();
  const Duration patience = std::min(linger + std::chrono::seconds(1), longest_farewell);
  return finish_link(std::move(link), patience);
}

}  // namespace auditferry
