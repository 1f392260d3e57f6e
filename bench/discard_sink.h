#pragma once
// Far ends that take everything and keep nothing, for bench/exporters: as cheap as can be, so that what is measured
// is the exporter.

#include <cstdint>
#include <memory>
#include <string>

namespace auditferry {

class DiscardSink {
 public:
  virtual ~DiscardSink() = default;
  // What a configuration names it by: "127.0.0.1:PORT", or the path of a socket.
  virtual std::string address() const = 0;
  // Taken so far.
  virtual std::uint64_t bytes() const = 0;
  // Datagrams; 0 where it does not count.
  virtual std::uint64_t datagrams() const { return 0; }
};

// Kinds: tcp, tls, unix_stream, udp, relp, http, splunk, elasticsearch. Files (a socket, a certificate with its
// authority's ca.pem) go to `folder`. Throws std::runtime_error.
std::unique_ptr<DiscardSink> make_discard_sink(const std::string& kind, const std::string& folder);

}  // namespace auditferry
