#pragma once
// What sd_notify(3) sends to, on the test's own socket.

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>
#include <vector>

namespace auditferry {

class NotifySocket {
 public:
  explicit NotifySocket(const std::string& path) : descriptor_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    EXPECT_LT(path.size(), sizeof(address.sun_path));
    std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    EXPECT_EQ(::bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0) << std::strerror(errno);
  }
  ~NotifySocket() { ::close(descriptor_); }
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;
  // Whether so many messages that begin like this have come, or come within the limit.
  bool hears(const std::string& beginning, int times = 1, std::chrono::seconds limit = std::chrono::seconds(120)) {
    const auto until = std::chrono::steady_clock::now() + limit;
    while (count(beginning) < times) {
      if (std::chrono::steady_clock::now() >= until) return false;
      pollfd waiting{descriptor_, POLLIN, 0};
      if (::poll(&waiting, 1, 100) <= 0) continue;
      char text[4096];
      const ssize_t length = ::recv(descriptor_, text, sizeof(text), 0);
      if (length >= 0) heard_.emplace_back(text, static_cast<std::size_t>(length));
    }
    return true;
  }
  int count(const std::string& beginning) const {
    int found = 0;
    for (const std::string& message : heard_) found += message.starts_with(beginning) ? 1 : 0;
    return found;
  }
  // One message a line, in the order in which they came.
  std::string text() const {
    std::string all;
    for (const std::string& message : heard_) all += message + "\n";
    return all;
  }

 private:
  int descriptor_;
  std::vector<std::string> heard_;
};

}  // namespace auditferry
