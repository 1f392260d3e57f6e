#include "exporters/far_hosts.h"

#include <algorithm>
#include <utility>

namespace auditferry {
namespace {

constexpr Duration avoid_for = std::chrono::seconds(30);

}  // namespace

bool needs_another_host(const Result<HttpResponse>& answer) {
  return !answer.ok() || is_out_of_reach(answer->status);
}

FarHosts::FarHosts(const std::vector<std::string>& urls, const HttpPeerWords& words, Clock& clock) : clock_(clock) {
  for (const std::string& url : urls) hosts_.push_back({url, {peer_of(url), words.url_key, words.credential_key}, {}, {}, false});
}

std::vector<std::size_t> FarHosts::order() const {
  std::vector<std::size_t> all;
  const SteadyTime now = clock_.steady_now();
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    const std::size_t host = (current_ + i) % hosts_.size();
    if (hosts_[host].closed_until <= now) all.push_back(host);
  }
  std::stable_partition(all.begin(), all.end(), [&](std::size_t i) { return hosts_[i].avoid_until <= now; });
  return all;
}

std::optional<Duration> FarHosts::wait() const {
  SteadyTime first = SteadyTime::max();
  for (const Host& host : hosts_) first = std::min(first, host.closed_until);
  const SteadyTime now = clock_.steady_now();
  return first > now ? std::optional<Duration>(first - now) : std::nullopt;
}

void FarHosts::worked(std::size_t host) {
  current_ = host;
  hosts_[host].avoid_until = {};
  hosts_[host].has_failed = false;
}

bool FarHosts::failed(std::size_t host, std::optional<Duration> retry_after) {
  const SteadyTime now = clock_.steady_now();
  hosts_[host].avoid_until = now + avoid_for;
  // With one host alone the wait is that of all delivery, which whoever asks here is told anyway.
  if (retry_after && hosts_.size() > 1) hosts_[host].closed_until = now + *retry_after;
  return !std::exchange(hosts_[host].has_failed, true) && hosts_.size() > 1;
}

void FarHosts::failed(std::size_t host, WriteOutcome& outcome, Log& log, const std::string& exporter) {
  if (failed(host, outcome.retry_after)) log.warn(outcome.reason + "; the other hosts are asked meanwhile", {{"exporter", exporter}});
  if (hosts_.size() > 1) outcome.retry_after = wait();
}

void FarHosts::forgive() {
  for (Host& host : hosts_) host.avoid_until = {};
}

}  // namespace auditferry
