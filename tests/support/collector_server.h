#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace auditferry {

// An HTTP/1.1 server on 127.0.0.1 for many connections and requests, each connection with a thread of its own: the far
// end of exporters in tests and benchmarks. Bodies have a Content-Length. An answer with "Connection: close" ends its
// connection.
class CollectorServer {
 public:
  struct Request {
    std::string head;  // the request line and the headers
    std::string body;
  };
  // The whole answer (http_answer() of scripted_server.h makes one). Called by one thread at a time.
  using Handler = std::function<std::string(const Request& request)>;

  // Listens when the constructor returns.
  explicit CollectorServer(Handler handler);
  // Ends every connection.
  ~CollectorServer();
  CollectorServer(const CollectorServer&) = delete;
  CollectorServer& operator=(const CollectorServer&) = delete;

  std::uint16_t port() const;
  std::string url(const std::string& target = "/") const;  // "http://127.0.0.1:PORT/"

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace auditferry
