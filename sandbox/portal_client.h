#pragma once

#include "core/clock.h"
#include "core/http_client.h"
#include "sandbox/portal.h"

namespace auditferry {

// Asks a Portal in memory as the real client would ask it over the network: waits are waits of the Clock,
// broken connections become the same errors, content codings are removed, max_body_bytes holds (cut_body is not
// known, since nobody asks a portal for it).
// Loop thread only; portal and clock outlive it.
class PortalHttpClient final : public HttpClient {
 public:
  PortalHttpClient(Portal& portal, Clock& clock, Duration timeout = std::chrono::seconds(60))
      : portal_(portal), clock_(clock), timeout_(timeout) {}

  Task<Result<HttpResponse>> send(HttpRequest request) override;

  // While true nothing can be reached (ErrorKind::connect), and the portal does not see the request.
  void set_unreachable(bool unreachable) { unreachable_ = unreachable; }
  // Passes between a request and its answer; half of it before the portal looks at the request.
  void set_latency(Duration latency) { latency_ = latency; }
  // Of the requests that waited for their answers at the same time.
  int most_in_flight() const { return most_in_flight_; }

 private:
  Task<Result<HttpResponse>> answer(HttpRequest request);

  Portal& portal_;
  Clock& clock_;
  Duration timeout_;
  Duration latency_{};
  bool unreachable_ = false;
  int in_flight_ = 0;
  int most_in_flight_ = 0;
};

}  // namespace auditferry
