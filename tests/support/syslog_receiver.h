#pragma once
// Real receivers of syslog, started for a test on free ports of 127.0.0.1 and ended by it.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/task.h"
#include "sandbox/test_certificates.h"
#include "tests/support/child_process.h"

namespace auditferry {

// What listens, and how: the configurations are those of docs/syslog.md.
enum class ReceiverInput {
  rsyslog_udp,
  rsyslog_tcp,
  rsyslog_tls,
  rsyslog_relp,
  rsyslog_relp_tls,
  rsyslog_unix,
  syslog_ng_tcp,
  syslog_ng_tls,
  syslog_ng_unix_stream,
};

// A program that writes every message it gets, as it came, as a line of a file.
class SyslogReceiver {
 public:
  // `folder` exists and outlives it. `queue`: rsyslog has its usual queue in memory, which a kill empties.
  // Throws std::runtime_error, with words that say how to install it,
  // when the program is missing.
  SyslogReceiver(ReceiverInput input, std::string folder, std::optional<CertificateFiles> tls = std::nullopt,
                 std::string client_ca = "", bool queue = false);

  // Starts it; false when it does not listen within ten seconds. At most one runs at a time.
  Task<bool> start(Clock& clock);
  // SIGKILL or SIGTERM, and until it is gone.
  Task<void> stop(Clock& clock, int signal);

  std::uint16_t port() const { return port_; }
  std::string unix_path() const { return folder_ + "/log"; }
  // What it has written so far.
  std::vector<std::string> lines() const;
  // What it has said about itself.
  std::string output() const { return process_ ? process_->output() : ""; }

 private:
  std::string configuration() const;
  bool listens() const;

  ReceiverInput input_;
  std::string folder_;
  std::optional<CertificateFiles> tls_;
  std::string client_ca_;
  bool queue_;
  std::uint16_t port_ = 0;
  std::vector<std::string> command_;
  std::unique_ptr<ChildProcess> process_;
};

}  // namespace auditferry
