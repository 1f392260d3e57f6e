#pragma once
// What the system knows of the bytes that were handed to a socket. A file of its own: the kernel's header
// with the counters and the C library's, which Asio includes, exclude each other.

#include <cstdint>

#include "core/result.h"

namespace auditferry {

// As ByteStream::Counters.
struct SocketCounters {
  std::uint64_t handed_over = 0;
  std::uint64_t acknowledged = 0;
};

// Of a TCP socket: TCP_INFO's tcpi_bytes_acked (RFC 4898: tcpEStatsAppHCThruOctetsAcked; it counts SYN and
// FIN too) and SIOCOUTQ, read so that they belong together. Still answers after the connection has ended.
Result<SocketCounters> tcp_counters(int socket);

// Of a Unix stream socket: bytes that the peer has not read. The kernel counts the memory they take, which
// is more than they are, and exactly nothing once all has been read.
Result<std::uint64_t> unread_by_unix_peer(int socket);

}  // namespace auditferry
