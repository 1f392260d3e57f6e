#pragma once
// A TCP server that does to each connection exactly what its script says, on a thread of its own.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace auditferry {

struct ServerStep {
  enum class Kind {
    read_request,  // up to the end of a header and of the body that Content-Length counts
    write,         // `text`, all of it
    hang,          // until the client closes or the server is stopped
    delay,         // `milliseconds`
    reset,         // a TCP reset
    half_close,    // a FIN; then hang
    tunnel,        // carries bytes to and from 127.0.0.1:`port` until one side closes
  };
  Kind kind = Kind::hang;
  std::string text;
  int milliseconds = 0;
  std::uint16_t port = 0;

  static ServerStep read_request() { return {Kind::read_request, "", 0, 0}; }
  static ServerStep write(std::string text) { return {Kind::write, std::move(text), 0, 0}; }
  static ServerStep hang() { return {Kind::hang, "", 0, 0}; }
  static ServerStep delay(int milliseconds) { return {Kind::delay, "", milliseconds, 0}; }
  static ServerStep reset() { return {Kind::reset, "", 0, 0}; }
  static ServerStep half_close() { return {Kind::half_close, "", 0, 0}; }
  static ServerStep tunnel(std::uint16_t port) { return {Kind::tunnel, "", 0, port}; }
};

// The connection is closed after the last step.
using ConnectionScript = std::vector<ServerStep>;

class ScriptedServer {
 public:
  // The n-th connection follows the n-th script; later ones the last. Connections are served one after the
  // other. Listens when the constructor returns.
  explicit ScriptedServer(std::vector<ConnectionScript> scripts);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::uint16_t port() const;
  std::string url(std::string_view target = "/") const;  // "http://127.0.0.1:PORT/"
  // What read_request has read.
  std::vector<std::string> requests() const;
  std::size_t connections() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A status line, "Content-Length" and the body.
std::string http_answer(int status, std::string_view body, std::string_view more_headers = {});

}  // namespace auditferry
