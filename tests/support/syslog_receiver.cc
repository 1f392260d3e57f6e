#include "tests/support/syslog_receiver.h"

#include <unistd.h>

#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "tests/support/raw_socket.h"

namespace auditferry {
namespace {

constexpr const char* rsyslog_program = "/usr/sbin/rsyslogd";

bool is_udp(ReceiverInput input) {
  return input == ReceiverInput::rsyslog_udp;
}
bool is_rsyslog(ReceiverInput input) {
  return input != ReceiverInput::syslog_ng_tcp && input != ReceiverInput::syslog_ng_tls &&
         input != ReceiverInput::syslog_ng_unix_stream;
}

// A port that nobody has at this moment.
std::uint16_t free_port(int type) {
  return RawSocket::on_loopback(type).port();
}

void replace(std::string& text, const std::string& what, const std::string& with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size())
    text.replace(at, what.size(), with);
}

constexpr const char* rsyslog_frame = R"(global(workDirectory="@FOLDER@" maxMessageSize="64k"@GLOBAL@)
@QUEUE@template(name="asItCame" type="string" string="%rawmsg%\n")
@INPUT@
action(type="omfile" file="@FOLDER@/out" template="asItCame")
)";

std::string rsyslog_input(ReceiverInput input) {
  switch (input) {
    case ReceiverInput::rsyslog_udp:
      return "module(load=\"imudp\")\ninput(type=\"imudp\" address=\"127.0.0.1\" port=\"@PORT@\")";
    case ReceiverInput::rsyslog_tcp:
      return "module(load=\"imtcp\")\ninput(type=\"imtcp\" address=\"127.0.0.1\" port=\"@PORT@\")";
    case ReceiverInput::rsyslog_tls:
      return "module(load=\"imtcp\" streamDriver.name=\"ossl\" streamDriver.mode=\"1\" "
             "streamDriver.authMode=\"x509/certvalid\")\n"
             "input(type=\"imtcp\" address=\"127.0.0.1\" port=\"@PORT@\")";
    case ReceiverInput::rsyslog_relp:
      return "module(load=\"imrelp\")\ninput(type=\"imrelp\" address=\"127.0.0.1\" port=\"@PORT@\" "
             "maxDataSize=\"64k\")";
    case ReceiverInput::rsyslog_relp_tls:
      return "module(load=\"imrelp\" tls.tlslib=\"openssl\")\n"
             "input(type=\"imrelp\" address=\"127.0.0.1\" port=\"@PORT@\" maxDataSize=\"64k\" tls=\"on\" "
             "tls.caCert=\"@CA@\" tls.myCert=\"@CERT@\" tls.myPrivKey=\"@KEY@\" tls.authMode=\"certvalid\")";
    case ReceiverInput::rsyslog_unix:
      return "module(load=\"imuxsock\" sysSock.use=\"off\")\ninput(type=\"imuxsock\" socket=\"@FOLDER@/log\" "
             "useSpecialParser=\"off\" rateLimit.interval=\"0\")";
    default:
      return "";
  }
}

constexpr const char* syslog_ng_frame = R"(@version: 3.38
options { use-dns(no); dns-cache(no); keep-hostname(yes); log-msg-size(65536); };
source ferry {
  @SOURCE@
};
destination file { file("@FOLDER@/out" template("${RAWMSG}\n")); };
log { source(ferry); destination(file); };
)";

