#include "sandbox/verify.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <fstream>
#include <unordered_map>

#include "encoding/json_scanner.h"
#include "encoding/json_view.h"
#include "net/http_client.h"
#include "net/resolver.h"
#include "net/system_clock.h"
#include "net/tls_context.h"
#include "core/log.h"
#include "sandbox/portal_options.h"

namespace auditferry {
namespace {

Task<void> send(HttpClient& client, HttpRequest request, Result<HttpResponse>& response) { response = co_await client.send(std::move(request)); }

Result<std::string> ask(const std::string& method, const std::string& url) {
  boost::asio::io_context loop{1};
  SystemClock clock;
  NullLog log;
  SystemResolver resolver(loop.get_executor(), clock);
  TlsContexts contexts;
  BeastHttpClient client(loop.get_executor(), clock, resolver, contexts, {}, {}, log);
  HttpRequest request;
  request.method = method;
  request.url = url;
  request.max_body_bytes = std::uint64_t{4} << 30;
  Result<HttpResponse> response = Error{ErrorKind::io, "the sandbox did not answer"};
  std::exception_ptr failure;
  boost::asio::co_spawn(loop, send(client, std::move(request), response), [&](std::exception_ptr exception) {
    failure = exception;
    loop.stop();
  });
  loop.run();
  if (failure) std::rethrow_exception(failure);
  if (!response) return std::move(response).error();
  if (response->status != 200) return Error{ErrorKind::protocol, "the sandbox at " + url + " answered with status " + std::to_string(response->status)};
  return std::move(response->body);
}

}  // namespace

Result<std::vector<std::string>> ask_for_ids(const std::string& origin) {
  std::vector<std::string> ids;
  for (const std::string stream : {"audit", "device"}) {
    const Result<std::string> lines = ask("GET", origin + "/sandbox/records?stream=" + stream);
    if (!lines) return lines.error();
    for (std::size_t begin = 0; begin < lines->size();) {
      const std::size_t end = std::min(lines->find('\n', begin), lines->size());
      const auto id = JsonView(std::string_view(*lines).substr(begin, end - begin)).find("id");
      if (id) ids.push_back("apptego/" + std::string(sandbox_tenant) + "/" + stream + "/" + id->scalar_text());
      begin = end + 1;
    }
  }
  return ids;
}

Status ask_to_stop_making(const std::string& origin) {
  const Result<std::string> done = ask("POST", origin + "/sandbox/stop-making");
  return done ? Status() : Status(done.error());
}

Result<Comparison> compare_files(const std::vector<std::string>& files, const std::vector<std::string>& made) {
  Comparison comparison;
  std::unordered_map<std::string, std::uint32_t> found;
  for (const std::string& id : made) found.emplace(id, 0);
  comparison.made = found.size();
  auto note = [&comparison](std::uint64_t& count, const std::string& what) {
    if (++count == 1 && comparison.example.empty()) comparison.example = what;
  };
  for (const std::string& path : files) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return Error{ErrorKind::not_found, "cannot read " + path};
    std::int64_t last_seq = 0;
    for (std::string line; std::getline(file, line);) {
      const Result<ScannedJson> scanned = scan_json(line);
      const JsonView view(scanned.ok() ? std::string_view(scanned->text) : std::string_view("{}"));
      const auto id = view.find("id");
      const auto seq = view.find("seq");
      ++comparison.in_files;
      if (!scanned.ok() || !id || !seq) {
        note(comparison.unknown, path + " has a line that is not a record: " + line.substr(0, 200));
        continue;
      }
      const std::int64_t number = seq->as_int64().value_or(0);
      if (number <= last_seq) note(comparison.out_of_order, path + ": seq " + std::to_string(number) + " after " + std::to_string(last_seq));
      last_seq = number;
      const auto known = found.find(id->scalar_text());
      if (known == found.end()) {
        note(comparison.unknown, "never made: " + id->scalar_text());
      } else if (known->second++ > 0) {
        note(comparison.twice, "twice: " + id->scalar_text());
      }
    }
  }
  for (const auto& [id, count] : found) {
    if (count == 0) note(comparison.missing, "missing: " + id);
  }
  return comparison;
}

}  // namespace auditferry
