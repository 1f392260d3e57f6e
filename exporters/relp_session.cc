#include "exporters/relp_session.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "encoding/time_format.h"

namespace auditferry {
namespace {

// Transactions without answer at any time, so that a receiver that answers late is kept busy.
constexpr std::size_t window = 10'000;
constexpr std::size_t portion_bytes = 64u << 10;
constexpr Duration watch_step = std::chrono::seconds(1);
constexpr Duration longest_farewell = std::chrono::seconds(15);

// Words of the far end, for a message of ours: one line, not endless.
std::string quote(std::string_view words) {
  std::string text(words.substr(0, 200));
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return "\"" + text + "\"";
}

// Whether an offer "NAME=A,B" of the answer to "open" holds `value`.
bool offers(std::string_view data, std::string_view name, std::string_view value) {
  while (!data.empty()) {
    const std::string_view line = data.substr(0, data.find('\n'));
    data.remove_prefix(std::min(data.size(), line.size() + 1));
    const std::size_t equals = line.find('=');
    if (equals == line.npos || line.substr(0, equals) != name) continue;
    for (std::string_view values = line.substr(equals + 1); !values.empty();) {
      const std::string_view one = values.substr(0, values.find(','));
      values.remove_prefix(std::min(values.size(), one.size() + 1));
      if (one == value) return true;
    }
  }
  return false;
}

}  // namespace

// Shared by its coroutine and its transactions.
struct RelpSession::Write {
  std::size_t unanswered = 0;
  std::vector<RecordOutcome> refused;
};

struct RelpSession::Link final : SyslogLink {
  using SyslogLink::SyslogLink;
  struct Transaction {
    std::shared_ptr<Write> write;  // none: a command of the protocol itself
    std::size_t index = 0;         // of the record
  };
  Duration patience{};
  RelpParser parser;
  std::uint32_t next_number = 1;
  std::unordered_map<std::uint32_t, Transaction> transactions;
  std::optional<RelpAnswer> control;  // the answer to the last command of the protocol itself
  SteadyTime last_progress{};
  bool watched = false;

  std::uint32_t begin_transaction(std::shared_ptr<Write> write, std::size_t index) {
    if (transactions.empty()) last_progress = clock.steady_now();
    const std::uint32_t number = next_number;
    next_number = number == largest_relp_number ? 1 : number + 1;
    transactions[number] = {std::move(write), index};
    return number;
  }

