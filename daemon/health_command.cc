#include "daemon/health_command.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>

#include "config/config_file.h"
#include "core/log.h"
#include "core/random.h"
#include "daemon/life_signs.h"
#include "daemon/load_settings.h"
#include "daemon/network.h"
#include "daemon/text_report.h"
#include "net/system_clock.h"
#include "storage/state_dir.h"

namespace auditferry {
namespace {

constexpr Duration patience = std::chrono::seconds(3);

std::string first_line(const std::string& text) {
  return plain(text.substr(0, text.find('\n')));
}

Task<void> ask(std::string url, std::optional<HealthVerdict>& verdict) {
  SystemClock clock;
  NullLog log;
  Random random(0);
  const ProfileBook profiles;
  Network network(co_await boost::asio::this_coro::executor, clock, log, random, profiles);
  PeerSettings peer;
  peer.proxy = "none";
  peer.tls.insecure = true;  // plain HTTP also where the listener has an address of the network
  peer.connect_timeout = patience;
  peer.timeout = patience;
  const std::unique_ptr<BeastHttpClient> http = network.http(peer);
  verdict = co_await ask_health(*http, std::move(url));
  co_await network.end();
}

std::optional<HealthVerdict> ask_listener(std::string url) {
  boost::asio::io_context loop{1};
  std::optional<HealthVerdict> verdict;
  std::exception_ptr failure;
  boost::asio::co_spawn(loop, ask(std::move(url), verdict), [&](std::exception_ptr exception) {
    failure = exception;
    loop.stop();
  });
  loop.run();
  if (failure) std::rethrow_exception(failure);
  return verdict;
}

}  // namespace

std::optional<std::string> health_url(const AdminSettings& admin) {
  if (!admin.enabled || admin.port == 0) return std::nullopt;
  std::string host = admin.host;
  if (host == "0.0.0.0") host = "127.0.0.1";
  if (host == "::") host = "::1";
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  return "http://" + host + ":" + std::to_string(admin.port) + "/healthz";
}

Task<std::optional<HealthVerdict>> ask_health(HttpClient& http, std::string url) {
  HttpRequest request;
  request.url = std::move(url);
  request.max_body_bytes = 64u << 10;
  HttpRequest to_send = request;
  const Result<HttpResponse> response = co_await http.send(std::move(to_send));
  if (!response) {
    co_return HealthVerdict{false, "nothing answers at " + request.url + " (" + first_line(response.error().message) +
                                       "): has the daemon been started with this configuration?"};
  }
  if (response->status == 200) co_return HealthVerdict{true, "healthy: " + request.url + " answers"};
  if (response->status == 503) co_return HealthVerdict{false, first_line(response->body)};
  co_return std::nullopt;
}

HealthVerdict health_by_life_sign(const std::string& state_dir, SteadyTime now) {
  if (!StateDir::owner(state_dir)) return {false, "no daemon holds " + state_dir + ": it is not running, or daemon.state_dir is another one"};
  const std::optional<LifeSign> sign = read_life_sign(life_sign_path(state_dir));
  if (!sign) return {false, "the daemon has given no sign of life in " + state_dir + " yet: it may still be starting"};
  const Duration silent = now - sign->at;
  // A sign of before the machine's start may lie ahead.
  if (silent < Duration::zero()) return {false, "the daemon has given no sign of life since the machine started: it may still be starting"};
  if (silent > LifeSigns::longest_silence + LifeSigns::watch_every) {
    return {false, "the daemon's last sign of life is " + report_duration(silent) + " old: look at the disk of daemon.state_dir, then restart it"};
  }
  return {true, "healthy: the last sign of life is " + report_duration(silent) + " old"};
}

HealthVerdict health(const std::string& config) {
  SystemClock clock;
  const Result<Settings> settings = load_settings(config, false);
  if (!settings) {
    const std::optional<std::string> folder = inherited_state_dir(process_environment);
    if (!folder) return {false, first_line(settings.error().message)};
    return health_by_life_sign(*folder, clock.steady_now());
  }
  if (const std::optional<std::string> url = health_url(settings->admin)) {
    const std::optional<HealthVerdict> verdict = ask_listener(*url);
    if (verdict) return *verdict;
  }
  return health_by_life_sign(settings->daemon.state_dir, clock.steady_now());
}

}  // namespace auditferry
