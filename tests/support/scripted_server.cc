#include "tests/support/scripted_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>

namespace auditferry {

struct ScriptedServer::State {
  std::vector<ConnectionScript> scripts;
  int listener = -1;
  int stop = -1;  // readable when the server is to end
  std::uint16_t port = 0;
  std::thread thread;
  mutable std::mutex mutex;
  std::vector<std::string> requests;
  std::atomic<std::size_t> connections = 0;

  // False when the server is to end, or after `milliseconds` (-1: none).
  bool wait_for(int descriptor, int milliseconds) const {
    std::array<pollfd, 2> wanted = {{{stop, POLLIN, 0}, {descriptor, POLLIN, 0}}};
    const int ready = poll(wanted.data(), descriptor >= 0 ? 2 : 1, milliseconds);
    return ready > 0 && (wanted[0].revents & POLLIN) == 0;
  }

  // False at the end of the connection.
  bool read_request(int socket) {
    std::string text;
    while (true) {
      const std::size_t head = text.find("\r\n\r\n");
      if (head != std::string::npos) {
        const std::size_t length = text.find("Content-Length: ");
        const std::size_t body = length == std::string::npos || length > head
                                     ? 0
                                     : std::strtoul(text.c_str() + length + 16, nullptr, 10);
        if (text.size() >= head + 4 + body) break;
      }
      std::array<char, 65536> bytes{};
      if (!wait_for(socket, -1)) return false;
      const ssize_t got = recv(socket, bytes.data(), bytes.size(), 0);
      if (got <= 0) return false;
      text.append(bytes.data(), static_cast<std::size_t>(got));
    }
    const std::scoped_lock lock(mutex);
    requests.push_back(std::move(text));
    return true;
  }

  void hang(int socket) const {
    std::array<char, 65536> bytes{};
    while (wait_for(socket, -1)) {
      if (recv(socket, bytes.data(), bytes.size(), 0) <= 0) return;
    }
  }

  static bool send_all(int socket, std::string_view rest) {
    while (!rest.empty()) {
      const ssize_t sent = send(socket, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      rest.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  void tunnel(int near, std::uint16_t to) const {
    const int far = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(to);
    bool open = connect(far, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    while (open) {
      std::array<pollfd, 3> wanted = {{{stop, POLLIN, 0}, {near, POLLIN, 0}, {far, POLLIN, 0}}};
      open = poll(wanted.data(), wanted.size(), -1) > 0 && wanted[0].revents == 0;
      for (const auto& [from, into] : {std::pair{1, far}, std::pair{2, near}}) {
        std::array<char, 65536> bytes{};
        if (!open || wanted[static_cast<std::size_t>(from)].revents == 0) continue;
        const ssize_t got = recv(wanted[static_cast<std::size_t>(from)].fd, bytes.data(), bytes.size(), 0);
        open = got > 0 && send_all(into, {bytes.data(), static_cast<std::size_t>(got)});
      }
    }
    close(far);
  }

  bool take(const ServerStep& step, int socket) {
    switch (step.kind) {
      case ServerStep::Kind::read_request:
        return read_request(socket);
      case ServerStep::Kind::write:
        return send_all(socket, step.text);
      case ServerStep::Kind::hang:
        hang(socket);
        return false;
      case ServerStep::Kind::delay:
        wait_for(-1, step.milliseconds);
        return true;
      case ServerStep::Kind::reset: {
        const linger now{1, 0};
        setsockopt(socket, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        return false;
      }
      case ServerStep::Kind::half_close:
        shutdown(socket, SHUT_WR);
        hang(socket);
        return false;
      case ServerStep::Kind::tunnel:
        tunnel(socket, step.port);
        return false;
    }
    return false;
  }

  void run() {
    while (wait_for(listener, -1)) {
      const int socket = accept(listener, nullptr, nullptr);
      if (socket < 0) continue;
      // A client that never reads must not hold the server up at its end.
      const timeval patience{2, 0};
      setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
      const std::size_t number = connections++;
      for (const ServerStep& step : scripts[std::min(number, scripts.size() - 1)]) {
        if (!take(step, socket)) break;
      }
      close(socket);
    }
  }
};

ScriptedServer::ScriptedServer(std::vector<ConnectionScript> scripts) : state_(std::make_unique<State>()) {
  state_->scripts = std::move(scripts);
  state_->stop = eventfd(0, EFD_CLOEXEC);
  state_->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(state_->listener, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(state_->listener, 16) != 0 ||
      getsockname(state_->listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("ScriptedServer: cannot listen");
  }
  state_->port = ntohs(address.sin_port);
  state_->thread = std::thread([state = state_.get()] { state->run(); });
}

ScriptedServer::~ScriptedServer() {
  eventfd_write(state_->stop, 1);
  state_->thread.join();
  close(state_->listener);
  close(state_->stop);
}

std::uint16_t ScriptedServer::port() const {
  return state_->port;
}

std::string ScriptedServer::url(std::string_view target) const {
  return "http://127.0.0.1:" + std::to_string(port()) + std::string(target);
}

std::vector<std::string> ScriptedServer::requests() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->requests;
}

std::size_t ScriptedServer::connections() const {
  return state_->connections;
}

std::string http_answer(int status, std::string_view body, std::string_view more_headers) {
  return "HTTP/1.1 " + std::to_string(status) + " Words\r\n" + std::string(more_headers) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

}  // namespace auditferry
