#include "tests/support/nginx_front.h"

#include <csignal>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

#include "tests/support/raw_socket.h"

namespace auditferry {
namespace {

constexpr std::chrono::seconds front_patience(60);

bool listens(std::uint16_t port) {
  const RawSocket probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return connect(probe.descriptor(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

}  // namespace

NginxFront::NginxFront(std::string folder, const CertificateFiles& own, const std::string& client_ca_file, std::uint16_t behind)
    : folder_(std::move(folder)), port_(RawSocket::on_loopback(SOCK_STREAM).port()) {
  const std::string unpacked = std::string(AUDITFERRY_RECEIVERS) + "/nginx/usr/sbin/nginx";
  for (const std::string& path : {unpacked, std::string("/usr/sbin/nginx")}) {
    if (program_.empty() && access(path.c_str(), X_OK) == 0) program_ = path;
  }
  if (program_.empty()) throw std::runtime_error(unpacked + " is missing: run scripts/install-dependencies --tests, which unpacks it");
  std::ofstream config(folder_ + "/nginx.conf");
  config << "daemon off;\nmaster_process off;\npid " << folder_ << "/nginx.pid;\nerror_log " << folder_ << "/nginx.log info;\n"
         << "events { worker_connections 256; }\nhttp {\n  access_log off;\n  client_max_body_size 64m;\n";
  for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"})
    config << "  " << kind << "_temp_path " << folder_ << "/nginx-" << kind << ";\n";
  config << "  server {\n    listen 127.0.0.1:" << port_ << " ssl;\n    ssl_certificate " << own.cert_file << ";\n    ssl_certificate_key "
         << own.key_file << ";\n    ssl_client_certificate " << client_ca_file << ";\n    ssl_verify_client on;\n"
         << "    location / {\n      proxy_pass http://127.0.0.1:" << behind
         << ";\n      proxy_http_version 1.1;\n      proxy_set_header Connection \"\";\n    }\n  }\n}\n";
}

bool NginxFront::start() {
  process_ = std::make_unique<ChildProcess>(
      std::vector<std::string>{program_, "-p", folder_, "-e", folder_ + "/nginx.log", "-c", folder_ + "/nginx.conf"},
      std::map<std::string, std::string>{}, folder_ + "/nginx.out");
  const auto until = std::chrono::steady_clock::now() + front_patience;
  while (std::chrono::steady_clock::now() < until && process_->runs()) {
    if (listens(port_)) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

bool NginxFront::stop(int signal) {
  process_->signal(signal);
  return process_->wait(front_patience).has_value();
}

std::string NginxFront::url(const std::string& target) const {
  return "https://127.0.0.1:" + std::to_string(port_) + target;
}

std::string NginxFront::said() const {
  std::string all;
  for (const char* name : {"/nginx.out", "/nginx.log"}) {
    std::ifstream file(folder_ + name, std::ios::binary);
    all.append(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return all;
}

}  // namespace auditferry
