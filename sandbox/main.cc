// auditferry-sandbox: a simulated portal for demos and tests of the real program.
#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>

#include "encoding/time_format.h"
#include "net/system_clock.h"
#include "sandbox/portal_server.h"
#include "sandbox/verify.h"

namespace auditferry {
namespace {

struct Arguments {
  std::string listen = "127.0.0.1:8480";
  std::uint64_t seed = 1;
  double rate = 1;
  double device_rate = -1;
  std::uint32_t pile = 1;
  std::string history = "1h";
  std::uint64_t records = 0;
  std::uint64_t record_bytes = 0;
  std::uint32_t page_limit = 1000;
  double late_share = 0;
  std::string late_by = "10m";
  double disorder_share = 0;
  std::string disorder_by = "1m";
  std::string burst_every;
  std::uint32_t burst_size = 100;
  std::string retention;
  std::string plan = "ENTERPRISE";
  std::string cursor_lifetime;
  std::uint32_t cursor_uses = 0;
  std::string expired_cursor = "400";
  std::uint32_t rate_limit = 0;
  std::string tls_dir;
  std::string faults_file;
  std::vector<std::string> faults;
  std::string array_name = "logs";
  bool milliseconds = false;
  bool order_by_event = false;
  bool ignore_start = false;
  bool ignore_end = false;
};

void describe(CLI::App& app, Arguments& arguments) {
  app.add_option("--listen", arguments.listen, "address:port; port 0 takes any")->capture_default_str();
  app.add_option("--seed", arguments.seed, "the same seed makes the same records")->capture_default_str();
  app.add_option("--rate", arguments.rate, "records per second and stream")->capture_default_str();
  app.add_option("--device-rate", arguments.device_rate, "another rate for the stream device");
  app.add_option("--pile", arguments.pile, "records that share one instant")->capture_default_str();
  app.add_option("--history", arguments.history, "how far back the logs reach at the start, for example 24h")
      ->capture_default_str();
  app.add_option("--records", arguments.records,
                 "makes this many audit records at once, spread over the history");
  app.add_option("--record-bytes", arguments.record_bytes, "pads records to this size");
  app.add_option("--page-limit", arguments.page_limit, "the server's largest page")->capture_default_str();
  app.add_option("--late-share", arguments.late_share, "share of records that appear late, 0 to 1");
  app.add_option("--late", arguments.late_by, "how late those are")->capture_default_str();
  app.add_option("--disorder-share", arguments.disorder_share,
                 "share of records that are older than their event number says");
  app.add_option("--disorder", arguments.disorder_by, "by at most this much")->capture_default_str();
  app.add_option("--burst-every", arguments.burst_every,
                 "a burst of records of one instant, for example every 5m");
  app.add_option("--burst-size", arguments.burst_size, "records of a burst")->capture_default_str();
  app.add_option("--retention", arguments.retention, "older records are forgotten");
  app.add_option("--plan", arguments.plan, "of the tenant")
      ->check(CLI::IsMember({"FREE", "TEAM", "ENTERPRISE"}))
      ->capture_default_str();
  app.add_option("--cursor-lifetime", arguments.cursor_lifetime, "cursors expire after this time");
  app.add_option("--cursor-uses", arguments.cursor_uses, "cursors expire after this many pages");
  app.add_option("--expired-cursor", arguments.expired_cursor, "what an expired cursor brings")
      ->check(CLI::IsMember({"400", "empty", "first", "same"}))
      ->capture_default_str();
  app.add_option("--rate-limit", arguments.rate_limit, "requests per minute and credential");
  app.add_option("--tls-dir", arguments.tls_dir,
                 "serves HTTPS with a certificate made now; its authority is DIR/ca.pem")
      ->check(CLI::ExistingDirectory);
  app.add_option("--faults", arguments.faults_file,
                 "a JSON file with a script of faults, as for POST /sandbox/faults")
      ->check(CLI::ExistingFile);
  app.add_option("--fault", arguments.faults, "KIND=RATE, for example cut=0.05; may be repeated");
  app.add_option("--array-name", arguments.array_name, "another name for the array of records")
      ->capture_default_str();
  app.add_flag("--milliseconds", arguments.milliseconds, "creation_time and bounds in milliseconds");
  app.add_flag("--order-by-event", arguments.order_by_event, "pages follow event numbers instead of times");
  app.add_flag("--ignore-start", arguments.ignore_start, "the start of a range is ignored");
  app.add_flag("--ignore-end", arguments.ignore_end, "the end of a range is ignored");
}

Status read_duration(const char* name, const std::string& text, Duration& duration) {
  if (text.empty()) return {};
  const std::optional<Duration> parsed = parse_duration(text);
  if (!parsed)
    return Error{ErrorKind::invalid,
                 std::string(name) + ": '" + text + "' is not a duration such as 90s or 24h"};
  duration = *parsed;
  return {};
}

Result<SandboxStreamOptions> stream_options(const Arguments& arguments) {
  SandboxStreamOptions stream;
  stream.rate_per_second = arguments.rate;
  stream.pile = arguments.pile;
  stream.late_share = arguments.late_share;
  stream.disorder_share = arguments.disorder_share;
  stream.burst_size = arguments.burst_size;
  stream.record_bytes = arguments.record_bytes;
  for (const auto& [name, text, target] :
       {std::tuple<const char*, const std::string*, Duration*>{"--late", &arguments.late_by, &stream.late_by},
        {"--disorder", &arguments.disorder_by, &stream.disorder_by},
        {"--burst-every", &arguments.burst_every, &stream.burst_every},
        {"--retention", &arguments.retention, &stream.retention},
        {"--history", &arguments.history, &stream.history}}) {
    if (Status read = read_duration(name, *text, *target); !read.ok()) return read.error();
  }
  return stream;
}

Result<PortalOptions> portal_options(const Arguments& arguments) {
  const Result<SandboxStreamOptions> stream = stream_options(arguments);
  if (!stream.ok()) return stream.error();
  PortalOptions options;
  options.seed = arguments.seed;
  options.tenants.front().plan = arguments.plan;
  options.page_limit = arguments.page_limit;
  for (const SandboxLog log : {SandboxLog::audit, SandboxLog::device, SandboxLog::okta, SandboxLog::github})
    options.streams[log] = *stream;
  if (arguments.device_rate >= 0) options.streams[SandboxLog::device].rate_per_second = arguments.device_rate;
  if (arguments.records > 0) {
    for (auto& [log, each] : options.streams) each.rate_per_second = 0;
  }
  if (Status read = read_duration("--cursor-lifetime", arguments.cursor_lifetime, options.cursors.lifetime);
      !read.ok())
    return read.error();
  options.cursors.uses = arguments.cursor_uses;
  if (arguments.expired_cursor == "empty") options.cursors.expired = SandboxExpiredCursor::empty_page;
  if (arguments.expired_cursor == "first") options.cursors.expired = SandboxExpiredCursor::first_page;
  if (arguments.expired_cursor == "same") options.cursors.expired = SandboxExpiredCursor::same_cursor;
  options.rate_limit.requests = arguments.rate_limit;
  options.dialect.array_name = arguments.array_name;
  options.dialect.order_by_event = arguments.order_by_event;
  options.dialect.ignore_start = arguments.ignore_start;
  options.dialect.ignore_end = arguments.ignore_end;
  if (arguments.milliseconds)
    options.dialect.time_unit = options.dialect.request_time_unit = TimeUnit::milliseconds;
  return options;
}

Result<Faults> faults(const Arguments& arguments) {
  Faults faults;
  if (!arguments.faults_file.empty()) {
    std::ifstream file(arguments.faults_file);
    std::stringstream text;
    text << file.rdbuf();
    Result<Faults> parsed = parse_faults(text.str());
    if (!parsed.ok()) return parsed;
    faults = std::move(parsed).value();
  }
  faults.seed = arguments.seed;
  for (const std::string& given : arguments.faults) {
    const std::size_t equals = given.find('=');
    const Result<FaultKind> kind = parse_fault_kind(given.substr(0, equals));
    if (!kind.ok()) return kind.error();
    RandomFault chance;
    chance.fault.kind = *kind;
    if (*kind == FaultKind::rate_limited) chance.fault = rate_limit_fault(std::chrono::seconds(5));
    char* end = nullptr;
    chance.rate = equals == std::string::npos ? 1 : std::strtod(given.c_str() + equals + 1, &end);
    if (end && *end != '\0') return Error{ErrorKind::invalid, "--fault: '" + given + "' is not KIND=RATE"};
    faults.random.push_back(chance);
  }
  return faults;
}

Result<PortalServerOptions> server_options(const Arguments& arguments) {
  PortalServerOptions options;
  const std::size_t colon = arguments.listen.rfind(':');
  const std::string port = colon == std::string::npos ? "" : arguments.listen.substr(colon + 1);
  if (port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != std::string::npos ||
      std::stoul(port) > 65'535) {
    return Error{ErrorKind::invalid, "--listen: '" + arguments.listen + "' is not address:port"};
  }
  options.address = arguments.listen.substr(0, colon);
  if (options.address.starts_with('[') && options.address.ends_with(']'))
    options.address = options.address.substr(1, options.address.size() - 2);
  options.port = static_cast<std::uint16_t>(std::stoul(port));
  if (arguments.tls_dir.empty()) return options;
  Result<TestCertificates> certificates = TestCertificates::make(arguments.tls_dir);
  if (!certificates.ok()) return certificates.error();
  Result<CertificateFiles> files = certificates->issue_for_loopback();
  if (!files.ok()) return files.error();
  options.tls = PortalServerTls{*files, "", false};
  return options;
}

int complain(const Error& error) {
  std::cerr << "auditferry-sandbox: " << error.message << '\n';
  return error.kind == ErrorKind::invalid ? 2 : 1;
}

int serve(const Arguments& arguments) {
  const Result<PortalOptions> options = portal_options(arguments);
  if (!options.ok()) return complain(options.error());
  Result<Faults> planned = faults(arguments);
  if (!planned.ok()) return complain(planned.error());
  const Result<PortalServerOptions> listening = server_options(arguments);
  if (!listening.ok()) return complain(listening.error());
  SystemClock clock;
  Portal portal(*options, [&clock] { return clock.now(); });
  portal.set_faults(std::move(planned).value());
  if (arguments.records > 0) {
    const WallTime now = clock.now();
    const Duration history = options->streams.at(SandboxLog::audit).history;
    portal.make("audit", arguments.records, now - history, now, arguments.record_bytes);
  }
  // Signals first: whoever reads the address may send one at once.
  boost::asio::io_context context{1};
  boost::asio::signal_set signals(context, SIGTERM, SIGINT);
  signals.async_wait([](const boost::system::error_code&, int) {});
  PortalServer server(portal, *listening);
  if (Status started = server.start(); !started.ok()) return complain(started.error());
  std::cout << "tenant " << sandbox_tenant << "\ntoken_key " << sandbox_token_key << "\ntoken_secret "
            << sandbox_token_secret << "\nlistening " << server.origin() << std::endl;
  context.run();
  server.stop();
  return 0;
}

int verify(const std::string& portal, const std::vector<std::string>& files) {
  const Result<std::vector<std::string>> made = ask_for_ids(portal);
  if (!made.ok()) return complain(made.error());
  const Result<Comparison> comparison = compare_files(files, *made);
  if (!comparison.ok()) return complain(comparison.error());
  std::cout << "made " << comparison->made << ", in files " << comparison->in_files << ", missing " << comparison->missing << ", twice "
            << comparison->twice << ", never made " << comparison->unknown << ", out of order " << comparison->out_of_order << '\n';
  if (!comparison->equal()) std::cout << "NOT EQUAL: " << comparison->example << '\n';
  if (comparison->equal()) std::cout << "every record is in the files, each once\n";
  return comparison->equal() ? 0 : 1;
}

int stop_making(const std::string& portal) {
  const Status stopped = ask_to_stop_making(portal);
  return stopped.ok() ? 0 : complain(stopped.error());
}

}  // namespace
}  // namespace auditferry

