#include "bench/discard_sink.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "exporters/relp_frame.h"
#include "sandbox/test_certificates.h"
#include "tests/support/collector_server.h"

namespace auditferry {
namespace {

constexpr std::size_t buffer_bytes = 256u << 10;

int listen_on_loopback(int type) {
  const int socket = ::socket(AF_INET, type | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("cannot bind to 127.0.0.1");
  if (type == SOCK_STREAM) listen(socket, 16);
  return socket;
}

std::string address_of(int socket) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  return "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
}

// One connection after the other is handed to `serve`, which returns at its end. Lives until the process ends.
class StreamSink : public DiscardSink {
 public:
  using Serve = std::function<void(int socket, std::atomic<std::uint64_t>& bytes)>;
  StreamSink(int listener, std::string address, Serve serve) : listener_(listener), address_(std::move(address)), serve_(std::move(serve)) {
    std::thread([this] {
      for (;;) {
        const int socket = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (socket < 0) continue;
        std::thread([this, socket] {
          serve_(socket, bytes_);
          close(socket);
        }).detach();
      }
    }).detach();
  }
  std::string address() const override { return address_; }
  std::uint64_t bytes() const override { return bytes_; }

 private:
  int listener_;
  std::string address_;
  Serve serve_;
  std::atomic<std::uint64_t> bytes_{0};
};

void discard(int socket, std::atomic<std::uint64_t>& bytes) {
  std::vector<char> buffer(buffer_bytes);
  for (ssize_t count = 0; (count = recv(socket, buffer.data(), buffer.size(), 0)) > 0;) bytes += static_cast<std::uint64_t>(count);
}

void answer_relp(int socket, std::atomic<std::uint64_t>& bytes) {
  std::vector<char> buffer(buffer_bytes);
  RelpParser parser;
  for (ssize_t count = 0; (count = recv(socket, buffer.data(), buffer.size(), 0)) > 0;) {
    bytes += static_cast<std::uint64_t>(count);
    std::vector<RelpFrame> frames;
    if (!parser.feed({buffer.data(), static_cast<std::size_t>(count)}, frames)) return;
    std::string answers;
    for (const RelpFrame& frame : frames) {
      const bool open = frame.command == "open";
      append_relp_frame(frame.number, "rsp", open ? "200 OK\nrelp_version=0\nrelp_software=bench\ncommands=syslog" : "200 OK", answers);
      if (frame.command == "close") append_relp_frame(0, "serverclose", "", answers);
    }
    if (send(socket, answers.data(), answers.size(), MSG_NOSIGNAL) < 0) return;
  }
}

// What the sink sends of its own is nothing but the handshake.
StreamSink::Serve tls_discard(const std::string& folder) {
  Result<TestCertificates> authority = TestCertificates::make(folder);
  if (!authority) throw std::runtime_error(authority.error().message);
  const Result<CertificateFiles> files = authority->issue_for_loopback();
  if (!files) throw std::runtime_error(files.error().message);
  SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
  if (SSL_CTX_use_certificate_chain_file(context, files->cert_file.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, files->key_file.c_str(), SSL_FILETYPE_PEM) != 1)
    throw std::runtime_error("the certificate cannot be used");
  return [context](int socket, std::atomic<std::uint64_t>& bytes) {
    SSL* const session = SSL_new(context);
    SSL_set_fd(session, socket);
    std::vector<char> buffer(buffer_bytes);
    if (SSL_accept(session) == 1) {
      for (int count = 0; (count = SSL_read(session, buffer.data(), static_cast<int>(buffer.size()))) > 0;)
        bytes += static_cast<std::uint64_t>(count);
      SSL_shutdown(session);
    }
    SSL_free(session);
  };
}

class DatagramSink final : public DiscardSink {
 public:
  DatagramSink() : socket_(listen_on_loopback(SOCK_DGRAM)) {
    std::thread([this] {
      std::vector<char> buffer(buffer_bytes);
      for (;;) {
        const ssize_t count = recv(socket_, buffer.data(), buffer.size(), 0);
        if (count <= 0) continue;
        bytes_ += static_cast<std::uint64_t>(count);
        ++datagrams_;
      }
    }).detach();
  }
  std::string address() const override { return address_of(socket_); }
  std::uint64_t bytes() const override { return bytes_; }
  std::uint64_t datagrams() const override { return datagrams_; }

 private:
  int socket_;
  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<std::uint64_t> datagrams_{0};
};

std::string answer(std::string_view body) {
  return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

class HttpDiscard final : public DiscardSink {
 public:
  explicit HttpDiscard(std::string kind)
      : kind_(std::move(kind)), server_([this](const CollectorServer::Request& request) { return take(request); }) {}
  std::string address() const override { return "127.0.0.1:" + std::to_string(server_.port()); }
  std::uint64_t bytes() const override { return bytes_; }

 private:
  std::string take(const CollectorServer::Request& request) {
    bytes_ += request.body.size();
    if (kind_ == "splunk") return answer(splunk(request));
    if (kind_ == "elasticsearch") return answer(bulk(request));
    return answer(kind_ == "otlp" ? "" : "{}");
  }
  // Everything is indexed as soon as it is asked for.
  std::string splunk(const CollectorServer::Request& request) {
    if (request.head.find("/services/collector/ack") == std::string::npos)
      return "{\"text\":\"Success\",\"code\":0,\"ackId\":" + std::to_string(next_ack_++) + "}";
    std::string acks;
    std::string id;
    for (const char c : request.body) {
      if (c >= '0' && c <= '9') {
        id += c;
      } else if (!id.empty()) {
        acks += (acks.empty() ? "\"" : ",\"") + id + "\":true";
        id.clear();
      }
    }
    return "{\"acks\":{" + acks + "}}";
  }
  static std::string bulk(const CollectorServer::Request& request) {
    std::string items;
    for (auto left = std::count(request.body.begin(), request.body.end(), '\n') / 2; left > 0; --left)
      items += items.empty() ? "{\"create\":{\"status\":201}}" : ",{\"create\":{\"status\":201}}";
    return "{\"errors\":false,\"items\":[" + items + "]}";
  }
  std::string kind_;
  std::atomic<std::uint64_t> bytes_{0};
  std::uint64_t next_ack_ = 0;
  CollectorServer server_;
};

}  // namespace

std::unique_ptr<DiscardSink> make_discard_sink(const std::string& kind, const std::string& folder) {
  if (kind == "udp") return std::make_unique<DatagramSink>();
  if (kind == "unix_stream") {
    const std::string path = folder + "/socket";
    const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || listen(listener, 16) != 0)
      throw std::runtime_error("cannot listen on " + path);
    return std::make_unique<StreamSink>(listener, path, discard);
  }
  if (kind == "tcp" || kind == "tls" || kind == "relp") {
    const StreamSink::Serve serve = kind == "tls" ? tls_discard(folder) : kind == "relp" ? answer_relp : discard;
    const int listener = listen_on_loopback(SOCK_STREAM);
    return std::make_unique<StreamSink>(listener, address_of(listener), serve);
  }
  return std::make_unique<HttpDiscard>(kind);
}

}  // namespace auditferry
