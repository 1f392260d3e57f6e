#pragma once
// The real HTTP client with everything it needs, in real time.

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/task_group.h"
#include "net/http_client.h"
#include "net/resolver.h"
#include "net/tls_context.h"
#include "tests/support/real_loop.h"
#include "tests/support/recording_log.h"

namespace auditferry {

// Names that resolve to what a test says, at once, or never ("dead...").
class FakeResolver final : public Resolver {
 public:
  explicit FakeResolver(Clock& clock) : clock_(clock) {}
  std::vector<std::string> addresses = {"127.0.0.1"};

  Task<Result<std::vector<std::string>>> resolve(std::string host, Duration limit) override {
    if (host.starts_with("dead")) {
      co_await clock_.sleep(limit);
      co_return Error{ErrorKind::resolve, "cannot find the address of " + host};
    }
    co_return addresses;
  }

 private:
  Clock& clock_;
};

class HttpFixture {
 public:
  HttpFixture() : resolver(loop.clock()) {
    settings.connect_timeout = std::chrono::seconds(5);
    settings.timeout = std::chrono::seconds(5);
  }

  RealLoop loop;
  FakeResolver resolver;
  TlsContexts contexts;
  ProxyEnvironment environment;
  PeerSettings settings;
  RecordingLog log;

  // Made at the first use, from the settings as they are then.
  BeastHttpClient& client() {
    if (!client_)
      client_ = std::make_unique<BeastHttpClient>(loop.executor(), loop.clock(), resolver, contexts,
                                                  environment, settings, log);
    return *client_;
  }
  void new_client() { client_.reset(); }

  Result<HttpResponse> send(HttpRequest request) {
    std::optional<Result<HttpResponse>> result;
    loop.run(send_into(std::move(request), result));
    return std::move(*result);
  }
  Result<HttpResponse> get(std::string url) {
    HttpRequest request;
    request.url = std::move(url);
    return send(std::move(request));
  }
  // Starts the request, waits until `arrived` is true (or 2 s), cancels it. True: it unwound in time.
  template <class Condition>
  bool cancelled_when(std::string url, Condition arrived) {
    HttpRequest request;
    request.url = std::move(url);
    std::optional<Result<HttpResponse>> result;
    TaskGroup group(loop.executor());
    group.spawn("request", send_into(std::move(request), result));
    for (int i = 0; i < 400 && !arrived(); ++i) loop.run_for(std::chrono::milliseconds(5));
    loop.run_for(std::chrono::milliseconds(5));
    const bool in_flight = !group.empty();
    group.cancel();
    const auto before = std::chrono::steady_clock::now();
    loop.run(group.join());
    return in_flight && !result && std::chrono::steady_clock::now() - before < std::chrono::seconds(1);
  }

 private:
  Task<void> send_into(HttpRequest request, std::optional<Result<HttpResponse>>& result) {
    result.emplace(co_await client().send(std::move(request)));
  }
  std::unique_ptr<BeastHttpClient> client_;
};

}  // namespace auditferry
