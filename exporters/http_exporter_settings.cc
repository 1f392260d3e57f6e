#include "exporters/http_exporter_settings.h"

#include <optional>
#include <utility>
#include <vector>

#include "config/peer_reader.h"
#include "encoding/json_view.h"
#include "encoding/url.h"
#include "exporters/http_sink_settings.h"

namespace auditferry {
namespace {

struct StatusSet {
  int from;
  int to;
};

// 503, "503" or "5xx".
std::optional<StatusSet> parse_status(const JsonView& value) {
  const std::string text = value.scalar_text();
  if (text.size() != 3 || text[0] < '1' || text[0] > '5' || (!value.is_string() && !value.is_number()))
    return std::nullopt;
  const int hundred = (text[0] - '0') * 100;
  if (text.substr(1) == "xx") return StatusSet{hundred, hundred + 99};
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
  }
  const int status = std::stoi(text);
  return StatusSet{status, status};
}

// Single statuses are stronger than whole classes.
void read_statuses(TomlTable& table, StatusTable& statuses) {
  std::vector<std::pair<StatusSet, Verdict>> classes;
  std::vector<std::pair<StatusSet, Verdict>> single;
  for (const auto& [key, verdict] :
       {std::pair("delivered", Verdict::delivered), std::pair("retry", Verdict::retry),
        std::pair("pause", Verdict::pause), std::pair("refused", Verdict::refused)}) {
    const std::optional<std::string> list = table.json(key);
    if (!list) continue;
    if (!JsonView(*list).is_array()) {
      table.error(key, "expected a list such as [409, \"5xx\"]");
      continue;
    }
    for (const JsonView value : JsonView(*list).elements()) {
      const std::optional<StatusSet> set = parse_status(value);
      if (!set) {
        table.error(key, std::string(value.raw()) + " is no status: write a number such as 409, or \"4xx\"");
        continue;
      }
      auto& others = set->from == set->to ? single : classes;
      for (const auto& [other, of_other] : others) {
        if (other.from == set->from && of_other != verdict)
          table.error(key, value.scalar_text() + " is in two lists that exclude each other");
      }
      others.emplace_back(*set, verdict);
    }
  }
  for (const auto* sets : {&classes, &single}) {
    for (const auto& [set, verdict] : *sets) {
      for (int status = set.from; status <= set.to; ++status) statuses.set(status, verdict);
    }
  }
}

void read_signature(TomlTable& table, const SecretPlaces& places, HttpExporterSettings& settings) {
  if (const auto key = read_required_secret(table, "key", places)) {
    settings.signature_key = *key;
    settings.sink.hidden.push_back(*key);
  }
  const std::optional<std::string> header = table.string("header");
  if (!header) return;
  if (header->empty() ||
      header->find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") !=
          header->npos) {
    table.error("header", "is no name of a header: letters, digits and '-'");
  } else {
    settings.signature_header = *header;
  }
}

// An address that is a secret itself, as some services give out: it may hold a query, and is in no message.
void read_secret_url(TomlTable& table, const SecretPlaces& places, HttpExporterSettings& settings) {
  const std::optional<Secret> secret = read_secret(table, "url", places);
  if (!secret || secret->empty()) return;
  const Result<Url> url = parse_url(secret->reveal());
  if (!url.ok()) {
    table.error("url", "the secret is no address such as https://hook.example.com/PATH?QUERY");
  } else if (!url->origin.tls && !is_loopback(url->origin.host) && !settings.sink.peer.tls.insecure) {
    table.error(
        "url",
        "sends credentials and records in the clear: https:// is needed, or tls.insecure = true if this is "
        "meant");
  } else {
    settings.url = secret->reveal();
    settings.sink.hidden.push_back(*secret);
    if (url->target.size() > 1) settings.sink.hidden.emplace_back(url->target);
  }
}

void read_address(TomlTable& table, const SecretPlaces& places, HttpExporterSettings& settings) {
  if (table.kind("url") == TomlKind::table) {
    read_secret_url(table, places, settings);
    return;
  }
  settings.url = table.required_string("url");
  if (table.kind("url") == TomlKind::string) check_url(table, "url", settings.url, settings.sink.peer);
}

std::string default_content_type(HttpBody body, bool json) {
  if (!json) return "text/plain; charset=utf-8";
  return body == HttpBody::ndjson ? "application/x-ndjson" : "application/json";
}

}  // namespace

StatusTable::StatusTable() {
  for (int status = 100; status < 600; ++status) set(status, HttpSink::verdict_of(status));
}

Verdict StatusTable::of(int status) const {
  if (status < 100 || status > 599) return Verdict::retry;
  return verdicts_[static_cast<std::size_t>(status - 100)];
}

HttpExporterSettings read_http_exporter_settings(TomlTable& table, const SecretPlaces& places) {
  HttpExporterSettings settings;
  settings.sink = read_http_sink(table, places);
  read_auth(table, places, ApiKey::none, settings.sink);
  read_address(table, places, settings);
  settings.method =
      table.choice<std::string>("method", {{"POST", "POST"}, {"PUT", "PUT"}}).value_or(settings.method);
  settings.body = table
                      .choice<HttpBody>("body", {{"ndjson", HttpBody::ndjson},
                                                 {"array", HttpBody::array},
                                                 {"single", HttpBody::single}})
                      .value_or(settings.body);
  const bool json = format_is_json(table);
  if (settings.body == HttpBody::array && !json)
    table.error("body", "\"array\" is a JSON array, and format \"" + *table.string("format") +
                            "\" makes no JSON: use body = \"ndjson\" (one line per record) or \"single\"");
  settings.content_type = table.string("content_type").value_or(default_content_type(settings.body, json));
  fits_header(table, "content_type", Secret(settings.content_type));
  if (std::optional<TomlTable> signature = table.table("signature"))
    read_signature(*signature, places, settings);
  settings.accept_html = table.boolean("accept_html").value_or(false);
  if (std::optional<TomlTable> status = table.table("status")) read_statuses(*status, settings.statuses);
  return settings;
}

}  // namespace auditferry