// Whether /proc/net/PROTOCOL has a socket of 127.0.0.1 with this port that listens.
bool has_socket(const char* protocol, std::uint16_t port) {
  std::ifstream table(std::string("/proc/net/") + protocol);
  char wanted[64];
  std::snprintf(wanted, sizeof wanted, " 0100007F:%04X 00000000:0000 %s ", static_cast<unsigned>(port),
                std::string_view(protocol) == "tcp" ? "0A" : "07");
  for (std::string line; std::getline(table, line);) {
    if (line.find(wanted) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

SyslogReceiver::SyslogReceiver(ReceiverInput input, std::string folder, std::optional<CertificateFiles> tls,
                               std::string client_ca, bool queue)
    : input_(input),
      folder_(std::move(folder)),
      tls_(std::move(tls)),
      client_ca_(std::move(client_ca)),
      queue_(queue) {
  port_ = free_port(is_udp(input) ? SOCK_DGRAM : SOCK_STREAM);
  const std::string unpacked = std::string(AUDITFERRY_RECEIVERS) + "/syslog-ng";
  const std::string program = is_rsyslog(input) ? rsyslog_program : unpacked + "/usr/sbin/syslog-ng";
  if (access(program.c_str(), X_OK) != 0)
    throw std::runtime_error(
        program +
        " is missing: run scripts/install-dependencies, which installs rsyslog and unpacks syslog-ng");
  const std::string config = folder_ + "/receiver.conf";
  if (is_rsyslog(input)) {
    command_ = {program, "-n", "-iNONE", "-f", config};
  } else {
    command_ = {program, "--module-path=" + unpacked + "/usr/lib/syslog-ng/3.38",
                "-F",    "--no-caps",
                "-f",    config,
                "-R",    folder_ + "/persist",
                "-p",    folder_ + "/pid",
                "-c",    folder_ + "/control"};
  }
  std::ofstream(config, std::ios::binary) << configuration();
}

std::string SyslogReceiver::configuration() const {
  std::string text = is_rsyslog(input_) ? rsyslog_frame : syslog_ng_frame;
  // Messages are worked on before they are acknowledged: no queue in memory stands between.
  replace(text, "@QUEUE@", queue_ ? "" : "main_queue(queue.type=\"direct\")\n");
  replace(text, "@INPUT@", rsyslog_input(input_));
  replace(text, "@GLOBAL@",
          input_ == ReceiverInput::rsyslog_tls
              ? " defaultNetstreamDriver=\"ossl\" defaultNetstreamDriverCAFile=\"@CA@\" "
                "defaultNetstreamDriverCertFile=\"@CERT@\" defaultNetstreamDriverKeyFile=\"@KEY@\""
              : "");
  replace(text, "@SOURCE@",
          input_ == ReceiverInput::syslog_ng_unix_stream
              ? "unix-stream(\"@FOLDER@/log\" flags(\"store-raw-message\"));"
              : "syslog(ip(\"127.0.0.1\") port(@PORT@) @TRANSPORT@ flags(\"store-raw-message\"));");
  replace(text, "@TRANSPORT@",
          input_ == ReceiverInput::syslog_ng_tls
              ? "transport(\"tls\") tls(key-file(\"@KEY@\") cert-file(\"@CERT@\") ca-file(\"@CA@\") "
                "peer-verify(required-trusted))"
              : "transport(\"tcp\")");
  replace(text, "@FOLDER@", folder_);
  replace(text, "@PORT@", std::to_string(port_));
  if (tls_) {
    replace(text, "@CA@", client_ca_);
    replace(text, "@CERT@", tls_->cert_file);
    replace(text, "@KEY@", tls_->key_file);
  }
  return text;
}

bool SyslogReceiver::listens() const {
  if (input_ == ReceiverInput::rsyslog_unix || input_ == ReceiverInput::syslog_ng_unix_stream) {
    const int type = input_ == ReceiverInput::rsyslog_unix ? SOCK_DGRAM : SOCK_STREAM;
    RawSocket probe(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    unix_path().copy(address.sun_path, sizeof address.sun_path - 1);
    return connect(probe.descriptor(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  return has_socket(is_udp(input_) ? "udp" : "tcp", port_);
}

Task<bool> SyslogReceiver::start(Clock& clock) {
  const std::string libraries = std::string(AUDITFERRY_RECEIVERS) + "/syslog-ng/usr/lib/syslog-ng";
  process_ = std::make_unique<ChildProcess>(
      command_,
      is_rsyslog(input_) ? std::map<std::string, std::string>()
                         : std::map<std::string, std::string>{{"LD_LIBRARY_PATH", libraries}},
      folder_ + "/said");
  for (int i = 0; i < 1000; ++i) {
    if (listens()) co_return true;
    if (!process_->runs()) co_return false;
    co_await clock.sleep(std::chrono::milliseconds(10));
  }
  co_return false;
}

Task<void> SyslogReceiver::stop(Clock& clock, int signal) {
  process_->signal(signal);
  for (int i = 0; i < 1000 && process_->runs(); ++i) co_await clock.sleep(std::chrono::milliseconds(2));
}

std::vector<std::string> SyslogReceiver::lines() const {
  std::ifstream file(folder_ + "/out", std::ios::binary);
  std::vector<std::string> all;
  for (std::string line; std::getline(file, line);) all.push_back(line);
  return all;
}

}  // namespace auditferry
