#pragma once
// The ports through which exporters speak protocols that are not HTTP. net/ implements them over Asio.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/peer_settings.h"
#include "core/result.h"
#include "core/task.h"

namespace auditferry {

// An established, ordered stream of bytes. The destructor closes it at once (without close_notify). Loop
// thread only; one reader and one writer at a time. Deadlines are the caller's; a cancelled operation
// leaves the stream fit for nothing but closing.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  // Up to `size` bytes; 0 is an orderly end (FIN, under TLS only after close_notify). ErrorKind::connect,
  // or tls when the far end refuses our certificate.
  virtual Task<Result<std::size_t>> read_some(char* into, std::size_t size) = 0;
  // All of it is handed to the system when it returns, which is no proof that the far end has it.
  virtual Task<Status> write(std::string_view bytes) = 0;
  // Tells the far end that nothing follows: close_notify under TLS, and a FIN. Reading goes on.
  virtual Task<Status> finish() = 0;

  // Bytes below TLS, so ciphertext where there is TLS. Both count from the same beginning and only grow:
  // what was handed to the system, and how much of it the far end's system has acknowledged (Linux:
  // TCP_INFO tcpi_bytes_acked and SIOCOUTQ; a Unix socket counts what the peer has read). The far end's
  // program may have read none of it.
  struct Counters {
    std::uint64_t handed_over = 0;
    std::uint64_t acknowledged = 0;
  };
  virtual Result<Counters> counters() const = 0;
};

// Where a stream or a datagram goes: a host and a port, or the path of a Unix socket.
struct PeerAddress {
  std::string host;  // a name, or an IP literal without brackets
  std::uint16_t port = 0;
  bool tls = false;
  std::string unix_path;  // not empty: host, port and tls are not used
};

class Connector {
 public:
  virtual ~Connector() = default;
  // Resolves, connects, and with `to.tls` shakes hands, each within settings.connect_timeout. Errors name
  // the peer and what to check.
  virtual Task<Result<std::unique_ptr<ByteStream>>> connect(PeerAddress to, PeerSettings settings) = 0;
};

// A socket that sends datagrams to one peer. Loop thread only.
class Datagram {
 public:
  virtual ~Datagram() = default;
  // Sends one datagram. ErrorKind::too_large when the system refuses its size, connect when it says that
  // nobody listens (an ICMP answer to an earlier datagram, or a Unix socket without reader).
  virtual Task<Status> send(std::string_view datagram) = 0;
};

class DatagramMaker {
 public:
  virtual ~DatagramMaker() = default;
  // Resolves and makes a connected UDP socket, or connects to a Unix datagram socket.
  virtual Task<Result<std::unique_ptr<Datagram>>> open(PeerAddress to, PeerSettings settings) = 0;
};

}  // namespace auditferry
