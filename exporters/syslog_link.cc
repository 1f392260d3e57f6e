#include "exporters/syslog_link.h"

#include <algorithm>
#include <string>

#include "core/deadline.h"

namespace auditferry {
namespace {

constexpr std::size_t portion = 64u << 10;

Task<void> until_not_writing(SyslogLinkPtr link) {
  while (link->writing && !link->lost) co_await link->changed.wait();
}

Task<void> write_portion(SyslogLinkPtr link, std::string_view bytes, std::optional<Status>& written) {
  written = co_await link->stream->write(bytes);
}

Task<void> until_lost_or_late(SyslogLinkPtr link, Duration patience) {
  Task<void> lost = until_lost(link);
  Task<void> late = link->clock.sleep(patience);
  co_await first_to_end(std::move(lost), std::move(late));
}

// Resets it also when the write is cancelled.
class Writing {
 public:
  explicit Writing(SyslogLinkPtr link) : link_(std::move(link)) { link_->writing = true; }
  ~Writing() {
    link_->writing = false;
    // A write that was cut in the middle spoils whatever would follow.
    if (!done_)
      link_->lose({ErrorKind::connect, link_->peer + ": a write was given up in the middle; what is not confirmed is sent again"});
    link_->changed.ring();
  }
  Writing(const Writing&) = delete;
  Writing& operator=(const Writing&) = delete;
  void done() { done_ = true; }

 private:
  SyslogLinkPtr link_;
  bool done_ = false;
};

}  // namespace

void SyslogLink::lose(Error error) {
  if (lost) return;
  lost = std::move(error);
  changed.ring();
}

Task<void> until_lost(SyslogLinkPtr link) {
  while (!link->lost) co_await link->changed.wait();
}

Task<Status> write_to_link(SyslogLinkPtr link, std::string_view bytes, Duration patience) {
  co_await until_not_writing(link);
  if (link->lost) co_return *link->lost;
  Writing writing(link);
  while (!bytes.empty() && !link->lost) {
    const std::string_view next = bytes.substr(0, portion);
    std::optional<Status> written;
    Task<void> write = write_portion(link, next, written);
    Task<void> end = until_lost_or_late(link, patience);
    co_await first_to_end(std::move(write), std::move(end));
    if (!written) link->lose({ErrorKind::timeout, link->peer + " takes nothing any more: see what holds it up"});
    if (written && !written->ok()) link->lose(with_context(link->peer, written->error()));
    bytes.remove_prefix(next.size());
  }
  if (link->lost) co_return *link->lost;
  writing.done();
  co_return Status();
}

Task<void> finish_link(SyslogLinkPtr link, Duration patience) {
  const Error takes_nothing{ErrorKind::timeout, link->peer + " took too long to take what was being sent: see what holds it up; "
                                                             "what is not confirmed is sent again"};
  const SteadyTime deadline = link->clock.steady_now() + patience;
  Task<void> quiet = until_not_writing(link);
  Task<void> late = link->clock.sleep(patience);
  co_await first_to_end(std::move(quiet), std::move(late));
  if (link->writing) link->lose(takes_nothing);
  if (link->lost) co_return;
  link->finishing = true;
  {
    Writing writing(link);
    Task<Status> finish = link->stream->finish();
    const std::optional<Status> finished = co_await within(link->clock, patience, std::move(finish));
    if (finished && finished->ok()) writing.done();
    if (finished && !finished->ok()) link->lose(with_context(link->peer, finished->error()));
    if (!finished) link->lose(takes_nothing);
  }
  const Duration left = std::max(Duration(deadline - link->clock.steady_now()), Duration::zero());
  Task<void> end = until_lost_or_late(link, left);
  co_await std::move(end);
  link->lose({ErrorKind::timeout, link->peer +
                                      " did not close the connection after we had said that nothing follows; "
                                      "what is not confirmed is sent again"});
}

}  // namespace auditferry
