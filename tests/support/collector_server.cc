#include "tests/support/collector_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <list>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

namespace auditferry {
namespace {

std::optional<std::size_t> content_length(const std::string& head) {
  constexpr std::string_view name = "\r\ncontent-length:";
  for (std::size_t at = 0; at + name.size() < head.size(); ++at) {
    if (strncasecmp(head.data() + at, name.data(), name.size()) == 0)
      return std::strtoull(head.c_str() + at + name.size(), nullptr, 10);
  }
  return std::nullopt;
}

// Appends what comes; false at the end of the connection.
bool receive(int socket, std::string& buffer) {
  char bytes[65536];
  const ssize_t count = recv(socket, bytes, sizeof bytes, 0);
  if (count <= 0) return false;
  buffer.append(bytes, static_cast<std::size_t>(count));
  return true;
}

bool send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

}  // namespace

struct CollectorServer::State {
  explicit State(Handler handler_in) : handler(std::move(handler_in)) {}

  struct Connection {
    int socket = -1;
    bool over = false;
    std::thread thread;
  };

  Handler handler;
  int listener = -1;
  std::uint16_t port = 0;
  std::mutex handling;
  std::mutex mutex;  // of what follows
  std::list<Connection> connections;
  bool ending = false;
  std::thread accepting;

  void accept_all() {
    for (;;) {
      const int socket = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      const std::scoped_lock lock(mutex);
      if (ending || socket < 0) {
        if (socket >= 0) close(socket);
        if (ending) return;
        continue;
      }
      forget_those_that_are_over();
      const int yes = 1;
      setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
      Connection& connection = connections.emplace_back();
      connection.socket = socket;
      connection.thread = std::thread([this, &connection] { serve(connection); });
    }
  }

  void forget_those_that_are_over() {
    for (auto connection = connections.begin(); connection != connections.end();) {
      if (!connection->over) {
        ++connection;
        continue;
      }
      connection->thread.join();
      close(connection->socket);
      connection = connections.erase(connection);
    }
  }

  void serve(Connection& connection) {
    answer_all(connection.socket);
    shutdown(connection.socket, SHUT_RDWR);
    // Its number stays taken until it is forgotten, so that nobody else's is shut down.
    const std::scoped_lock lock(mutex);
    connection.over = true;
  }

  void answer_all(int socket) {
    std::string buffer;
    for (;;) {
      std::size_t end = 0;
      while ((end = buffer.find("\r\n\r\n")) == buffer.npos) {
        if (!receive(socket, buffer)) return;
      }
      Request request;
      request.head = buffer.substr(0, end + 2);
      buffer.erase(0, end + 4);
      const std::size_t length = content_length(request.head).value_or(0);
      while (buffer.size() < length) {
        if (!receive(socket, buffer)) return;
      }
      request.body = buffer.substr(0, length);
      buffer.erase(0, length);
      std::string answer;
      {
        const std::scoped_lock lock(handling);
        answer = handler(request);
      }
      if (!send_all(socket, answer) || answer.find("Connection: close\r\n") != answer.npos) return;
    }
  }
};

CollectorServer::CollectorServer(Handler handler) : state_(std::make_unique<State>(std::move(handler))) {
  State& state = *state_;
  state.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (state.listener < 0 || bind(state.listener, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      listen(state.listener, 128) != 0 || getsockname(state.listener, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("CollectorServer: cannot listen on 127.0.0.1");
  state.port = ntohs(address.sin_port);
  state.accepting = std::thread([&state] { state.accept_all(); });
}

CollectorServer::~CollectorServer() {
  {
    const std::scoped_lock lock(state_->mutex);
    state_->ending = true;
    for (const State::Connection& connection : state_->connections) shutdown(connection.socket, SHUT_RDWR);
  }
  shutdown(state_->listener, SHUT_RDWR);  // ends accept4()
  state_->accepting.join();
  for (State::Connection& connection : state_->connections) {
    connection.thread.join();
    close(connection.socket);
  }
  close(state_->listener);
}

std::uint16_t CollectorServer::port() const {
  return state_->port;
}

std::string CollectorServer::url(const std::string& target) const {
  return "http://127.0.0.1:" + std::to_string(state_->port) + target;
}

}  // namespace auditferry
