#pragma once
// A receiver of syslog in memory, with the system below it: bytes lie acknowledged in the system's buffer
// until its program reads them, and are gone when it is killed.

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/bell.h"
#include "core/byte_stream.h"
#include "core/clock.h"

namespace auditferry {

// Loop thread only; outlives its streams.
class FakeReceiver final : public Connector, public DatagramMaker {
 public:
  enum class Speaks { octet_counting, lines, relp };

  FakeReceiver(Executor executor, Clock& clock, Speaks speaks)
      : executor_(std::move(executor)), clock_(clock), speaks_(speaks) {}

  // How long bytes lie in the system's buffer before the program has them, and then works on them.
  Duration reading_delay{};
  // The system acknowledges nothing, as when the receiver's buffer is full or the network is gone.
  bool deaf = false;
  // The program reads nothing and answers nothing, the system goes on.
  bool hangs = false;
  // It reads nothing, and there is no more room in the systems' buffers: no write, end or datagram gets through.
  bool takes_nothing = false;
  // RELP: messages that hold this are refused with 500; "" none.
  std::string refuses;
  // RELP: the answer to "open".
  std::string welcome = "200 OK\nrelp_version=0\nrelp_software=fake\ncommands=syslog";
  // After the far end's FIN it closes too.
  bool closes_in_return = true;
  // Errors of connect(), while not null.
  const Error* refusal = nullptr;
  Duration connecting_takes{};

  // What the program has read, in the order of its connections; a piece at the end of one is thrown away.
  std::vector<std::string> messages();
  std::size_t connections() const { return wires_.size(); }
  std::uint64_t bytes_handed_over() const;

  void kill();  // the program dies and is started again: connections are reset, unread bytes are gone
  void end();   // the program reads everything, closes its connections, and is started again
  void refuse(bool on) {
    refused_ = on;
    if (on) kill();
  }
  // Gives up the memory of everything that has come so far, which must be whole messages.
  void forget() {
    for (const auto& wire : wires_) {
      wire->buffer.clear();
      std::string().swap(wire->conversation);
      wire->answered = 0;
    }
  }
  // Reading from all connections that are there fails with this from now on, as after an alert of TLS.
  void fail_reading(const Error& error);
  // All connections get these bytes from the receiver.
  void say(std::string_view bytes);

  // The n-th call from now (connecting, reading, writing, finishing, asking the counters, a datagram) fails
  // once and breaks its connection; a write has then handed over half of its bytes.
  void fail_at(std::uint64_t n) { fail_at_ = calls_ + n; }
  bool has_failed() const { return fail_at_ != 0 && calls_ >= fail_at_; }

  Task<Result<std::unique_ptr<ByteStream>>> connect(PeerAddress to, PeerSettings settings) override;
  Task<Result<std::unique_ptr<Datagram>>> open(PeerAddress to, PeerSettings settings) override;

 private:
  class Stream;
  class Socket;
  struct Wire {
    explicit Wire(Executor executor) : changed(std::move(executor)) {}
    Bell changed;
    struct Piece {
      SteadyTime due;
      std::string bytes;
    };
    std::deque<Piece> buffer;           // acknowledged, unread
    std::string conversation;           // read by the program
    std::size_t answered = 0;           // RELP: bytes of the conversation that are worked on
    std::vector<std::string> accepted;  // RELP
    std::string answers;                // to the client, unread by it
    bool broken = false;
    std::optional<Error> alert;
    bool client_finished = false;
    bool closed = false;  // by the receiver, in order
    std::uint64_t handed_over = 0;
    std::uint64_t acknowledged = 0;
  };

  bool fails() { return ++calls_ == fail_at_; }
  void settle(Wire& wire);
  void answer(Wire& wire);
  static void break_wire(Wire& wire);
  Task<void> until_room(Wire& wire);

  Executor executor_;
  Clock& clock_;
  Speaks speaks_;
  std::vector<std::shared_ptr<Wire>> wires_;
  std::vector<std::string> datagrams_;
  bool refused_ = false;
  std::uint64_t calls_ = 0;
  std::uint64_t fail_at_ = 0;
};

}  // namespace auditferry
