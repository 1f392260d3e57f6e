#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/exporter.h"
#include "core/http_client.h"
#include "core/log.h"
#include "exporters/http_sink.h"

namespace auditferry {

// No connection, or 502, 503 or 504: another host of the same far end may do better.
bool needs_another_host(const Result<HttpResponse>& answer);

// The addresses at which one far end is reached, of which any will do. One that has failed is left alone for half a
// minute, as long as there is another; one that has asked to wait, until then in any case. Loop thread only; the clock
// outlives it.
class FarHosts {
 public:
  // `words`: the settings that lead there; the peer is that of each address.
  FarHosts(const std::vector<std::string>& urls, const HttpPeerWords& words, Clock& clock);

  std::size_t size() const { return hosts_.size(); }
  const std::string& url(std::size_t host) const { return hosts_[host].url; }
  const HttpPeerWords& who(std::size_t host) const { return hosts_[host].who; }

  // In the order in which they are to be tried: from the one that worked last; those that are left alone come last, and
  // those that have asked to wait are left out.
  std::vector<std::size_t> order() const;
  // How long nobody may be asked; nothing: there is one that may.
  std::optional<Duration> wait() const;
  void worked(std::size_t host);
  // True where somebody should be told: there are others, and this one had not failed since it last worked.
  bool failed(std::size_t host, std::optional<Duration> retry_after = std::nullopt);
  // The same after a write that ended so: where there are others, somebody is told, and it waits as wait() says.
  void failed(std::size_t host, WriteOutcome& outcome, Log& log, const std::string& exporter);
  // None is left alone any more, but for those that have asked to wait: an operator has done something.
  void forgive();

 private:
  struct Host {
    std::string url;
    HttpPeerWords who;
    SteadyTime avoid_until{};
    SteadyTime closed_until{};
    bool has_failed = false;
  };
  Clock& clock_;
  std::vector<Host> hosts_;
  std::size_t current_ = 0;
};

}  // namespace auditferry
