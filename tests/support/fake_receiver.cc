#include "tests/support/fake_receiver.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "core/task_group.h"

namespace auditferry {
namespace {

Error reset_error() {
  return {ErrorKind::connect, "the connection broke: reset by the far end"};
}

}  // namespace

class FakeReceiver::Stream final : public ByteStream {
 public:
  Stream(FakeReceiver& owner, std::shared_ptr<Wire> wire) : owner_(owner), wire_(std::move(wire)) {}
  // The client's system sends what it has, so the receiver reads it all the same.
  ~Stream() override {
    wire_->client_finished = true;
    wire_->changed.ring();
  }

  Task<Result<std::size_t>> read_some(char* into, std::size_t size) override {
    if (owner_.fails()) break_wire(*wire_);
    for (;;) {
      if (wire_->broken) co_return reset_error();
      if (wire_->alert) co_return *wire_->alert;
      owner_.settle(*wire_);
      if (!wire_->answers.empty()) {
        const std::size_t count = wire_->answers.copy(into, size);
        wire_->answers.erase(0, count);
        co_return count;
      }
      const bool stands = owner_.hangs || owner_.deaf || owner_.takes_nothing;
      const bool returns =
          wire_->client_finished && wire_->buffer.empty() && owner_.closes_in_return && !stands;
      if (wire_->closed || returns) co_return std::size_t{0};
      if (wire_->buffer.empty() || stands) {
        co_await wire_->changed.wait();
        continue;
      }
      Task<void> due = owner_.clock_.sleep(wire_->buffer.front().due - owner_.clock_.steady_now());
      Task<void> change = wire_->changed.wait();
      co_await first_to_end(std::move(due), std::move(change));
    }
  }

  Task<Status> write(std::string_view bytes) override {
    if (owner_.fails()) {
      take(bytes.substr(0, bytes.size() / 2));
      owner_.settle(*wire_);
      break_wire(*wire_);
    }
    co_await owner_.until_room(*wire_);
    if (wire_->broken) co_return reset_error();
    take(bytes);
    co_return Status();
  }

  Task<Status> finish() override {
    if (owner_.fails()) break_wire(*wire_);
    co_await owner_.until_room(*wire_);
    if (wire_->broken) co_return reset_error();
    wire_->client_finished = true;
    wire_->changed.ring();
    co_return Status();
  }

  Result<Counters> counters() const override {
    if (owner_.fails()) break_wire(*wire_);
    if (wire_->broken) return reset_error();
    if (!owner_.deaf) wire_->acknowledged = wire_->handed_over;
    return Counters{wire_->handed_over, wire_->acknowledged};
  }

 private:
  void take(std::string_view bytes) {
    wire_->handed_over += bytes.size();
    wire_->buffer.push_back({owner_.clock_.steady_now() + owner_.reading_delay, std::string(bytes)});
    wire_->changed.ring();
  }
  FakeReceiver& owner_;
  std::shared_ptr<Wire> wire_;
};

class FakeReceiver::Socket final : public Datagram {
 public:
  explicit Socket(FakeReceiver& owner) : owner_(owner) {}
  Task<Status> send(std::string_view datagram) override {
    if (owner_.fails() || owner_.refused_) co_return Error{ErrorKind::connect, "nobody listens"};
    while (owner_.takes_nothing) co_await owner_.clock_.sleep(std::chrono::seconds(1));
    if (datagram.size() > 60000) co_return Error{ErrorKind::too_large, "a datagram of that size is not sent"};
    owner_.datagrams_.emplace_back(datagram);
    co_return Status();
  }

