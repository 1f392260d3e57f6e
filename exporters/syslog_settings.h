#pragma once

#include <cstdint>
#include <string>

#include "config/secret_reader.h"
#include "config/toml_reader.h"
#include "core/byte_stream.h"
#include "core/peer_settings.h"
#include "core/time.h"

namespace auditferry {

enum class SyslogTransport { udp, tcp, tls, unix_datagram, unix_stream, relp, relp_tls };
enum class SyslogProtocol { rfc5424, rfc3164 };
enum class SyslogFraming { octet_counting, newline };  // RFC 6587 sections 3.4.1 and 3.4.2
enum class SyslogOversize { dead_letter, truncate };

// RFC 5424 section 6.2.1, table 2.
enum class SyslogSeverity : std::uint8_t { emergency, alert, critical, error, warning, notice, info, debug };

// What is said of a record by its severity.
struct SyslogSeverities {
  SyslogSeverity usual = SyslogSeverity::info;
  SyslogSeverity failure = SyslogSeverity::warning;  // its outcome is a failure
  SyslogSeverity detection = SyslogSeverity::error;  // of a stream of detections
  SyslogSeverity gap = SyslogSeverity::error;        // not a record: some are missing
};

// The keys of an exporter of type "syslog"; docs/syslog.md explains them.
struct SyslogSettings {
  SyslogTransport transport = SyslogTransport::tcp;
  PeerAddress address;
  PeerSettings peer;
  SyslogProtocol protocol = SyslogProtocol::rfc5424;
  SyslogFraming framing = SyslogFraming::octet_counting;  // streams only, not RELP
  std::uint32_t max_message = 8192;                       // octets of a message, without its framing
  SyslogOversize oversize = SyslogOversize::dead_letter;
  Duration linger = std::chrono::seconds(10);  // TCP, TLS and Unix streams
  std::uint8_t facility = 16;                  // local0; RFC 5424 section 6.2.1, table 1
  SyslogSeverities severities;
  std::string hostname;  // empty: this machine's name
  std::string app_name = "auditferry";
  std::uint32_t enterprise_number = 32473;  // IANA's number for examples (RFC 5612)
  bool structured_data = true;
  bool bom = false;

  // For messages: "tls://logs.example.com:6514".
  std::string peer_name() const;
};

// Reads and checks; problems are reported to the table.
SyslogSettings read_syslog_settings(TomlTable& table, const SecretPlaces& places);

}  // namespace auditferry