int main(int argc, char** argv) {
  CLI::App app("A simulated portal with audit and device logs, for demos and tests.", "auditferry-sandbox");
  app.footer(
      "The base URL of the AppTego profile is the listening address with /frontend; Okta's and GitHub's "
      "profiles take the\n"
      "address itself. GET /sandbox/records?stream=audit lists every record it ever made, GET /sandbox/stats "
      "its counts;\n"
      "POST /sandbox/stop-making ends generation, POST /sandbox/faults sets faults. The portal rewrites its history "
      "by\nPOST /sandbox/change?stream=audit&id=ID (the record says something else from then on) and POST "
      "/sandbox/erase?stream=audit&id=ID\n(it is shown no more); the ids are those of GET /sandbox/records.");
  auditferry::Arguments arguments;
  auditferry::describe(app, arguments);
  std::string portal = "http://127.0.0.1:8480";
  std::vector<std::string> files;
  CLI::App* verify = app.add_subcommand("verify", "compares files of format json with everything a running sandbox has made");
  verify->add_option("--portal", portal, "the sandbox's address")->capture_default_str();
  verify->add_option("files", files, "the files")->required();
  CLI::App* stop_making = app.add_subcommand("stop-making", "tells a running sandbox to make no more records");
  stop_making->add_option("--portal", portal, "the sandbox's address")->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (*verify) return auditferry::verify(portal, files);
  if (*stop_making) return auditferry::stop_making(portal);
  return auditferry::serve(arguments);
}
