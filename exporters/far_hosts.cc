#include "exporters/far_hosts.h"

#include <algorithm>

namespace auditferry {
namespace {

constexpr Duration avoid_for = std::chrono::seconds(30);

}  // namespace

bool needs_another_host(const Result<HttpResponse>& answer) {
  return !answer.ok() || is_out_of_reach(answer->status);
}

FarHosts::FarHosts(const std::vector<std::string>& urls, const HttpPeerWords& words, Clock& clock) : clock_(clock) {
  for (const std::string& url : urls) hosts_.push_back({url, {peer_of(url), words.url_key, words.credential_key}, {}});
}

std::vector<std::size_t> FarHosts::order() const {
  std::vector<std::size_t> all;
  for (std::size_t i = 0; i < hosts_.size(); ++i) all.push_back((current_ + i) % hosts_.size());
  const SteadyTime now = clock_.steady_now();
  std::stable_partition(all.begin(), all.end(), [&](std::size_t i) { return hosts_[i].avoid_until <= now; });
  return all;
}

void FarHosts::worked(std::size_t host) {
  current_ = host;
  hosts_[host].avoid_until = {};
}

void FarHosts::failed(std::size_t host) { hosts_[host].avoid_until = clock_.steady_now() + avoid_for; }

void FarHosts::forgive() {
  for (Host& host : hosts_) host.avoid_until = {};
}

}  // namespace auditferry
