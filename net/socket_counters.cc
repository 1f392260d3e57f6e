#include "net/socket_counters.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <limits>

namespace auditferry {
namespace {

// An acknowledgement between the two calls spoils a pair; more than a few in a row are not seen.
constexpr int attempts = 100;

Error no_counter(const char* what, int code) {
  return {ErrorKind::connect, std::string("the system does not tell what was acknowledged (") + what +
                                  "): " + std::strerror(code)};
}

Result<std::uint64_t> acknowledged_bytes(int socket) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return no_counter("TCP_INFO", errno);
  if (size < offsetof(tcp_info, tcpi_bytes_acked) + sizeof info.tcpi_bytes_acked) {
    return Error{
        ErrorKind::unsupported,
        "this kernel has no tcpi_bytes_acked (Linux 4.1 and later have it): use RELP or a newer kernel"};
  }
  return std::uint64_t{info.tcpi_bytes_acked};
}

Result<std::uint64_t> queued_bytes(int socket) {
  int queued = 0;
  if (ioctl(socket, SIOCOUTQ, &queued) != 0) return no_counter("SIOCOUTQ", errno);
  return static_cast<std::uint64_t>(std::max(queued, 0));
}

}  // namespace

Result<SocketCounters> tcp_counters(int socket) {
  SocketCounters counters{std::numeric_limits<std::uint64_t>::max(), 0};
  Result<std::uint64_t> before = acknowledged_bytes(socket);
  if (!before) return before.error();
  for (int i = 0; i < attempts; ++i) {
    const Result<std::uint64_t> queued = queued_bytes(socket);
    if (!queued) return queued.error();
    Result<std::uint64_t> after = acknowledged_bytes(socket);
    if (!after) return after.error();
    // Never too small: what is still queued may have been acknowledged since, not the other way round.
    counters.handed_over = std::min(counters.handed_over, *after + *queued);
    counters.acknowledged = *after;
    if (*after == *before) break;
    before = std::move(after);
  }
  return counters;
}

Result<std::uint64_t> unread_by_unix_peer(int socket) {
  return queued_bytes(socket);
}

}  // namespace auditferry
