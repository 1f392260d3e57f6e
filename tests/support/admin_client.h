#pragma once
// Asks the admin listener of a program under test.

#include <arpa/inet.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "tests/support/raw_socket.h"

namespace auditferry {

// Where it listens, as the program has said; 0: it has not said so yet.
inline std::uint16_t admin_port(const std::string& said) {
  const std::string mark = "admin listens on http://127.0.0.1:";
  const std::size_t at = said.find(mark);
  return at == said.npos ? std::uint16_t{0} : static_cast<std::uint16_t>(std::atoi(said.c_str() + at + mark.size()));
}

// The whole answer, its head too; "" when nobody listens.
inline std::string admin_page(std::uint16_t port, const std::string& path) {
  RawSocket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  if (::connect(socket.descriptor(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return "";
  socket.send("GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
  std::string all;
  for (std::string some = socket.receive(); !some.empty(); some = socket.receive()) all += some;
  return all;
}

}  // namespace auditferry