 private:
  FakeReceiver& owner_;
};

void FakeReceiver::break_wire(Wire& wire) {
  wire.broken = true;
  wire.buffer.clear();
  wire.changed.ring();
}

Task<void> FakeReceiver::until_room(Wire& wire) {
  while (takes_nothing && !wire.broken) co_await wire.changed.wait();
}

void FakeReceiver::settle(Wire& wire) {
  if (hangs || deaf || takes_nothing) return;
  while (!wire.buffer.empty() && wire.buffer.front().due <= clock_.steady_now()) {
    wire.conversation += wire.buffer.front().bytes;
    wire.buffer.pop_front();
  }
  if (speaks_ == Speaks::relp) answer(wire);
}

// Enough of RELP for a client that makes no mistakes; a mistake ends the process.
void FakeReceiver::answer(Wire& wire) {
  for (;;) {
    const std::string_view rest = std::string_view(wire.conversation).substr(wire.answered);
    const std::size_t one = rest.find(' ');
    const std::size_t two = one == rest.npos ? rest.npos : rest.find(' ', one + 1);
    const std::size_t three = two == rest.npos ? rest.npos : rest.find_first_of(" \n", two + 1);
    if (three == rest.npos) return;
    const std::string number(rest.substr(0, one));
    const std::string_view command = rest.substr(one + 1, two - one - 1);
    const std::size_t length =
        std::strtoul(std::string(rest.substr(two + 1, three - two - 1)).c_str(), nullptr, 10);
    const std::size_t data_begin = length > 0 ? three + 1 : three;
    if (rest.size() < data_begin + length + 1) return;
    if (rest[data_begin + length] != '\n') std::abort();
    const std::string_view data = rest.substr(data_begin, length);
    std::string reply = "200 OK";
    if (command == "open") {
      reply = welcome;
    } else if (command == "syslog") {
      if (!refuses.empty() && data.find(refuses) != data.npos) {
        reply = "500 not this one";
      } else {
        wire.accepted.emplace_back(data);
      }
    } else if (command == "close") {
      wire.closed = true;
    } else {
      std::abort();
    }
    wire.answers += number + " rsp " + std::to_string(reply.size()) + " " + reply + "\n";
    wire.answered += data_begin + length + 1;
  }
}

std::vector<std::string> FakeReceiver::messages() {
  std::vector<std::string> all = datagrams_;
  for (const auto& wire : wires_) {
    if (!wire->broken) settle(*wire);
    if (speaks_ == Speaks::relp) {
      all.insert(all.end(), wire->accepted.begin(), wire->accepted.end());
      continue;
    }
    std::string_view rest = wire->conversation;
    while (!rest.empty()) {
      std::size_t begin = 0;
      std::size_t length = rest.find('\n');
      std::size_t whole = length + 1;
      if (speaks_ == Speaks::octet_counting) {
        begin = rest.find(' ') + 1;
        if (begin == 0) break;
        length = std::strtoul(std::string(rest.substr(0, begin - 1)).c_str(), nullptr, 10);
        whole = begin + length;
      } else if (length == rest.npos) {
        break;
      }
      if (whole > rest.size()) break;
      all.emplace_back(rest.substr(begin, length));
      rest.remove_prefix(whole);
    }
  }
  return all;
}

std::uint64_t FakeReceiver::bytes_handed_over() const {
  std::uint64_t bytes = 0;
  for (const auto& wire : wires_) bytes += wire->handed_over;
  return bytes;
}

void FakeReceiver::kill() {
  for (const auto& wire : wires_) {
    if (wire->broken) continue;
    settle(*wire);
    break_wire(*wire);
  }
}

void FakeReceiver::end() {
  for (const auto& wire : wires_) {
    if (wire->broken) continue;
    for (Wire::Piece& piece : wire->buffer) piece.due = clock_.steady_now();
    settle(*wire);
    wire->closed = true;
    wire->changed.ring();
  }
}

void FakeReceiver::fail_reading(const Error& error) {
  for (const auto& wire : wires_) {
    wire->alert = error;
    wire->changed.ring();
  }
}

void FakeReceiver::say(std::string_view bytes) {
  for (const auto& wire : wires_) {
    wire->answers += bytes;
    wire->changed.ring();
  }
}

Task<Result<std::unique_ptr<ByteStream>>> FakeReceiver::connect(PeerAddress, PeerSettings) {
  if (connecting_takes > Duration::zero()) co_await clock_.sleep(connecting_takes);
  if (refusal != nullptr) co_return *refusal;
  if (fails() || refused_)
    co_return Error{ErrorKind::connect, "cannot connect to the receiver: check that it runs"};
  auto wire = std::make_shared<Wire>(executor_);
  wires_.push_back(wire);
  co_return std::unique_ptr<ByteStream>(std::make_unique<Stream>(*this, std::move(wire)));
}

Task<Result<std::unique_ptr<Datagram>>> FakeReceiver::open(PeerAddress, PeerSettings) {
  if (fails()) co_return Error{ErrorKind::resolve, "cannot find the address of the receiver"};
  co_return std::unique_ptr<Datagram>(std::make_unique<Socket>(*this));
}

}  // namespace auditferry
