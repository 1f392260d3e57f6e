#include "net/http_client.h"

#include <deque>
#include <utility>

#include "encoding/time_format.h"
#include "net/deadline.h"
#include "net/http_exchange.h"

namespace auditferry {
namespace {

// Servers commonly close after 60 s; a request that meets a closing connection costs a round trip.
constexpr Duration longest_idle = std::chrono::seconds(50);
constexpr std::size_t most_idle = 8;

struct IdleConnection {
  Origin origin;
  SteadyTime since;
  std::unique_ptr<Connection> connection;
};

}  // namespace

struct BeastHttpClient::State {
  State(Executor executor, Clock& clock_in, Resolver& resolver, TlsContexts& contexts,
        ProxyEnvironment environment, PeerSettings settings_in, Log& log_in)
      : maker(std::move(executor), clock_in, resolver, contexts, std::move(environment)),
        clock(clock_in),
        settings(std::move(settings_in)),
        log(log_in) {}

  std::unique_ptr<Connection> take_idle(const Origin& origin);
  void keep(const Origin& origin, std::unique_ptr<Connection> connection);
  Task<ExchangeOutcome> exchange_in_time(Connection& connection, const PreparedRequest& request);
  Task<Result<HttpResponse>> send_prepared(const PreparedRequest& request);

  ConnectionMaker maker;
  Clock& clock;
  PeerSettings settings;
  Log& log;
  std::deque<IdleConnection> idle;  // oldest first
};

std::unique_ptr<Connection> BeastHttpClient::State::take_idle(const Origin& origin) {
  const SteadyTime now = clock.steady_now();
  std::erase_if(idle, [now](const IdleConnection& each) { return now - each.since > longest_idle; });
  for (auto each = idle.end(); each != idle.begin();) {
    --each;
    if (each->origin != origin) continue;
    std::unique_ptr<Connection> connection = std::move(each->connection);
    each = idle.erase(each);
    if (connection->is_idle_and_open()) return connection;
  }
  return nullptr;
}

void BeastHttpClient::State::keep(const Origin& origin, std::unique_ptr<Connection> connection) {
  if (idle.size() >= most_idle) idle.pop_front();
  idle.push_back({origin, clock.steady_now(), std::move(connection)});
}

Task<ExchangeOutcome> BeastHttpClient::State::exchange_in_time(Connection& connection,
                                                               const PreparedRequest& request) {
  Task<ExchangeOutcome> running = exchange(connection, request, settings.tls);
  std::optional<ExchangeOutcome> outcome = co_await within(clock, settings.timeout, std::move(running));
  if (outcome) co_return std::move(*outcome);
  ExchangeOutcome late;
  late.begun = true;  // not to be tried again
  late.answer.emplace(Error{ErrorKind::timeout, request.origin.text() + " did not answer completely within " +
                                                    format_duration(settings.timeout) +
                                                    ": check the network, or raise timeout"});
  co_return late;
}

Task<Result<HttpResponse>> BeastHttpClient::State::send_prepared(const PreparedRequest& request) {
  std::unique_ptr<Connection> connection = take_idle(request.origin);
  bool reused = connection != nullptr;
  while (true) {
    if (!connection) {
      Origin origin = request.origin;
      PeerSettings peer = settings;
      Result<std::unique_ptr<Connection>> made = co_await maker.connect(std::move(origin), std::move(peer));
      if (!made.ok()) co_return made.error();
      connection = std::move(made).value();
    }
    ExchangeOutcome outcome = co_await exchange_in_time(*connection, request);
    if (reused && !outcome.begun && !outcome.answer->ok()) {
      // Most likely the server closed it while it was idle.
      connection.reset();
      reused = false;
      continue;
    }
    if (outcome.reusable) keep(request.origin, std::move(connection));
    co_return std::move(*outcome.answer);
  }
}

BeastHttpClient::BeastHttpClient(Executor executor, Clock& clock, Resolver& resolver, TlsContexts& contexts,
                                 ProxyEnvironment environment, PeerSettings settings, Log& log)
    : state_(std::make_unique<State>(std::move(executor), clock, resolver, contexts, std::move(environment),
                                     std::move(settings), log)) {}

BeastHttpClient::~BeastHttpClient() = default;

void BeastHttpClient::close_idle() {
  state_->idle.clear();
}

Task<Result<HttpResponse>> BeastHttpClient::send(HttpRequest request) {
  State& state = *state_;
  const Result<Url> url = parse_url(request.url);
  if (!url.ok()) co_return url.error();
  const Origin origin = url->origin;
  if (!origin.tls && !is_loopback(origin.host) && !state.settings.tls.insecure) {
    co_return Error{ErrorKind::invalid, "http:// to " + origin.text() +
                                            " would send credentials and records in the clear: use https://, "
                                            "or set tls.insecure = true if that network is safe"};
  }
  const Result<std::optional<ProxyAddress>> proxy = state.maker.proxy_for(origin, state.settings);
  if (!proxy.ok()) co_return proxy.error();
  const ProxyAddress* absolute = !origin.tls && *proxy ? &**proxy : nullptr;
  const std::string method = request.method;
  std::vector<LogField> fields = std::move(request.fields);
  const Result<PreparedRequest> prepared = prepare_request(std::move(request), state.settings, absolute);
  if (!prepared.ok()) co_return prepared.error();

  const SteadyTime start = state.clock.steady_now();
  Result<HttpResponse> answer = co_await state.send_prepared(*prepared);
  if (!answer.ok()) co_return answer;
  Status decoded = decode_body(*answer, *prepared);
  if (!decoded.ok()) co_return decoded.error();
  if (state.log.enabled(LogLevel::debug)) {
    for (LogField field : {LogField{"method", method}, LogField{"host", origin.text()}, LogField{"status", std::to_string(answer->status)},
                           LogField{"bytes", std::to_string(answer->body.size())},
                           LogField{"took", format_duration(state.clock.steady_now() - start)}}) {
      fields.push_back(std::move(field));
    }
    state.log.debug("request answered", fields);
  }
  co_return answer;
}

}  // namespace auditferry