  Status take(const RelpFrame& frame) {
    if (frame.number == 0) {
      if (frame.command == "serverclose") return Error{ErrorKind::connect, "the receiver closes the session"};
      return {};  // a hint that we do not know
    }
    const auto found = transactions.find(frame.number);
    const std::optional<RelpAnswer> answer = parse_relp_answer(frame.data);
    if (frame.command != "rsp" || found == transactions.end() || !answer)
      return Error{ErrorKind::protocol, "an answer came that belongs to nothing: the session is begun anew"};
    const Transaction transaction = std::move(found->second);
    transactions.erase(found);
    last_progress = clock.steady_now();
    if (!transaction.write) {
      control = answer;
      return {};
    }
    --transaction.write->unanswered;
    if (answer->status != 200) {
      transaction.write->refused.push_back(
          {transaction.index, Verdict::poison,
           "the receiver refused it with " + std::to_string(answer->status) + " " + quote(answer->words)});
    }
    return {};
  }
};

SyslogLinkPtr RelpSession::make_link(std::unique_ptr<ByteStream> stream) {
  auto link = std::make_shared<Link>(world().loop, world().clock, std::move(stream), settings().peer_name());
  link->patience = settings().peer.timeout;
  return link;
}

Task<void> RelpSession::read(SyslogLinkPtr link) {
  return read_answers(std::static_pointer_cast<Link>(std::move(link)));
}

Task<void> RelpSession::read_answers(std::shared_ptr<Link> link) {
  std::array<char, 16384> bytes{};
  std::vector<RelpFrame> frames;
  while (!link->lost) {
    const Result<std::size_t> count = co_await link->stream->read_some(bytes.data(), bytes.size());
    Status fine;
    if (!count.ok()) {
      fine = count.error();
    } else if (*count == 0) {
      fine = Error{ErrorKind::connect, "the receiver closed the connection"};
    } else {
      frames.clear();
      fine = link->parser.feed(std::string_view(bytes.data(), *count), frames);
      // What came before something wrong is right.
      for (const RelpFrame& frame : frames) {
        const Status taken = link->take(frame);
        if (taken.ok()) continue;
        fine = taken;
        break;
      }
      link->changed.ring();
    }
    if (!fine.ok()) link->lose(with_context(link->peer, fine.error()));
  }
}

Task<void> RelpSession::watch(std::shared_ptr<Link> link) {
  while (!link->lost && !link->transactions.empty()) {
    Task<void> lost = until_lost(link);
    Task<void> next = link->clock.sleep(std::min(watch_step, link->patience));
    co_await first_to_end(std::move(lost), std::move(next));
    if (link->transactions.empty() || link->clock.steady_now() - link->last_progress < link->patience)
      continue;
    link->lose({ErrorKind::timeout, link->peer + " has answered nothing for " +
                                        format_duration(link->patience) + ": see what holds it up"});
  }
  link->watched = false;
}

void RelpSession::start_watch(const std::shared_ptr<Link>& link) {
  if (std::exchange(link->watched, true)) return;
  world().tasks->spawn("relp watch", watch(link));
}

Task<void> RelpSession::until_answered(std::shared_ptr<Link> link) {
  while (!link->lost && !link->transactions.empty()) co_await link->changed.wait();
}

Task<void> RelpSession::until_control_answered(std::shared_ptr<Link> link) {
  while (!link->lost && !link->control) co_await link->changed.wait();
}

// A command of the protocol itself; its answer is in link->control then.
Task<Status> RelpSession::command(std::shared_ptr<Link> link, std::string_view name, std::string data,
                                  Duration limit) {
  link->control.reset();
  std::string frame;
  append_relp_frame(link->begin_transaction(nullptr, 0), name, data, frame);
  Task<Status> writing = write_to_link(link, frame, limit);
  const Status written = co_await std::move(writing);
  if (!written.ok()) co_return written;
  Task<void> answered = until_control_answered(link);
  Task<void> late = link->clock.sleep(limit);
  co_await first_to_end(std::move(answered), std::move(late));
  if (link->control) co_return Status();
  if (link->lost) co_return *link->lost;
  co_return Error{ErrorKind::timeout,
                  link->peer + " did not answer in time: check that this port is the receiver's RELP input"};
}

Task<Status> RelpSession::begin(SyslogLinkPtr base) {
  const auto link = std::static_pointer_cast<Link>(base);
  std::string wishes = "relp_version=0\nrelp_software=auditferry," AUDITFERRY_VERSION "\ncommands=syslog";
  Task<Status> opening = command(link, "open", std::move(wishes), settings().peer.connect_timeout);
  const Status opened = co_await std::move(opening);
  if (!opened.ok()) co_return opened;
  const RelpAnswer& answer = *link->control;
  if (answer.status != 200) {
    co_return Error{ErrorKind::permission, link->peer +
                                               " refuses a RELP session: " + std::to_string(answer.status) +
                                               " " + quote(answer.words) + "; see its log"};
  }
  if (!offers(answer.data, "commands", "syslog"))
    co_return Error{ErrorKind::unsupported,
                    link->peer + " does not take syslog messages over RELP: see its configuration"};
  co_return Status();
}

// Frames of the next messages, as many as the window and a portion have room for.
std::string RelpSession::portion(Link& link, const SyslogBatch& batch, std::size_t& next,
                                 const std::shared_ptr<Write>& write) {
  std::string frames;
  while (next < batch.messages.size() && link.transactions.size() < window && frames.size() < portion_bytes) {
    const SyslogBatch::Message& message = batch.messages[next++];
    ++write->unanswered;
    append_relp_frame(link.begin_transaction(write, message.index), "syslog", batch.view(message), frames);
  }
  return frames;
}

Task<WriteOutcome> RelpSession::transmit(SyslogLinkPtr base, SyslogBatch batch, WriteProgress& progress) {
  const auto link = std::static_pointer_cast<Link>(base);
  const auto write = std::make_shared<Write>();
  for (std::size_t next = 0; next < batch.messages.size();) {
    if (link->lost) co_return syslog_failure(*link->lost);
    const std::string frames = portion(*link, batch, next, write);
    start_watch(link);
    if (frames.empty()) {
      co_await link->changed.wait();
      continue;
    }
    Task<Status> writing = write_to_link(link, frames, settings().peer.timeout);
    const Status written = co_await std::move(writing);
    if (!written.ok()) co_return syslog_failure(written.error());
  }
  batch = SyslogBatch();
  progress.sent();
  while (write->unanswered > 0 && !link->lost) co_await link->changed.wait();
  if (write->unanswered > 0) co_return syslog_failure(*link->lost);
  WriteOutcome outcome;
  outcome.records = std::move(write->refused);
  std::sort(outcome.records.begin(), outcome.records.end(),
            [](const RecordOutcome& a, const RecordOutcome& b) { return a.index < b.index; });
  co_return outcome;
}

Task<void> RelpSession::end(SyslogLinkPtr base) {
  const auto link = std::static_pointer_cast<Link>(base);
  const Duration patience = std::min(settings().peer.timeout, longest_farewell);
  Task<void> answered = until_answered(link);
  Task<void> late = link->clock.sleep(patience);
  co_await first_to_end(std::move(answered), std::move(late));
  if (link->lost) co_return;
  if (link->transactions.empty() && !link->writing) {
    Task<Status> closing = command(link, "close", "", std::min(patience, Duration(std::chrono::seconds(2))));
    const Status closed = co_await std::move(closing);
    static_cast<void>(closed);  // whatever it answers, the connection ends
  }
  Task<void> finishing = finish_link(link, std::chrono::seconds(2));
  co_await std::move(finishing);
}

}  // namespace auditferry
