#include "exporters/syslog_connection.h"

#include <optional>
#include <utility>

namespace auditferry {
namespace {

Task<void> until_closed(Bell& changed, const bool& closed) {
  while (!closed) co_await changed.wait();
}

Task<void> store(Task<Status> task, std::optional<Status>& outcome) {
  outcome = co_await std::move(task);
}

// Loses a new link unless all goes well, also when the coroutine is cancelled.
class NewLink {
 public:
  explicit NewLink(SyslogLinkPtr link) : link_(std::move(link)) {}
  ~NewLink() {
    if (!good_) link_->lose({ErrorKind::unavailable, link_->peer + ": the connection was given up before its first message"});
  }
  NewLink(const NewLink&) = delete;
  NewLink& operator=(const NewLink&) = delete;
  void good() { good_ = true; }

 private:
  SyslogLinkPtr link_;
  bool good_ = false;
};

}  // namespace

// The time until sent() of a write, which it passes on.
struct SyslogConnection::Sending final : WriteProgress {
  Sending(SyslogConnection& owner_in, WriteProgress& progress_in) : owner(owner_in), progress(progress_in) {
    owner.sending_ = true;
  }
  ~Sending() override { end(); }
  void sent() override {
    end();
    progress.sent();
  }
  void end() {
    if (std::exchange(ended, true)) return;
    owner.sending_ = false;
    owner.changed_.ring();
  }
  SyslogConnection& owner;
  WriteProgress& progress;
  bool ended = false;
};

SyslogConnection::SyslogConnection(const SyslogSettings& settings, ExporterWorld world)
    : settings_(settings), world_(std::move(world)), changed_(world_.loop) {}

SyslogConnection::~SyslogConnection() {
  if (link_) link_->lose({ErrorKind::connect, "the exporter has ended"});
}

Task<void> SyslogConnection::run_reader(SyslogLinkPtr link, Task<void> reading) {
  Task<void> lost = until_lost(link);
  co_await first_to_end(std::move(reading), std::move(lost));
}

Task<Status> SyslogConnection::connect(SyslogLinkPtr& link) {
  Result<std::unique_ptr<ByteStream>> made =
      co_await world_.connector->connect(settings_.address, settings_.peer);
  if (!made.ok()) co_return made.error();
  link = make_link(std::move(made).value());
  NewLink made_link(link);
  world_.tasks->spawn("syslog reader", run_reader(link, read(link)));
  Task<Status> beginning = begin(link);
  const Status begun = co_await std::move(beginning);
  if (begun.ok()) made_link.good();
  co_return begun;
}

Task<Status> SyslogConnection::connect_unless_closed() {
  std::optional<Status> outcome;
  SyslogLinkPtr link;
  Task<void> connecting = store(connect(link), outcome);
  Task<void> closing = until_closed(changed_, closed_);
  co_await first_to_end(std::move(connecting), std::move(closing));
  const Error ends{ErrorKind::unavailable, "the exporter ends"};
  if (closed_ && link) link->lose(ends);
  if (closed_ || !outcome) co_return ends;
  if (outcome->ok()) link_ = std::move(link);
  co_return *outcome;
}

Task<WriteOutcome> SyslogConnection::send(SyslogBatch batch, WriteProgress& progress) {
  Sending sending(*this, progress);
  if (closed_) co_return syslog_failure({ErrorKind::unavailable, "the exporter ends"});
  // Those that were on a lost connection are to come back first, or the order of records would suffer.
  if (std::exchange(renew_, false) && link_ && !link_->lost) {
    const SyslogLinkPtr old = std::exchange(link_, nullptr);
    Task<void> ending = end(old);
    co_await std::move(ending);
    while (old->pending > 0) co_await old->changed.wait();
    if (old->gave_back) co_return syslog_failure(*old->lost);
  }
  if (link_ && link_->lost && link_->pending > 0) co_return syslog_failure(*link_->lost);
  if (link_ && link_->lost) link_.reset();
  if (!link_) {
    Task<Status> connecting = connect_unless_closed();
    const Status connected = co_await std::move(connecting);
    if (!connected.ok()) co_return syslog_failure(connected.error());
  }
  const SyslogLinkPtr link = link_;
  const PendingWrite pending(link);
  Task<WriteOutcome> transmitting = transmit(link, std::move(batch), sending);
  WriteOutcome outcome = co_await std::move(transmitting);
  if (outcome.verdict != Verdict::delivered) link->gave_back = true;
  co_return outcome;
}

Task<Status> SyslogConnection::greet() {
  SyslogLinkPtr link;
  Task<Status> connecting = connect(link);
  const Status connected = co_await std::move(connecting);
  if (!connected.ok()) co_return connected;
  Task<void> ending = end(link);
  co_await std::move(ending);
  co_return Status();
}

Task<void> SyslogConnection::close() {
  closed_ = true;
  changed_.ring();
  if (const SyslogLinkPtr link = std::exchange(link_, nullptr); link && !link->lost) {
    Task<void> ending = end(link);
    co_await std::move(ending);
  }
  while (sending_) co_await changed_.wait();
}

}  // namespace auditferry
