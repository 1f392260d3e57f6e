#pragma once
// The far end of a connection under test, with plain system calls. Nothing here waits for longer than five
// seconds.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

namespace auditferry {

// Closes its descriptor.
class RawSocket {
 public:
  explicit RawSocket(int descriptor = -1) : descriptor_(descriptor) {}
  ~RawSocket() { close(); }
  RawSocket(RawSocket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  RawSocket& operator=(RawSocket&& other) noexcept {
    close();
    descriptor_ = std::exchange(other.descriptor_, -1);
    return *this;
  }

  // Bound to a free port of 127.0.0.1; streams listen.
  static RawSocket on_loopback(int type) {
    RawSocket made(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    made.bind_to(reinterpret_cast<sockaddr*>(&address), sizeof address, type);
    return made;
  }
  static RawSocket on_path(const std::string& path, int type) {
    RawSocket made(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    made.bind_to(reinterpret_cast<sockaddr*>(&address), sizeof address, type);
    return made;
  }

  std::uint16_t port() const {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
  }
  RawSocket accept() const {
    wait();
    return RawSocket(::accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC));
  }
  // What comes next; "" at the end.
  std::string receive(std::size_t limit = 65536) const {
    wait();
    std::string bytes(limit, '\0');
    const ssize_t count = recv(descriptor_, bytes.data(), bytes.size(), 0);
    bytes.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return bytes;
  }
  std::string receive_all(std::size_t size) const {
    std::string all;
    while (all.size() < size) {
      const std::string some = receive(size - all.size());
      if (some.empty()) break;
      all += some;
    }
    return all;
  }
  void send(std::string_view bytes) const { ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  // Closing sends a reset.
  void reset() {
    const linger now{1, 0};
    setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }
  void close() {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
  }
  int descriptor() const { return descriptor_; }

 private:
  void bind_to(const sockaddr* address, socklen_t size, int type) const {
    if (bind(descriptor_, address, size) != 0 || (type == SOCK_STREAM && listen(descriptor_, 16) != 0))
      throw std::runtime_error(std::string("cannot listen: ") + std::strerror(errno));
  }
  void wait() const {
    pollfd wanted{descriptor_, POLLIN, 0};
    if (poll(&wanted, 1, 5000) != 1) throw std::runtime_error("nothing came within five seconds");
  }
  int descriptor_;
};

}  // namespace auditferry
